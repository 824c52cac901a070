"""Qubits on a line, those that meet near each other."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from qrec.backends.exact.read.program import Operation


def line_order(groups: Sequence[tuple[int, ...]], operations: Sequence[Operation]) -> list[int]:
    """Return groups of qubits by number, in an order where operations reach over few of them.

    The better of the order given and that of reverse Cuthill-McKee (George and Liu, 1981), by
    the bonds that operations cross.
    """
    group_of = {q: i for i, group in enumerate(groups) for q in group}
    met = [sorted({group_of[q] for q in op.qubits}) for op in operations]
    pairs = [pair for some in met for pair in combinations(some, 2)]
    if not pairs:
        return list(range(len(groups)))
    one, other = zip(*pairs, strict=True)
    shape = (len(groups), len(groups))
    graph = csr_array((np.ones(2 * len(pairs)), (one + other, other + one)), shape=shape)
    narrow = [int(i) for i in reverse_cuthill_mckee(graph, symmetric_mode=True)]
    by_qubit = sorted(range(len(groups)), key=lambda i: groups[i])
    return min((narrow, by_qubit, list(range(len(groups)))), key=lambda o: _length(o, pairs))


def _length(order: Sequence[int], pairs: Sequence[tuple[int, ...]]) -> int:
    place = {group: i for i, group in enumerate(order)}
    return sum(abs(place[a] - place[b]) for a, b in pairs)
