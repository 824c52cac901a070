"""Noise in the place of an input: it belongs to the pair, and says nothing of its rating."""

import numpy as np

from qrec.data import load_ratings
from qrec.recommenders.random_rating import RandomRating


def test_the_draw_belongs_to_the_pair_and_to_the_seed() -> None:
    ratings = load_ratings("synthetic", n_users=100, n_items=150, n_ratings=3000)
    model = RandomRating(random_state=2**32 - 1).fit(ratings)
    together = model.predict(ratings)
    np.testing.assert_array_equal(model.predict(ratings[1000:1010]), together[1000:1010])
    other = RandomRating(random_state=3).fit(ratings).predict(ratings)
    assert abs(np.corrcoef(together, other)[0, 1]) < 0.06


def test_it_is_spread_as_the_ratings_are_and_knows_none() -> None:
    ratings = load_ratings("synthetic", n_users=200, n_items=200, n_ratings=10_000)
    model = RandomRating().fit(ratings)
    users, items = ratings.user, ratings.item
    drawn = model._predict(users, items)  # before it is clipped
    assert abs(drawn.mean() - ratings.value.mean()) < 0.04
    assert abs(drawn.std() - ratings.value.std()) < 0.04
    assert abs(np.corrcoef(drawn, ratings.value)[0, 1]) < 0.04
    by_user = np.bincount(users, drawn) / np.bincount(users)
    assert by_user.std() < 0.3, "nor is there anything of the user in it"
