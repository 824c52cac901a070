"""The classical twin of the quantum recommendation system: low rank by sampling alone."""

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import csr_array

from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.recommenders.spaces import Range
from qrec.types import Array, Codes

_ZERO = 1e-12  # of the largest squared singular value of the sample: what rounding makes of 0
_BATCH = 64  # proposals of the rejection sampler at a time
_MOST_TRIES = 30_000  # refused one after another: what is left to draw counts as nothing


class FKV(Recommender):
    """Recommend by sampling from an approximate low-rank matrix of the ratings.

    Tang, "A quantum-inspired classical algorithm for recommendation systems" (STOC 2019),
    arXiv:1807.04271, on the factorisation of Frieze, Kannan, Vempala, "Fast Monte-Carlo
    algorithms for finding low-rank approximations", J. ACM 51 (2004). A holds the ratings, and
    zeros where there is none. `n_rows` rows are drawn by their squared lengths and scaled to
    one length (S), as many columns of S in the same way; the singular vectors u_l and values
    s_l of that sample give ``v_l = S^T u_l / s_l``, and ``sum_l <A_u, v_l> v_l`` stands for
    the row of the best matrix of rank `n_factors`. It predicts; the v_l, nearly orthonormal at
    best, are written out for that.

    `sample` needs none of it written out: the overlaps are means over `n_draws` entries of the
    user's row, and items come from rejection sampling. `random_state` seeds all of it.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1), Range(low=2, high=32, log=True)] = 10,
        n_rows: Annotated[int, Ge(1)] = 400,
        n_draws: Annotated[int, Ge(1)] = 400,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_rows = n_rows
        self.n_draws = n_draws
        self.random_state = random_state

    def sample(self, users: NDArray[np.integer[Any]], n: int = 1) -> Codes:
        """Return n items `(n_users, n)` drawn from each user's approximate row, squared.

        Items rated in training are drawn again; -1 stands where nothing else is found.
        """
        users, _ = self._split_pairs(np.column_stack([users, np.zeros_like(users)]))
        rng, out = np.random.default_rng(self.random_state), np.full((len(users), n), -1, np.int32)
        rows, matrix = self._sampled_rows(), self._matrix()
        by_item = rows.tocsc()
        for place in np.flatnonzero(self.known_users_[users]):
            row = matrix[users[place] : users[place] + 1]
            weights = self.left_ @ self._overlaps(row, rng)  # of the sampled rows
            if weights.any():
                found = _rejection_sample(rows, by_item, weights, row.indices, n, rng)
                out[place, : len(found)] = found
        return out

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.largest_ = float(np.abs(ratings.value).max()) or 1.0  # keeps squares within floats
        self.values_ = ratings.value[np.lexsort((ratings.item, ratings.user))] / self.largest_
        squares = self._matrix().power(2).sum(axis=1)
        self.row_norms_, self.norm_ = np.sqrt(squares), float(np.sqrt(squares.sum()))
        self.known_users_ &= squares > 0
        self.drawn_, self.left_ = np.zeros(0, np.int32), np.zeros((0, 1))
        self.item_vectors_ = np.zeros((ratings.n_items, 1))
        if not self.norm_:
            return
        rng = np.random.default_rng(self.random_state)
        p = self.n_rows
        self.drawn_ = rng.choice(len(squares), p, p=squares / squares.sum()).astype(np.int32)
        rows = self._sampled_rows()
        columns = np.array([_entry(rows, s, rng) for s in rng.integers(p, size=p)])
        shares = rows.power(2).sum(axis=0) / self.norm_**2
        sample = rows[:, columns].toarray() / np.sqrt(p * shares[columns])
        k = min(self.n_factors, p)
        squared, vectors = eigh(sample @ sample.T, subset_by_index=[p - k, p - 1])
        kept = squared > _ZERO * squared[-1]
        self.left_ = vectors[:, kept] / np.sqrt(squared[kept])
        self.item_vectors_ = np.asarray(rows.T @ self.left_)

    def _predict(self, users: Codes, items: Codes) -> Array:
        asked, row = np.unique(users, return_inverse=True)
        overlaps = self.largest_ * (self._matrix()[asked] @ self.item_vectors_)
        return np.asarray(np.einsum("nk,nk->n", overlaps[row], self.item_vectors_[items]))

    def _predict_all(self, users: Codes) -> Array:
        overlaps = self.largest_ * (self._matrix()[users] @ self.item_vectors_)
        return np.asarray(overlaps @ self.item_vectors_.T)

    def _matrix(self) -> csr_array:
        """Return A, `(n_users, n_items)`, in units of its largest entry."""
        return self._seen_matrix(self.values_)

    def _sampled_rows(self) -> csr_array:
        """Return S, `(n_rows, n_items)`: the drawn rows, each of length |A|_F / sqrt(n_rows)."""
        rows = self._matrix()[self.drawn_]
        scale = self.norm_ / np.sqrt(self.n_rows) / self.row_norms_[self.drawn_]
        return csr_array(rows.multiply(scale[:, None]))

    def _overlaps(self, row: csr_array, rng: np.random.Generator) -> Array:
        """Return <A_u, v_l> as means of |A_u|^2 v_l(j) / A_uj over j drawn from the row."""
        square = float((row.data**2).sum())
        drawn = rng.choice(len(row.data), self.n_draws, p=row.data**2 / square)
        factors = square / row.data[drawn] / self.n_draws
        return np.asarray(factors @ self.item_vectors_[row.indices[drawn]])


def _entry(rows: csr_array, place: int, rng: np.random.Generator, size: int | None = None) -> Any:
    """Return columns of a row, drawn by the squares of its entries."""
    part = slice(rows.indptr[place], rows.indptr[place + 1])
    squares = rows.data[part] ** 2
    return rng.choice(rows.indices[part], size, p=squares / squares.sum())


def _rejection_sample(
    rows: csr_array,
    by_item: Any,
    weights: Array,
    seen: NDArray[np.integer[Any]],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.integer[Any]]:
    """Return up to n items with probability ~ (S^T w)_j^2 among those not seen."""
    found: list[int] = []
    share, tries = weights**2 / (weights**2).sum(), 0
    while tries < _MOST_TRIES:
        for place in rng.choice(len(weights), _BATCH, p=share):
            item = int(_entry(rows, place, rng))
            part = slice(by_item.indptr[item], by_item.indptr[item + 1])
            terms = weights[by_item.indices[part]] * by_item.data[part]
            accept = terms.sum() ** 2 / (len(weights) * (terms**2).sum())
            if rng.random() >= accept or item in seen:
                tries += 1
                continue
            found.append(item)
            tries = 0
            if len(found) == n:
                return np.array(found)
    return np.array(found, dtype=np.int32)
