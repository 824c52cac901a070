"""What a metric is, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass

from qrec.types import AnyCodes, Array


@dataclass(frozen=True)
class Score:
    """A metric and its standard error; both ``nan`` where nothing could be scored."""

    value: float
    stderr: float


@dataclass(frozen=True)
class Metric:
    """A metric as its file offers it, with its column in tables.

    `compute` is given truth, prediction and users, `(n,)` each, a prediction being ``nan`` where
    the recommender could not score; with `has_cutoff` also ``at``, how many items of a user's
    ranking count, which its name says after an @.
    """

    header: str
    compute: Callable[..., Score]
    format: str = "{:.4f}"
    has_cutoff: bool = False


@dataclass(frozen=True)
class BoundMetric:
    """A metric by its full name, ``rmse`` or ``ndcg@10``: ready to be computed and shown."""

    name: str
    header: str
    format: str
    compute: Callable[[Array, Array, AnyCodes], Score]

    def __call__(self, truth: Array, prediction: Array, users: AnyCodes) -> Score:
        """Return the metric of `prediction`; all arguments `(n,)`."""
        return self.compute(truth, prediction, users)
