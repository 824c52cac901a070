"""What every kind of experiment is: steps that ask and find, rows, tables, figures.

A kind defines its spec, the form of its YAML file, and an `Experiment` that turns a spec into
steps. Running, resuming, submitting, fetching, replaying, comparing and reporting are the
runner's, the same for all kinds.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure
from qrec.analysis.samples import Sample
from qrec.analysis.table import Table
from qrec.backends import open_backend
from qrec.backends.base import Backend
from qrec.backends.open import open_recorded
from qrec.backends.workload import Asked, Reading, Workload
from qrec.config import ExperimentSpec
from qrec.registry import door
from qrec.runs.circuits import Cost
from qrec.runs.outcomes import Outcome
from qrec.types import Row

Have = Mapping[str, Outcome]  # step -> what it found, of those named in `after`


class Ask(Protocol):
    """How a step questions a backend; it may be called any number of times.

    Answers are stored and used again whenever the step is run again, so a step must ask the
    same things in the same order each time.
    """

    def __call__(self, backend: Backend, workloads: Sequence[Workload]) -> list[Reading]:
        """Return the readings of the workloads, in their order."""
        ...

    @property
    def costs(self) -> list[Cost]:
        """What the circuits of the last question cost: ``logical``, ``isa`` and ``executed``.

        The last is that on a device or a simulator of one; elsewhere, in gates u and cx.
        """
        ...

    def wrap(self, backend: Backend) -> Backend:
        """Return a backend whose `run` goes through this, for a model that calls it.

        One without shots is returned as it is: its values need no storing.
        """
        ...

    def say(self, doing: str) -> None:
        """Tell whoever watches what the step is doing."""
        ...


@dataclass(frozen=True)
class Step:
    """One independent piece of work; `after` names steps whose outcomes it reads.

    `do` is a function of the spec, of seeds that hang on names, of earlier outcomes and of
    answers, and of nothing else. `most` returns the most it can ask; without, a step asks once
    at most.
    """

    name: str  # becomes a file's name
    do: Callable[[Ask, Have], Outcome]
    after: tuple[str, ...] = ()
    most: Callable[[Have], Sequence[Asked]] | None = None
    own_name: str = ""  # within a suite: its name without the label, by which shots are seeded


@dataclass(frozen=True)
class Size:
    """A key of the spec, such as ``n_pairs``, in proportion to which some steps ask."""

    key: str
    value: int
    steps: frozenset[str]


@dataclass(frozen=True)
class Compared:
    """What of a run is compared with what has the same name in another run."""

    name: str  # the label of a suite's experiment; "" of an experiment that is no suite
    rows: Sequence[Row]
    samples: Sequence[Sample]
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Places:
    """Where files outside the run folder are looked for; None takes the usual places."""

    data_dir: Path | None = None
    backends_file: Path | None = None
    code: Path | None = None  # the folder of the user's own code that may run
    allow_code: bool = False  # or any


class Experiment(ABC):
    """One experiment: its spec, and what can be done with it."""

    Spec: ClassVar[type[ExperimentSpec]]
    rows_of: tuple[type[Row], ...]  # the types of row that steps leave
    example: ClassVar[Mapping[str, Any]] = {}  # a small spec, which the contract tests run
    # Whether rows, tables and figures can be made without the outcomes of some steps.
    partial: ClassVar[bool] = False

    def __init__(self, spec: Any, places: Places) -> None:
        self.spec = spec
        self.places = places
        self.question = ""  # what its file says of it before its first key
        self._recorded: dict[str, Any] = {}  # settings of backends, as the run began with them
        self._opened: dict[str, Backend] = {}

    @abstractmethod
    def steps(self) -> list[Step]:
        """Return all steps; those that a step comes after stand before it."""

    @abstractmethod
    def tables(self, rows: Sequence[Row]) -> list[Table]:
        """Return the tables that the rows make."""

    def rows(self, outcomes: Have) -> list[Row]:
        """Return the rows of a run from the outcomes of all steps: those of the steps."""
        return [row for outcome in outcomes.values() for row in outcome.rows]

    def answer(self, rows: Sequence[Row], outcomes: Have) -> list[str]:
        """Return what the rows answer to the experiment's question, in few sentences, if any."""
        return []

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        """Return the figures by file name."""
        return {}

    def samples(self, outcomes: Have) -> list[Sample]:
        """Return predictions that `qrec compare` pairs with those of other runs, if any."""
        return []

    def compared(self, outcomes: Have, details: Mapping[str, Any]) -> list[Compared]:
        """Return what of a run `qrec compare` lays beside other runs."""
        return [Compared("", self.rows(outcomes), self.samples(outcomes), details)]

    def circuits(self) -> dict[str, QuantumCircuit]:
        """Return the logical circuits of the experiment by name."""
        return {}

    def details(self) -> dict[str, Any]:
        """Return what else `record.json` must hold so that the run can be repeated."""
        return {}

    def check_same(self, details: Mapping[str, Any]) -> None:  # noqa: B027  # most have no data
        """Raise DataError where `details` speak of other data than there is now."""

    def sizes(self) -> Sequence[Size]:
        """Return what could be made smaller where a budget does not suffice."""
        return []

    def backend_names(self) -> Sequence[str]:
        """Return the names of the backends that steps ask, entries of backends.yaml."""
        return []

    def open(self, name: str) -> Backend:
        """Open the backend that this experiment calls `name`."""
        return open_backend(name, file=self.places.backends_file)

    def backends(self) -> dict[str, Backend]:
        """Return all backends that steps ask, by name, each opened once."""
        return {name: self.backend(name) for name in dict.fromkeys(self.backend_names())}

    def backend(self, name: str) -> Backend:
        """Return one of them, with the settings with which the run began."""
        if name not in self._opened:
            recorded, file = self._recorded.get(name), self.places.backends_file
            with door(self.places.code, self.places.allow_code):  # for kinds of the user's own
                opened = self.open(name) if recorded is None else open_recorded(recorded, file)
            self._opened[name] = opened
        return self._opened[name]

    def share_backends(self, other: "Experiment") -> None:
        """Ask, from now on, the same backends as another experiment of the same run."""
        self._opened = other._opened

    def use_recorded(self, details: Mapping[str, Any]) -> None:
        """Take what a run's record holds: settings of backends by name, and the kind's own.

        Raises ConfigError where that is not what `details` gives.
        """
        backends = details.get("backends", {})
        self._recorded = {name: entry["spec"] for name, entry in backends.items()}

    def plan(self) -> Table:
        """Return what would be done, having done none of it."""
        rows = [[step.name, ", ".join(step.after) or "-"] for step in self.steps()]
        return Table(
            f"{self.spec.name}: what would be done; nothing was", ["step", "after"], rows, n_text=2
        )
