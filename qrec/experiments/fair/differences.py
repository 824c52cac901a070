"""From stored predictions to rows: scores, the best classical row, paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qrec.experiments.fair.rows import (
    BEST,
    BIAS,
    CONTROL,
    BucketRow,
    ChoiceRow,
    DifferenceRow,
    FairRow,
    verdict,
)
from qrec.experiments.fair.spec import FairComparisonSpec, Repeat
from qrec.metrics import mae, rmse
from qrec.metrics.bootstrap import Interval, UserBootstrap
from qrec.seeds import child_seed
from qrec.types import Array, Codes


@dataclass(frozen=True, eq=False)
class Scored:
    """The test pairs of a repeat and every row's predictions of them, and of its validation part.

    What a row could not score is taken from the biases of users and items: all rows then speak
    of all pairs, as published figures do.
    """

    user: Codes  # (n,)
    truth: Array
    train_counts: Array  # (n,) how many training ratings the user of a pair has
    n_train: int
    test: Mapping[str, Array]  # label -> (n,) predictions, nan where not scored
    test_biases: Array
    validation_truth: Array  # (n_validation,), empty without a validation part
    validation: Mapping[str, Array]
    validation_biases: Array

    def errors(self, label: str) -> Array:
        """Return the errors of a row on the test pairs, `(n,)`."""
        return _filled(self.test[label], self.test_biases) - self.truth

    def validation_rmse(self, label: str) -> float:
        """Return the RMSE of a row on the validation part."""
        predicted = _filled(self.validation[label], self.validation_biases)
        return float(np.sqrt(np.mean((predicted - self.validation_truth) ** 2)))

    @property
    def unscored(self) -> float:
        """The share of test pairs that some row could not score."""
        return float(np.mean(np.any([np.isnan(each) for each in self.test.values()], axis=0)))


def _filled(prediction: Array, biases: Array) -> Array:
    return np.where(np.isnan(prediction), biases, prediction)


class Differences:
    """The rows of one protocol: those of each repeat and, of several, those over all."""

    def __init__(
        self,
        spec: FairComparisonSpec,
        repeats: Sequence[Repeat],
        scored: Sequence[Scored],
        main: "Differences | None" = None,
    ) -> None:
        """`main` are those of the main protocol, by whose validation part others may choose."""
        self._spec, self._repeats, self._scored, self._main = spec, repeats, scored, main
        self.labels = list(scored[0].test)
        self.protocol = repeats[0].group

    @cached_property
    def validation(self) -> dict[str, float]:
        """RMSE on the validation part by row, mean over repeats; of the main protocol if none."""
        if not self._has_validation:
            assert self._main is not None  # the main protocol has one
            return {label: self._main.validation[label] for label in self.labels}
        return {
            label: float(np.mean([repeat.validation_rmse(label) for repeat in self._scored]))
            for label in self.labels
        }

    @cached_property
    def best_classical(self) -> str:
        """The classical row that is best on validation ratings, never on the test's."""
        return min(self._classical, key=self.validation.__getitem__)

    def control(self, label: str) -> str | None:
        """Return the hardest control of a row: that of the lowest validation RMSE."""
        return min(self._controls(label), key=self.validation.__getitem__, default=None)

    def choice(self) -> ChoiceRow:
        """Return what was chosen, and what hindsight would choose."""
        test = {label: self._test_rmse(label) for label in self._classical}
        hindsight = min(test, key=test.__getitem__)
        return ChoiceRow(
            protocol=self.protocol,
            best_classical=self.best_classical,
            validation_rmse=self.validation[self.best_classical] if self._has_validation else None,
            best_on_test=hindsight,
            test_rmse=test[hindsight],
            train=round(np.mean([repeat.n_train for repeat in self._scored])),
            test=round(np.mean([len(repeat.truth) for repeat in self._scored])),
            unscored=float(np.mean([repeat.unscored for repeat in self._scored])),
        )

    def fair_rows(self) -> list[FairRow]:
        """Return the rows of every repeat, and those over all."""
        return [self._fair_row(label, group) for label in self.labels for group in self._groups]

    def difference_rows(self) -> list[DifferenceRow]:
        """Return how every row differs from the best classical one, the bias and its controls."""
        rows = []
        for label in self.labels:
            others: list[tuple[str, str, str | None]] = [
                (BEST, self.best_classical, None),
                (BIAS, self._spec.bias, None),
            ]
            controls = self._controls(label)
            others += [(CONTROL, control, words) for control, words in controls.items()]
            for group in self._groups:
                for role, against, instead in others:
                    found = group.difference(label, against)
                    row = DifferenceRow(
                        recommender=label,
                        protocol=group.protocol,
                        seed=group.seed,
                        role=role,
                        against=against,
                        instead=instead,
                        difference=found.value,
                        low=found.low,
                        high=found.high,
                        verdict=verdict(found),
                    )
                    rows.append(row)
        return rows

    def bucket_rows(self) -> list[BucketRow]:
        """Return rows with controls by how many training ratings a user has."""
        edges = [1, *self._spec.buckets]
        rows = []
        for at_least, below in zip(edges, [*edges[1:], None], strict=True):
            inside = [
                np.flatnonzero((t.train_counts >= at_least) & (t.train_counts < (below or np.inf)))
                for t in self._scored
            ]
            if not all(map(len, inside)):
                continue
            group = _Group(self._spec.seed, self._repeats, self._scored, inside)
            for label in self.labels:
                if (against := self.control(label)) is not None:
                    found = group.difference(label, against)
                    row = BucketRow(
                        recommender=label,
                        protocol=self.protocol,
                        at_least=at_least,
                        below=below,
                        n_pairs=sum(map(len, inside)),
                        rmse=group.rmse(label),
                        against=against,
                        difference=found.value,
                        low=found.low,
                        high=found.high,
                        verdict=verdict(found),
                    )
                    rows.append(row)
        return rows

    def _controls(self, label: str) -> dict[str, str]:
        """Return the controls of a row that take part here, and what they have instead."""
        controls = self._spec.entry(label).control
        return {control: words for control, words in controls.items() if control in self.labels}

    @property
    def _has_validation(self) -> bool:
        return all(len(repeat.validation_truth) for repeat in self._scored)

    @property
    def _classical(self) -> list[str]:
        spec = self._spec
        labels = [label for label in self.labels if spec.contends(label)]
        return [label for label in labels if spec.family(label) == "classical"]

    def _test_rmse(self, label: str) -> float:
        return self._groups[-1].rmse(label)

    @cached_property
    def _groups(self) -> list["_Group"]:
        """Every repeat by itself, then all of them where there are several."""
        places = [[place] for place in range(len(self._repeats))]
        places += [list(range(len(self._repeats)))] if len(places) > 1 else []
        return [
            _Group(
                self._spec.seed,
                [self._repeats[place] for place in chosen],
                [self._scored[place] for place in chosen],
            )
            for chosen in places
        ]

    def _fair_row(self, label: str, group: "_Group") -> FairRow:
        best = group.difference(label, self.best_classical)
        return FairRow(
            recommender=label,
            family=self._spec.family(label),
            protocol=group.protocol,
            seed=group.seed,
            rmse=group.rmse(label),
            mae=group.mae(label),
            rmse_stderr=group.rmse_stderr(label),
            minus_best_classical=best.value,
            low=best.low,
            high=best.high,
            control=self.control(label),
            verdict=verdict(best),
        )


class _Group:
    """One repeat, or all of a protocol: figures are means over them, intervals are joint.

    `inside` picks test pairs, `(n,)` positions by repeat.
    """

    def __init__(
        self,
        seed: int,
        repeats: Sequence[Repeat],
        scored: Sequence[Scored],
        inside: Sequence[np.ndarray[tuple[int], np.dtype[np.intp]]] | None = None,
    ) -> None:
        alone = len(repeats) == 1
        self.protocol = repeats[0].protocol if alone else repeats[0].group
        self.seed = repeats[0].seed if alone else None
        self._scored = scored
        self._inside = inside or [np.arange(len(repeat.truth)) for repeat in scored]
        self._users = [t.user[rows] for t, rows in zip(scored, self._inside, strict=True)]
        # Rows of one group are drawn alike, whatever other groups there are.
        named = child_seed(seed, "bootstrap", *(repeat.step for repeat in repeats))
        self._bootstrap = UserBootstrap(self._users, random_state=named)
        self._drawn: dict[str, Array] = {}

    def rmse(self, label: str) -> float:
        return float(np.mean([np.sqrt(np.mean(error**2)) for error in self._errors(label)]))

    def mae(self, label: str) -> float:
        zero = [mae(np.zeros_like(e), e, u).value for e, u in self._pairs(label)]
        return float(np.mean(zero))

    def rmse_stderr(self, label: str) -> float:
        """Return the standard error of one repeat, mean: they share ratings and users."""
        found = [rmse(np.zeros_like(e), e, u).stderr for e, u in self._pairs(label)]
        return float(np.mean(found))

    def difference(self, label: str, against: str) -> Interval:
        return self._bootstrap.difference(self._resampled(label), self._resampled(against))

    def _resampled(self, label: str) -> Array:
        if label not in self._drawn:
            self._drawn[label] = self._bootstrap.rmse(self._errors(label))
        return self._drawn[label]

    def _errors(self, label: str) -> list[Array]:
        return [
            repeat.errors(label)[rows]
            for repeat, rows in zip(self._scored, self._inside, strict=True)
        ]

    def _pairs(self, label: str) -> list[tuple[Array, Codes]]:
        return list(zip(self._errors(label), self._users, strict=True))
