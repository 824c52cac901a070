"""The Heisenberg light cone: gates that an observable cannot see are left out."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from qrec.backends.exact.read.parts import part_of
from qrec.backends.exact.read.pauli import Codes, local
from qrec.backends.exact.read.program import Operation, Program, on_qubits

Letters = frozenset[int]  # of I, X, Y, Z = 0..3, what can stand on a qubit


def light_cone(program: Program, codes: Codes) -> tuple[Program, tuple[int, ...]]:
    """Return the cone of an observable by its Pauli strings, see `cone`."""
    qubits = range(program.n_qubits)
    return cone(program, {q: frozenset(local(codes, (q,)).tolist()) for q in qubits})


def cone(program: Program, observed: Mapping[int, Letters]) -> tuple[Program, tuple[int, ...]]:
    """Return the program on the qubits that matter, and which qubits those are.

    `observed` are the letters that the observable has on a qubit. Going back from the end, the
    letters that can stand on each qubit are followed: a gate that leaves all strings of such
    letters as they are is dropped, such as any gate outside the observable's past, or a CNOT
    whose control is only seen through Z. Qubit j of the answer is qubit ``kept[j]`` of the
    circuit.
    """
    letters = [observed.get(q, frozenset()) | {0} for q in range(program.n_qubits)]
    seen: list[Operation] = []
    for operation in reversed(program.operations):
        before = _through(_Gate(operation), tuple(letters[q] for q in operation.qubits))
        if before is None:
            continue
        seen.append(operation)
        for qubit, reached in zip(operation.qubits, before, strict=True):
            letters[qubit] |= reached
    acted_on = {q for op in seen for q in op.qubits}
    kept = tuple(q for q in range(program.n_qubits) if letters[q] != {0} or q in acted_on)
    place_of = {q: j for j, q in enumerate(kept)}
    return on_qubits(replace(program, operations=tuple(reversed(seen))), place_of), kept


class _Gate:
    """An operation, equal to any other of the same gate wherever it stands."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._key = operation.kind()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Gate) and self._key == other._key


@lru_cache(maxsize=4096)
def _through(gate: _Gate, letters: tuple[Letters, ...]) -> tuple[Letters, ...] | None:
    """Return the letters before a gate, given those after it; None where nothing changes."""
    inside = np.arange(4 ** len(letters))
    for place, known in enumerate(letters):
        inside = inside[np.isin(local(inside, (place,)), list(known))]
    part = part_of(gate.operation)
    if part.leaves(inside):
        return None
    reached = np.flatnonzero(part.pattern()[inside].any(axis=0))
    return tuple(frozenset(local(reached, (place,)).tolist()) for place in range(len(letters)))
