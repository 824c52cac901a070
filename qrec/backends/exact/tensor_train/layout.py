"""Where a program's qubits stand on the line, and what becomes of a train at its front.

The sites of the pull are qubits. The sites that rows meet are factors (see `heisenberg.front`),
whose qubits stand together on the line; a factor that is the same for all rows, such as an idle
qubit, is multiplied into its neighbour.
"""

from collections.abc import Sequence

import numpy as np

from qrec.backends.exact.heisenberg.front import Factor
from qrec.backends.exact.read.pauli import Real
from qrec.backends.exact.read.program import Operation
from qrec.backends.exact.tensor_train.order import line_order
from qrec.errors import ConfigError

_WIDEST_FACTOR = 4  # qubits: 256 features


class Layout:
    """Factors in the order of the line; raises ConfigError for one of too many qubits."""

    def __init__(self, factors: Sequence[Factor], suffix: Sequence[Operation]) -> None:
        widest = max((len(f.qubits) for f in factors), default=0)
        if widest > _WIDEST_FACTOR:
            raise ConfigError(
                f"tensor train: gates join {widest} qubits before the last angle that differs by "
                f"row, at most {_WIDEST_FACTOR} here; expected data encoding at the start"
            )
        groups = [f.qubits for f in factors]
        self.factors = [factors[i] for i in line_order(groups, suffix)]
        self.qubits = [q for factor in self.factors for q in factor.qubits]
        self.place = {qubit: site for site, qubit in enumerate(self.qubits)}

    def at_factors(self, cores: Sequence[Real]) -> list[Real]:
        """Return cores `(n_variants, left, n_features, right)`, one per factor.

        Variants of a factor's qubits are products, those of its first qubit change slowest.
        """
        out, start = [], 0
        for factor in self.factors:
            own = cores[start : start + len(factor.qubits)]
            start += len(own)
            joined = own[0]
            for core in own[1:]:  # later qubits are higher digits of a Pauli code
                both = np.einsum("mlpr,nrqs->mnlqps", joined, core)
                m, n, left, q, p, right = both.shape
                joined = both.reshape(m * n, left, q * p, right)
            out.append(np.einsum("mlpr,pf->mlfr", joined, factor.features))
        return out


def absorb(cores: Sequence[Real]) -> tuple[list[Real], list[int]]:
    """Multiply cores of one feature and one variant into a neighbour.

    Return the others, at least one, and which they are.
    """
    kept: list[Real] = []
    which: list[int] = []
    waiting = np.ones((1, 1))
    for place, core in enumerate(cores):
        if core.shape[0] == core.shape[2] == 1:
            waiting = waiting @ core[0, :, 0]
            continue
        kept.append(np.einsum("kl,mlfr->mkfr", waiting, core))
        which.append(place)
        waiting = np.eye(core.shape[3])
    if not kept:
        return [waiting[None, :, None]], [0]
    kept[-1] = kept[-1] @ waiting
    return kept, which
