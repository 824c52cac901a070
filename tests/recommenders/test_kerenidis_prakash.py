"""The quantum recommendation system against dense algebra, by algebra and by circuits."""

import numpy as np
import pytest

from qrec.backends import open_backend
from qrec.circuits.parts.polynomial import even_value
from qrec.data import Ratings, load_ratings
from qrec.errors import ConfigError, DataError
from qrec.recommenders import KerenidisPrakash
from qrec.recommenders.base import rating_matrix


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return load_ratings(n_users=50, n_items=70, n_ratings=1200)


def dense(ratings: Ratings, model: KerenidisPrakash) -> tuple[np.ndarray, np.ndarray]:
    """All users' rows on the block's items, and what the filter makes of them."""
    rows = rating_matrix(ratings).toarray()[:, model.block_items_]
    block = rows[model.block_users_]
    _, s, vh = np.linalg.svd(block)
    sigma = np.zeros(block.shape[1])
    sigma[: len(s)] = s
    response = even_value(model.coefficients_, sigma / np.linalg.norm(block))
    return rows, rows @ (vh.T * response) @ vh


@pytest.mark.parametrize("n_qubits", [None, 3])
def test_prediction_is_the_filtered_row(ratings: Ratings, n_qubits: int | None) -> None:
    model = KerenidisPrakash(n_factors=3, degree=8, n_qubits=n_qubits).fit(ratings)
    rows, filtered = dense(ratings, model)
    users, items = np.nonzero(rows.any(axis=1)[:, None] & np.ones(rows.shape, bool))
    pairs = np.column_stack([users, model.block_items_[items]])
    expected = np.abs(filtered[users, items])
    np.testing.assert_allclose(model._predict(*pairs.T), expected, atol=1e-10)
    np.testing.assert_allclose(model.predict(pairs), np.clip(expected, 1, 5), atol=1e-10)


def test_sharp_filter_is_the_truncated_svd() -> None:
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(n, 6)))[0] for n in (12, 9))
    matrix = u * [9, 8, 7, 1, 0.9, 0.8] @ v.T
    users, items = np.nonzero(np.ones(matrix.shape))
    ratings = Ratings(
        users.astype(np.int32), items.astype(np.int32), matrix.ravel(),
        np.arange(12), np.arange(9), (-9.0, 9.0),
    )  # fmt: skip
    model = KerenidisPrakash(n_factors=3, degree=60).fit(ratings)
    truncated = u[:, :3] * [9, 8, 7] @ v[:, :3].T
    np.testing.assert_allclose(model.predict(ratings), np.abs(truncated).ravel(), atol=0.01)


def test_circuits_give_what_linear_algebra_gives(ratings: Ratings) -> None:
    model = KerenidisPrakash(n_factors=2, degree=6, n_qubits=2).fit(ratings)
    users = np.flatnonzero(model.known_users_)[:6].repeat(4)
    pairs = np.column_stack([users, np.tile(model.block_items_, 6)])
    [workload] = model.workloads(pairs)
    assert workload.is_joint
    assert (len(workload), len(workload.observable_list)) == (6, 4)
    readings = open_backend("exact").run([workload])
    np.testing.assert_allclose(model.combine(pairs, readings), model.predict(pairs), atol=1e-9)
    with pytest.raises(ConfigError, match=r"expected one of \(6, 4\)"):
        model.combine(pairs, readings * 2)


def test_readout_is_the_success_probability(ratings: Ratings) -> None:
    model = KerenidisPrakash(n_factors=2, degree=4, n_qubits=2).fit(ratings)
    [workload] = model.workloads(np.column_stack([[model.block_users_[0]] * 4, model.block_items_]))
    joint = open_backend("exact").run([workload])[0].value
    success = type(workload)(workload.circuit, model.readout(), workload.parameters, "p")
    assert open_backend("exact").run([success])[0].value == pytest.approx(joint.sum(axis=1))


def test_shots_read_all_items_at_once(ratings: Ratings) -> None:
    model = KerenidisPrakash(n_factors=2, degree=4, n_qubits=2).fit(ratings)
    pairs = np.column_stack([np.repeat(model.block_users_, 4), np.tile(model.block_items_, 4)])
    exact = model._predict(*pairs.T)
    backend = open_backend({"kind": "exact", "shots": 200_000, "seed_simulator": 1})
    sampled = model.set_params(backend=backend)._predict(*pairs.T)
    assert 0 < np.abs(sampled - exact).max() < 0.2
    model.set_params(backend=None)


def test_new_user_is_one_more_row(ratings: Ratings) -> None:
    model = KerenidisPrakash(n_factors=2, degree=6, n_qubits=2).fit(ratings)
    _, filtered = dense(ratings, model)
    known = np.flatnonzero(model.known_users_)
    everything = rating_matrix(ratings).toarray()
    for backend in (None, {"kind": "exact", "shots": None, "dtype": "float64", "name": "other"}):
        found = model.set_params(backend=backend).project(everything[known[:3]])
        np.testing.assert_allclose(
            found[:, model.block_items_], np.abs(filtered[known[:3]]), atol=1e-9
        )
        assert np.isnan(np.delete(found, model.block_items_, axis=1)).all()
    assert np.isnan(model.project(np.zeros((1, ratings.n_items)))).all()
    with pytest.raises(DataError, match=r"rows of shape \(1, 3\)"):
        model.project(np.ones((1, 3)))
    with pytest.raises(ConfigError, match="rows has 1 masked entries"):
        model.project(np.ma.masked_equal(np.arange(float(ratings.n_items))[None], 3.0))
    with pytest.raises(DataError, match="finite"):
        model.project(np.full((1, ratings.n_items), np.nan))


def test_liked_keeps_ratings_from_four_on(ratings: Ratings) -> None:
    model = KerenidisPrakash(values="liked").fit(ratings)
    kept = ratings.value >= 4
    rated = model._rated().toarray()
    assert (rated[ratings.user[kept], ratings.item[kept]] == 5).all()
    assert not rated[ratings.user[~kept], ratings.item[~kept]].any()
    row = rating_matrix(ratings).toarray()[:1]
    np.testing.assert_allclose(
        model.project(row)[0], model._predict_all(np.array([0]))[0], atol=1e-12
    )


def test_sample_is_drawn_by_squares_and_never_what_was_rated(ratings: Ratings) -> None:
    model = KerenidisPrakash(n_factors=2, degree=8).fit(ratings)
    drawn = model.sample(np.array([4]), 20_000)[0]
    items, scores = model.recommend([4], ratings.n_items)
    assert not set(drawn) & set(ratings.item[ratings.user == 4])
    share = np.nan_to_num(scores[0]) ** 2
    observed = np.array([(drawn == item).sum() for item in items[0]])
    expected = 20_000 * share / share.sum()
    assert ((observed - expected) ** 2 <= 25 * (expected + 1)).all()
    np.testing.assert_array_equal(model.sample(np.array([4]), 5), model.sample(np.array([4]), 5))


def test_nothing_is_drawn_for_whom_cannot_be_scored(ratings: Ratings) -> None:
    few = ratings[ratings.user != 7]
    model = KerenidisPrakash().fit(few)
    assert (model.sample(np.array([7, 8]), 3) == -1).tolist() == [[True] * 3, [False] * 3]


@pytest.mark.parametrize("value", [3.0, 1e-200, -7.0, 0.0])
def test_ratings_that_are_all_equal_have_rank_one(value: float) -> None:
    users, items = np.repeat(np.arange(9), 7), np.tile(np.arange(7), 9)
    ratings = Ratings(
        users.astype(np.int32), items.astype(np.int32), np.full(63, value),
        np.arange(9), np.arange(7), (-10.0, 10.0),
    )  # fmt: skip
    predicted = KerenidisPrakash(degree=20).fit(ratings).predict(ratings)
    expected = abs(value) if value else np.nan
    np.testing.assert_allclose(predicted, expected, rtol=0.05)


def test_refuses_odd_degrees_and_circuits_too_large(ratings: Ratings) -> None:
    with pytest.raises(ConfigError, match="degree is 3; expected an even number"):
        KerenidisPrakash(degree=3).fit(ratings)
    with pytest.raises(ConfigError, match="n_qubits is None; expected at most 6"):
        KerenidisPrakash().fit(ratings).workloads(ratings)
