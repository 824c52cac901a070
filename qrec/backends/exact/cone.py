"""The Heisenberg light cone: gates that an observable cannot see are left out."""

from dataclasses import replace

import numpy as np

from qrec.backends.exact.blocks import part_of
from qrec.backends.exact.pauli import Codes, local
from qrec.backends.exact.program import Operation, Program


def light_cone(program: Program, codes: Codes) -> tuple[Program, tuple[int, ...]]:
    """Return the program on the qubits that matter, and which qubits those are.

    `codes` are the Pauli strings of the observable. Going back from the end, the letters that
    can stand on each qubit are followed: a gate that leaves all strings of such letters as
    they are is dropped, such as any gate outside the observable's past, or a CNOT whose
    control is only seen through Z. Qubit j of the answer is qubit ``kept[j]`` of the circuit.
    """
    letters = {q: {0, *local(codes, (q,)).tolist()} for q in range(program.n_qubits)}
    seen: list[Operation] = []
    for operation in reversed(program.operations):
        qubits = operation.qubits
        inside = np.arange(4 ** len(qubits))
        for place, qubit in enumerate(qubits):
            inside = inside[np.isin(local(inside, (place,)), list(letters[qubit]))]
        part = part_of(operation)
        if part.leaves(inside):
            continue
        seen.append(operation)
        reached = np.flatnonzero(part.pattern()[inside].any(axis=0))
        for place, qubit in enumerate(qubits):
            letters[qubit] |= set(local(reached, (place,)).tolist())
    kept = tuple(q for q in letters if letters[q] != {0})
    place_of = {q: j for j, q in enumerate(kept)}
    operations = tuple(
        replace(op, qubits=tuple(place_of[q] for q in op.qubits)) for op in reversed(seen)
    )
    return Program(len(kept), program.n_parameters, operations), kept
