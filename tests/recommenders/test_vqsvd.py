"""The block factorisation against numpy's decomposition of blocks cut by hand."""

import numpy as np
import pytest

from qrec.data import Ratings
from qrec.errors import ConfigError
from qrec.recommenders.bias import UserItemBias
from qrec.recommenders.block_svd import BlockSVDRecommender
from qrec.recommenders.vqsvd import VQSVDRecommender

ALL = np.argwhere(np.ones((11, 9), bool))


def some_ratings(n_users=11, n_items=9, density=0.6, seed=0):
    rng = np.random.default_rng(seed)
    cells = np.argwhere(rng.random((n_users, n_items)) < density).astype(np.int32)
    return Ratings(
        user=cells[:, 0],
        item=cells[:, 1],
        value=rng.integers(1, 6, len(cells)).astype(float),
        user_ids=np.arange(n_users),
        item_ids=np.arange(n_items),
        scale=(1.0, 5.0),
    )


def tiny(**params):
    return VQSVDRecommender(**{"n_qubits": 2, "n_factors": 2, "n_layers": 5, "n_init": 3} | params)


def best(**params):
    return BlockSVDRecommender(**{"n_qubits": 2, "n_factors": 2} | params)


def by_hand(ratings, side, rank):
    """Offset plus the best rank-`rank` matrix of every block, users and items by activity."""
    bias = UserItemBias().fit(ratings)
    table = np.zeros((ratings.n_users, ratings.n_items))
    table[ratings.user, ratings.item] = ratings.value - bias.offset(ratings.user, ratings.item)
    users, items = (
        np.argsort(-np.bincount(codes), kind="stable") for codes in (ratings.user, ratings.item)
    )
    out = np.zeros_like(table)
    for top in range(0, len(users), side):
        for left in range(0, len(items), side):
            place = np.ix_(users[top : top + side], items[left : left + side])
            u, s, vh = np.linalg.svd(table[place], full_matrices=False)
            out[place] = (u[:, :rank] * s[:rank]) @ vh[:rank]
    offset = bias.offset(ALL[:, 0], ALL[:, 1]).reshape(out.shape)
    return np.clip(offset + out, 1, 5).ravel()


def test_block_svd_is_numpys_truncated_svd_of_each_block():
    ratings = some_ratings()
    model = best().fit(ratings)
    np.testing.assert_allclose(model.predict(ALL), by_hand(ratings, 4, 2), atol=1e-10)


@pytest.mark.parametrize(("objective", "readout"), [("subspace", 2 * 2**2), ("coincidence", 1)])
def test_variational_model_predicts_what_the_svd_does(objective, readout):
    ratings = some_ratings()
    model = tiny(max_iter=400, objective=objective).fit(ratings)
    np.testing.assert_allclose(model.predict(ALL), by_hand(ratings, 4, 2), atol=0.02)
    assert model.n_circuits_["readout"] == 9 * readout
    assert model.n_circuits_["parameter_shift"] > model.n_circuits_["finite_difference"]


def test_pairs_outside_the_blocks_are_not_scored():
    ratings = some_ratings()
    model = best(n_blocks=2).fit(ratings)
    predicted = model.predict(ALL)
    scored = ~np.isnan(predicted)
    assert scored.sum() == 2 * 16
    np.testing.assert_allclose(predicted[scored], by_hand(ratings, 4, 2)[scored], atol=1e-10)
    users = np.argsort(-np.bincount(ratings.user), kind="stable")
    items, scores = model.recommend(users[-1:], n=9)  # the least active user is in no block
    assert (items == -1).all()
    assert np.isnan(scores).all()


def test_coclustering_puts_those_who_rate_the_same_into_one_block():
    rng = np.random.default_rng(1)
    group = np.array([0, 1] * 8), np.array([1, 0] * 8)
    cells = np.argwhere(group[0][:, None] == group[1]).astype(np.int32)
    stray = np.array([[0, 0], [3, 3], [5, 9]], np.int32)
    cells = np.concatenate([cells, stray])
    ratings = Ratings(
        user=cells[:, 0],
        item=cells[:, 1],
        value=rng.integers(1, 6, len(cells)).astype(float),
        user_ids=np.arange(16),
        item_ids=np.arange(16),
        scale=(1.0, 5.0),
    )
    model = best(n_qubits=3, blocks="coclustering", n_blocks=2).fit(ratings)
    pairs = np.argwhere(np.ones((16, 16), bool))
    scored = ~np.isnan(model.predict(pairs)).reshape(16, 16)
    np.testing.assert_array_equal(scored, group[0][:, None] == group[1])


def test_blocks_are_trained_by_circuits_where_the_backend_runs_them():
    ratings = some_ratings()
    common = {"n_qubits": 1, "n_factors": 1, "n_blocks": 2}
    on_shots = {"n_layers": 2, "n_init": 1, "optimizer": "spsa", "max_iter": 100}
    shots = tiny(**common, **on_shots, backend="aer_ideal").fit(ratings)
    found, expected = shots.predict(ALL), best(**common).fit(ratings).predict(ALL)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, atol=0.6)
    assert shots.n_circuits_["finite_difference"] == 2 * (2 * 110 + 1)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"n_qubits": 7}, "n_qubits is 7; expected an integer of at least 1 and at most 6"),
        ({"n_factors": 5}, "n_factors is 5; expected at most 4, the side of a block"),
        ({"n_blocks": 0}, "n_blocks is 0; expected an integer of at least 1 or None"),
        ({"blocks": "random"}, "blocks is 'random'; expected 'activity' or 'coclustering'"),
        ({"objective": "best"}, "objective is 'best'"),
        ({"max_iter": 0}, "max_iter is 0"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(params, reason):
    with pytest.raises(ConfigError, match=reason):
        tiny(**params).fit(some_ratings())


def test_more_factors_than_a_block_has_are_seen_before_any_fit():
    with pytest.raises(ConfigError, match="n_factors is 5; expected at most 4"):
        tiny(n_factors=5).check()
