"""Users that a model was not fitted on: placed by their own ratings, and by nothing else."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from qrec.data import Ratings
from qrec.errors import ConfigError, DataError
from qrec.recommenders import (
    ALS,
    EASE,
    BayesianMF,
    Ensemble,
    ItemKNN,
    MaskedNMF,
    PCARecommender,
    SwapTest,
    TruncatedSVDRecommender,
    UserItemBias,
    UserMean,
    recommender_class,
    recommender_names,
)
from qrec.recommenders.base import Recommender

FOLDING = [name for name in recommender_names() if recommender_class(name).can_fold_in()]
OTHERS = [name for name in recommender_names() if name not in FOLDING]


def without(ratings: Ratings, users: np.ndarray) -> Ratings:
    return ratings[~np.isin(ratings.user, users)]


def cold(ratings: Ratings) -> tuple[Ratings, Ratings]:
    """Return the ratings of all but the first five users, and theirs."""
    first = np.arange(5)
    return without(ratings, first), ratings[np.isin(ratings.user, first)]


def pairs_of(users: np.ndarray, ratings: Ratings) -> np.ndarray:
    items = np.arange(ratings.n_items)
    return np.column_stack([np.repeat(users, len(items)), np.tile(items, len(users))])


def test_what_can_fold_in_and_what_cannot() -> None:
    expected = {"als", "bias", "ease", "ensemble", "global_mean", "item_knn", "nmf", "pca"}
    assert expected | {"swap_test", "truncated_svd", "user_mean"} <= set(FOLDING)
    assert {"angle_net", "bmf", "lstm", "neural_corrector", "user_knn"} <= set(OTHERS)


@pytest.mark.parametrize("name", FOLDING)
class TestFoldIn:
    @pytest.fixture
    def model(self, name: str, ratings: Ratings) -> Recommender:
        return recommender_class(name)().fit(cold(ratings)[0])

    def test_users_are_those_of_the_new_ratings(
        self, model: Recommender, name: str, ratings: Ratings
    ) -> None:
        train, new = cold(ratings)
        folded = model.fold_in(new)
        assert type(folded) is type(model)
        rated = np.isin(np.arange(ratings.n_items), train.item)
        pairs = pairs_of(np.arange(5), ratings)
        known = rated[pairs[:, 1]] if "item" in model.needs else np.ones(len(pairs), bool)
        assert_array_equal(~np.isnan(folded.predict(pairs)), known & model.rates())
        if "user" in model.needs:
            assert np.isnan(folded.predict(train)).all(), "users of the fit are forgotten"
        items, _ = folded.recommend(np.arange(5), n=3)
        for user in range(5):
            assert not np.isin(items[user], new.item[new.user == user]).any()

    def test_the_model_itself_stays_as_it_was(
        self, model: Recommender, name: str, ratings: Ratings
    ) -> None:
        train, new = cold(ratings)
        before = model.predict(train)
        folded = model.fold_in(new)
        assert_array_equal(model.predict(train), before)
        assert_allclose(model.fold_in(new).predict(new), folded.predict(new), rtol=1e-12)
        assert_allclose(folded.fold_in(new).predict(new), folded.predict(new), rtol=1e-9)

    def test_a_table_of_new_users_alone_gives_the_same(
        self, model: Recommender, name: str, ratings: Ratings
    ) -> None:
        _, new = cold(ratings)
        own = Ratings(
            user=new.user[::-1] + 2, item=new.item[::-1], value=new.value[::-1],
            user_ids=np.arange(100, 109), item_ids=new.item_ids, scale=new.scale,
        )  # fmt: skip
        pairs = pairs_of(np.arange(5), ratings)
        expected = model.fold_in(new).predict(pairs)
        assert_allclose(model.fold_in(own).predict(pairs + np.array([2, 0])), expected, rtol=1e-9)

    def test_no_other_users_ratings_matter(
        self, model: Recommender, name: str, ratings: Ratings
    ) -> None:
        _, new = cold(ratings)
        turned = new[np.arange(len(new))]
        turned.value[turned.user != 3] = 6 - turned.value[turned.user != 3]
        pairs = pairs_of(np.array([3]), ratings)
        expected = model.fold_in(new).predict(pairs)
        assert_allclose(model.fold_in(turned).predict(pairs), expected, rtol=1e-9)

    def test_what_cannot_be_folded_in_is_named(
        self, model: Recommender, name: str, ratings: Ratings
    ) -> None:
        with pytest.raises(DataError, match="fold_in got no ratings"):
            model.fold_in(ratings[:0])
        fewer = ratings[ratings.item < 20]
        narrow = Ratings(
            user=fewer.user, item=fewer.item, value=fewer.value, user_ids=fewer.user_ids,
            item_ids=fewer.item_ids[:20], scale=fewer.scale,
        )  # fmt: skip
        with pytest.raises(DataError, match=f"ratings of 20 items; expected the {ratings.n_items}"):
            model.fold_in(narrow)


# Models whose user side is a function of the user's own ratings, given the items'.
EXACT: list[Recommender] = [
    UserItemBias(),
    UserMean(),
    TruncatedSVDRecommender(n_factors=3),
    PCARecommender(n_factors=3, n_items=10),
    EASE(),
    ItemKNN(),
]


@pytest.mark.parametrize("model", EXACT, ids=lambda model: type(model).__name__)
def test_users_of_the_fit_come_back_where_they_were(model: Recommender, ratings: Ratings) -> None:
    model.fit(ratings)
    for biases in (model, getattr(model, "bias_", model)):
        biases.typical_user_bias_ = 0.0  # to which the fit shrinks
    assert_allclose(model.fold_in(ratings).predict(ratings), model.predict(ratings), atol=1e-7)


@pytest.mark.parametrize("model", [ALS(n_factors=2, n_epochs=200), MaskedNMF(2, n_epochs=500)])
def test_alternating_models_come_back_once_converged(model: Recommender, ratings: Ratings) -> None:
    model.fit(ratings)
    assert_allclose(model.fold_in(ratings).predict(ratings), model.predict(ratings), atol=1e-3)


def test_projection_is_that_on_the_right_singular_vectors(ratings: Ratings) -> None:
    """What a circuit that projects a row it has never seen would read."""
    train, new = cold(ratings)
    model = TruncatedSVDRecommender(n_factors=3).fit(train)
    folded = model.fold_in(new)
    v = np.linalg.qr(model.item_factors_)[0]
    bias = UserItemBias().fit(train).fold_in(new)
    row = np.zeros(ratings.n_items)
    own = new[new.user == 2]
    row[own.item] = bias.residual(own)
    pairs = np.column_stack([np.full(ratings.n_items, 2), np.arange(ratings.n_items)])
    expected = bias.offset(pairs[:, 0], pairs[:, 1]) + v @ (v.T @ row)
    assert_allclose(folded._predict(pairs[:, 0], pairs[:, 1]), expected, atol=1e-6)


def test_swap_test_of_new_users_reads_what_its_base_predicts(ratings: Ratings) -> None:
    train, new = cold(ratings)
    als = ALS(n_factors=3, centre="bias")
    quantum = SwapTest(als).fit(train).fold_in(new)
    assert_allclose(quantum.predict(new), als.fit(train).fold_in(new).predict(new), atol=1e-9)


def test_a_shrunk_user_bias_by_hand(ratings: Ratings) -> None:
    train, new = cold(ratings)
    model = UserItemBias(reg=5.0).fit(train)
    own = new[new.user == 1]
    left = own.value - model.mean_ - model.item_bias_[own.item]
    typical = model.user_bias_[np.unique(train.user)].mean()
    expected = (left.sum() + 5 * typical) / (len(own) + 5)
    assert model.fold_in(new).user_bias_[1] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["bmf", "user_knn", "lstm"])
def test_a_model_that_learns_users_by_fit_alone_says_so(name: str, ratings: Ratings) -> None:
    train, new = cold(ratings)
    cls = recommender_class(name)
    model = cls(n_samples=2, n_burn_in=1) if cls is BayesianMF else cls()
    with pytest.raises(ConfigError, match=f"{cls.__name__} has no fold_in.*such as als or bias"):
        model.fit(train).fold_in(new)
    if cls is BayesianMF:
        with pytest.raises(ConfigError, match="BayesianMF has no fold_in"):
            Ensemble([ALS(), model]).fit(train).fold_in(new)
