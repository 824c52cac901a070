"""What recommenders that read a circuit have in common: plan, execute, read."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVectorElement
from qiskit.quantum_info import SparseObservable
from sklearn.utils.validation import check_is_fitted

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Reading, Workload
from qrec.errors import ConfigError
from qrec.recommenders.base import Pairs, Recommender
from qrec.types import Array, Codes


class QuantumRecommender(Recommender):
    """Base of the recommenders whose prediction is an expectation value.

    `predict` is `workloads` -> backend -> `combine`; the three can be called apart, so that a
    detached job can stand between them. `backend`, by default the noiseless one, may be changed
    after `fit` with `set_params`: what was learned does not depend on where predictions are
    evaluated.

    A subclass says `fitted_circuit`, `readout`, `_angles` and `_rating`. One that reads more
    than one circuit says `_workloads` and `_ratings` in place of the last two.
    """

    backend: Openable

    def workloads(self, pairs: Pairs, key: str = "predict") -> list[Workload]:
        """Return what must be evaluated to score `pairs`: one PUB each, `key` begins their keys.

        Pairs that cannot be scored ask for nothing. Raises ConfigError where two have one key,
        by which their readings could be mistaken for each other.
        """
        check_is_fitted(self)
        users, items = self._split_pairs(pairs)
        known = self._can_score(users, items)
        found = self._workloads(users[known], items[known], key) if known.any() else []
        twice = [key for key, count in Counter(w.key for w in found).items() if count > 1]
        if twice:
            raise ConfigError(f"{type(self).__name__}: two workloads have the key {twice[0]!r}")
        return found

    def combine(self, pairs: Pairs, readings: Sequence[Reading]) -> Array:
        """Return the predictions `(n,)` that the readings of `workloads(pairs)` give, in order."""
        users, items = self._split_pairs(pairs)
        known = self._can_score(users, items)
        out = np.full(len(users), np.nan)
        if known.any():
            rating = self._ratings(users[known], items[known], readings)
            out[known] = np.clip(rating, *self.scale_)
        return out

    @abstractmethod
    def fitted_circuit(self) -> QuantumCircuit:
        """Return the fitted logical circuit; its free parameters are the data's angles."""

    @abstractmethod
    def readout(self) -> SparseObservable:
        """Return the diagonal observable that is read."""

    def _angles(self, users: Codes, items: Codes) -> Mapping[str, Array]:
        """Return the circuit's angles by parameter vector or lone parameter, `(n, length)`."""
        raise NotImplementedError

    def _rating(self, users: Codes, items: Codes, value: Array) -> Array:
        """Turn expectation values into ratings, `(n,)`."""
        raise NotImplementedError

    def _workloads(self, users: Codes, items: Codes, key: str) -> list[Workload]:
        """Return what must be evaluated for known pairs, each with a key of its own."""
        circuit = self.fitted_circuit()
        rows = parameter_rows(circuit.parameters, self._angles(users, items))
        return [Workload(circuit, self.readout(), rows, key)]

    def _ratings(self, users: Codes, items: Codes, readings: Sequence[Reading]) -> Array:
        """Turn the readings of `_workloads`, in the same order, into ratings `(n,)`."""
        sizes = [len(reading.value) for reading in readings]
        if sizes != [len(users)]:
            raise ConfigError(
                f"{type(self).__name__}: readings of {sizes} evaluations; expected one of "
                f"{len(users)}, a value for each pair that can be scored"
            )
        return self._rating(users, items, readings[0].value)

    def _predict(self, users: Codes, items: Codes) -> Array:
        workloads = self._workloads(users, items, "predict")
        return self._ratings(users, items, open_backend(self.backend).run(workloads))


def parameter_rows(parameters: Sequence[Parameter], angles: Mapping[str, Array]) -> Array:
    """Return angles by name, `(n, length)` each, as rows of `parameters`, `(n, n_parameters)`."""
    return np.column_stack([angles[vector_name(p)][:, vector_index(p)] for p in parameters])


def vector_name(parameter: Parameter) -> str:
    """Return the name of the vector that a parameter belongs to, or its own."""
    is_element = isinstance(parameter, ParameterVectorElement)
    return str(parameter.vector.name if is_element else parameter.name)


def vector_index(parameter: Parameter) -> int:
    """Return the place of a parameter in its vector; 0 for one that stands alone."""
    return parameter.index if isinstance(parameter, ParameterVectorElement) else 0


def read_z(n_qubits: int, qubit: int) -> SparseObservable:
    """Return Z of one qubit."""
    return SparseObservable.from_sparse_list([("Z", [qubit], 1.0)], n_qubits)
