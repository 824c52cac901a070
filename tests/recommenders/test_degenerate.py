"""Ratings that leave a model nothing to learn: a value or a sentence, never a traceback."""

import numpy as np
import pytest

import qrec.recommenders as models
from qrec.data import Ratings
from qrec.data.table import ratings_from_columns
from qrec.errors import DataError

USERS, ITEMS = np.repeat(np.arange(30), 12), np.tile(np.arange(12), 30)
CENTRED = [
    models.ALS(centre="bias"),
    models.BlockSVDRecommender(),
    models.EASE(),
    models.GlobalMean(),
    models.ItemKNN(),
    models.TruncatedSVDRecommender(centre="mean"),
    models.TruncatedSVDRecommender(centre="bias"),
    models.UserItemBias(),
    models.UserKNN(),
    models.UserMean(),
]


def rated(value: float) -> Ratings:
    return ratings_from_columns(USERS, ITEMS, np.full(360, value), scale=(-10, 10))


@pytest.mark.parametrize("model", CENTRED, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("value", [3.0, 3.3, 0.0, -7.0, 1e-300])
def test_ratings_that_are_all_equal_are_predicted(model: models.Recommender, value: float) -> None:
    ratings = rated(value)
    predicted = model.fit(ratings).predict(ratings)
    np.testing.assert_allclose(predicted, value, rtol=0, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 1e-300])
def test_svd_of_a_matrix_of_zeros_is_zero(value: float) -> None:
    model = models.TruncatedSVDRecommender(n_factors=2, centre="none").fit(rated(value))
    assert (model.user_factors_.shape, model.item_factors_.shape) == ((30, 2), (12, 2))
    assert not model.user_factors_.any()


def test_nmf_says_that_it_takes_no_negative_ratings() -> None:
    with pytest.raises(DataError, match="MaskedNMF: found ratings of mean -7, expected 0 or more"):
        models.MaskedNMF().fit(rated(-7.0))
