"""Gradient-boosted trees that correct another recommender from the past of user and item."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from sklearn.base import clone

from qrec.backends.workload import Asked
from qrec.data.ratings import Ratings
from qrec.errors import DataError
from qrec.recommenders import _boosted_trees
from qrec.recommenders._bases import folds, predict_parts, stacking_questions
from qrec.recommenders._boosted_inputs import HistoryKind, Inputs, Side, side_of, table
from qrec.recommenders.base import Pairs, Recommender
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.types import Array, Codes


class BoostedCorrector(Recommender):
    """Predict b + e, with b the prediction of `base` and e the error that trees expect of it.

    The trees (histogram gradient boosting, squared error; as many as are best on the validation
    ratings, at most `max_iter`: `history_`) read b, its posterior standard deviation where
    `base` has a `predict_std`; counts, mean errors and mean ratings of user and item; side data
    where `ratings.features` has any; and of the user's and of the item's last `n_events`
    training ratings before the target the base's errors, weighted by how long ago they were,
    and by how alike the items (users) are in who rated them (what they rated) and in kind.

    ``history="strict"`` reads events of earlier seconds alone. The others are for comparison:
    ``"ties"`` also reads those of the same second, which no recommender has before they are
    submitted; ``"none"`` neither times nor events. Base and tables are of all training ratings,
    later ones too.

    Stacking is clean (cross-fitting; Wolpert, Neural Networks 5, 1992): training ratings are
    divided into `n_folds`, and what the trees read of one, base, tables, errors and events, is of
    clones of `base` fitted without its fold, and of the ratings outside it. So `base` is fitted
    `n_folds` times beside the one that predicts; with ``prefit=True`` that one is taken as
    it is, fitted on the same ratings. Without validation ratings, as where a protocol such as
    that of MovieLens' u1 gives one set to learn from, a tenth of the training ratings is held
    back until the trees are chosen, from a clone of `base` too; base, tables and events of what
    predicts are then of all of them. By default `base` are the biases. Pairs that it cannot
    score are not scored. Raises DataError where a history is to be read and ratings have no
    timestamps.
    """

    def __init__(
        self,
        base: Recommender | None = None,
        prefit: bool = False,
        history: HistoryKind = "strict",
        n_events: Annotated[int, Ge(1)] = 40,
        n_folds: Annotated[int, Ge(2)] = 5,
        learning_rate: Annotated[float, Gt(0), Range(low=0.02, high=0.2, log=True)] = 0.05,
        max_iter: Annotated[int, Ge(1)] = 400,
        max_leaf_nodes: Annotated[int, Ge(2), Range(low=4, high=32, log=True)] = 15,
        min_samples_leaf: Annotated[int, Ge(1), Range(low=20, high=200, log=True)] = 80,
        reg: Annotated[float, Ge(0), Range(low=1.0, high=100.0, log=True)] = 20.0,
        max_features: Annotated[float, Gt(0), Le(1)] = 0.5,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.base = base
        self.prefit = prefit
        self.history = history
        self.n_events = n_events
        self.n_folds = n_folds
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.reg = reg
        self.max_features = max_features
        self.random_state = random_state

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return what the base asks: in all its fits, and for what is predicted with each.

        To see what circuits it will predict with, a quantum base that is yet to be fitted is
        fitted here without a device.
        """
        from qrec.recommenders._training import hold_out

        if self.base is None:
            return []
        train, stop = hold_out(ratings, validation, self.random_state)
        held_out = folds(len(train), self.n_folds, self.random_state)
        again = ratings if train is not ratings else None
        return stacking_questions(self.base, self.prefit, train, stop, held_out, again)

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders._training import hold_out

        if self.history != "none" and ratings.timestamp is None:
            raise DataError(
                f"{type(self).__name__}: history is {self.history!r}, which needs timestamps; "
                "these ratings have none: expected history 'none'"
            )
        train, stop = hold_out(ratings, validation, self.random_state)
        held_back = train is not ratings
        side = side_of(ratings)
        self.side_ = {"user": side.user, "item": side.item, "kind": side.kind}
        unfitted = UserItemBias() if self.base is None else self.base
        given = self.prefit and not held_back
        self.base_ = unfitted if given else clone(unfitted).fit(train, validation=stop)
        known, found = predict_parts(self.base_, [train, stop])
        self.events_, self.tables_ = self._known(train, known)
        x, y = self._training_inputs(unfitted, train, stop)
        trees = _boosted_trees.grow(x, y, self._boosting())
        self.history_ = self._rmse_by_iteration(trees, stop, found)
        self.trees_ = _boosted_trees.first(trees, int(self.history_.argmin()))
        if held_back:
            self.base_ = unfitted if self.prefit else clone(unfitted).fit(ratings)
            known = predict_parts(self.base_, [ratings])[0]
            self.events_, self.tables_ = self._known(ratings, known)

    def _rmse_by_iteration(self, trees: _boosted_trees.Trees, stop: Ratings, base: Array) -> Array:
        stop, base = stop[~np.isnan(base)], base[~np.isnan(base)]
        x = self._inputs(self.events_, self.tables_, self.base_, stop, base)
        return _boosted_trees.rmse_by_iteration(trees, x, base, stop.value, self.scale_)

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self._predict_pairs(np.column_stack([users, items]))

    def _predict_pairs(self, pairs: Pairs) -> Array:
        base = self.base_.predict(pairs)
        out, scored = np.full(len(base), np.nan), ~np.isnan(base)
        if scored.any():
            x = self._inputs(self.events_, self.tables_, self.base_, pairs[scored], base[scored])
            out[scored] = base[scored] + _boosted_trees.apply(self.trees_, x)
        return out

    def _training_inputs(
        self, base: Recommender, train: Ratings, stop: Ratings
    ) -> tuple[Array, Array]:
        """Return what the trees learn from: inputs `(n, k)` and errors `(n,)`, fold by fold."""
        inputs, errors = [], []
        for rest, held in self._folded(train):
            fitted = clone(base).fit(rest, validation=stop)
            known, found = predict_parts(fitted, [rest, held])
            scored = ~np.isnan(found)
            if scored.any():
                events, tables = self._known(rest, known)
                held, found = held[scored], found[scored]
                inputs.append(self._inputs(events, tables, fitted, held, found))
                errors.append(held.value - found)
        if not inputs:
            raise DataError(
                f"{type(self).__name__}: the base scores no training rating from those outside "
                f"its fold; expected more than these {len(train)} ratings"
            )
        return np.concatenate(inputs), np.concatenate(errors)

    def _folded(self, train: Ratings) -> Iterator[tuple[Ratings, Ratings]]:
        """Yield for each fold the ratings outside and those in it."""
        for held in folds(len(train), self.n_folds, self.random_state):
            yield train[~held], train[held]

    def _known(
        self, ratings: Ratings, base: Array
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Array]]:
        """Return ratings as events, with the errors of the base, and the tables made of them."""
        ratings, base = ratings[~np.isnan(base)], base[~np.isnan(base)]
        error = ratings.value - base
        events: dict[str, NDArray[Any]] = {
            "user": ratings.user, "item": ratings.item, "value": ratings.value, "error": error,
        }  # fmt: skip
        if self.history != "none" and ratings.timestamp is not None:
            events["timestamp"] = ratings.timestamp
        return events, {
            "user": table(ratings.user, ratings.value, error, ratings.n_users),
            "item": table(ratings.item, ratings.value, error, ratings.n_items),
        }

    def _inputs(
        self, events: dict[str, NDArray[Any]], tables: dict[str, Array], base: Recommender,
        pairs: Pairs, predicted: Array,
    ) -> Array:  # fmt: skip
        known = Ratings(
            events["user"], events["item"], events["value"],
            np.arange(self.n_users_), np.arange(self.n_items_), self.scale_,
            events.get("timestamp"),
        )  # fmt: skip
        inputs = Inputs(
            known, events["error"], (tables["user"], tables["item"]), Side(**self.side_),
            self.history, self.n_events,
        )  # fmt: skip
        spread = getattr(base, "predict_std", None)
        columns = [predicted] if spread is None else [predicted, spread(pairs)]
        return inputs.of(pairs, *self._split_pairs(pairs), np.column_stack(columns))

    def _boosting(self) -> _boosted_trees.Boosting:
        return _boosted_trees.Boosting(
            self.learning_rate, self.max_iter, self.max_leaf_nodes, self.min_samples_leaf,
            self.reg, self.max_features, child_seed(self.random_state, "trees"),
        )  # fmt: skip
