"""The trials of a study of `qrec tune`: a journal that several processes write, and who does what.

A study has a trial 0, the parameters as they are, and trials 1, 2, ... that Optuna's TPE suggests
(Bergstra and others, NeurIPS 2011). Each trial of an entry is a slot with a sampler and a seed of
its own; whoever holds the lock of a slot does it, and the lock dies with its process. So a study
ends with as many trials as were asked for, whoever was killed, and one process at a time gives the
same trials whether or not it was interrupted.
"""

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qrec.errors import MissingError
from qrec.recommenders.spaces import Range, Space
from qrec.runs.claims import Claim, Claims
from qrec.seeds import child_seed

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial

_STARTUP = 5  # trials at random before TPE learns from them
_DIGITS = 4  # of a number that is tried, so that a file can hold the winners as they are


@dataclass(frozen=True)
class Tried:
    """A trial that ended: what was tried, and its RMSE, infinite where the model failed."""

    slot: int
    params: dict[str, Any]
    rmse: float
    seconds: float
    problem: str | None


class Trials:
    """The trials of one entry."""

    def __init__(self, path: Path, label: str, space: Space, first: Mapping[str, Any], seed: int):
        self.label, self.space, self.first = label, space, first
        self._path, self._seed = path, seed

    def done(self) -> dict[int, Tried]:
        """Return the trials that ended, by slot."""
        ended = (_tried(trial) for trial in self._study.get_trials(deepcopy=False))
        return {trial.slot: trial for trial in ended if trial is not None}

    def best(self) -> Tried:
        """Return the trial of the lowest RMSE, of equal ones the earliest."""
        return min(self.done().values(), key=lambda trial: (trial.rmse, trial.slot))

    def claim(self, name: str) -> AbstractContextManager[Claim | None]:
        """Hold what only one process may do, where it is free, until it is done or dies."""
        return Claims(self._path).take(f"{self.label}.{name}")

    def suggest(self, slot: int) -> tuple[dict[str, Any], "Trial | None"]:
        """Return what a slot tries; trial 0 is what there is."""
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        if slot == 0:
            return dict(self.first), None
        study = self._study
        for old in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if old.user_attrs.get("slot") == slot:  # its process was killed: the lock is ours
                study.tell(old.number, state=TrialState.FAIL)
        study.sampler = TPESampler(
            seed=child_seed(self._seed, "trial", slot),
            n_startup_trials=_STARTUP,
            multivariate=True,
            constant_liar=True,  # others' running trials are not tried twice
        )
        trial = study.ask()
        trial.set_user_attr("slot", slot)
        return {name: _suggest(trial, name, values) for name, values in self.space.items()}, trial

    def tell(self, found: Tried, trial: "Trial | None") -> None:
        """Write down how a trial ended."""
        from optuna.trial import TrialState, create_trial

        notes = {
            "slot": found.slot,
            "params": found.params,
            "seconds": found.seconds,
            "problem": found.problem,
        }
        if trial is None:
            spread = {name: _distribution(values) for name, values in self.space.items()}
            params = {k: _word(v) if isinstance(self.space[k], list) else v
                      for k, v in found.params.items()}  # fmt: skip
            ended = create_trial(
                params=params, distributions=spread, value=found.rmse, user_attrs=notes
            )
            self._study.add_trial(ended)
            return
        for key, value in notes.items():
            trial.set_user_attr(key, value)
        self._study.tell(trial, found.rmse, state=TrialState.COMPLETE)

    @cached_property
    def _study(self) -> "Study":
        import optuna

        from qrec.runner.journal import open_journal

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.create_study(
                storage=open_journal(self._path / "tune.log"),
                study_name=self.label,
                direction="minimize",
                load_if_exists=True,
            )


def require_optuna() -> None:
    """Raise MissingError where the extra that tuning needs is not installed."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise MissingError("qrec tune needs optuna: pip install 'qrec[tune]'") from None


def _tried(trial: "FrozenTrial") -> Tried | None:
    if not trial.state.is_finished() or trial.value is None:
        return None
    notes = trial.user_attrs
    return Tried(notes["slot"], notes["params"], trial.value, notes["seconds"], notes["problem"])


def _suggest(trial: "Trial", name: str, values: Range | list[Any]) -> Any:
    if isinstance(values, list):
        words = {_word(value): value for value in values}
        return words[trial.suggest_categorical(name, list(words))]
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    exact = trial.suggest_float(name, values.low, values.high, log=values.log)
    return min(max(float(f"{exact:.{_DIGITS}g}"), float(values.low)), float(values.high))


def _distribution(values: Range | list[Any]) -> "BaseDistribution":
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(values, list):
        return CategoricalDistribution([_word(value) for value in values])
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(float(values.low), float(values.high), log=values.log)


def _word(value: Any) -> str:
    """Return a choice as the journal holds it, which takes words and numbers alone."""
    return repr(value)
