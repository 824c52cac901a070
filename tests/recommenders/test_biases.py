"""The means and the joint biases, against dense algebra."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qrec.data import Ratings
from qrec.recommenders import GlobalMean, UserItemBias, UserMean


def test_means(ratings: Ratings) -> None:
    pairs = ratings.pairs
    assert_allclose(GlobalMean().fit(ratings).predict(pairs), ratings.value.mean())
    expected = [ratings.value[ratings.user == user].mean() for user in ratings.user]
    assert_allclose(UserMean().fit(ratings).predict(pairs), expected)


@pytest.mark.parametrize("reg", [0.5, 3.0, 50.0])
def test_biases_solve_the_joint_ridge_problem(ratings: Ratings, reg: float) -> None:
    rows = np.arange(len(ratings))
    design = np.zeros((len(ratings), ratings.n_users + ratings.n_items))
    design[rows, ratings.user] = design[rows, ratings.n_users + ratings.item] = 1
    system = design.T @ design + reg * np.eye(design.shape[1])
    expected = np.linalg.solve(system, design.T @ (ratings.value - ratings.value.mean()))
    model = UserItemBias(reg).fit(ratings)
    assert_allclose(np.concatenate([model.user_bias_, model.item_bias_]), expected, atol=1e-8)


def test_without_reg_biases_are_least_squares(ratings: Ratings) -> None:
    model = UserItemBias(reg=0.0).fit(ratings)
    error = ratings.value - model.offset(ratings.user, ratings.item)
    assert_allclose(np.bincount(ratings.user, error), 0, atol=1e-7)
    assert_allclose(np.bincount(ratings.item, error), 0, atol=1e-7)
