"""The quantum recommendation system: a user's row, projected and measured."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from scipy.sparse import csr_array

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Reading, Workload
from qrec.circuits import kp_encoding, qsvt
from qrec.circuits.encodings import register_size, vectors_to_angles
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.polynomial import threshold_polynomial
from qrec.circuits.parts.registers import projector
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError, DataError
from qrec.linalg import check_unmasked
from qrec.recommenders._blocks import LARGEST
from qrec.recommenders._filtered import filtered_rows, leading_values, soft_threshold
from qrec.recommenders.quantum import QuantumRecommender, parameter_rows
from qrec.recommenders.spaces import Range
from qrec.svd.measured import is_ideal
from qrec.types import Array, Codes

_LIKED = 0.75  # of the way from the lowest to the highest rating: 4 of 1 to 5
_ROWS_AT_ONCE = 2**22  # entries of dense rows that are filtered at a time


class KerenidisPrakash(QuantumRecommender):
    """Recommend by measuring the projection of a user's row onto the leading item vectors.

    Kerenidis, Prakash, "Quantum recommendation systems" (ITCS 2017), arXiv:1603.08675, with the
    filter of `qrec.circuits.qsvt`. A is the matrix of ratings with zeros where there is none;
    the row |A_u>, filtered, is item j with probability P(j), P being joint with success, and
    ``|A_u| sqrt(P(j))`` stands for the magnitude of the low-rank matrix there, its sign lost.
    As a rating it is far too low; its order is what counts.

    - `n_factors` names the threshold: midway between singular values n_factors and the next;
    - `degree`, even, is the number of calls of the block encoding: how sharp the filter is;
    - `values`: "ratings" themselves, or "liked": of the ratings from three quarters of the
      scale on (4 of 1 to 5) the highest, and zero for the others;
    - `n_qubits`: the block of the 2^n_qubits most active users and items is encoded and only its
      items are scored; None encodes all. Any user's row can be projected, as angles of the
      circuit: of a user outside the block, or of a new one (`project`).

    On the noiseless backend, which None is, P comes from linear algebra at any size. Elsewhere
    it is read by one circuit of 2 n_qubits + 1 qubits, all items from the same shots.
    `random_state` seeds `sample`.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 10,
        degree: Annotated[int, Ge(2)] = 16,
        values: Literal["ratings", "liked"] = "ratings",
        n_qubits: Annotated[int, Ge(1), Le(LARGEST)] | None = None,
        backend: Openable = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.degree = degree
        self.values = values
        self.n_qubits = n_qubits
        self.backend = backend
        self.random_state = random_state

    def check(self) -> None:
        if self.degree % 2:
            raise ConfigError(
                f"KerenidisPrakash: degree is {self.degree}; expected an even number, the parity "
                "of a projection"
            )

    def sample(self, users: NDArray[np.integer[Any]], n: int = 1) -> Codes:
        """Return n items `(n_users, n)` drawn from what is measured, none rated in training.

        -1 stands where there is none to draw. The distribution is that of successful runs; on a
        backend with shots that of the shots taken.
        """
        items, magnitudes = self.recommend(users, self.n_items_)
        weights = np.nan_to_num(magnitudes) ** 2
        rng, out = np.random.default_rng(self.random_state), np.full((len(items), n), -1, np.int32)
        for row in np.flatnonzero(weights.any(axis=1)):
            out[row] = rng.choice(items[row], n, p=weights[row] / weights[row].sum())
        return out

    def project(self, rows: Array) -> Array:
        """Return |x| sqrt(P(j)) `(n, n_items)` for rows x of ratings, zeros where there is none.

        The users need not be known. ``nan`` stands for items outside the block and for rows
        that are zero on it. Raises DataError for rows of another length or not finite,
        ConfigError for masked ones.
        """
        check_unmasked("rows", rows)
        rows = np.asarray(rows, dtype=float)
        if rows.ndim != 2 or rows.shape[1] != self.n_items_ or not np.isfinite(rows).all():
            raise DataError(
                f"rows of shape {rows.shape}; expected finite ratings (n, {self.n_items_}), zero "
                "where there is none"
            )
        within, out = self._encoded(rows[:, self.block_items_]), np.full(rows.shape, np.nan)
        known = np.flatnonzero(within.any(axis=1))
        if len(known):
            out[np.ix_(known, self.block_items_)] = self._magnitudes(within[known])
        return out

    def fitted_circuit(self) -> QuantumCircuit:
        return qsvt.transformed(self._encoding(), self.coefficients_)

    def readout(self) -> SparseObservable:
        """Return the projector on success: every qubit but those of the items is 0."""
        circuit, inputs = self.fitted_circuit(), self._encoding().inputs
        places = [circuit.find_bit(q).index for q in circuit.qubits if q not in inputs]
        return SparseObservable.from_sparse_list(
            [("0" * len(places), places, 1.0)], len(circuit.qubits)
        )

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.check()
        self.values_ = self._encoded(ratings.value)[np.lexsort((ratings.item, ratings.user))]
        self.block_users_ = self._most_active(ratings.user, ratings.n_users)
        self.block_items_ = self._most_active(ratings.item, ratings.n_items)
        rows, block = self._rated()[:, self.block_items_], self._block()
        self.known_users_ &= abs(rows).sum(axis=1) > 0
        inside = np.zeros(self.n_items_, bool)
        inside[self.block_items_] = True
        self.known_items_ &= inside
        self.norm_ = _length(block.data)
        self.coefficients_ = np.zeros(2)
        if self.norm_ > 0:
            leading = leading_values(block / self.norm_, self.n_factors + 1)
            threshold, gap = soft_threshold(leading, self.degree)
            self.coefficients_ = threshold_polynomial(self.degree, threshold, gap)

    def _encoded(self, ratings: Array) -> Array:
        """Return what stands in A for ratings of any shape."""
        low, high = self.scale_
        liked = np.where(ratings >= low + _LIKED * (high - low), high, 0.0)
        return ratings if self.values == "ratings" else liked

    def _most_active(self, codes: Codes, size: int) -> Codes:
        """Return the codes of the block's users or items, in ascending order."""
        counts = np.bincount(codes, minlength=size)
        n = size if self.n_qubits is None else 2**self.n_qubits
        return np.sort(np.argsort(-counts, kind="stable")[:n]).astype(np.int32)

    def _rated(self) -> csr_array:
        """Return all of A, `(n_users, n_items)`."""
        return self._seen_matrix(self.values_)

    def _block(self) -> csr_array:
        """Return what is encoded, `(n_block_users, n_block_items)`."""
        return self._rated()[self.block_users_][:, self.block_items_]

    def _encoding(self) -> BlockEncoding:
        block = self._block()
        if max(block.shape) > 2**LARGEST:
            raise ConfigError(
                f"KerenidisPrakash: n_qubits is None; expected at most {LARGEST} for circuits, as "
                f"one that loads all {block.shape[0]} x {block.shape[1]} ratings cannot be built"
            )
        padded = np.zeros([2 ** register_size(side) for side in block.shape])
        padded[: block.shape[0], : block.shape[1]] = block.toarray()
        return kp_encoding.encode(padded)

    def _question(self, rows: Array, key: str) -> Workload:
        """Return the circuit with the projectors on success and each of the block's items."""
        encoding = self._encoding()
        circuit = qsvt.transformed(encoding, self.coefficients_)
        items = range(len(self.block_items_))
        read = [projector(circuit, encoding.inputs, item) for item in items]
        angles = {"u": vectors_to_angles(rows)}
        return Workload(circuit, read, parameter_rows(circuit.parameters, angles), key)

    def _magnitudes(self, rows: Array) -> Array:
        """Return |x| sqrt(P(j)) of the block's items for rows x on them, `(n, n_block_items)`."""
        backend = open_backend(self.backend)
        if is_ideal(backend):
            return np.abs(filtered_rows(self._block() / self.norm_, rows, self.coefficients_))
        [reading] = backend.run([self._question(rows, "project")])
        return _magnitudes(rows, reading)

    def _rows(self, users: Codes) -> Array:
        """Return dense rows of users on the block's items, `(n, n_block_items)`."""
        return np.asarray(self._rated()[users][:, self.block_items_].toarray())

    def _workloads(self, users: Codes, items: Codes, key: str) -> list[Workload]:
        return [self._question(self._rows(np.unique(users)), key)]

    def _ratings(self, users: Codes, items: Codes, readings: Sequence[Reading]) -> Array:
        asked, row = np.unique(users, return_inverse=True)
        shapes = [reading.value.shape for reading in readings]
        if shapes != [(len(asked), len(self.block_items_))]:
            raise ConfigError(
                f"KerenidisPrakash: readings of {shapes}; expected one of "
                f"{(len(asked), len(self.block_items_))}, all items of each user"
            )
        found = _magnitudes(self._rows(asked), readings[0])
        return np.asarray(found[row, np.searchsorted(self.block_items_, items)])

    def _predict(self, users: Codes, items: Codes) -> Array:
        if not is_ideal(open_backend(self.backend)):
            return super()._predict(users, items)
        asked, row = np.unique(users, return_inverse=True)
        place, out = np.searchsorted(self.block_items_, items), np.empty(len(users))
        step = max(1, _ROWS_AT_ONCE // len(self.block_items_))
        for start in range(0, len(asked), step):
            found = self._magnitudes(self._rows(asked[start : start + step]))
            here = (row >= start) & (row < start + step)
            out[here] = found[row[here] - start, place[here]]
        return out

    def _predict_all(self, users: Codes) -> Array:
        out = np.full((len(users), self.n_items_), np.nan)
        out[:, self.block_items_] = self._magnitudes(self._rows(users))
        return out


def _magnitudes(rows: Array, reading: Reading) -> Array:
    lengths = np.array([_length(row) for row in rows])
    return np.asarray(lengths[:, None] * np.sqrt(np.maximum(reading.value, 0.0)))


def _length(values: Array) -> float:
    """Return the 2-norm of numbers whose squares may leave the range of floats."""
    largest = float(np.abs(values).max(initial=0.0))
    return largest * float(np.linalg.norm(values / largest)) if largest else 0.0
