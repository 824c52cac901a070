"""Fitting one recommender of a comparison: its bases given, its grid tried on validation."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from qrec.backends.base import Backend
from qrec.data import Split
from qrec.errors import ConfigError
from qrec.experiments.comparison.spec import Entry
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import is_backend
from qrec.runs.outcomes import Arrays, Outcome
from qrec.types import Array, Row

_HISTORY = "history"  # the array of an outcome that holds it
_LEAST_HISTORY = 2  # one value is no curve
OpenByName = Callable[[str], Backend]
Bases = Mapping[str, Recommender]  # by the parameter that refers to them


@dataclass(frozen=True, kw_only=True)
class FitRow(Row):
    """What was noted when a recommender was fitted."""

    recommender: str
    repeat: int
    params: dict[str, Any]
    chosen: dict[str, Any]  # of a grid, by RMSE on the validation part and by nothing else
    fit_seconds: float | None  # None, and so the next, where a QPU was asked
    tune_seconds: float | None
    validation_rmse: float | None


@dataclass(frozen=True)
class _Tried:
    """A candidate of a grid, fitted."""

    model: Recommender
    chosen: dict[str, Any]
    seconds: float | None
    validation_rmse: float | None  # None where there was nothing to choose


def fit(
    entry: Entry, repeat: int, parts: Split, bases: Bases, opened: OpenByName, seed: int
) -> Outcome:
    """Return the fitted recommender of `entry`; a grid's candidates are fitted one by one.

    Raises ConfigError for a grid where the split leaves no validation part.
    """
    begun = time.perf_counter()
    tried = [
        _fitted(build(entry, chosen, bases, opened, seed), chosen, entry, parts)
        for chosen in ParameterGrid(entry.grid)
    ]
    best = min(tried, key=lambda t: t.validation_rmse or 0.0)  # an empty grid has one candidate
    row = FitRow(
        recommender=entry.label,
        repeat=repeat,
        params=entry.params | best.chosen,
        chosen=best.chosen,
        fit_seconds=best.seconds,
        tune_seconds=time.perf_counter() - begun if entry.grid and best.seconds else None,
        validation_rmse=best.validation_rmse,
    )
    return Outcome([row], history_of(best.model), best.model)


def history_of(model: Recommender) -> Arrays:
    """Return what a training recorded of itself in ``history_``, one value per epoch, if it did."""
    history = getattr(model, "history_", None)
    if not isinstance(history, np.ndarray) or history.ndim != 1 or len(history) < _LEAST_HISTORY:
        return {}
    return {_HISTORY: history.astype(float)}


def histories(steps: Mapping[str, str], outcomes: Mapping[str, Outcome]) -> dict[str, Array]:
    """Return the histories that `steps`, by the names of entries, have recorded.

    Those that could not be done have recorded none.
    """
    found = {name: outcomes[step].arrays for name, step in steps.items() if step in outcomes}
    return {name: arrays[_HISTORY] for name, arrays in found.items() if _HISTORY in arrays}


def build(
    entry: Entry, chosen: Mapping[str, Any], bases: Bases, opened: OpenByName, seed: int
) -> Recommender:
    """Return the unfitted recommender of `entry`.

    `bases` are given for the parameters that refer to other entries: as they are where the
    recommender keeps a fitted one (``prefit``), as unfitted clones elsewhere. A backend is
    `opened` by its name. `seed` becomes its `random_state` unless the entry sets one.
    """
    known = signature(entry.cls).parameters
    params = {**entry.params, **chosen}
    prefit = params.get("prefit", known["prefit"].default if "prefit" in known else False)
    given = {name: base if prefit else clone(base) for name, base in bases.items()}
    params |= {name: _referred(params[name], name, given) for name in _parameters(given)}
    params |= {name: opened(value) for name, value in params.items() if is_backend(name)}
    if "random_state" in known:
        params = {"random_state": seed} | params
    return entry.cls(**params)


def _parameters(bases: Bases) -> list[str]:
    """Return the parameters that refer to other entries; of a list each place refers to one."""
    return list(dict.fromkeys(name.partition("[")[0] for name in bases))


def _referred(value: Any, name: str, bases: Bases) -> Recommender | list[Recommender]:
    if isinstance(value, list):
        return [bases[f"{name}[{place}]"] for place in range(len(value))]
    return bases[name]


def _fitted(model: Recommender, chosen: dict[str, Any], entry: Entry, parts: Split) -> _Tried:
    if entry.grid and parts.validation is None:
        raise ConfigError(
            f"recommenders.{entry.label}: a grid is chosen on the validation part, "
            "but the split leaves none"
        )
    begun = time.perf_counter()
    model.fit(parts.train, validation=parts.validation)
    taken = time.perf_counter() - begun
    asked = [one for one in model.get_params(deep=False).values() if isinstance(one, Backend)]
    seconds = None if any(backend.costs for backend in asked) else taken
    score = -model.score(parts.validation) if entry.grid and parts.validation else None
    return _Tried(model, chosen, seconds, score)
