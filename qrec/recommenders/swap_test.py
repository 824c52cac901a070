"""Factor models whose dot product is read from a quantum overlap test."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from sklearn.base import clone

from qrec.backends.open import Openable
from qrec.backends.workload import Asked
from qrec.circuits.encodings import vectors_to_angles
from qrec.circuits.overlap_test import overlap_test
from qrec.circuits.swap_test import swap_test
from qrec.data.ratings import Ratings
from qrec.recommenders._factors import FactorRecommender
from qrec.recommenders.als import ALS
from qrec.recommenders.quantum import QuantumRecommender, read_z
from qrec.types import Array, Codes


class SwapTest(QuantumRecommender):
    """Predict offset + p_u . q_i with the overlap of the two directions read from a circuit.

    `base` is the factor model, by default plain ALS with 4 factors; lengths and offset stay
    classical. `estimate` says what stands for the dot product, <Z> being the ancilla's:

    - ``"signed"`` (default): |p||q| <Z> of the Hadamard test, equal to p . q, sign included;
    - ``"root"``: |p||q| sqrt(max(<Z>, 0)) of the SWAP test, equal to |p . q|: for factors
      that are never negative, such as those of a non-negative factorisation;
    - ``"report"``: |p||q| <Z> of the SWAP test, as in "Integrating Quantum SVD & LSTM for
      Improved Recommender Accuracy". As p0 = (1 + <p|q>^2)/2, this is the *squared* overlap
      and no dot product; it is here to reproduce the report's figures.
    """

    def __init__(
        self,
        base: FactorRecommender | None = None,
        estimate: Literal["signed", "root", "report"] = "signed",
        backend: Openable = None,
    ) -> None:
        self.base = base
        self.estimate = estimate
        self.backend = backend

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return what the fit of `base` asks: an overlap has nothing to train."""
        return [] if self.base is None else self.base.questions(ratings, validation)

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        base = ALS(n_factors=4) if self.base is None else clone(self.base)
        self.base_ = base.fit(ratings, validation=validation)
        q = self.base_.item_factors_
        self.item_angles_, self.item_norms_ = vectors_to_angles(q), np.linalg.norm(q, axis=1)
        self._encode_users()

    def _fold_in(self, ratings: Ratings) -> None:
        self.base_ = self.base_.fold_in(ratings)
        self._encode_users()

    def _encode_users(self) -> None:
        p = self.base_.user_factors_
        self.user_angles_, self.user_norms_ = vectors_to_angles(p), np.linalg.norm(p, axis=1)

    def fitted_circuit(self) -> QuantumCircuit:
        n_factors = self.base_.user_factors_.shape[1]
        return overlap_test(n_factors) if self.estimate == "signed" else swap_test(n_factors)

    def readout(self) -> SparseObservable:
        n_qubits = self.fitted_circuit().num_qubits
        return read_z(n_qubits, n_qubits - 1 if self.estimate == "signed" else 0)

    def _angles(self, users: Codes, items: Codes) -> Mapping[str, Array]:
        return {"u": self.user_angles_[users], "v": self.item_angles_[items]}

    def _rating(self, users: Codes, items: Codes, value: Array) -> Array:
        overlap = np.sqrt(np.maximum(value, 0.0)) if self.estimate == "root" else value
        dot: Array = self.user_norms_[users] * self.item_norms_[items] * overlap
        return self.base_.offset(users, items) + dot
