"""The YAML form of a comparison: a data set, a split and a list of recommenders."""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from sklearn.model_selection import ParameterGrid

from qrec.config import Spec
from qrec.errors import ConfigError, NoBackendError
from qrec.experiments.labels import Label, check_labels
from qrec.experiments.observed import ObservedSpec
from qrec.metrics import find_metric
from qrec.recommenders import recommender_class
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import REFERENCE, check_parameters, is_backend
from qrec.recommenders.spaces import (
    Range,
    check_holds,
    checked_range,
    default_of,
    default_space,
)
from qrec.registry import check_name

Tried = Annotated[
    Annotated[Range, Tag("[range]")] | Annotated[list[Any], Tag("[list]")],
    Discriminator(lambda given: "[range]" if isinstance(given, dict | Range) else "[list]"),
]


class Entry(Spec):
    """One recommender of a comparison, with the backends it predicts on."""

    label: Label
    recommender: str
    params: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, list[Any]] = Field(default_factory=dict)  # candidates, tried on validation
    # What `qrec tune` tries, a range or a list, instead of what the signature says.
    space: dict[str, Tried] = Field(default_factory=dict)
    # Of quantum recommenders only; without any, those predict without shots and noise.
    backends: list[Label] = Field(default_factory=list)
    # Anything but "test" shows what a figure looks like that is not held out.
    scored_on: Literal["test", "train", "all"] = "test"

    @property
    def cls(self) -> type[Recommender]:
        """The class of the recommender."""
        return recommender_class(self.recommender, f" (in recommenders.{self.label})")

    @property
    def predicts_on(self) -> list[str]:
        """The backends whose readings are its rows; none means that without shots and noise."""
        own = self.params.get("backend")
        return self.backends or ([own] if self.is_quantum and isinstance(own, str) else [])

    @property
    def is_quantum(self) -> bool:
        """Whether it predicts by circuits."""
        return hasattr(self.cls, "workloads")

    @property
    def candidates(self) -> list[tuple[str, Any]]:
        """Every value that a parameter may take here, with its name."""
        tried = [(name, value) for name, values in self.grid.items() for value in values]
        return [*self.params.items(), *tried]

    @property
    def references(self) -> dict[str, str]:
        """The parameters that name other entries, parameter -> label.

        Of a parameter that names a list of them, each is ``parameter[place]``.
        """
        named = {name: value for name, value in self.params.items() if _refers(value)}
        for name, values in self.params.items():
            if isinstance(values, list) and any(map(_refers, values)):
                named |= {f"{name}[{place}]": value for place, value in enumerate(values)}
        return {name: str(value).removeprefix(REFERENCE) for name, value in named.items()}

    @property
    def tuned(self) -> dict[str, Range | list[Any]]:
        """What `qrec tune` tries, by parameter.

        What `params` fixes stays as it is unless `space` names it; a grid's values are choices.
        """
        fixed = [*self.params, *self._ignored(ParameterGrid(self.grid)[0])]
        usual = {k: v for k, v in default_space(self.cls).items() if k not in fixed}
        found = usual | self.grid | self.space
        return {
            name: checked_range(self.cls, name, values) if isinstance(values, Range) else values
            for name, values in found.items()
        }

    @property
    def untuned(self) -> dict[str, Any]:
        """The values with which tuning begins, of the parameters that it tries.

        Of a grid that lacks the default it is the first, with which a run begins, too.
        """
        found = {}
        for name, tried in self.tuned.items():
            fixed = name in self.params
            found[name] = self.params[name] if fixed else default_of(self.cls, name)
            if name in self.grid and isinstance(tried, list) and found[name] not in tried:
                found[name] = tried[0]
        return found

    @model_validator(mode="after")
    def _check(self) -> Self:
        where = f"recommenders.{self.label}"
        known = list(signature(self.cls).parameters)
        self._check_space(f"{where}: space", known)
        for name, value in self.candidates:
            check_name(name, known, f"parameter of {self.recommender!r} (in {where})")
            if is_backend(name):
                if not isinstance(value, str):
                    raise ConfigError(
                        f"{where}: {name}: expected the name of an entry of backends.yaml; "
                        f"found a {type(value).__name__}"
                    )
            elif isinstance(value, list) and any(map(_refers, value)):
                self._check_list(where, name, value)
            elif name not in self.references:
                try:
                    check_parameters(self.cls, {name: value})
                except ConfigError as error:
                    raise ConfigError(f"{where}: {error}") from None
        self._check_whole(where)
        if self.backends and not self.is_quantum:
            raise ConfigError(
                f"{where}: backends: found {self.backends}, but {self.recommender!r} runs no "
                "circuit; only quantum recommenders have backends"
            )
        return self

    def _check_space(self, where: str, known: list[str]) -> None:
        """Raise ConfigError for what tuning cannot try."""
        for name, values in self.space.items():
            check_name(name, known, f"parameter of {self.recommender!r} (in {where})")
            try:
                if is_backend(name) or name in self.references:
                    raise ConfigError(f"{name}: expected a number or a word; it names something")
                for value in values if isinstance(values, list) else ():
                    check_parameters(self.cls, {name: value})
                check_holds(name, self.tuned[name], self.untuned[name])
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from None

    def _check_list(self, where: str, name: str, values: list[Any]) -> None:
        """Raise ConfigError where a list names other entries and something else beside them."""
        place = next((n for n, value in enumerate(values) if not _refers(value)), None)
        if place is not None:
            raise ConfigError(
                f"{where}: params.{name}[{place}] is {values[place]!r}; expected {REFERENCE} and "
                "the label of another entry, as beside it"
            )
        if name not in self.params:
            raise ConfigError(
                f"{where}: grid.{name}: found a list of other entries as a candidate; expected it "
                "in params"
            )

    def _check_whole(self, where: str) -> None:
        """Raise ConfigError for a missing parameter, and for ones that do not go together."""
        for name, parameter in signature(self.cls).parameters.items():
            if parameter.default is parameter.empty and name not in dict(self.candidates):
                raise ConfigError(f"{where}: params: {self.recommender!r} needs {name!r}")
        for chosen in ParameterGrid(self.grid):
            for name, why in self._ignored(chosen).items():
                if name in self.params | chosen:
                    raise ConfigError(f"{where}: params: {name} has no effect beside {why}")
        for chosen in [] if self.references else ParameterGrid(self.grid):
            try:
                self.cls(**self.params | chosen).check()
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from None

    def _ignored(self, chosen: dict[str, Any]) -> dict[str, str]:
        """Return the parameters that have no effect beside those of the entry, and why."""
        own = {k: v for k, v in self.params.items() if not _refers(v[0] if _is_list(v) else v)}
        return self.cls(**own | chosen).ignored()


def family(entry: Entry, find: Callable[[str], Entry]) -> str:
    """Return whether an entry is classical, quantum, or a hybrid built on a quantum one.

    `find` gives the entry of a label.
    """
    # Those that only train on a backend predict without one, but are quantum all the same.
    if entry.is_quantum or "backend" in signature(entry.cls).parameters:
        return "quantum"
    bases = (family(find(label), find) for label in entry.references.values())
    return "hybrid" if any(base != "classical" for base in bases) else "classical"


def check_entries(entries: Sequence[Entry]) -> None:
    """Raise ConfigError for equal labels, and for a reference to what is no earlier entry."""
    labels: list[str] = []
    for entry in entries:
        for name, label in entry.references.items():
            if label not in labels:
                raise ConfigError(
                    f"recommenders.{entry.label}: params.{name}: {REFERENCE}{label} is no "
                    f"earlier entry; earlier: {', '.join(labels) or 'none'}"
                )
        labels.append(entry.label)
    check_labels(labels)


class Tuning(Spec):
    """How much `qrec tune` does: as many trials for each entry, or for those named `only`."""

    trials: Annotated[int, Field(ge=1)] = 20
    only: list[Label] = Field(default_factory=list)

    def check(self, labels: list[str]) -> None:
        """Raise ConfigError where `only` names what is none of these."""
        for label in self.only:
            check_name(label, labels, "entry (in tune.only)")


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _refers(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(REFERENCE)


class ComparisonSpec(ObservedSpec):
    """Recommenders, classical and quantum, fitted and scored on the same split.

    Repeat r has a split and seeds of its own. Backends that take shots predict `n_pairs` test
    pairs, drawn once per repeat; the others predict all of them. `metrics` are named as in
    `qrec.metrics`, ``ndcg@10`` among them.
    """

    kind: Literal["comparison"]
    repeats: Annotated[int, Field(ge=1)] = 1
    n_pairs: Annotated[int, Field(ge=2)] = 200
    metrics: Annotated[list[str], Field(min_length=1)] = ["rmse", "mae"]  # noqa: RUF012
    recommenders: Annotated[list[Entry], Field(min_length=1)]
    tune: Tuning = Tuning()

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            find_metric(name, " (in metrics)")
        return names

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_entries(self.recommenders)
        self.tune.check([entry.label for entry in self.recommenders])
        return self

    def entry(self, label: str) -> Entry:
        """Return the entry with this label."""
        return next(entry for entry in self.recommenders if entry.label == label)

    def family(self, entry: Entry) -> str:
        """Return whether an entry is classical, quantum, or a hybrid built on a quantum one."""
        return family(entry, self.entry)

    def with_backends(self, names: list[str]) -> Self:
        """Return the same comparison with other backends for its circuits."""
        if not any(entry.is_quantum for entry in self.recommenders):
            raise NoBackendError(f"experiment {self.name!r} has no quantum recommender for {names}")
        entries = [
            entry.model_copy(update={"backends": names}) if entry.is_quantum else entry
            for entry in self.recommenders
        ]
        return self.model_copy(update={"recommenders": entries})
