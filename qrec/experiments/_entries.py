"""The YAML form of a comparison: a data set, a split and a list of recommenders."""

from collections import Counter
from inspect import signature
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from qrec.config import Spec
from qrec.errors import ConfigError
from qrec.experiments._observed import ObservedSpec
from qrec.recommenders import recommender_class
from qrec.recommenders.base import Recommender
from qrec.registry import check_name

REFERENCE = "@"  # a parameter beginning with it names another entry
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class Entry(Spec):
    """One recommender of a comparison, with the backends it predicts on."""

    label: FileName
    recommender: str
    params: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, list[Any]] = Field(default_factory=dict)  # candidates, tried on validation
    # Of quantum recommenders only; without any, those predict on `exact`.
    backends: list[FileName] = Field(default_factory=list)
    # Anything but "test" shows what a figure looks like that is not held out.
    scored_on: Literal["test", "train", "all"] = "test"

    @property
    def cls(self) -> type[Recommender]:
        return recommender_class(self.recommender)

    @property
    def is_quantum(self) -> bool:
        return hasattr(self.cls, "workloads")

    @property
    def references(self) -> dict[str, str]:
        """The parameters that name other entries, parameter -> label."""
        return {
            name: value.removeprefix(REFERENCE)
            for name, value in self.params.items()
            if isinstance(value, str) and value.startswith(REFERENCE)
        }

    @model_validator(mode="after")
    def _check(self) -> Self:
        where = f"recommenders.{self.label}"
        known = list(signature(self.cls).parameters)
        for name in (*self.params, *self.grid):
            check_name(name, known, f"parameter of {self.recommender!r} (in {where})")
        if self.backends and not self.is_quantum:
            raise ConfigError(
                f"{where}: backends: found {self.backends}, but {self.recommender!r} runs no "
                "circuit; only quantum recommenders have backends"
            )
        return self


class ObjectiveEntry(Spec):
    """An objective of the variational SVD, see `qrec.svd.objectives.Score`, at its maximum.

    The matrix is 2^n x 2^n with entries uniform on [-1, 1], then divided by its largest
    magnitude; entries of equal `n_qubits` share it. Training is linear algebra, the weights of
    the original objective are rank, ..., 2, 1. Each circuit of `form`, see
    `qrec.svd.measured.objective_probes`, is evaluated `n_evaluations` times.
    """

    label: FileName
    objective: Literal["original", "modified", "subspace"]
    n_qubits: Annotated[int, Field(ge=1, le=6)] = 1
    n_layers: Annotated[int, Field(ge=1)] = 1
    rank: Annotated[int, Field(ge=1)] = 2
    form: Literal["published", "bell", "direct"] = "published"
    n_evaluations: Annotated[int, Field(ge=1)] = 8
    backends: list[FileName] = Field(default_factory=list)  # without any: `exact`

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rank > 2**self.n_qubits:
            raise ConfigError(
                f"objectives.{self.label}: rank is {self.rank}; expected at most "
                f"{2**self.n_qubits}, the side of the matrix"
            )
        return self


class ComparisonSpec(ObservedSpec):
    """Recommenders, classical and quantum, fitted and scored on the same split.

    Repeat r has a split and seeds of its own. Backends that take shots predict `n_pairs` test
    pairs, drawn once per repeat; the others predict all of them. `objectives` of the
    variational SVD may be measured along with them.
    """

    kind: Literal["comparison"]
    repeats: Annotated[int, Field(ge=1)] = 1
    n_pairs: Annotated[int, Field(ge=2)] = 200
    recommenders: Annotated[list[Entry], Field(min_length=1)]
    objectives: list[ObjectiveEntry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> Self:
        labels: list[str] = []
        for entry in self.recommenders:
            for name, label in entry.references.items():
                if label not in labels:
                    raise ConfigError(
                        f"recommenders.{entry.label}: params.{name}: {REFERENCE}{label} is no "
                        f"earlier entry; earlier: {', '.join(labels) or 'none'}"
                    )
            labels.append(entry.label)
        labels += [entry.label for entry in self.objectives]
        twice = [label for label, n in Counter(labels).items() if n > 1]
        if twice:
            raise ConfigError(f"two entries have the label {twice[0]!r}")
        return self

    def entry(self, label: str) -> Entry:
        """Return the entry with this label."""
        return next(entry for entry in self.recommenders if entry.label == label)

    def family(self, entry: Entry) -> str:
        """Return whether an entry is classical, quantum, or a hybrid built on a quantum one."""
        # Those that only train on a backend predict without one, but are quantum all the same.
        if entry.is_quantum or "backend" in signature(entry.cls).parameters:
            return "quantum"
        bases = (self.family(self.entry(label)) for label in entry.references.values())
        return "hybrid" if any(base != "classical" for base in bases) else "classical"

    @property
    def needs_backend(self) -> bool:
        """Whether anything is evaluated on a backend."""
        return bool(self.objectives) or any(entry.is_quantum for entry in self.recommenders)

    def with_backends(self, names: list[str]) -> Self:
        """Return the same comparison with other backends for its circuits."""
        if not self.needs_backend:
            raise ConfigError(f"experiment {self.name!r} has no quantum recommender for {names}")
        backends = {"backends": names}
        return self.model_copy(
            update={
                "recommenders": [
                    entry.model_copy(update=backends) if entry.is_quantum else entry
                    for entry in self.recommenders
                ],
                "objectives": [entry.model_copy(update=backends) for entry in self.objectives],
            }
        )
