"""Pauli twirling: the mean over circuits with random Paulis around two-qubit gates.

Wallman, Emerson, PRA 94, 052325 (2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from qiskit.circuit import pauli_twirl_2q_gates

from qrec.backends.base import Backend
from qrec.backends.mitigation.base import Ask, Mitigation
from qrec.backends.mitigation.executed import as_executed
from qrec.backends.workload import Reading, Workload
from qrec.seeds import child_seed


@dataclass(frozen=True)
class PauliTwirling(Mitigation):
    """The mean over `n_randomizations` of the ISA circuit, Paulis drawn around cx, cz, ecr.

    They leave the circuit the same and make the noise of these gates a Pauli channel; they are
    merged with the gates on one qubit beside them. Each randomization takes the backend's shots.
    The spread between exact randomizations is no part of `stderr`: it is that of shots alone.
    """

    n_randomizations: int = 8
    seed: int = 0

    def readings(self, backend: Backend, workloads: Sequence[Workload], ask: Ask) -> list[Reading]:
        asked = [
            self._twirled(backend, workload, number)
            for workload in (as_executed(backend, workload) for workload in workloads)
            for number in range(self.n_randomizations)
        ]
        found, n = ask(backend, asked), self.n_randomizations
        return [_mean(found[place * n : (place + 1) * n]) for place in range(len(workloads))]

    def _twirled(self, backend: Backend, workload: Workload, number: int) -> Workload:
        seed = child_seed(self.seed, "twirl", workload.key, number) & (2**63 - 1)
        twirled = pauli_twirl_2q_gates(workload.circuit, seed=seed, target=backend.target)
        return replace(workload, circuit=twirled, key=f"{workload.key}/twirl{number}")


def _mean(found: Sequence[Reading]) -> Reading:
    values, errors = (np.stack([getattr(r, k) for r in found]) for k in ("value", "stderr"))
    shots = None if found[0].shots is None else sum(r.shots or 0 for r in found)
    return Reading(values.mean(0), np.sqrt((errors**2).sum(0)) / len(found), shots)
