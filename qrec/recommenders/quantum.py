"""What recommenders that read a circuit have in common: plan, execute, read."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from sklearn.utils.validation import check_is_fitted

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Reading, Workload
from qrec.recommenders.base import Pairs, Recommender

Array = NDArray[np.float64]
Codes = NDArray[np.int32]


class QuantumRecommender(Recommender):
    """Base of the recommenders whose prediction is an expectation value.

    `predict` is `workloads` -> backend -> `combine`; the three can be called apart, so that a
    detached job can stand between them. `backend` may be changed after `fit` with
    `set_params`: what was learned does not depend on where predictions are evaluated.
    """

    backend: Openable

    def workloads(self, pairs: Pairs, key: str = "predict") -> list[Workload]:
        """Return what must be evaluated to score `pairs`: at most one workload, one PUB.

        Pairs that cannot be scored ask for nothing.
        """
        check_is_fitted(self)
        users, items = self._split_pairs(pairs)
        known = self._can_score(users, items)
        return [self._workload(users[known], items[known], key)] if known.any() else []

    def combine(self, pairs: Pairs, readings: Sequence[Reading]) -> Array:
        """Return the predictions `(n,)` that the readings of `workloads(pairs)` give."""
        users, items = self._split_pairs(pairs)
        known = self._can_score(users, items)
        out = np.full(len(users), np.nan)
        for reading in readings:
            rating = self._rating(users[known], items[known], reading.value)
            out[known] = np.clip(rating, *self.scale_)
        return out

    @abstractmethod
    def circuit(self) -> QuantumCircuit:
        """Return the fitted logical circuit; its free parameters are the data's angles."""

    @abstractmethod
    def observable(self) -> SparseObservable:
        """Return the diagonal observable that is read."""

    @abstractmethod
    def _angles(self, users: Codes, items: Codes) -> Mapping[str, Array]:
        """Return the circuit's angles by parameter vector, each `(n, length)`."""

    @abstractmethod
    def _rating(self, users: Codes, items: Codes, value: Array) -> Array:
        """Turn expectation values into ratings, `(n,)`."""

    def _predict(self, users: Codes, items: Codes) -> Array:
        workload = self._workload(users, items, "predict")
        return self._rating(users, items, open_backend(self.backend).run([workload])[0].value)

    def _workload(self, users: Codes, items: Codes, key: str) -> Workload:
        circuit, angles = self.circuit(), self._angles(users, items)
        columns = [angles[p.vector.name][:, p.index] for p in circuit.parameters]
        return Workload(circuit, self.observable(), np.column_stack(columns), key)


def read_z(n_qubits: int, qubit: int) -> SparseObservable:
    """Return Z of one qubit."""
    return SparseObservable.from_sparse_list([("Z", [qubit], 1.0)], n_qubits)
