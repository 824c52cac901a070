"""What a metric is, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass

from qrec.errors import ConfigError
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


def read_cutoff(name: str, where: str = "") -> int:
    """Return how many items of a ranking count, by the name of a metric: 10 of ``ndcg@10``.

    Raises ConfigError where that is missing or none; `where` says in it who asks.
    """
    base, _, cutoff = name.partition("@")
    if not cutoff.isdecimal() or int(cutoff) < 1:
        raise ConfigError(
            f"metric {name!r}{where}: expected how many items of a ranking count after an @, at "
            f"least 1, as in {base + '@10'!r}"
        )
    return int(cutoff)
