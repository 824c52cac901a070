"""What every recommender found in qrec/recommenders must keep, tested on a few ratings."""

from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from qrec.data import Ratings
from qrec.errors import ConfigError, DataError
from qrec.recommenders import load_recommender, recommender_class, recommender_names
from qrec.recommenders.base import Recommender

N_USERS, N_ITEMS = 14, 12  # the last user and the last item have no rating
# Parameters that make a slow recommender cheap here; a name that a class lacks is left out.
CHEAP = {"n_epochs": 2, "n_samples": 5, "n_burn_in": 2, "circuit": "angle_net"}
# A value to refuse, for each name that a class has.
REFUSED = {"n_factors": 0, "n_epochs": -1, "reg": -1.0, "n_neighbors": 0, "centre": "median"}


def few_ratings(n_users: int = N_USERS, n_items: int = N_ITEMS) -> Ratings:
    rng = np.random.default_rng(5)
    cells = np.argwhere(rng.random((n_users - 1, n_items - 1)) < 0.5).astype(np.int32)
    missing_user = np.setdiff1d(np.arange(n_users - 1), cells[:, 0])
    missing_item = np.setdiff1d(np.arange(n_items - 1), cells[:, 1])
    assert not len(missing_user)
    assert not len(missing_item)
    return Ratings(
        user=cells[:, 0],
        item=cells[:, 1],
        value=rng.integers(1, 6, len(cells)).astype(float),
        user_ids=np.arange(n_users),
        item_ids=np.arange(n_items),
        scale=(1.0, 5.0),
    )


def assert_same(one: np.ndarray, other: np.ndarray) -> None:
    assert_allclose(one, other, rtol=1e-12)  # nan equals nan; a sum's last digit may move


def cheap(name: str, **params: Any) -> Recommender:
    cls = recommender_class(name)
    known = signature(cls).parameters
    return cls(**{k: v for k, v in (CHEAP | params).items() if k in known})


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return few_ratings()


@pytest.fixture(scope="module")
def fitted(name: str, ratings: Ratings) -> Recommender:
    return cheap(name).fit(ratings)


@pytest.fixture(scope="module")
def all_pairs() -> np.ndarray:
    return np.argwhere(np.ones((N_USERS, N_ITEMS), bool))


@pytest.mark.parametrize("name", recommender_names(), scope="module")
class TestRecommender:
    def test_clone_keeps_every_parameter(self, name: str) -> None:
        model = cheap(name)
        copy = clone(model)
        assert copy is not model
        assert repr(copy.get_params()) == repr(model.get_params())

    def test_fit_returns_self_and_leaves_parameters_and_ratings_alone(self, name: str) -> None:
        model, ratings = cheap(name), few_ratings()
        params = repr(model.get_params())
        assert model.fit(ratings) is model
        assert repr(model.get_params()) == params
        again = few_ratings()
        assert_array_equal(ratings.pairs, again.pairs)
        assert_array_equal(ratings.value, again.value)

    def test_predictions_are_ratings_where_needs_are_met_and_nan_elsewhere(
        self, fitted: Recommender, all_pairs: np.ndarray
    ) -> None:
        out = fitted.predict(all_pairs)
        assert out.shape == (len(all_pairs),)
        assert out.dtype == np.float64
        known = np.ones(len(all_pairs), bool)
        if "user" in fitted.needs:
            known &= all_pairs[:, 0] < N_USERS - 1
        if "item" in fitted.needs:
            known &= all_pairs[:, 1] < N_ITEMS - 1
        assert_array_equal(~np.isnan(out), known)
        assert out[known].min() >= 1
        assert out[known].max() <= 5

    def test_no_pairs_give_no_predictions(self, fitted: Recommender) -> None:
        assert fitted.predict(np.empty((0, 2), int)).shape == (0,)

    def test_a_prediction_depends_on_its_pair_alone(
        self, fitted: Recommender, all_pairs: np.ndarray
    ) -> None:
        order = np.random.default_rng(0).permutation(len(all_pairs))[: len(all_pairs) // 2]
        assert_allclose(fitted.predict(all_pairs[order]), fitted.predict(all_pairs)[order], 1e-9)

    def test_values_of_the_pairs_asked_for_are_not_looked_at(
        self, fitted: Recommender, ratings: Ratings
    ) -> None:
        turned = ratings[np.arange(len(ratings))]
        turned.value[:] = 6 - turned.value
        assert_same(fitted.predict(ratings), fitted.predict(turned))

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            (np.array([[0, N_ITEMS]]), f"row 0: item code {N_ITEMS}; expected 0 to {N_ITEMS - 1}"),
            (np.array([[0, 0], [-1, 0]]), "row 1: user code -1"),
            (np.array([[0.0, 1.0]]), "float64"),
            (np.array([0, 1]), r"shape \(2,\)"),
        ],
    )
    def test_bad_pairs_are_refused(
        self, fitted: Recommender, pairs: np.ndarray, message: str
    ) -> None:
        with pytest.raises(DataError, match=message):
            fitted.predict(pairs)

    def test_recommends_unseen_items_best_first_by_their_predictions(
        self, fitted: Recommender, ratings: Ratings
    ) -> None:
        users = np.array([3, 0, 5])
        items, scores = fitted.recommend(users, n=N_ITEMS)
        assert items.shape == scores.shape == (3, N_ITEMS)
        for user, row, score in zip(users, items, scores, strict=True):
            found = row[row >= 0]
            seen = ratings.item[ratings.user == user]
            can = np.arange(N_ITEMS - 1 if "item" in fitted.needs else N_ITEMS)
            assert_array_equal(np.sort(found), np.setdiff1d(can, seen))
            assert (np.diff(score[: len(found)]) <= 0).all()
            assert np.isnan(score[len(found) :]).all()
            pairs = np.column_stack([np.full_like(found, user), found])
            assert_allclose(np.clip(score[: len(found)], 1, 5), fitted.predict(pairs), 1e-9)

    def test_recommends_nothing_to_whom_it_cannot_score(self, fitted: Recommender) -> None:
        items, scores = fitted.recommend(np.array([N_USERS - 1]), n=2)
        assert ((items == -1).all() and np.isnan(scores).all()) == ("user" in fitted.needs)

    def test_same_seed_same_numbers(
        self, name: str, ratings: Ratings, fitted: Recommender, all_pairs: np.ndarray
    ) -> None:
        assert_same(cheap(name).fit(ratings).predict(all_pairs), fitted.predict(all_pairs))

    def test_fitting_again_forgets_the_first_fit(
        self, name: str, ratings: Ratings, fitted: Recommender, all_pairs: np.ndarray
    ) -> None:
        refitted = cheap(name).fit(ratings[: len(ratings) // 2]).fit(ratings)
        assert_same(refitted.predict(all_pairs), fitted.predict(all_pairs))

    def test_saved_and_loaded_predicts_the_same(
        self, fitted: Recommender, all_pairs: np.ndarray, tmp_path: Path
    ) -> None:
        fitted.save(tmp_path)
        loaded = load_recommender(tmp_path)
        assert type(loaded) is type(fitted)
        assert_same(loaded.predict(all_pairs), fitted.predict(all_pairs))
        assert_array_equal(loaded.recommend([0], 3)[0], fitted.recommend([0], 3)[0])

    def test_refuses_to_predict_before_fit(self, name: str) -> None:
        with pytest.raises(NotFittedError):
            cheap(name).predict(np.array([[0, 0]]))

    def test_refuses_no_ratings(self, name: str, ratings: Ratings) -> None:
        with pytest.raises(DataError, match="no ratings"):
            cheap(name).fit(ratings[:0])

    def test_refuses_impossible_parameters(self, name: str, ratings: Ratings) -> None:
        for param in REFUSED.keys() & cheap(name).get_params(deep=False).keys():
            with pytest.raises(ConfigError, match=f"{param} is .*; expected"):
                cheap(name, **{param: REFUSED[param]}).fit(ratings)
