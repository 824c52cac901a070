"""A ridge regression on the predictions of other recommenders, or their mean."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from sklearn.base import clone

from qrec.backends.open import open_backend
from qrec.backends.workload import Asked
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError, DataError
from qrec.recommenders._bases import check_unseen, predict_parts, without_device, workloads_of_parts
from qrec.recommenders.als import ALS
from qrec.recommenders.base import Pairs, Recommender
from qrec.recommenders.ease import EASE
from qrec.recommenders.quantum import QuantumRecommender
from qrec.recommenders.spaces import Range
from qrec.types import Array, Codes


class Ensemble(Recommender):
    """Predict intercept + sum_m w_m r_m with r_m the prediction of member m.

    Intercept and weights are a ridge regression (penalty `alpha` on the weights) of the
    validation ratings on what the members, fitted to the others, predict for them: stacking
    (Wolpert, Neural Networks 5, 1992; Breiman, Machine Learning 24, 1996). Without validation
    ratings a tenth of the others is held back.

    With one member this is a calibration, the line that brings its predictions nearest to the
    ratings, and it alone can gain more than a second member does: an ensemble must be laid beside
    its members *calibrated*. With ``prefit=True`` members are taken as they are, fitted on the
    same ratings; otherwise clones are fitted. Pairs that a member cannot score are not scored.

    With ``weights="equal"`` the prediction is the members' mean: nothing is learned, and nothing
    held back or asked for it.
    """

    def __init__(
        self,
        members: Sequence[Recommender] | None = None,
        prefit: bool = False,
        alpha: Annotated[float, Ge(0), Range(low=0.1, high=1000.0, log=True)] = 10.0,
        random_state: Annotated[int, Ge(0)] = 0,
        weights: Literal["ridge", "equal"] = "ridge",
    ) -> None:
        self.members = members
        self.prefit = prefit
        self.alpha = alpha
        self.random_state = random_state
        self.weights = weights

    def check(self) -> None:
        for place, member in enumerate([] if self.members is None else self.members):
            if not isinstance(member, Recommender):
                raise ConfigError(
                    f"Ensemble: members[{place}] is {member!r}; expected a Recommender"
                )
        if self.members is not None and not self.members:
            raise ConfigError("Ensemble: members is empty; expected at least one Recommender")

    def ignored(self) -> dict[str, str]:
        equal = self.weights == "equal"
        return dict.fromkeys(("alpha", "random_state"), "weights: equal") if equal else {}

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return what the members ask: in their fits, and for the validation ratings."""
        from qrec.recommenders._training import hold_out

        if self.weights == "equal":
            untrained = [] if self.prefit else self._untrained()
            return [one for member in untrained for one in member.questions(ratings, validation)]
        to_fit, to_stack = hold_out(ratings, validation, self.random_state)
        asked: list[Asked] = []
        for member in self._untrained():
            asked += [] if self.prefit else member.questions(to_fit, to_stack)
            if isinstance(member, QuantumRecommender):
                base = member
                if not self.prefit:
                    base = without_device(member).fit(to_fit, validation=to_stack)
                [workloads] = workloads_of_parts(base, [to_stack])
                asked.append(Asked(open_backend(member.backend), workloads, 1))
        return asked

    def _untrained(self) -> list[Recommender]:
        return [ALS(), EASE()] if self.members is None else list(self.members)

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders._training import hold_out

        self.check()
        members = self._untrained()
        if self.weights == "equal":
            if not self.prefit:
                members = [clone(member).fit(ratings, validation=validation) for member in members]
            self.members_ = members
            self.intercept_, self.weights_ = 0.0, np.full(len(members), 1 / len(members))
            return
        check_unseen("Ensemble", self.prefit, validation)
        to_fit, to_stack = hold_out(ratings, validation, self.random_state)
        if not self.prefit:
            members = [clone(member).fit(to_fit, validation=to_stack) for member in members]
        self.members_ = members
        predicted = [predict_parts(member, [to_stack])[0] for member in members]
        self.intercept_, self.weights_ = stack(
            np.column_stack(predicted), to_stack.value, self.alpha
        )

    def _fold_in(self, ratings: Ratings) -> None:
        self.members_ = [member.fold_in(ratings) for member in self.members_]

    def _can_score(self, users: Codes, items: Codes) -> NDArray[np.bool_]:
        known = super()._can_score(users, items)
        for member in self.members_:
            known &= member._can_score(users, items)
        return known

    def _predict(self, users: Codes, items: Codes) -> Array:
        return self._predict_pairs(np.column_stack([users, items]))

    def _predict_pairs(self, pairs: Pairs) -> Array:
        predicted = np.column_stack([member.predict(pairs) for member in self.members_])
        out: Array = self.intercept_ + predicted @ self.weights_
        return out


def stack(predicted: Array, truth: Array, alpha: float) -> tuple[float, Array]:
    """Return intercept and weights `(k,)` of the ridge regression of `truth` `(n,)`.

    `predicted` is `(n, k)`; rows with a ``nan`` are left out. The intercept is not penalised.
    Raises DataError where no row is left.
    """
    scored = ~np.isnan(predicted).any(axis=1)
    if not scored.any():
        raise DataError("Ensemble: no validation rating is scored by all members")
    x, y = predicted[scored], truth[scored]
    mean = x.mean(axis=0)
    x = x - mean
    # The tiny ridge keeps a constant member, or two that are the same, solvable at alpha = 0.
    gram = x.T @ x + max(alpha, 1e-9) * np.eye(x.shape[1])
    weights: Array = np.linalg.solve(gram, x.T @ (y - y.mean()))
    return float(y.mean() - mean @ weights), weights
