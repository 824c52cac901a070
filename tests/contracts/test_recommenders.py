"""What every recommender found in qrec/recommenders must keep, tested on a few ratings."""

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from qrec.backends import open_backend
from qrec.backends.base import Backend, BackendSpec
from qrec.backends.workload import Reading, Workload
from qrec.data import Ratings
from qrec.errors import ConfigError, DataError, PaidError
from qrec.recommenders import (
    CircuitRecommender,
    LSTMCorrector,
    SwapTest,
    load_recommender,
    recommender_class,
    recommender_names,
)
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import is_backend

N_USERS, N_ITEMS = 14, 12  # the last user and the last item have no rating
# Parameters that make a slow recommender cheap here; a name that a class lacks is left out.
CHEAP = {
    "n_epochs": 2, "n_samples": 5, "n_burn_in": 2, "circuit": "angle_net", "history": "none",
}  # fmt: skip
# A value to refuse, for each name that a class has.
REFUSED = {
    "n_factors": 0,
    "n_epochs": -1,
    "reg": -1.0,
    "n_neighbors": 0,
    "centre": "median",
    "random_state": -1,
    "alpha": -1.0,
    "n_items": 0,
}


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
        known = np.full(len(all_pairs), fitted.rates())
        if "user" in fitted.needs:
            known &= all_pairs[:, 0] < N_USERS - 1
        if "item" in fitted.needs:
            known &= all_pairs[:, 1] < N_ITEMS - 1
        assert_array_equal(~np.isnan(out), known)
        assert (out[known] >= 1).all()
        assert (out[known] <= 5).all()

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
            if not fitted.rates():
                continue
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


# What keeps the questions small where a backend that takes shots is asked in the fit.
SMALL = {
    "training": "parameter_shift", "max_iter": 2, "n_qubits": 1, "n_blocks": 1,
    "n_layers": 1,
}  # fmt: skip


def backend_parameters(cls: type[Recommender]) -> list[str]:
    return [name for name in signature(cls).parameters if is_backend(name)]


def models_on(backend: Backend) -> Iterator[Recommender]:
    """Yield models that have it as one of their backends, or whose base has it."""
    for name in recommender_names():
        for param in backend_parameters(recommender_class(name)):
            yield cheap(name, **SMALL, **{param: backend})
    yield LSTMCorrector(SwapTest(backend=backend), n_epochs=1)
    base = CircuitRecommender(
        "angle_net", training="parameter_shift", training_backend=backend, n_epochs=1, max_iter=1
    )
    yield LSTMCorrector(base, n_epochs=1)


class Invented(Backend):
    """A backend with nothing but `run`: whatever else a model calls of it fails."""

    shots = 10
    limits = target = None
    Spec = BackendSpec

    def __init__(self) -> None:
        super().__init__(BackendSpec(name="invented"))
        self.sent = 0

    @property
    def costs(self) -> bool:
        return True

    def _send(self, *args: Any) -> str:
        self.sent += 1
        return ""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a model reached past Backend.run")

    pass_manager = snapshot = prepare = find = poll = collect = decode = cancel = _refuse


class Answering(Invented):
    """One that answers, and keeps what it was asked."""

    costs = False

    def __init__(self) -> None:
        super().__init__()
        self.inner = open_backend({"kind": "exact", "shots": 10, "seed_simulator": 1})
        self.asked: list[list[Workload]] = []

    def run(self, workloads: Any, advance: Any = None) -> list[Reading]:
        self.asked.append(list(workloads))
        return self.inner.run(workloads, advance)

    send = Invented._refuse


N_MODELS = len(list(models_on(Invented())))


@pytest.mark.parametrize("n", range(N_MODELS))
def test_nothing_that_costs_is_sent_unasked(n: int, ratings: Ratings) -> None:
    backend = Invented()
    model = list(models_on(backend))[n]
    try:
        model.fit(ratings)
    except PaidError:
        pass
    else:
        for ask in (
            lambda: model.predict(ratings),
            lambda: model.recommend(np.array([0])),
            lambda: model.score(ratings),
        ):
            with pytest.raises(PaidError, match="invented"):
                ask()
    assert backend.sent == 0


@pytest.mark.parametrize("n", range(N_MODELS))
def test_models_ask_by_run_alone_and_say_before_what(n: int, ratings: Ratings) -> None:
    backend = Answering()
    model = list(models_on(backend))[n]
    announced = model.questions(ratings)
    assert not backend.asked
    model.fit(ratings)
    mine = [one for one in announced if one.backend is backend]
    assert len(backend.asked) <= sum(one.times for one in mine)
    asked = sum(len(w) for question in backend.asked for w in question)
    assert asked <= sum(one.times * len(w) for one in mine for w in one.workloads)
    assert bool(backend.asked) == bool(mine)
    model.predict(ratings)
    assert backend.asked
