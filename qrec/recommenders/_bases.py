"""What models that are built on other recommenders have in common: asking those."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from qrec.backends.open import open_backend
from qrec.backends.workload import Asked, Workload
from qrec.data.ratings import Ratings
from qrec.errors import DataError
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import is_backend
from qrec.recommenders.quantum import QuantumRecommender
from qrec.seeds import child_seed
from qrec.types import Array


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


def folds(n: int, n_folds: int, random_state: int) -> list[NDArray[np.bool_]]:
    """Return for each fold which of `n` ratings are in it, `(n,)`; for clean stacking."""
    fold = np.random.default_rng(child_seed(random_state, "folds")).permutation(n) % n_folds
    masks = [fold == number for number in range(n_folds)]
    return [held for held in masks if 0 < held.sum() < n]


def check_unseen(name: str, prefit: bool, validation: Ratings | None) -> None:
    """Raise DataError where what was fitted already has seen all that it is to be judged on."""
    if prefit and (validation is None or len(validation) == 0):
        raise DataError(
            f"{name}: what is prefit has seen all ratings; expected validation ratings, which it "
            "has not seen"
        )


def stacking_questions(
    base: Recommender, prefit: bool, train: Ratings, stop: Ratings,
    held_out: Sequence[NDArray[np.bool_]], again: Ratings | None = None,
) -> list[Asked]:  # fmt: skip
    """Return what a base asks that is fitted on `train`, and once without each of its folds.

    Asked for are its fits and the predictions of what each is fitted on and of what it is not;
    with `again` one more fit, on these, and theirs. With `prefit` the one that predicts, on
    `again` or else on `train`, is fitted already. To see what circuits it will predict with, a
    quantum base that is yet to be fitted is fitted here without a device.
    """
    fits: list[tuple[list[Ratings], Ratings | None]] = [([train, stop], stop)]
    fits += [([train[~held], train[held]], stop) for held in held_out]
    fits += [] if again is None else [([again], None)]
    predicts = 0 if again is None else len(fits) - 1
    asked: list[Asked] = []
    for number, (parts, stopped_on) in enumerate(fits):
        given = prefit and number == predicts
        asked += [] if given else base.questions(parts[0], stopped_on)
        if isinstance(base, QuantumRecommender):
            fitted = base
            if not given:
                fitted = without_device(base).fit(parts[0], validation=stopped_on)
            workloads = [w for own in workloads_of_parts(fitted, parts) for w in own]
            asked.append(Asked(open_backend(base.backend), workloads, 1))
    return asked
