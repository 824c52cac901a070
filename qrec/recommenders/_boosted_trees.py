"""Gradient-boosted trees as plain arrays: fitted by scikit-learn, cut at the best, applied."""

from dataclasses import dataclass

import numpy as np

from qrec.threads import one_thread
from qrec.types import Array

Trees = dict[str, Array]  # the nodes of all trees, one after another, and where each tree begins


@dataclass(frozen=True)
class Boosting:
    """How trees are grown; see scikit-learn's HistGradientBoostingRegressor."""

    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    min_samples_leaf: int
    reg: float
    max_features: float
    random_state: int


def grow(x: Array, y: Array, settings: Boosting) -> Trees:
    """Return trees whose sum approximates `y` `(n,)` given `x` `(n, k)`, in which nan is missing.

    The histogram gradient boosting of Ke et al., "LightGBM" (NeurIPS 2017), squared error.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        learning_rate=settings.learning_rate,
        max_iter=settings.max_iter,
        max_leaf_nodes=settings.max_leaf_nodes,
        min_samples_leaf=settings.min_samples_leaf,
        l2_regularization=settings.reg,
        max_features=settings.max_features,
        early_stopping=False,
        random_state=settings.random_state,
    )
    with one_thread():  # again: OpenMP came with the import
        model.fit(x, y)
    # scikit-learn offers no public way to its trees, and a run's folder holds no pickle.
    grown = [one.nodes for [one] in model._predictors]
    sizes = [len(nodes) for nodes in grown]
    nodes = np.concatenate(grown)
    start = np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)
    leaf, own = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
    return {
        "begin": np.cumsum([0, *sizes]),
        "depth": np.array([one["depth"].max() for one in grown]),
        "feature": np.where(leaf, 0, nodes["feature_idx"]),
        "threshold": nodes["num_threshold"],
        "missing_left": nodes["missing_go_to_left"].astype(bool),
        "left": np.where(leaf, own, start + nodes["left"]),  # a leaf leads to itself
        "right": np.where(leaf, own, start + nodes["right"]),
        "value": nodes["value"],
        "baseline": np.asarray(model._baseline_prediction, dtype=float).reshape(1),
    }


def apply(trees: Trees, x: Array) -> Array:
    """Return the sum of the trees, `(n,)`."""
    total = np.full(len(x), trees["baseline"][0])
    for tree in range(len(trees["depth"])):
        total += _leaf_values(trees, tree, x)
    return total


def rmse_by_iteration(
    trees: Trees, x: Array, base: Array, truth: Array, scale: tuple[float, float]
) -> Array:
    """Return the RMSE of `base` + the first m trees, `(n_trees + 1,)`, m from 0."""
    total = base + trees["baseline"][0]
    history = [_rmse(total, truth, scale)]
    for tree in range(len(trees["depth"])):
        total = total + _leaf_values(trees, tree, x)
        history.append(_rmse(total, truth, scale))
    return np.array(history)


def first(trees: Trees, n_trees: int) -> Trees:
    """Return the first trees alone."""
    last = trees["begin"][n_trees]
    whole = {"begin": trees["begin"][: n_trees + 1], "depth": trees["depth"][:n_trees]}
    whole["baseline"] = trees["baseline"]
    return whole | {name: array[:last] for name, array in trees.items() if name not in whole}


def _leaf_values(trees: Trees, tree: int, x: Array) -> Array:
    rows = np.arange(len(x))
    node = np.full(len(x), trees["begin"][tree])
    for _ in range(trees["depth"][tree]):
        found = x[rows, trees["feature"][node]]
        left = (found <= trees["threshold"][node]) | (np.isnan(found) & trees["missing_left"][node])
        node = np.where(left, trees["left"][node], trees["right"][node])
    value: Array = trees["value"][node]
    return value


def _rmse(predicted: Array, truth: Array, scale: tuple[float, float]) -> float:
    return float(np.sqrt(np.mean((np.clip(predicted, *scale) - truth) ** 2)))
