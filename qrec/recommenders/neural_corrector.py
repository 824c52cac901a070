"""A recurrent network or a transformer that corrects the predictions of another recommender."""

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from sklearn.base import clone

from qrec.backends.workload import Asked
from qrec.data.history import History, Rows
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError, DataError
from qrec.recommenders._bases import check_unseen, folds, predict_parts, stacking_questions
from qrec.recommenders._corrector_inputs import (
    Cell,
    Inputs,
    Loss,
    Past,
    Target,
    events_before,
)
from qrec.recommenders.base import Pairs, Recommender
from qrec.recommenders.global_mean import GlobalMean
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.types import Array, Codes

if TYPE_CHECKING:
    from torch import nn

    from qrec.recommenders._corrector_training import Part


class NeuralCorrector(Recommender):
    """Predict b + e, with b the prediction of `base` and e what a network expects of its error.

    The network reads one step after another: the user's last `sequence_length` training ratings
    *strictly* earlier than the target, oldest first, and at last the target. A step is the
    embeddings of user and item (`embedding_dim` numbers each) and b; in a sequence also the
    rating's residual against b and the log of the time until the target, both 0 for the target
    itself. The state after the target, `hidden_dim` numbers with dropout, gives e by a linear
    layer. `cell` is an "lstm", a "gru", or a "transformer", one encoder block with `n_heads`
    heads. With ``target="rating"`` e + mean rating is the prediction: b is only read.

    Adam on the `loss` "mse", "mae" or "huber" (quadratic up to one star), stopped early by the
    same on the validation ratings (the root of it for "mse"): `history_`.

    On its own training ratings a base errs less than on others. With `n_folds` the network is
    trained on predictions of bases fitted without them (cross-fitting, the clean form of
    stacking; Wolpert, Neural Networks 5, 1992): base, residuals and histories of a training
    rating come from the other folds alone. 0 takes the base's own.

    With ``prefit=True`` `base` is taken as it is, fitted on the same ratings, clones of it are
    fitted for the folds alone; otherwise a clone is fitted. By default it is the global mean.
    Pairs that `base` cannot score are not scored. `LSTMCorrector` is the form in which this was
    published. Raises DataError where a sequence is to be read and ratings have no timestamps,
    and where a prefit base has seen all ratings, as no validation ratings are given.
    """

    def __init__(
        self,
        base: Recommender | None = None,
        prefit: bool = False,
        cell: Cell = "gru",
        target: Target = "error",
        loss: Loss = "mse",
        sequence_length: Annotated[int, Ge(0)] = 0,
        n_folds: Annotated[int, Ge(0)] = 0,
        embedding_dim: Annotated[int, Ge(1)] = 16,
        hidden_dim: Annotated[int, Ge(1)] = 64,
        n_heads: Annotated[int, Ge(1)] = 4,
        dropout: Annotated[float, Ge(0), Le(1), Range(low=0.0, high=0.5)] = 0.1,
        learning_rate: Annotated[float, Ge(0), Range(low=1e-5, high=1e-2, log=True)] = 1e-3,
        n_epochs: Annotated[int, Ge(1)] = 20,
        batch_size: Annotated[int, Ge(1)] = 512,
        patience: Annotated[int, Ge(1)] = 2,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.base = base
        self.prefit = prefit
        self.cell = cell
        self.target = target
        self.loss = loss
        self.sequence_length = sequence_length
        self.n_folds = n_folds
        self.embedding_dim = embedding_dim
        self.hidden_dim = hidden_dim
        self.n_heads = n_heads
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def check(self) -> None:
        name = type(self).__name__
        if self.n_folds == 1:
            raise ConfigError(f"{name}: n_folds is 1; expected 0, or 2 and more")
        if self.cell == "transformer" and self.hidden_dim % self.n_heads:
            raise ConfigError(
                f"{name}: hidden_dim is {self.hidden_dim}; expected a multiple of n_heads, "
                f"which is {self.n_heads}"
            )

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return what the base asks: in its own fits, and for the ratings it is corrected on.

        To see what circuits it will predict with, a quantum base that is yet to be fitted is
        fitted here without a device.
        """
        from qrec.recommenders._training import hold_out

        if self.base is None:
            return []
        train, stop = hold_out(ratings, validation, self.random_state)
        return stacking_questions(self.base, self.prefit, train, stop, self._folds(train))

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders import _corrector_training
        from qrec.recommenders._training import Schedule, hold_out

        self.check()
        check_unseen(type(self).__name__, self.prefit, validation)
        if self.sequence_length and ratings.timestamp is None:
            raise DataError(
                f"{type(self).__name__}: sequence_length is {self.sequence_length}, and a sequence "
                "needs timestamps; these ratings have none"
            )
        parts = train, stop = hold_out(ratings, validation, self.random_state)
        base = GlobalMean() if self.base is None else self.base
        self.base_ = base if self.prefit else clone(base).fit(train, validation=stop)
        of_train, of_stop = predict_parts(self.base_, parts)
        bases, of_base = [of_train], np.zeros(len(train), np.int64)
        for number, held in enumerate(self._folds(train), 1):
            fitted = clone(base).fit(train[~held], validation=stop)
            bases += predict_parts(fitted, [train])
            of_base[held] = number
        self.mean_ = float(parts[0].value.mean())
        self.events_ = self._kept(train, of_train)
        past, inputs = self._training_inputs(train, np.array(bases), of_base)
        schedule = Schedule(
            self.learning_rate, self.n_epochs, self.batch_size, self.patience, self.random_state
        )
        self.weights_, self.history_ = _corrector_training.fit(
            self._untrained(),
            self._known(inputs, train.value),
            self._known(self._inputs(stop, of_stop), stop.value),
            (past, self._past()),
            self.loss, self.scale_, schedule,
        )  # fmt: skip

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self._predict_pairs(np.column_stack([users, items]))

    def _predict_pairs(self, pairs: Pairs) -> Array:
        from qrec.recommenders import _corrector_training

        inputs = self._inputs(pairs, self.base_.predict(pairs))
        net = _corrector_training.restore(self._untrained(), self.weights_)
        return self._offset(inputs) + _corrector_training.outputs(net, inputs, self._past())

    def _offset(self, inputs: Inputs) -> Array:
        """Return what the network's output is added to, `(n,)`."""
        return inputs.base if self.target == "error" else np.full(len(inputs), self.mean_)

    def _known(self, inputs: Inputs, value: Array) -> "Part":
        """Return what to train or to stop on: the targets that the base can score."""
        from qrec.recommenders._corrector_training import Part

        scored = ~np.isnan(inputs.base)
        return Part(inputs[scored], self._offset(inputs[scored]), value[scored])

    def _inputs(self, pairs: Pairs, base: Array) -> Inputs:
        """Return what is read of pairs that were not trained on, given the base's predictions."""
        users, items = self._split_pairs(pairs)
        if not self.sequence_length:
            return Inputs(users, items, base)
        history = History(self._event_ratings())
        times = history.times(pairs)
        events = history.of_users(users, times, self.sequence_length)
        return Inputs(users, items, base, times, events, np.zeros(len(users), np.int64))

    def _training_inputs(
        self, ratings: Ratings, bases: Array, of_base: Rows
    ) -> tuple[Past | None, Inputs]:
        """Return events and inputs of the training ratings.

        `bases`, `(1 + n_folds, n)`, are the predictions of the base and of those of the folds,
        `of_base`, `(n,)`, says by which each rating goes.
        """
        base = bases[of_base, np.arange(len(ratings))]
        if not self.sequence_length:
            return None, Inputs(ratings.user, ratings.item, base)
        time = ratings.timestamp
        assert time is not None
        events = np.empty((len(ratings), self.sequence_length), np.int64)
        for number in np.unique(of_base):
            mine = of_base == number
            usable = ~np.isnan(bases[number]) & (~mine if number else True)
            events[mine] = events_before(
                ratings, usable, ratings.user[mine], time[mine], self.sequence_length
            )
        past = Past(ratings.item, time, bases, ratings.value - bases)
        return past, Inputs(ratings.user, ratings.item, base, time, events, of_base)

    def _kept(self, ratings: Ratings, base: Array) -> dict[str, Any]:
        """Return what of the training ratings later predictions read: their events."""
        if not self.sequence_length:
            return {}
        kept = ratings[~np.isnan(base)]
        columns = {name: getattr(kept, name) for name in ("user", "item", "value", "timestamp")}
        return columns | {"base": base[~np.isnan(base)]}

    def _event_ratings(self) -> Ratings:
        columns = {name: column for name, column in self.events_.items() if name != "base"}
        ids = np.arange(self.n_users_), np.arange(self.n_items_)
        return Ratings(**columns, user_ids=ids[0], item_ids=ids[1], scale=self.scale_)

    def _past(self) -> Past | None:
        """Return the events of later predictions."""
        if not self.sequence_length:
            return None
        base, value = self.events_["base"][None], self.events_["value"]
        return Past(self.events_["item"], self.events_["timestamp"], base, value - base)

    def _folds(self, train: Ratings) -> list[NDArray[np.bool_]]:
        return folds(len(train), self.n_folds, self.random_state) if self.n_folds else []

    def _untrained(self) -> "nn.Module":
        from qrec.recommenders._corrector_net import CorrectorNet, NetShape

        shape = NetShape(
            self.n_users_, self.n_items_, self.cell, self.embedding_dim, self.hidden_dim,
            self.n_heads, self.dropout, self.sequence_length,
        )  # fmt: skip
        return CorrectorNet(shape, child_seed(self.random_state, "start"))
