"""The YAML form of a fair comparison: a data set, protocols, and recommenders with controls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from qrec.config import Spec
from qrec.data.splits import split_names
from qrec.errors import ConfigError
from qrec.experiments.comparison.spec import Entry, Tuning
from qrec.experiments.labels import Label, check_labels
from qrec.experiments.members import RecommendersSpec
from qrec.registry import check_name


class Protocol(Spec):
    """One way to hold ratings out: a split drawn with several seeds, or folds of one seed."""

    label: Label
    split: dict[str, Any] | None = None
    seeds: Annotated[int, Field(ge=1)] = 1
    folds: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def forms(self) -> list[dict[str, Any]]:
        """The splits that it takes, kind and options each."""
        return self.folds if self.split is None else [self.split]

    @property
    def repeats(self) -> list["Repeat"]:
        """What is fitted and scored by itself: a seed, or a fold."""
        if self.split is None:
            return [Repeat(self.label, form["kind"], 0, form) for form in self.folds]
        return [Repeat(self.label, self.label, seed, self.split) for seed in range(self.seeds)]

    @property
    def train_share(self) -> float:
        """How much of its training part is kept."""
        return float(self.forms[0].get("train_share", 1.0))

    @model_validator(mode="after")
    def _check(self) -> Self:
        where = f"protocols.{self.label}"
        if (self.split is None) == (not self.folds):
            raise ConfigError(f"{where}: expected either split or folds, and one of them")
        for form in self.forms:
            check_name(str(form.get("kind")), split_names(), f"split (in {where})")
        if self.folds and self.seeds > 1:
            raise ConfigError(f"{where}: seeds: found {self.seeds} with folds, expected none")
        check_labels((form["kind"] for form in self.folds), f"folds of {where}")
        return self


@dataclass(frozen=True)
class Repeat:
    """One seed or one fold of a protocol."""

    group: str  # the label of the protocol
    protocol: str  # what a row calls it: the fold's kind, else the same label
    seed: int
    form: Mapping[str, Any]

    @property
    def step(self) -> str:
        """The name of the step that draws its split, with which those of its rows begin."""
        return f"{self.protocol}.s{self.seed}"


class FairEntry(Entry):
    """A recommender, the rows that could explain its gain, and where it takes part.

    `control` says by label what each control has in the place of the quantum part; `ablation`,
    what a row has that none may have who predicts: it is shown, and never the best. Without
    `protocols` it takes part in all.
    """

    control: dict[Label, str] = Field(default_factory=dict)
    ablation: Annotated[str, Field(min_length=1)] | None = None
    protocols: list[Label] = Field(default_factory=list)


class FairComparisonSpec(RecommendersSpec):
    """Recommenders under protocols; the first protocol is the main one.

    `bias` is the label of the row of user and item biases, which every row is laid beside, and
    `buckets` bound from below how many training ratings a user has. `device` and `shots` are
    what the costs of circuits are counted for; nothing is run there.
    """

    kind: Literal["fair_comparison"]
    protocols: Annotated[list[Protocol], Field(min_length=1)]
    recommenders: Annotated[list[FairEntry], Field(min_length=1)]  # type: ignore[assignment]
    tune: Tuning = Tuning()
    bias: Label = "bias"
    buckets: list[Annotated[int, Field(ge=1)]] = [20, 50, 100]  # noqa: RUF012
    device: str = "fake:FakeTorino"
    shots: Annotated[int, Field(ge=1)] = 1024

    def entry(self, label: str) -> FairEntry:
        """Return the entry with this label."""
        return next(entry for entry in self.recommenders if entry.label == label)

    def contends(self, label: str) -> bool:
        """Return whether a row may be the best of its family: it is no ablation."""
        return self.entry(label).ablation is None

    def takes_part(self, label: str, protocol: str) -> bool:
        """Return whether a recommender has a row under a protocol."""
        named = self.entry(label).protocols
        return not named or protocol in named

    @model_validator(mode="after")
    def _check(self) -> Self:
        protocols = [protocol.label for protocol in self.protocols]
        check_labels(protocols, "protocols")
        check_labels(
            (t.protocol for p in self.protocols for t in p.repeats if not t.seed), "repeats"
        )
        labels = [entry.label for entry in self.recommenders]
        check_name(self.bias, labels, "recommender (in bias)")
        self.tune.check(labels)
        bias = self.entry(self.bias)
        if self.family(self.bias) != "classical" or bias.protocols or bias.ablation:
            raise ConfigError(
                f"bias: {self.bias}: expected a classical recommender that takes part everywhere "
                "and is no ablation"
            )
        if sorted(set(self.buckets)) != self.buckets:
            raise ConfigError(f"buckets: found {self.buckets}, expected ascending numbers")
        for entry in self.recommenders:
            where = f"recommenders.{entry.label}"
            for protocol in entry.protocols:
                check_name(protocol, protocols, f"protocol (in {where}.protocols)")
            for control in entry.control:
                check_name(control, labels, f"recommender (in {where}.control)")
            self._check_beside(entry, protocols)
        return self

    def _check_beside(self, entry: FairEntry, protocols: list[str]) -> None:
        """Raise ConfigError where a row has not beside it what it is built on or laid beside.

        Its controls may take part in fewer protocols, as they explain it in any one of them.
        """
        where = f"recommenders.{entry.label}"
        own = [label for label in protocols if self.takes_part(entry.label, label)]
        for base in entry.references.values():
            missing = [label for label in own if not self.takes_part(base, label)]
            if missing:
                raise ConfigError(
                    f"{where}: takes part in {missing[0]}, but {base}, on which it is built, "
                    "does not"
                )
        for control in entry.control:
            if control == entry.label:
                raise ConfigError(f"{where}.control: found itself, expected others")
            if not any(self.takes_part(control, label) for label in own):
                raise ConfigError(
                    f"{where}.control: {control} takes part in none of its protocols: "
                    f"{', '.join(own)}"
                )
