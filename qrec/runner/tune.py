"""The hyper-parameters of an experiment's entries, chosen on the validation part alone.

A study is a folder as that of a run is, among the studies: `spec.yaml` and `record.json` say what
it stands on, `tune.log` is Optuna's journal of all trials. Any number of processes may work on it;
whoever finds nothing left to do writes `trials.csv` and `tuned.yaml`, the experiment with what was
found, which needs no tuning any more.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from qrec.errors import ConfigError, QrecError
from qrec.experiments.base import Experiment, Places
from qrec.experiments.comparison.spec import Entry
from qrec.experiments.comparison.tuning import TunedExperiment
from qrec.recommenders.spaces import Space
from qrec.runner.load import opened, restore
from qrec.runner.run import begin, refuse_paid
from qrec.runner.study import Trials, Tried, require_optuna
from qrec.runs.folder import RunFolder, find_study, studies_dir
from qrec.runs.progress import Report
from qrec.seeds import child_seed
from qrec.threads import one_thread

_WAIT_SECONDS = 0.2  # where all that is left is others'


@dataclass(frozen=True)
class Planned:
    """An entry with what is tried of it, and how often: once where there is nothing to try."""

    entry: Entry
    space: Space
    n_trials: int


class Study:
    """A study in its folder."""

    def __init__(self, folder: RunFolder, experiment: Experiment) -> None:
        self.folder, self.experiment = folder, tunable(experiment)
        self.planned = plan(experiment)
        seed = self.experiment.spec.seed
        self.trials = {
            one.entry.label: Trials(
                folder.path,
                one.entry.label,
                one.space,
                one.entry.untuned,
                child_seed(seed, "tune", one.entry.label),
            )
            for one in self.planned
        }

    def left(self) -> list[tuple[str, int]]:
        """Return the trials that have not ended, by label and slot."""
        return [
            (label, slot)
            for one in self.planned
            for label in [one.entry.label]
            for done in [self.trials[label].done()]
            for slot in range(one.n_trials)
            if slot not in done
        ]

    @property
    def n_trials(self) -> int:
        """The number of trials of all entries."""
        return sum(one.n_trials for one in self.planned)

    def work(self, report: Report) -> None:
        """Do trials that nobody else does until none is left."""
        while left := self.left():
            if not self._one_of(left, report):
                time.sleep(_WAIT_SECONDS)

    def _one_of(self, left: Sequence[tuple[str, int]], report: Report) -> bool:
        """Do one trial, of an entry at which nobody else works where there is one.

        An entry waits for those that it is built on. Returns whether there was a trial to do.
        """
        waiting = {label for label, _ in left}
        ready = [(label, slot) for label, slot in left if not waiting & set(self._below(label))]
        for alone in (True, False):
            for label, slot in ready:
                trials = self.trials[label]
                with ExitStack() as held:
                    if alone and not held.enter_context(trials.claim("alone")):
                        continue
                    if not held.enter_context(trials.claim(str(slot))):
                        continue
                    if slot not in trials.done():
                        self._say(report, label, slot, len(left))
                        self._try(label, slot)
                    return True
        return False

    def _below(self, label: str) -> list[str]:
        """Return the entries that one is built on, and what these are built on."""
        below = list(self.experiment.spec.entry(label).references.values())
        return [*below, *(deeper for base in below for deeper in self._below(base))]

    def _try(self, label: str, slot: int) -> None:
        trials = self.trials[label]
        chosen = {
            base: self.trials[base].best().params
            for base in self._below(label)
            if base in self.trials
        }
        params, trial = trials.suggest(slot)
        same = [one for one in trials.done().values() if one.params == params]
        begun, problem = time.perf_counter(), same[0].problem if same else None
        rmse = same[0].rmse if same else float("inf")
        if not same:
            try:
                with opened(self.experiment.places), one_thread():
                    rmse = self.experiment.validation_rmse(label, chosen | {label: params})
                if not rmse < float("inf"):  # nan too
                    rmse, problem = float("inf"), "its predictions are no numbers"
            except QrecError as error:
                problem = str(error)
        if problem is not None and slot == 0:
            raise QrecError(f"recommenders.{label}: as it is it cannot be scored: {problem}")
        trials.tell(Tried(slot, params, rmse, time.perf_counter() - begun, problem), trial)

    def _say(self, report: Report, label: str, slot: int, n_left: int) -> None:
        found = [one.rmse for one in self.trials[label].done().values()]
        best = f", best {min(found):.4f}" if found else ""
        report(f"{label}: trial {slot}{best}", self.n_trials - n_left, self.n_trials)


def tunable(experiment: Experiment) -> TunedExperiment:
    """Return an experiment as one that can be tuned. Raises ConfigError for one that cannot."""
    if not isinstance(experiment, TunedExperiment):
        raise ConfigError(
            f"experiment {experiment.spec.name!r} is of kind {experiment.spec.kind!r}; "
            "qrec tune takes a comparison of recommenders"
        )
    return experiment


def plan(experiment: Experiment) -> list[Planned]:
    """Return what is tried of which entries. Raises ConfigError where an entry cannot be tuned."""
    spec, found = tunable(experiment).spec, []
    with opened(experiment.places):
        for entry in spec.recommenders:
            if spec.tune.only and entry.label not in spec.tune.only:
                continue
            try:
                space = entry.tuned
                _ = entry.untuned
            except ConfigError as error:
                raise ConfigError(f"recommenders.{entry.label}: {error}") from None
            found.append(Planned(entry, space, spec.tune.trials if space else 1))
    return found


def begin_study(experiment: Experiment, command: str) -> Study:
    """Make the folder of a study; its record holds the `command` that began it.

    Raises MissingError without optuna, and ConfigError for what cannot be tuned or costs.
    """
    check(experiment)
    return Study(begin(experiment, studies_dir(), {"command": command}), experiment)


def check(experiment: Experiment) -> None:
    """Raise what `begin_study` raises, and do nothing."""
    require_optuna()
    plan(experiment)
    with opened(experiment.places):
        refuse_paid(experiment)
        tunable(experiment).check_tunable()


def open_study(study: str, places: Places) -> Study:
    """Return a study that was begun, on the data with which it was."""
    require_optuna()
    folder = find_study(study)
    experiment = restore(folder, places)
    experiment.check_same(folder.record().details)
    return Study(folder, experiment)
