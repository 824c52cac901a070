"""Checking hyper-parameters, at `fit` as scikit-learn does."""

from numbers import Integral, Real

from qrec.errors import ConfigError
from qrec.recommenders.base import Recommender


def check_params(model: Recommender, **rules: int | float | tuple[str, ...]) -> None:
    """Raise ConfigError for a hyper-parameter of `model` that breaks its rule.

    A rule is a tuple of names to choose from, or the smallest value allowed: an `int` asks
    for an integer, a `float` for any real number.
    """
    for name, rule in rules.items():
        value = getattr(model, name)
        if isinstance(rule, tuple):
            _require(value in rule, model, name, " or ".join(repr(choice) for choice in rule))
        else:
            kind = Integral if isinstance(rule, int) else Real
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            wanted = "an integer" if kind is Integral else "a number"
            # Written so that nan, which compares false, is refused.
            _require(is_number and value >= rule, model, name, f"{wanted} of at least {rule}")


def check_at_most(model: Recommender, name: str, highest: int, why: str) -> None:
    """Raise ConfigError when a hyper-parameter exceeds what the ratings allow."""
    _require(getattr(model, name) <= highest, model, name, f"at most {highest}, {why}")


def _require(met: bool, model: Recommender, name: str, expected: str) -> None:
    if not met:
        raise ConfigError(
            f"{type(model).__name__}: {name} is {getattr(model, name)!r}; expected {expected}"
        )
