"""The boosted corrector: no future, clean stacking, the trees, and its figures."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from no_future import assert_no_future
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingRegressor
from timed_ratings import timed_ratings

from qrec.backends import open_backend
from qrec.data import Ratings, Split, load_ratings, split
from qrec.data.features import Features
from qrec.errors import DataError
from qrec.recommenders import (
    ALS,
    BayesianMF,
    BoostedCorrector,
    Ensemble,
    LSTMCorrector,
    Recommender,
    SwapTest,
    UserItemBias,
    UserMean,
    load_recommender,
)
from qrec.recommenders import _boosted_trees as trees
from qrec.recommenders._boosted_inputs import side_of
from qrec.recommenders._training import hold_out

FAST = {"max_iter": 30, "min_samples_leaf": 5, "learning_rate": 0.2, "max_features": 1.0}


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


def fitted(seed: int, **params: object) -> tuple[BoostedCorrector, Ratings]:
    every = timed_ratings(seed, n_users=40, n_items=30, n_seconds=12)
    test = every[::4]
    train = every[np.setdiff1d(np.arange(len(every)), np.arange(len(every))[::4])]
    model = BoostedCorrector(UserItemBias(), **FAST | params)
    return model.fit(train, validation=test), test


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("history", ["strict", "ties"])
def test_nothing_later_reaches_a_prediction(seed: int, history: str) -> None:
    assert_no_future(*fitted(seed, history=history), ties=history == "ties")


WRAPPED = {
    "lstm": lambda base: LSTMCorrector(base, prefit=True, n_epochs=1),
    "boosted": lambda base: BoostedCorrector(base, prefit=True, history="none", max_iter=2),
    "stacked": lambda base: Ensemble([base], prefit=True),
    "mean": lambda base: Ensemble([base], prefit=True, weights="equal"),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_times_reach_a_timed_base_through_what_is_built_on_it(name: str) -> None:
    base, test = fitted(0)
    assert (base.predict(test) != base.predict(test.pairs)).any()
    train = timed_ratings(0, n_users=40, n_items=30, n_seconds=12)
    model = WRAPPED[name](base).fit(train, validation=test)
    assert (model.predict(test) != model.predict(test.pairs)).any()


def test_no_model_sees_what_it_is_asked_to_predict() -> None:
    class Curious(UserItemBias):
        def _predict_pairs(self, pairs: Ratings) -> np.ndarray:
            assert pairs.oracle_mean is None
            assert pairs.oracle_variance is None
            assert np.isnan(pairs.value).all()
            return np.zeros(len(pairs))

    asked = load_ratings(n_users=60, n_items=80, n_ratings=1500)
    assert asked.oracle_mean is not None
    assert (Curious().fit(asked).predict(asked) == asked.scale[0]).all()


class Noted(UserItemBias):
    """A base that notes what it was fitted on."""

    fits: list[np.ndarray] = []  # noqa: RUF012

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        Noted.fits.append(ratings.pairs)
        super()._fit(ratings, validation)


def test_bases_of_folds_never_see_their_fold(parts: Split) -> None:
    Noted.fits = []
    BoostedCorrector(Noted(), n_folds=4, max_iter=2).fit(parts.train, validation=parts.validation)
    whole, *folds = Noted.fits
    assert_array_equal(whole, parts.train.pairs)
    assert len(folds) == 4
    keys = [set(map(tuple, pairs.tolist())) for pairs in folds]
    left_out = [set(map(tuple, whole.tolist())) - key for key in keys]
    assert set().union(*left_out) == set(map(tuple, whole.tolist()))
    assert sum(map(len, left_out)) == len(whole)


@pytest.mark.parametrize("history", ["strict", "ties", "none"])
def test_a_rating_reaches_no_input_of_its_own_fold(parts: Split, history: str) -> None:
    """Turn the ratings of one fold: its inputs stay, those of the others change."""
    base = UserMean()  # scores all
    model = BoostedCorrector(base, n_folds=3, history=history, max_iter=2)
    model.fit(parts.train, validation=parts.validation)
    x, y = model._training_inputs(base, parts.train, parts.validation)
    sizes = [len(held) for _, held in model._folded(parts.train)]
    assert sum(sizes) == len(x)  # rows stand fold by fold
    first = next(iter(model._folded(parts.train)))[1]
    mine = np.isin(parts.train.user * 1000 + parts.train.item, first.user * 1000 + first.item)
    turned = parts.train[np.arange(len(parts.train))]
    turned.value[mine] = 6 - turned.value[mine]
    x_turned, y_turned = model._training_inputs(base, turned, parts.validation)
    assert_array_equal(x_turned[: sizes[0]], x[: sizes[0]])
    assert (y_turned[: sizes[0]] != y[: sizes[0]]).any()
    assert (x_turned[sizes[0] :] != x[sizes[0] :]).any(axis=1).mean() > 0.9


def test_ratings_without_times_are_refused_or_have_no_history(ratings: Ratings) -> None:
    for history in ("strict", "ties"):
        with pytest.raises(DataError, match=f"history is '{history}', which needs timestamps"):
            BoostedCorrector(history=history).fit(ratings)
    model = BoostedCorrector(history="none", **FAST).fit(ratings)
    assert not np.isnan(model.predict(ratings)).any()


def test_without_history_times_are_nothing(parts: Split) -> None:
    model = BoostedCorrector(history="none", **FAST).fit(parts.train, validation=parts.validation)
    assert_array_equal(model.predict(parts.test), model.predict(parts.test.pairs))


def test_the_best_number_of_trees_is_kept(parts: Split) -> None:
    model = BoostedCorrector(**FAST).fit(parts.train, validation=parts.validation)
    assert len(model.history_) == 31
    assert -model.score(parts.validation) == pytest.approx(model.history_.min(), abs=1e-12)
    assert len(model.trees_["depth"]) == model.history_.argmin()


@pytest.mark.parametrize("prefit", [False, True])
def test_without_validation_what_predicts_is_of_all_ratings_and_the_trees_are_chosen_unseen(
    parts: Split, prefit: bool
) -> None:
    base = ALS(n_factors=4, n_epochs=5).fit(parts.train)
    model = BoostedCorrector(base, prefit, history="none", **FAST).fit(parts.train)
    train, stop = hold_out(parts.train, None, model.random_state)
    chosen_on = BoostedCorrector(base, history="none", **FAST).fit(train, validation=stop)
    assert_array_equal(model.history_, chosen_on.history_)  # of a base that has not seen `stop`
    for name, column in chosen_on.trees_.items():
        assert_array_equal(model.trees_[name], column)
    assert_array_equal(model.base_.predict(parts.test), base.predict(parts.test))
    assert (model.base_ is base) == prefit
    assert_array_equal(np.sort(model.events_["value"]), np.sort(parts.train.value))


def test_trees_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 5))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = np.where(np.isnan(x[:, 0]), 1.0, x[:, 0]) * np.nan_to_num(x[:, 1]) + rng.normal(size=2000)
    settings = trees.Boosting(0.1, 20, 15, 10, 1.0, 0.5, 3)
    reference = HistGradientBoostingRegressor(
        learning_rate=0.1, max_iter=20, max_leaf_nodes=15, min_samples_leaf=10,
        l2_regularization=1.0, max_features=0.5, early_stopping=False, random_state=3,
    ).fit(x, y)  # fmt: skip
    grown = trees.grow(x, y, settings)
    assert_allclose(trees.apply(grown, x), reference.predict(x), rtol=1e-12)
    for n, staged in enumerate(reference.staged_predict(x), start=1):
        assert_allclose(trees.apply(trees.first(grown, n), x), staged, rtol=1e-12)


@pytest.mark.parametrize(
    ("prefit", "held_back", "n_asked"), [(False, False, 3), (False, True, 4), (True, True, 4)]
)
def test_what_a_quantum_base_asks_is_said_before(
    parts: Split, prefit: bool, held_back: bool, n_asked: int
) -> None:
    backend = open_backend({"kind": "exact", "shots": 10, "seed_simulator": 1})
    asked_of: list[int] = []
    run = type(backend).run

    def counted(self: object, workloads: list, *args: object) -> list:
        asked_of.append(sum(len(w) for w in workloads))
        return run(self, workloads, *args)

    few = parts.train[:600], None if held_back else parts.validation[:100]
    base = SwapTest(ALS(n_factors=2, n_epochs=2), backend=backend)
    base = base.fit(few[0]) if prefit else base
    model = BoostedCorrector(base, prefit, n_folds=2, history="none", max_iter=2)
    said = model.questions(*few)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(backend), "run", counted)
        model.fit(*few[:1], validation=few[1])
    assert [sum(len(w) for w in one.workloads) for one in said] == asked_of
    assert len(asked_of) == n_asked


class Spread(UserItemBias):
    """A base that says how sure it is."""

    def predict_std(self, pairs: Ratings) -> np.ndarray:
        return np.full(len(pairs), 0.25)


def test_a_posterior_spread_is_an_input(parts: Split) -> None:
    for base, more in ((UserItemBias(), 0), (Spread(), 1)):
        model = BoostedCorrector(base, history="none", max_iter=2).fit(parts.train)
        x, _ = model._training_inputs(base, parts.train, parts.validation)
        assert x.shape[1] == 9 + more


def test_side_data_are_inputs_and_postcodes_are_not(parts: Split) -> None:
    n_users, n_items = parts.ratings.n_users, parts.ratings.n_items
    kinds = np.where(np.arange(n_items) % 2, "comedy|war", "drama")
    features = Features(
        user={"age": np.arange(n_users) % 60.0, "zip": np.arange(n_users).astype(str)},
        item={"genres": kinds},
    )
    train = replace(parts.train, features=features)
    widths = []
    for ratings in (parts.train, train):
        model = BoostedCorrector(max_iter=5).fit(ratings, validation=parts.validation)
        assert not np.isnan(model.predict(parts.test)).all()
        x, _ = model._training_inputs(UserItemBias(), ratings, parts.validation)
        widths.append(x.shape[1])
    # Age, three genres; genre cosines with five half-lives, and the weight of one.
    assert widths[1] - widths[0] == 1 + 3 + 5 + 1
    kind = side_of(train).kind
    assert_allclose(kind[:4] @ kind[:4].T, np.arange(4)[:, None] % 2 == np.arange(4) % 2)


def test_saved_and_loaded_with_times(parts: Split, tmp_path: Path) -> None:
    model = BoostedCorrector(**FAST).fit(parts.train, validation=parts.validation)
    model.save(tmp_path)
    assert_array_equal(load_recommender(tmp_path).predict(parts.test), model.predict(parts.test))


FIT = """
import hashlib
from qrec.data import load_ratings
from qrec.recommenders import BoostedCorrector
ratings = load_ratings(n_users=150, n_items=200, n_ratings=8000)
model = BoostedCorrector(max_iter=20).fit(ratings)
print(hashlib.sha256(model.predict(ratings).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_with_one_thread_and_with_two() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", FIT], env=os.environ | {"OMP_NUM_THREADS": threads},
            capture_output=True, text=True, check=True,
        ).stdout
        for threads in ("1", "2")
    ]  # fmt: skip
    assert len(found[0]) == 65
    assert found[0] == found[1]


def test_trees_grow_on_one_thread(parts: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.ensemble._hist_gradient_boosting import gradient_boosting

    seen = []

    def watched(n_threads: int | None = None) -> int:
        found = openmp(n_threads)
        seen.append(found)
        return found

    openmp = gradient_boosting._openmp_effective_n_threads
    monkeypatch.setattr(gradient_boosting, "_openmp_effective_n_threads", watched)
    BoostedCorrector(max_iter=2).fit(parts.train, validation=parts.validation)
    assert set(seen) == {1}


def test_the_mean_of_several_is_their_mean(parts: Split) -> None:
    members: list[Recommender] = [UserItemBias(), ALS(n_factors=2)]
    model = Ensemble(members, weights="equal").fit(parts.train, validation=parts.validation)
    alone = [one.fit(parts.train, validation=parts.validation) for one in members]
    expected = np.mean([one.predict(parts.test) for one in alone], axis=0)
    assert_allclose(model.predict(parts.test), expected, rtol=1e-12)
    prefit = Ensemble(alone, prefit=True, weights="equal").fit(parts.train)  # nothing held back
    assert_allclose(prefit.predict(parts.test), expected, rtol=1e-12)
    assert prefit.members_[0] is alone[0]


def test_a_mean_asks_for_its_members_alone(parts: Split) -> None:
    backend = open_backend({"kind": "exact", "shots": 10, "seed_simulator": 1})
    mean = Ensemble([SwapTest(ALS(n_factors=2), backend=backend)], weights="equal")
    assert mean.questions(parts.train, parts.validation) == []


# RMSE on MovieLens-100K, random split, seeds 0, 1 and 2, around BMF.
MEASURED = (0.8866, 0.8795, 0.8819)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rmse_on_real_ratings(seed: int, data_dir: Path) -> None:
    part = split(load_ratings("ml-100k", data_dir=data_dir), seed=seed)
    base = BayesianMF().fit(part.train)
    model = BoostedCorrector(base, prefit=True).fit(part.train, validation=part.validation)
    assert -model.score(part.test) == pytest.approx(MEASURED[seed], abs=0.002)
