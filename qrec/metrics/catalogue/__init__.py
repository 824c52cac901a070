"""How good lists are that were chosen from the full catalogue.

Protocol ``full catalogue``: all items that a user did not rate in training are ranked, the first
n are recommended, and an item is relevant if the user's test rating says so; one without a test
rating counts as not relevant, though it may only be unknown. The other protocol, ``test ratings``,
is that of `qrec.metrics`: `ndcg`, `recall` and `precision` there order the items of a user's test
ratings and know no others, so that their figures are many times higher and say something else
(Bellogín, Castells and Cantador, RecSys 2011, compare the two).

One metric per file: a module is one when it defines `METRIC`. Only users with a relevant test
item count; one to whom nothing can be recommended counts with an empty list. Standard errors are
those of a draw of users.
"""

from types import ModuleType

from qrec.errors import ConfigError
from qrec.metrics._metric import read_cutoff
from qrec.metrics.catalogue._lists import CutMetric, ListMetric, Lists
from qrec.registry import Group, flat_modules

__all__ = ["CATALOGUE_METRICS", "PROTOCOL", "CutMetric", "ListMetric", "Lists", "find_list_metric"]

PROTOCOL = "full catalogue"


def _modules() -> dict[str, str]:
    return flat_modules(__name__)


def _pick(module: ModuleType) -> ListMetric:
    metric: ListMetric = module.METRIC
    return metric


CATALOGUE_METRICS = Group("catalogue_metrics", "catalogue metric", _modules, _pick)


def find_list_metric(name: str, where: str = "") -> CutMetric:
    """Return a metric by its full name: ``ndcg@10``, or ``module:attribute@10``.

    Raises ConfigError for an unknown name, for a cutoff that is missing or none, and for what is
    no `ListMetric`; `where` says in it who asks.
    """
    base = name.partition("@")[0]
    metric = CATALOGUE_METRICS.find(base, where)
    if not isinstance(metric, ListMetric):
        raise ConfigError(
            f"catalogue metric {base!r}{where} is a {type(metric).__name__}; expected a "
            "qrec.metrics.catalogue.ListMetric"
        )
    n = read_cutoff(name, where)
    return CutMetric(f"{base}@{n}", f"{metric.header}@{n}", metric.format, n, metric.compute)
