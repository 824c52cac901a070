"""`kind: autoencoder`: how much of rating rows does a quantum autoencoder keep, beside PCA?

By its own measure, the mean probability that the trash qubits read zero, which uncentred PCA of
the same size bounds. Rows are what the biases leave of users' ratings of the most rated items,
and of items' ratings by the most active users.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from qiskit import QuantumCircuit

from qrec.analysis.figures import CIRCLE, SQUARE, Figure, draw_errors, new_canvas
from qrec.analysis.table import Column, Table, build_table
from qrec.circuits.autoencoder import autoencoder
from qrec.data import Split
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.observed import ObservedExperiment, ObservedSpec
from qrec.recommenders.latent_ridge import active_rows
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.svd.autoencoder import COSTS, Cost, QuantumAutoencoder, density, kept, principal_axes
from qrec.types import Row, of_type

PCA = "pca"
_STYLES = dict(zip(COSTS, (CIRCLE, SQUARE), strict=True))
Positive = Annotated[int, Field(ge=1)]


class AutoencoderSpec(ObservedSpec):
    """Depths and costs; rows of 2^n_qubits entries are kept in `n_latent` qubits."""

    kind: Literal["autoencoder"]
    n_qubits: Annotated[int, Field(ge=2, le=8)] = 6
    n_latent: Positive = 2
    layers: Annotated[list[Positive], Field(min_length=1)]
    costs: Annotated[list[Cost], Field(min_length=1)] = [*COSTS]  # noqa: RUF012
    n_starts: Positive = 3
    max_iter: Positive = 300

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.n_latent >= self.n_qubits:
            raise ValueError(
                f"n_latent: found {self.n_latent}; expected less than n_qubits, {self.n_qubits}"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class FidelityRow(Row):
    """What one way of compression keeps of the training rows."""

    KEY: ClassVar[tuple[str, ...]] = ("rows", "method", "n_layers")
    VALUES: ClassVar[tuple[str, ...]] = ("fidelity",)

    rows: str  # users or items
    method: str  # pca, or the cost that was trained
    n_layers: int | None
    n_rows: int  # that are not zero
    numbers: int  # kept of each
    fidelity: float  # mean probability that the trash reads zero
    two_qubit_gates: int | None  # of the encoder, without what loads the row


class Autoencoder(ObservedExperiment):
    """See `AutoencoderSpec`."""

    Spec = AutoencoderSpec
    rows_of = (FidelityRow,)
    spec: AutoencoderSpec
    example = {  # noqa: RUF012
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
        "n_qubits": 3, "n_latent": 1, "layers": [1, 2], "n_starts": 1, "max_iter": 10,
    }  # fmt: skip

    def steps(self) -> list[Step]:
        names = ("users", "items")
        steps = [Step(f"{name}.{PCA}", partial(self._bound, name)) for name in names]
        return steps + [
            Step(f"{name}.{cost}.l{n_layers}", partial(self._train, name, cost, n_layers))
            for name in names
            for cost in self.spec.costs
            for n_layers in self.spec.layers
        ]

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary, "split": self._parts.sizes}

    def circuits(self) -> dict[str, QuantumCircuit]:
        n, k = self.spec.n_qubits, self.spec.n_latent
        return {f"l{n_layers}": autoencoder(n, k, n_layers) for n_layers in self.spec.layers}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        notes = [
            "Kept: the mean probability that the trash qubits read zero, over the training rows "
            "that are not zero. PCA: uncentred, of the same size, which no unitary exceeds. 2q: "
            "gates of the encoder, without those that load a row."
        ]
        title = f"{self.spec.name}: {self.spec.title}"
        return [build_table(title, _COLUMNS, of_type(FidelityRow, rows), notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found = of_type(FidelityRow, rows)
        canvas = new_canvas(7, 3)
        for axes, name in zip(canvas.subplots(1, 2), ("users", "items"), strict=True):
            here = [row for row in found if row.rows == name]
            for cost in self.spec.costs:
                line = [row for row in here if row.method == cost]
                x, y = [row.n_layers or 0 for row in line], [row.fidelity for row in line]
                draw_errors(axes, _STYLES[cost], x, y, label=f"trained by the {cost} cost")
            [bound] = [row.fidelity for row in here if row.method == PCA]
            axes.axhline(bound, color="black", linestyle=":", label="PCA")
            axes.set_title(name, fontsize=9)
            axes.set_xlabel("layers")
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
        caption = "Share that is kept against the number of layers; no unitary exceeds PCA."
        return {"kept": Figure(caption, canvas)}

    def _bound(self, name: str, ask: Ask, have: Have) -> Outcome:
        rho, size = density(self._rows[name]), 2**self.spec.n_latent
        axes = principal_axes(self._rows[name], size)
        return Outcome([self._row(name, PCA, None, kept(rho, axes))])

    def _train(self, name: str, cost: str, n_layers: int, ask: Ask, have: Have) -> Outcome:
        spec, seed = self.spec, child_seed(self.spec.seed, name, n_layers)
        model = QuantumAutoencoder(
            spec.n_latent, n_layers, cost, spec.n_starts, spec.max_iter, seed
        ).fit(self._rows[name])
        row = self._row(name, cost, n_layers, model.fidelity_)
        return Outcome([row], {"theta": model.theta_})

    def _row(self, name: str, method: str, n_layers: int | None, fidelity: float) -> FidelityRow:
        n = self.spec.n_qubits
        return FidelityRow(
            rows=name,
            method=method,
            n_layers=n_layers,
            n_rows=int(self._rows[name].any(axis=1).sum()),
            numbers=2**self.spec.n_latent,
            fidelity=fidelity,
            two_qubit_gates=None if n_layers is None else n_layers * (n - 1),
        )

    @cached_property
    def _parts(self) -> Split:
        return self.split(child_seed(self.spec.seed, "split"))

    @cached_property
    def _rows(self) -> dict[str, Any]:
        rows = active_rows(self._parts.train, self.spec.n_qubits)
        return dict(zip(("users", "items"), rows, strict=True))


_COLUMNS: list[Column[FidelityRow]] = [
    Column("rows", lambda row: row.rows, text=True),
    Column("by", lambda row: row.method, text=True),
    Column("layers", lambda row: row.n_layers),
    Column("2q", lambda row: row.two_qubit_gates),
    Column("numbers", lambda row: row.numbers),
    Column("kept", lambda row: row.fidelity, "{:.4f}"),
]

EXPERIMENT = Autoencoder
