"""What every recommender is: fit on ratings, predict pairs, recommend items, save and load."""

from abc import abstractmethod
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackError
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from qrec.data.ratings import Ratings, not_ratings
from qrec.errors import ConfigError, DataError
from qrec.recommenders import _store
from qrec.recommenders.parameters import check_parameters
from qrec.threads import one_thread
from qrec.types import Array, Codes

if TYPE_CHECKING:
    from qrec.backends.workload import Asked

Pairs = Ratings | NDArray[np.integer[Any]]
_SCORES_AT_ONCE = 2**18  # bounds the block of users x items that `recommend` sorts


class Recommender(BaseEstimator):  # type: ignore[misc]
    """Base of all recommenders, with scikit-learn's conventions.

    A subclass takes its hyper-parameters in `__init__` and stores them unchanged, sets fitted
    attributes ending in ``_`` in `_fit`, and scores known pairs in `_predict`. `needs` names
    what must have had a training rating for a pair to be scored; any other pair gets ``nan``.
    One that can place users it was not fitted on does so in `_fold_in`. One that looks at when a
    pair is rated, or is built on a model that may, scores in `_predict_pairs`.
    """

    needs: ClassVar[tuple[str, ...]] = ("user", "item")

    def fit(self, ratings: Ratings, y: None = None, *, validation: Ratings | None = None) -> Self:
        """Learn from `ratings`.

        `validation` is for models that stop early; the others do not look at it. Models that
        need one and get none hold a part of `ratings` back. `y` is ignored (scikit-learn's
        signature). Raises ConfigError for a parameter that its annotation in the signature does
        not allow, DataError when `ratings` is empty or beyond what float64 can solve for.
        Whatever trains runs on one thread, so that the numbers do not hang on how many there are.
        """
        del y
        if not isinstance(ratings, Ratings):
            raise ConfigError(not_ratings(f"{type(self).__name__}.fit", ratings))
        check_parameters(type(self), self.get_params(deep=False), references=False)
        if len(ratings) == 0:
            raise DataError(f"{type(self).__name__}.fit got no ratings; at least one is needed")
        self._meet_users(ratings)
        self.n_items_, self.scale_ = ratings.n_items, ratings.scale
        self.known_items_ = np.ones(self.n_items_, bool)
        if "item" in self.needs:
            self.known_items_ = np.bincount(ratings.item, minlength=self.n_items_) > 0
        with one_thread():
            try:
                self._fit(ratings, validation)
            except (np.linalg.LinAlgError, ArpackError) as error:
                low, high = ratings.value.min(), ratings.value.max()
                raise DataError(
                    f"{type(self).__name__}.fit: {error}, with ratings from {low:g} to {high:g}; "
                    "expected such as float64 can solve for: rescale them, or raise reg"
                ) from error
        return self

    def fold_in(self, ratings: Ratings) -> Self:
        """Return a copy whose users are those of `ratings`, with their ratings and no others.

        What was learned of items, and from the users of the fit, stays as it is; nothing is
        trained. `ratings` speak of the items of the fit; its user codes are the copy's, so that
        they may be the codes of a split's cold users, or those of a table of new users alone.
        Users without a rating are not known to the copy. Raises ConfigError where the model
        cannot place a user without training, DataError when `ratings` is empty or speaks of
        another number of items.
        """
        check_is_fitted(self)
        if not self.can_fold_in():
            raise ConfigError(
                f"{type(self).__name__} has no fold_in: it learns a user only by fit; expected "
                "one that places new users, such as als or bias"
            )
        if len(ratings) == 0:
            raise DataError(f"{type(self).__name__}.fold_in got no ratings; expected at least one")
        if ratings.n_items != self.n_items_:
            raise DataError(
                f"{type(self).__name__}.fold_in got ratings of {ratings.n_items} items; "
                f"expected the {self.n_items_} of the fit"
            )
        out = copy(self)  # `_fold_in` replaces arrays and changes none
        out._meet_users(ratings)
        with one_thread():
            out._fold_in(ratings)
        return out

    @classmethod
    def can_fold_in(cls) -> bool:
        """Return whether a model of this class can place users that it was not fitted on."""
        return cls._fold_in is not Recommender._fold_in

    def check(self) -> None:
        """Raise ConfigError where parameters that are right one by one do not go together.

        Experiments ask when they are loaded; what ratings are needed to see, `fit` says.
        """

    def ignored(self) -> dict[str, str]:
        """Return the parameters that the others leave without effect, and why, by name.

        Experiments refuse to set them, and tuning does not try them.
        """
        return {}

    def rates(self) -> bool:
        """Return whether scores are ratings. One that only orders items predicts ``nan``."""
        return True

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> "list[Asked]":
        """Return the most that `fit` with these ratings asks of backends; nothing by default."""
        return []

    def predict(self, pairs: Pairs) -> Array:
        """Return predicted ratings `(n,)`, clipped to the scale, for pairs of codes `(n, 2)`.

        Models that use time take `Ratings` as rated at their timestamps, and codes as rated now:
        after all training ratings. ``nan`` stands where the model cannot score. Raises DataError
        for a wrong shape or a code outside the rating matrix.
        """
        check_is_fitted(self)
        users, items = self._split_pairs(pairs)
        out = np.full(len(users), np.nan)
        known = self._can_score(users, items)
        if known.any():
            asked = _unrated(pairs) if isinstance(pairs, Ratings) else np.asarray(pairs)
            out[known] = np.clip(self._predict_pairs(asked[known]), *self.scale_)
        return out

    def recommend(self, users: NDArray[np.integer[Any]], n: int = 10) -> tuple[Codes, Array]:
        """Return the `n` best items not rated in training and their scores, `(n_users, n)` each.

        Best first; scores are not clipped, so that the order stays sharp. Where fewer than
        `n` items can be scored, the item is -1 and the score ``nan``.
        """
        check_is_fitted(self)
        users = np.atleast_1d(users)
        users, _ = self._split_pairs(np.ma.column_stack([users, np.zeros_like(users)]))
        best = np.full((len(users), n), -1, np.int32)
        scores = np.full((len(users), n), np.nan)
        step = max(1, _SCORES_AT_ONCE // self.n_items_)
        for start in range(0, len(users), step):
            block = slice(start, start + step)
            score = self._unseen_scores(users[block])
            order = np.argsort(-score, axis=1, kind="stable")[:, :n]  # nan sorts last
            top = np.take_along_axis(score, order, axis=1)
            width = top.shape[1]
            best[block, :width] = np.where(np.isnan(top), -1, order)
            scores[block, :width] = top
        return best, scores

    def score(self, ratings: Ratings, y: None = None) -> float:
        """Return minus the RMSE over the pairs that can be scored (larger is better).

        Raises ConfigError for one that only orders items.
        """
        del y
        if not self.rates():
            raise ConfigError(
                f"{type(self).__name__} orders items and predicts no ratings; expected one that "
                "does where an RMSE is asked for"
            )
        error = self.predict(ratings) - ratings.value
        return -float(np.sqrt(np.nanmean(error**2)))

    def save(self, folder: Path | str) -> None:
        """Write the fitted model into `folder` as ``model.json`` and ``arrays.npz``."""
        check_is_fitted(self)
        _store.save(self, Path(folder))

    @abstractmethod
    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None: ...

    @abstractmethod
    def _predict(self, users: Codes, items: Codes) -> Array: ...

    def _predict_pairs(self, pairs: Pairs) -> Array:
        """Score known pairs, `(n,)`; a model overrides it to see more of them than codes.

        `pairs` are what `predict` got, but for the values of `Ratings`, which are ``nan``. A
        model built on others hands it on to their `predict` as it is.
        """
        return self._predict(*self._split_pairs(pairs))

    def _fold_in(self, ratings: Ratings) -> None:
        """Replace what is fitted of users by what `ratings` say of theirs, items as they are."""
        raise NotImplementedError

    def _meet_users(self, ratings: Ratings) -> None:
        """Note who the users are, and what each has rated."""
        order, self.seen_indptr_ = _by_user(ratings)
        self.seen_items_ = ratings.item[order]
        self.n_users_, counts = ratings.n_users, np.diff(self.seen_indptr_)
        self.known_users_ = counts > 0 if "user" in self.needs else np.ones(self.n_users_, bool)

    def _predict_all(self, users: Codes) -> Array:
        """Score every item for known users, `(n_users, n_items)`; a model may have a faster way."""
        items = np.arange(self.n_items_, dtype=np.int32)
        scores = np.full((len(users), self.n_items_), np.nan)
        known = items[self.known_items_]
        pairs = np.repeat(users, len(known)), np.tile(known, len(users))
        scores[:, known] = self._predict(*pairs).reshape(len(users), len(known))
        return scores

    def _unseen_scores(self, users: Codes) -> Array:
        """Return unclipped scores `(n_users, n_items)`, nan where seen or not to be scored."""
        scores = np.full((len(users), self.n_items_), np.nan)
        known = self.known_users_[users]
        if known.any():
            scores[known] = self._predict_all(users[known])
        scores[:, ~self.known_items_] = np.nan
        seen = self._seen_matrix(np.ones(len(self.seen_items_), bool))[users]
        scores[seen.nonzero()] = np.nan
        return scores

    def _seen_matrix(self, values: NDArray[Any]) -> csr_array:
        """Return `values`, sorted by user and item, at the training ratings' places."""
        shape = (self.n_users_, self.n_items_)
        return csr_array((values, self.seen_items_, self.seen_indptr_), shape=shape)

    def _can_score(self, users: Codes, items: Codes) -> NDArray[np.bool_]:
        return self.known_users_[users] & self.known_items_[items] & self.rates()

    def _split_pairs(self, pairs: Pairs) -> tuple[Codes, Codes]:
        if np.ma.is_masked(pairs):
            raise DataError("pairs must be integer codes; found masked ones: take those rows out")
        codes = pairs.pairs if isinstance(pairs, Ratings) else np.asarray(pairs)
        if codes.ndim != 2 or codes.shape[1] != 2 or not np.issubdtype(codes.dtype, np.integer):
            raise DataError(
                "pairs must be integer codes of shape (n, 2), user and item; "
                f"got {codes.dtype} of shape {codes.shape}"
            )
        for column, size, kind in ((0, self.n_users_, "user"), (1, self.n_items_, "item")):
            wrong = (codes[:, column] < 0) | (codes[:, column] >= size)
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise DataError(
                    f"pairs row {row}: {kind} code {codes[row, column]}; expected 0 to {size - 1}"
                )
        return codes[:, 0].astype(np.int32), codes[:, 1].astype(np.int32)


def _unrated(ratings: Ratings) -> Ratings:
    """Return the same pairs and times without what they were rated: it is what is predicted."""
    unknown = np.full(len(ratings), np.nan)
    return replace(ratings, value=unknown, oracle_mean=None, oracle_variance=None)


def rating_matrix(ratings: Ratings, values: Array | None = None) -> csr_array:
    """Return the sparse matrix `(n_users, n_items)` of the ratings, or of `values` in their place.

    Entries are sorted by user and item, as `seen_items_` are. Those that equal zero stay stored:
    a residual of zero is an observation.
    """
    data = ratings.value if values is None else values
    # Made of (data, (user, item)), whether entries are sorted is left to scipy: 1.13.0 does not.
    order, indptr = _by_user(ratings)
    shape = (ratings.n_users, ratings.n_items)
    return csr_array((data[order], ratings.item[order], indptr), shape=shape)


def _by_user(ratings: Ratings) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the order of ratings by user and item, and where in it each user's begin."""
    counts = np.bincount(ratings.user, minlength=ratings.n_users)
    return np.lexsort((ratings.item, ratings.user)), np.concatenate([[0], np.cumsum(counts)])


def indicator(matrix: csr_array) -> csr_array:
    """Return ones at the stored places of `matrix`."""
    return csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), matrix.shape)
