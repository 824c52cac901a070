"""`kind: vqsvd_random`: error and circuit runs of the variational SVD on random matrices.

Figures 7 and 8 of Jojo, Khandelwal, Chandra, arXiv:2310.19504, with the subspace and the
coincidence objective and the Eckart-Young optimum beside the two of that paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

from matplotlib.figure import Figure as Canvas
from pydantic import Field

from qrec.analysis.figures import Figure, new_canvas
from qrec.analysis.table import Table
from qrec.experiments.base import Ask, Experiment, Have, Step
from qrec.experiments.vqsvd.figures import Y_LABELS, draw_lines, objective_table
from qrec.experiments.vqsvd.sweep import (
    OPTIMUM,
    MatrixSize,
    Positive,
    SweepRow,
    VQSVDSpec,
    circuit_columns,
    sweep_ranks,
    uniform_matrices,
    with_error,
)
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.types import Row, of_type

_KEYS = {"lowest": "lowest", "n": "n_qubits", "L": "n_layers", "T": "rank"}


class RandomSpec(VQSVDSpec):
    """Matrices with entries uniform on [lowest, 1], at every rank."""

    kind: Literal["vqsvd_random"]
    sizes: Annotated[list[MatrixSize], Field(min_length=1)]
    lowest: Annotated[list[Annotated[float, Field(ge=-1, lt=1)]], Field(min_length=1)]
    n_matrices: Positive = 10


@dataclass(frozen=True, kw_only=True)
class RandomRow(SweepRow):
    """One size, depth, rank and objective; `mse` is the mean over starts."""

    KEY: ClassVar[tuple[str, ...]] = ("lowest", "n_qubits", "n_layers", "rank", "objective")
    VALUES: ClassVar[tuple[str, ...]] = ("mse", "best_mse", "circuits_finite_difference")

    lowest: float
    n_qubits: int
    best_mse: float  # of the start with the best objective
    best_mse_stderr: float | None
    excess_mse: float | None = None  # `best_mse` beyond the optimum
    excess_mse_stderr: float | None = None


class RandomMatrices(Experiment):
    """See `RandomSpec`."""

    Spec = RandomSpec
    rows_of = (RandomRow,)
    spec: RandomSpec

    def steps(self) -> list[Step]:
        return [
            Step(
                f"entries_{lowest:g}_1.n{size.n_qubits}.l{n_layers}",
                partial(self._train, lowest, size.n_qubits, n_layers),
            )
            for lowest in self.spec.lowest
            for size in self.spec.sizes
            for n_layers in size.layers
        ]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        found = of_type(RandomRow, rows)
        notes = [
            "Entries uniform on [lowest, 1]; n qubits, L layers, rank T. Of the starts the one "
            "with the best objective; mean over matrices ± standard error."
        ]
        title = f"{self.spec.name}: {self.spec.title}, mean squared error"
        errors = objective_table(title, found, _KEYS, "best_mse", 4, notes)
        notes = [
            "Circuits run to train from one start with finite differences, as published: T for a "
            "value, for coincidence one. By parameter shift the original takes as many, the others "
            "nearly twice as many (see rows.csv). Reading the result out is not in it: 2 T, for "
            "subspace 2 T^2, for coincidence 1."
        ]
        runs = "circuits_finite_difference"
        return [errors, objective_table("Circuit runs", found, _KEYS, runs, 0, notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found, out = of_type(RandomRow, rows), {}
        for name, y, words in (
            ("mse", "mse", "Mean squared error against rank T, mean over starts"),
            ("best_mse", "best_mse", "Mean squared error against rank T, best of the starts"),
            (
                "circuits",
                "circuits_finite_difference",
                "Circuit runs of one start against rank T, finite differences as published",
            ),
        ):
            for lowest in self.spec.lowest:
                chosen = [row for row in found if row.lowest == lowest]
                caption = (
                    f"{words}. Entries uniform on [{lowest:g}, 1]; a row per n, a column per L; "
                    "bars of one standard error over matrices."
                )
                out[f"{name}_{lowest:g}_1"] = Figure(caption, _grid(chosen, y))
        return out

    def _train(self, lowest: float, n_qubits: int, n_layers: int, ask: Ask, have: Have) -> Outcome:
        spec = self.spec
        matrices = uniform_matrices(n_qubits, spec.n_matrices, lowest, spec.seed)
        seed = child_seed(spec.seed, n_qubits, n_layers)
        rows: list[RandomRow] = []
        cells = 4**n_qubits
        sweeps = {
            kind: sweep_ranks(matrices, n_layers, kind, spec.n_starts, seed)
            for kind in spec.objectives
        }
        for rank in range(1, 2**n_qubits + 1):
            make = partial(
                RandomRow, lowest=lowest, n_qubits=n_qubits, n_layers=n_layers, rank=rank
            )
            for kind in spec.objectives:
                ask.say(f"rank {rank}, {kind}")
                found = next(sweeps[kind])
                best = found.at_best(found.error) / cells
                row = make(
                    objective=kind,
                    **with_error("mse", found.error.mean(axis=1) / cells),
                    **with_error("best_mse", best),
                    **with_error("excess_mse", best - found.optimum / cells),
                    **circuit_columns(found),
                )
                rows.append(row)
            least = [with_error(name, found.optimum / cells) for name in ("mse", "best_mse")]
            rows.append(make(objective=OPTIMUM, **least[0], **least[1]))
        return Outcome(rows)


def _grid(rows: Sequence[RandomRow], y: str) -> Canvas:
    sizes = list(dict.fromkeys(row.n_qubits for row in rows))
    layers = [list(dict.fromkeys(row.n_layers for row in rows if row.n_qubits == n)) for n in sizes]
    width = max(map(len, layers))
    canvas = new_canvas(3 * width, 2.6 * len(sizes))
    canvas.supylabel(Y_LABELS[y], fontsize=9)
    grid = canvas.subplots(len(sizes), width, squeeze=False)
    for line, (n_qubits, depths) in enumerate(zip(sizes, layers, strict=True)):
        for place, axes in enumerate(grid[line]):
            if place >= len(depths):
                axes.axis("off")
                continue
            here = (n_qubits, depths[place])
            chosen = [row for row in rows if (row.n_qubits, row.n_layers) == here]
            draw_lines(axes, chosen, "rank", y)
            axes.set_title(f"n = {n_qubits}, L = {depths[place]}", fontsize=9)
            axes.set_xlabel("T")
    grid[0][0].legend(fontsize=7)
    return canvas


EXPERIMENT = RandomMatrices
