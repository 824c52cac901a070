"""How good predictions are, with standard errors, and whether two sets of them differ.

One metric per file: a module is one when it defines `METRIC`. A prediction of ``nan`` says that
the recommender could not score the pair: metrics are taken over the other pairs, and `coverage`
says how many those are. Standard errors are clustered by user.

Rankings here are of a user's test ratings alone, protocol ``test ratings``; those of everything
that could have been recommended, protocol ``full catalogue``, are in `qrec.metrics.catalogue`.
"""

from functools import partial
from importlib import import_module
from types import ModuleType

from qrec.errors import ConfigError
from qrec.metrics._clustered import mean_over_pairs
from qrec.metrics._metric import BoundMetric, Metric, Score, read_cutoff
from qrec.metrics.coverage import coverage, prediction_range
from qrec.metrics.mae import mae
from qrec.metrics.ndcg import ndcg
from qrec.metrics.paired import (
    Difference,
    SeededDifference,
    rmse_difference,
    seeded_rmse_difference,
)
from qrec.metrics.precision import precision
from qrec.metrics.recall import recall
from qrec.metrics.rmse import rmse
from qrec.registry import Group, flat_modules

__all__ = [
    "METRICS",
    "PROTOCOL",
    "BoundMetric",
    "Difference",
    "Metric",
    "Score",
    "SeededDifference",
    "coverage",
    "find_metric",
    "mae",
    "mean_over_pairs",
    "ndcg",
    "precision",
    "prediction_range",
    "recall",
    "rmse",
    "rmse_difference",
    "seeded_rmse_difference",
]

PROTOCOL = "test ratings"


def _modules() -> dict[str, str]:
    modules = flat_modules(__name__)
    return {name: path for name, path in modules.items() if hasattr(import_module(path), "METRIC")}


def _pick(module: ModuleType) -> Metric:
    metric: Metric = module.METRIC
    return metric


METRICS = Group("metrics", "metric", _modules, _pick)


def find_metric(name: str, where: str = "") -> BoundMetric:
    """Return a metric by its full name: ``rmse``, ``ndcg@10``, or ``module:attribute``.

    Raises ConfigError for an unknown name, for a cutoff that is missing, none, or not wanted,
    and for what is no `Metric`; `where` says in it who asks.
    """
    base, at, _ = name.partition("@")
    metric = METRICS.find(base, where)
    if not isinstance(metric, Metric):
        raise ConfigError(
            f"metric {base!r}{where} is a {type(metric).__name__}; expected a qrec.metrics.Metric"
        )
    if not metric.has_cutoff:
        if at:
            raise ConfigError(f"metric {name!r}{where}: {base} ranks nothing; write {base!r}")
        return BoundMetric(name, metric.header, metric.format, metric.compute)
    k = read_cutoff(name, where)
    compute = partial(metric.compute, at=k)
    return BoundMetric(f"{base}@{k}", f"{metric.header}@{k}", metric.format, compute)
