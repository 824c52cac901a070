"""An LSTM that corrects the predictions of another recommender."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Le
from sklearn.base import clone

from qrec.backends.open import open_backend
from qrec.backends.workload import Asked, Workload
from qrec.data.ratings import Ratings
from qrec.recommenders.base import Pairs, Recommender
from qrec.recommenders.global_mean import GlobalMean
from qrec.recommenders.parameters import is_backend
from qrec.recommenders.quantum import QuantumRecommender
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.types import Array, Codes

if TYPE_CHECKING:
    from torch import nn


class LSTMCorrector(Recommender):
    """Predict b + e, with b the prediction of `base` and e the error an LSTM expects of it.

    `QuantumErrorLSTM` of "Integrating Quantum SVD & LSTM for Improved Recommender Accuracy":
    the embeddings of user and item (32 numbers each) and b are one step of an LSTM with 64
    hidden units; dropout 0.1 and a linear layer give e. Adam on the squared error, early
    stopping on the validation RMSE.

    The embeddings alone can learn who rates high and what is rated high, whatever `base`
    says: around the default `base`, the global mean, the corrector tells how much of a hybrid's
    accuracy owes nothing to its base. With ``prefit=True`` `base` is taken as it is, fitted
    on the same ratings; otherwise a clone of it is fitted. Pairs that `base` cannot score are
    not scored.
    """

    def __init__(
        self,
        base: Recommender | None = None,
        prefit: bool = False,
        embedding_dim: Annotated[int, Ge(1)] = 32,
        hidden_dim: Annotated[int, Ge(1)] = 64,
        dropout: Annotated[float, Ge(0), Le(1), Range(low=0.0, high=0.5)] = 0.1,
        learning_rate: Annotated[float, Ge(0), Range(low=1e-5, high=1e-2, log=True)] = 1e-4,
        n_epochs: Annotated[int, Ge(1)] = 20,
        batch_size: Annotated[int, Ge(1)] = 256,
        patience: Annotated[int, Ge(1)] = 2,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.base = base
        self.prefit = prefit
        self.embedding_dim = embedding_dim
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.random_state = random_state

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return what the base asks: in its own fit, and for the ratings it is corrected on.

        To see what circuits it will predict with, a quantum base that is yet to be fitted is
        fitted here without a device.
        """
        from qrec.recommenders._training import hold_out

        if self.base is None:
            return []
        parts = hold_out(ratings, validation, self.random_state)
        asked = [] if self.prefit else self.base.questions(*parts)
        if isinstance(self.base, QuantumRecommender):
            base = self.base
            if not self.prefit:
                base = without_device(base).fit(parts[0], validation=parts[1])
            workloads = [w for own in workloads_of_parts(base, parts) for w in own]
            asked.append(Asked(open_backend(self.base.backend), workloads, 1))
        return asked

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders import _lstm_training
        from qrec.recommenders._training import Schedule, hold_out

        to_fit, to_stop = hold_out(ratings, validation, self.random_state)
        base = GlobalMean() if self.base is None else self.base
        self.base_ = base if self.prefit else clone(base).fit(to_fit, validation=to_stop)
        schedule = Schedule(
            self.learning_rate, self.n_epochs, self.batch_size, self.patience, self.random_state
        )
        parts = to_fit, to_stop
        fitted, stopping = map(_covered, parts, predict_parts(self.base_, parts))
        self.weights_, self.history_ = _lstm_training.fit(
            self._untrained(), fitted, stopping, schedule
        )

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self._predict_pairs(np.column_stack([users, items]))

    def _predict_pairs(self, pairs: Pairs) -> Array:
        from qrec.recommenders import _lstm_training

        users, items = self._split_pairs(pairs)
        base = self.base_.predict(pairs)
        net = _lstm_training.restore(self._untrained(), self.weights_)
        return base + _lstm_training.expected_error(net, users, items, base)

    def _untrained(self) -> "nn.Module":
        from qrec.recommenders._lstm_training import ErrorLSTM

        return ErrorLSTM(
            self.n_users_, self.n_items_, self.embedding_dim, self.hidden_dim, self.dropout,
            child_seed(self.random_state, "start"),
        )  # fmt: skip


def predict_parts(base: Recommender, parts: Sequence[Ratings]) -> list[Array]:
    """Return what `base` predicts for each part of some ratings; all circuits are one question."""
    if not isinstance(base, QuantumRecommender):
        return [base.predict(part) for part in parts]
    asked = workloads_of_parts(base, parts)
    found = iter(open_backend(base.backend).run([w for own in asked for w in own]))
    readings = [[next(found) for _ in own] for own in asked]
    return [base.combine(part, own) for part, own in zip(parts, readings, strict=True)]


def workloads_of_parts(base: QuantumRecommender, parts: Sequence[Ratings]) -> list[list[Workload]]:
    """Return what must be evaluated to predict each part."""
    return [base.workloads(part, f"corrected/{i}") for i, part in enumerate(parts)]


def without_device(model: QuantumRecommender) -> QuantumRecommender:
    """Return an unfitted copy that asks noiseless backends alone, as do the models in it."""
    names = [name for name in model.get_params() if is_backend(name)]
    copy: QuantumRecommender = clone(model).set_params(**dict.fromkeys(names))
    return copy


def _covered(ratings: Ratings, predicted: Array) -> tuple[Ratings, Array]:
    """Return the ratings for which there is a prediction, and the predictions."""
    scored = ~np.isnan(predicted)
    return ratings[scored], predicted[scored]
