"""A program cut in two: what depends on the row, and what is the same for all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from qrec.backends.exact.read.program import Operation, Program, Rotation, depends_on_row


@dataclass(frozen=True, eq=False)
class Partition:
    """The front, then a suffix that is the same for every row.

    The front is a product of `factors`: groups of qubits that it never joins, ordered by the
    first parameter they depend on.
    """

    factors: tuple[tuple[int, ...], ...]
    front: tuple[Operation, ...]
    suffix: tuple[Operation, ...]


def partition(program: Program, row_columns: Sequence[bool]) -> Partition:
    """Cut a program; `row_columns` says of each parameter whether it differs by row.

    An operation belongs to the suffix when neither it nor any later one on its qubits that
    must follow it depends on the row; what runs beside it on other qubits does not matter.
    """
    front: list[Operation] = []
    suffix: list[Operation] = []
    blocked: set[int] = set()
    for operation in reversed(program.operations):
        if depends_on_row(operation, row_columns) or blocked & set(operation.qubits):
            blocked |= set(operation.qubits)
            front.append(operation)
        else:
            suffix.append(operation)
    front.reverse()
    suffix.reverse()
    return Partition(_factors(program.n_qubits, front), tuple(front), tuple(suffix))


def _factors(n_qubits: int, front: Sequence[Operation]) -> tuple[tuple[int, ...], ...]:
    group = {q: {q} for q in range(n_qubits)}
    first = dict.fromkeys(range(n_qubits), n_qubits * len(front) + 1 << 32)
    for operation in front:
        joined: set[int] = set().union(*(group[q] for q in operation.qubits))
        if isinstance(operation, Rotation):
            first[operation.qubits[0]] = min([first[operation.qubits[0]], *operation.columns])
        for qubit in joined:
            group[qubit] = joined
    unique = {tuple(sorted(g)) for g in group.values()}
    return tuple(sorted(unique, key=lambda g: (min(first[q] for q in g), g)))
