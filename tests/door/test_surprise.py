"""An outside library as a check: Surprise's models beside qrec's, where it is installed."""

from pathlib import Path

import numpy as np
import pytest

from qrec.data import Split, load_ratings, split
from qrec.recommenders import Recommender, SVDpp, UserItemBias, recommender_class
from qrec.registry import door

pytest.importorskip("surprise", reason="scikit-surprise is not installed (extra: surprise)")
FOLDER = Path(__file__).parents[2] / "experiments" / "outside"


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


def theirs(**params: object) -> Recommender:
    with door(folder=FOLDER):
        return recommender_class("surprise_models:SurpriseModel")(**params)


def test_biases_are_those_of_surprise(parts: Split) -> None:
    """One objective; Surprise alternates between users and items, qrec solves it at once."""
    options = {"bsl_options": {"reg_u": 7, "reg_i": 7, "n_epochs": 300}, "verbose": False}
    other = theirs(algorithm="BaselineOnly", options=options).fit(parts.train)
    mine = UserItemBias(reg=7).fit(parts.train)
    np.testing.assert_allclose(mine.predict(parts.test), other.predict(parts.test), atol=1e-6)


def test_the_adapter_predicts_what_surprise_predicts(parts: Split) -> None:
    import pandas as pd
    import surprise

    train = parts.train
    columns = {"user": train.user, "item": train.item, "rating": train.value}
    reader = surprise.Reader(rating_scale=train.scale)
    data = surprise.Dataset.load_from_df(pd.DataFrame(columns), reader).build_full_trainset()
    model = surprise.SVDpp(n_factors=3, n_epochs=3, random_state=5).fit(data)
    options = {"n_factors": 3, "n_epochs": 3}
    adapter = theirs(algorithm="SVDpp", options=options, random_state=5).fit(train)
    pairs = parts.test.pairs[adapter._can_score(*parts.test.pairs.T)][:50]
    expected = [model.predict(int(user), int(item)).est for user, item in pairs]
    np.testing.assert_allclose(adapter.predict(pairs), expected, atol=1e-9)


def test_svd_pp_is_no_worse_than_surprises(parts: Split) -> None:
    other = theirs(algorithm="SVDpp").fit(parts.train)
    mine = SVDpp().fit(parts.train, validation=parts.validation)
    assert -mine.score(parts.test) < -other.score(parts.test) + 0.01
