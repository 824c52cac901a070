"""Stacking: weights from held-out predictions alone, and the line that one member gets."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from qrec.backends import open_backend
from qrec.data import Ratings, load_ratings, split
from qrec.errors import ConfigError, DataError
from qrec.recommenders import (
    ALS,
    EASE,
    AngleNet,
    BayesianMF,
    Ensemble,
    GlobalMean,
    SwapTest,
    UserItemBias,
    UserMean,
)
from qrec.recommenders.ensemble import stack

MEMBERS = [ALS(n_factors=2), UserItemBias()]


@pytest.fixture
def parts(ratings: Ratings) -> tuple[Ratings, Ratings]:
    """Return ratings to fit and to stack on; each user and item of the second is in the first."""
    held = np.arange(len(ratings)) % 5 == 0
    return ratings[~held], ratings[held]


def test_weights_are_the_ridge_on_validation_predictions(parts: tuple[Ratings, Ratings]) -> None:
    train, validation = parts
    model = Ensemble(MEMBERS, alpha=2.0).fit(train, validation=validation)
    columns = [ALS(n_factors=2), UserItemBias()]
    x = np.column_stack([m.fit(train).predict(validation) for m in columns])
    known = ~np.isnan(x).any(axis=1)
    expected = Ridge(alpha=2.0).fit(x[known], validation.value[known])
    assert_allclose(model.weights_, expected.coef_, rtol=1e-9)
    assert model.intercept_ == pytest.approx(expected.intercept_)
    rating = expected.predict(x[known])
    assert_allclose(model.predict(validation)[known], np.clip(rating, 1, 5), rtol=1e-9)


def test_members_never_see_what_weights_are_taken_from(ratings: Ratings) -> None:
    """Without validation ratings a part is held back, from the members too."""
    model = Ensemble([ALS(n_factors=2, n_epochs=3)], random_state=3).fit(ratings)
    turned = ratings[np.arange(len(ratings))]
    seen = np.zeros((ratings.n_users, ratings.n_items), bool)
    [member] = model.members_
    user = np.repeat(np.arange(member.n_users_), np.diff(member.seen_indptr_))
    seen[user, member.seen_items_] = True
    held = ~seen[ratings.user, ratings.item]
    assert 0 < held.mean() < 0.15
    turned.value[held] = 6 - turned.value[held]
    again = Ensemble([ALS(n_factors=2, n_epochs=3)], random_state=3).fit(turned)
    assert_array_equal(again.members_[0].item_factors_, member.item_factors_)
    assert again.weights_[0] < 0 < model.weights_[0]


def test_prefit_members_are_taken_as_they_are(parts: tuple[Ratings, Ratings]) -> None:
    train, validation = parts
    fitted = [ALS(n_factors=2).fit(train), UserItemBias().fit(train)]
    one = Ensemble(fitted, prefit=True).fit(train, validation=validation)
    assert one.members_[0] is fitted[0]
    other = Ensemble(MEMBERS).fit(train, validation=validation)
    assert_allclose(one.predict(validation), other.predict(validation), rtol=1e-9)
    with pytest.raises(DataError, match="prefit has seen all ratings"):
        Ensemble(fitted, prefit=True).fit(train)


def test_pairs_that_one_member_cannot_score_are_not_scored(ratings: Ratings) -> None:
    pairs = np.array([[0, 3], [ratings.n_users - 1, 3], [0, ratings.n_items - 1]])
    model = Ensemble([UserMean(), UserItemBias()]).fit(ratings)
    assert_array_equal(np.isnan(model.predict(pairs)), [False, True, True])


def test_a_constant_member_and_one_twice_are_no_trouble(parts: tuple[Ratings, Ratings]) -> None:
    train, validation = parts
    model = Ensemble([UserItemBias(), UserItemBias(), GlobalMean()], alpha=0.0)
    model.fit(train, validation=validation)
    alone = Ensemble([UserItemBias()], alpha=0.0).fit(train, validation=validation)
    assert_allclose(model.predict(validation), alone.predict(validation), atol=1e-5)


def test_wrong_members_are_named(ratings: Ratings) -> None:
    with pytest.raises(ConfigError, match=r"members\[1\] is '@als'; expected a Recommender"):
        Ensemble([ALS(), "@als"]).fit(ratings)
    with pytest.raises(ConfigError, match="members is empty"):
        Ensemble([]).fit(ratings)
    with pytest.raises(DataError, match="no validation rating is scored"):
        stack(np.full((3, 2), np.nan), np.ones(3), 1.0)


def test_what_quantum_members_ask_is_said_before(parts: tuple[Ratings, Ratings]) -> None:
    backend = open_backend({"kind": "exact", "shots": 10, "seed_simulator": 1})
    model = Ensemble([SwapTest(ALS(n_factors=2), backend=backend), ALS(n_factors=2)])
    [asked] = model.questions(*parts)
    assert asked.backend is backend
    assert asked.times == 1
    [workload] = asked.workloads
    assert len(workload) == len(parts[1])


# RMSE on MovieLens-100K, random split, seeds 0 and 1.
PUBLISHED = {
    "als": (0.9211, 0.9115),
    "ease": (0.9251, 0.9191),
    "bmf": (0.9108, 0.9052),
    "angle_net": (0.9333, 0.9257),
    "als+ease": (0.9150, 0.9066),
    "als+angle_net+ease": (0.9144, 0.9057),
    "als+ease+bmf": (0.9077, 0.9011),
    "als+angle_net+ease+bmf": (0.9074, 0.9011),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_rmse_of_ensembles_on_real_ratings(seed: int, data_dir: Path) -> None:
    part = split(load_ratings("ml-100k", data_dir=data_dir), seed=seed)
    bmf = BayesianMF(implicit=False, side_data=False)
    members = {"als": ALS(), "ease": EASE(), "bmf": bmf, "angle_net": AngleNet()}
    for model in members.values():
        model.fit(part.train, validation=part.validation)
    for names, expected in PUBLISHED.items():
        model = Ensemble([members[name] for name in names.split("+")], prefit=True)
        model.fit(part.train, validation=part.validation)
        assert -model.score(part.test) == pytest.approx(expected[seed], abs=0.002), names
