"""`kind: fidelity`: what predicts how much of a circuit's outcome a device's noise leaves?

The LSTM of Mao, Shresthamali and Kondo, "Q-fid" (arXiv:2303.17523), which reads a transpiled
circuit as text, beside what needs no training and beside trees on a few counts. Their label is
R^2 of the outcome probabilities, their baseline (mapomatic) the estimated success probability
(ESP). These are different quantities: where p is the chance that nothing goes wrong, R^2 is
about 1 - (1 - p)^2, so that the baseline to beat is this line and not p.

Circuits are those of qrec's families and of randomised benchmarking, transpiled to random
places on the snapshot's device; labels are exact (`qrec.backends.exact`), a step for every few
hundred circuits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.figures import Figure, new_canvas
from qrec.analysis.table import Column, Table, build_table
from qrec.backends.device.snapshots import SnapshotName, open_snapshot
from qrec.config import ExperimentSpec
from qrec.errors import ConfigError
from qrec.experiments.base import Ask, Experiment, Have, Step
from qrec.experiments.fidelity.circuits import (
    FAMILIES,
    clifford_circuit,
    own_circuit,
    random_layout,
)
from qrec.experiments.fidelity.labels import LOWEST_R2, TARGETS, Device, Labelled, joined
from qrec.experiments.fidelity.predictors import LSTM, UNTRAINED, predictions
from qrec.metrics import rmse
from qrec.registry import check_name
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.types import Array, Row, of_type

_AT_ONCE = 250  # circuits of a step
_WIDEST = 20  # qubits of a device: on more, most words would be met in no training circuit
_PARTS = (0.7, 0.15)  # train, validation; the rest tests
OWN, CLIFFORD = "own", "clifford"
# A column of the tables each, with what is tested and on what is trained.
SPLITS = {
    "random": ("random", "own circuits by own"),
    "family": ("family", "own circuits of the families held out by the others"),
    "clifford": ("Clifford", "benchmarking by benchmarking"),
    "clifford_to_own": ("to own", "own circuits by benchmarking"),
}


class FidelitySpec(ExperimentSpec):
    """How many circuits, on which device, and which families are held out of training."""

    kind: Literal["fidelity"]
    snapshot: SnapshotName = "fake:FakeNairobiV2"
    n_own: Annotated[int, Field(ge=len(FAMILIES))] = 2000
    n_clifford: Annotated[int, Field(ge=8)] = 1500
    held_out: Annotated[list[str], Field(min_length=1)] = ["swap_test", "fable"]  # noqa: RUF012
    n_epochs: Annotated[int, Field(ge=1)] = 25  # of the LSTM, at most

    @model_validator(mode="after")
    def _check(self) -> Self:
        for family in self.held_out:
            check_name(family, list(FAMILIES), "family (in held_out)")
        if set(self.held_out) == set(FAMILIES):
            raise ConfigError("held_out: found all families; expected one at least to train on")
        return self


@dataclass(frozen=True, kw_only=True)
class PredictorRow(Row):
    """RMSE of a predictor's fidelities on the test circuits of a split."""

    KEY: ClassVar[tuple[str, ...]] = ("target", "split", "predictor")
    VALUES: ClassVar[tuple[str, ...]] = ("rmse",)

    target: str
    split: str
    predictor: str
    trained: bool
    n_train: int
    n_test: int
    rmse: float
    rmse_stderr: float
    label_sd: float  # of the test circuits
    n_clipped: int  # test circuits whose R^2 is below the lowest that counts


class Fidelity(Experiment):
    """See `FidelitySpec`."""

    Spec = FidelitySpec
    rows_of = (PredictorRow,)
    spec: FidelitySpec
    example: ClassVar[Mapping[str, Any]] = {"n_own": 40, "n_clifford": 20, "n_epochs": 1}

    def steps(self) -> list[Step]:
        labelling = [
            Step(name, partial(self._label, name.partition(".")[0], numbers))
            for name, numbers in self._batches().items()
        ]
        own, clifford = self._names(OWN), self._names(CLIFFORD)
        return [
            *labelling,
            Step("fit.random", self._random, own),
            Step("fit.family", self._by_family, own),
            Step("fit.clifford", self._from_clifford, (*own, *clifford)),
        ]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        return [self._table(target, of_type(PredictorRow, rows)) for target in TARGETS]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        own, clifford = (self._labelled(kind, outcomes) for kind in (OWN, CLIFFORD))
        return {"success": _figure({"own circuits": own, "randomised benchmarking": clifford})}

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {family: self._circuit(OWN, number) for number, family in enumerate(FAMILIES)} | {
            CLIFFORD: self._circuit(CLIFFORD, 0)
        }

    def details(self) -> dict[str, Any]:
        return {"snapshot": open_snapshot(self.spec.snapshot).summary()}

    def _label(self, kind: str, numbers: range, ask: Ask, have: Have) -> Outcome:
        ask.say(f"{len(numbers)} circuits")
        circuits = [self._circuit(kind, number) for number in numbers]
        coupling = self._device.target.build_coupling_map()
        layouts = [
            random_layout(coupling, circuit.num_qubits, self._rng(kind, number, "layout"))
            for circuit, number in zip(circuits, numbers, strict=True)
        ]
        # Benchmarking sequences are the identity: optimised, hardly a gate would be left.
        found = self._device.labelled(circuits, layouts, level=0 if kind == CLIFFORD else 1)
        return Outcome(arrays=found.arrays())

    def _random(self, ask: Ask, have: Have) -> Outcome:
        own = self._labelled(OWN, have)
        train, validation, test = self._cut(OWN, np.arange(self.spec.n_own), _PARTS)
        return self._scored(ask, own[train], own[validation], {"random": own[test]})

    def _by_family(self, ask: Ask, have: Have) -> Outcome:
        own = self._labelled(OWN, have)
        families = np.array(list(FAMILIES))[np.arange(self.spec.n_own) % len(FAMILIES)]
        held = np.isin(families, self.spec.held_out)
        train, validation, _ = self._cut(OWN, np.flatnonzero(~held), (1 - _PARTS[1], _PARTS[1]))
        return self._scored(ask, own[train], own[validation], {"family": own[np.flatnonzero(held)]})

    def _from_clifford(self, ask: Ask, have: Have) -> Outcome:
        clifford, own = self._labelled(CLIFFORD, have), self._labelled(OWN, have)
        train, validation, test = self._cut(CLIFFORD, np.arange(self.spec.n_clifford), _PARTS)
        tests = {"clifford": clifford[test], "clifford_to_own": own}
        return self._scored(ask, clifford[train], clifford[validation], tests)

    def _scored(
        self, ask: Ask, train: Labelled, validation: Labelled, tests: Mapping[str, Labelled]
    ) -> Outcome:
        """Return the row of every predictor, target and test set."""
        from qrec.experiments.fidelity.lstm import read

        seed = child_seed(self.spec.seed, *tests)
        ask.say("the LSTM reads")
        n_words = len(self._device.vocabulary) + 1
        said = read(train, validation, list(tests.values()), n_words, self.spec.n_epochs, seed)
        read_by = dict(zip(tests, said, strict=True))
        rows = []
        for number, target in enumerate(TARGETS):
            for split, test in tests.items():
                found = predictions(train, test, number, seed)
                found[LSTM] = read_by[split][:, number]
                for name, predicted in found.items():
                    rows.append(_row(target, split, name, predicted, train, test))
        return Outcome(rows)

    def _cut(
        self, kind: str, rows: NDArray[np.int64], parts: tuple[float, float]
    ) -> list[NDArray[np.int64]]:
        rows = np.random.default_rng(child_seed(self.spec.seed, "split", kind)).permutation(rows)
        n_train = round(parts[0] * len(rows))
        n_validation = max(1, round(parts[1] * len(rows)))
        return [np.sort(part) for part in np.split(rows, [n_train, n_train + n_validation])]

    def _batches(self) -> dict[str, range]:
        """Return the numbers of the circuits that each step labels, by its name."""
        return {
            f"{kind}.{start // _AT_ONCE}": range(start, min(start + _AT_ONCE, n))
            for kind, n in ((OWN, self.spec.n_own), (CLIFFORD, self.spec.n_clifford))
            for start in range(0, n, _AT_ONCE)
        }

    def _names(self, kind: str) -> tuple[str, ...]:
        return tuple(name for name in self._batches() if name.startswith(f"{kind}."))

    def _labelled(self, kind: str, outcomes: Have) -> Labelled:
        return joined([outcomes[name].arrays for name in self._names(kind)])

    def _circuit(self, kind: str, number: int) -> QuantumCircuit:
        """Return circuit number so and so, which hangs on no other."""
        rng = self._rng(kind, number, "circuit")
        if kind == CLIFFORD:
            return clifford_circuit(rng)
        return own_circuit(list(FAMILIES)[number % len(FAMILIES)], rng)

    def _rng(self, kind: str, number: int, what: str) -> np.random.Generator:
        return np.random.default_rng(child_seed(self.spec.seed, kind, number, what))

    @cached_property
    def _device(self) -> Device:
        snapshot = open_snapshot(self.spec.snapshot)
        target = snapshot.device.target
        if not 5 <= target.num_qubits <= _WIDEST:
            raise ConfigError(
                f"snapshot: {self.spec.snapshot!r} has {target.num_qubits} qubits; expected 5, "
                f"which the circuits have, to {_WIDEST}, since each gate on each of its qubits "
                "is a word that must be met in training"
            )
        return Device(target, snapshot.name)

    def _table(self, target: str, rows: Sequence[PredictorRow]) -> Table:
        own = [row for row in rows if row.target == target]
        names = list(dict.fromkeys(row.predictor for row in own))
        columns: list[Column[str]] = [Column("predictor", lambda name: name, text=True)]
        for split, (header, _) in SPLITS.items():
            found = {row.predictor: row.rmse for row in own if row.split == split}
            columns.append(Column(header, found.get, "{:.4f}"))
        tested = {row.split: row for row in own}
        sizes = "; ".join(
            f"{header}: {said}, {tested[split].n_train} and {tested[split].n_test} circuits, "
            f"sd {tested[split].label_sd:.3f}"
            for split, (header, said) in SPLITS.items()
        )
        clipped = sum(row.n_clipped for row in tested.values())
        notes = [
            f"RMSE of predicted {_WORDS[target]} on circuits that were not trained on. {sizes}. "
            f"{' and '.join(UNTRAINED)} need no training."
        ]
        if target == "r2" and clipped:
            notes.append(f"{clipped} test circuits have R^2 below {LOWEST_R2:g} and count as that.")
        return build_table(f"{self.spec.name}: {self.spec.title}; {target}", columns, names, notes)


_WORDS = {"r2": "R^2 of the outcome probabilities", "hellinger": "Hellinger fidelity"}


def _row(
    target: str, split: str, name: str, predicted: Array, train: Labelled, test: Labelled
) -> PredictorRow:
    wanted = test.labels[:, TARGETS.index(target)]
    score = rmse(wanted, predicted, np.arange(len(wanted)))
    return PredictorRow(
        target=target,
        split=split,
        predictor=name,
        trained=name not in UNTRAINED,
        n_train=len(train.success),
        n_test=len(wanted),
        rmse=score.value,
        rmse_stderr=score.stderr,
        label_sd=float(wanted.std()),
        n_clipped=int((test.labels[:, 0] <= LOWEST_R2).sum()),
    )


def _figure(data: Mapping[str, Labelled]) -> Figure:
    canvas = new_canvas(7.0, 3.6)
    for axes, (name, own) in zip(canvas.subplots(1, 2, sharey=True), data.items(), strict=True):
        axes.plot(own.success, own.labels[:, 0], ".", markersize=2, alpha=0.5)
        line = np.linspace(own.success.min(), 1.0, 100)
        axes.plot(line, 1 - (1 - line) ** 2, color="black", label="1 - (1 - ESP)²")
        axes.plot(line, line, color="black", linestyle=":", label="ESP")
        axes.set_ylim(min(0.0, float(np.quantile(own.labels[:, 0], 0.01))), 1.02)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("estimated success probability (ESP)")
        axes.legend(fontsize=8)
        axes.grid(alpha=0.3)
    canvas.axes[0].set_ylabel("R² of the outcome probabilities")
    caption = (
        "R² of the outcome probabilities under a device's noise against the estimated success "
        "probability, a dot per circuit: they are different quantities, and a parabola leads "
        "from one to the other."
    )
    return Figure(caption, canvas)


EXPERIMENT = Fidelity
