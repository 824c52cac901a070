"""`kind: vqsvd_random`: error and circuit runs of the variational SVD on random matrices.

Figures 7 and 8 of Jojo, Khandelwal, Chandra, arXiv:2310.19504, with the subspace objective and
the Eckart-Young optimum beside the two published ones.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from matplotlib.figure import Figure as Canvas
from pydantic import Field

from qrec.analysis.figures import Figure, to_png
from qrec.analysis.table import Table
from qrec.experiments._tasks import Arrays, Outcome, Row, Step, TaskExperiment
from qrec.experiments._vqsvd import (
    OPTIMUM,
    Y_LABELS,
    Positive,
    Size,
    VQSVDSpec,
    by_objective,
    circuit_columns,
    draw_lines,
    sweep,
    uniform_matrices,
    with_error,
)
from qrec.seeds import child_seed

KEYS = ("lowest", "n_qubits", "n_layers", "rank")


class RandomSpec(VQSVDSpec):
    """Matrices with entries uniform on [lowest, 1], at every rank."""

    kind: Literal["vqsvd_random"]
    sizes: Annotated[list[Size], Field(min_length=1)]
    lowest: Annotated[list[Annotated[float, Field(ge=-1, lt=1)]], Field(min_length=1)]
    n_matrices: Positive = 10


class RandomMatrices(TaskExperiment):
    """See `RandomSpec`."""

    spec: RandomSpec

    def tasks(self) -> list[str]:
        return list(self._settings())

    def compute(self, task: str, step: Step) -> Outcome:
        lowest, n_qubits, n_layers = self._settings()[task]
        spec = self.spec
        matrices = uniform_matrices(n_qubits, spec.n_matrices, lowest, spec.seed)
        seed = child_seed(spec.seed, n_qubits, n_layers)
        rows: list[Row] = []
        for rank in range(1, 2**n_qubits + 1):
            common: Row = dict(zip(KEYS, (lowest, n_qubits, n_layers, rank), strict=True))
            for kind in spec.objectives:
                step(f"rank {rank}, {kind}")
                found = sweep(matrices, n_layers, kind, rank, spec.n_starts, seed)
                cells = 4**n_qubits
                best = found.at_best(found.error) / cells
                row: Row = common | {"objective": kind}
                row |= with_error("mse", found.error.mean(axis=1) / cells)
                row |= with_error("best_mse", best)
                row |= with_error("excess_mse", best - found.optimum / cells)
                rows.append(row | circuit_columns(found))
            for name in ("mse", "best_mse"):
                common |= with_error(name, found.optimum / cells)
            rows.append(common | {"objective": OPTIMUM})
        return Outcome(rows)

    def tables(self, rows: list[Row]) -> list[Table]:
        columns = ["lowest", "n", "L", "T"]
        names, errors = by_objective(rows, KEYS, "best_mse", 4)
        notes = [
            "Entries uniform on [lowest, 1]; n qubits, L layers, rank T. Of the starts the one "
            "with the best objective; mean over matrices ± standard error."
        ]
        title = f"{self.spec.name}: {self.spec.title}, mean squared error"
        out = [Table(title, columns + names, errors, notes, n_text=4)]
        names, runs = by_objective(rows, KEYS, "circuits_finite_difference", 0)
        notes = [
            "Circuits run to train from one start with finite differences, as published. By "
            "parameter shift the two others take nearly twice as many (see results.csv), the "
            "original as many. Reading the result out is not in it: 2 T, or 2 T^2 for subspace."
        ]
        return [*out, Table("Circuit runs", columns + names, runs, notes, n_text=4)]

    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        out = {}
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
                chosen = [row for row in rows if row["lowest"] == lowest]
                caption = (
                    f"{words}. Entries uniform on [{lowest:g}, 1]; a row per n, a column per L; "
                    "bars of one standard error over matrices."
                )
                out[f"{name}_{lowest:g}_1"] = Figure(caption, _grid(chosen, y))
        return out

    def _settings(self) -> dict[str, tuple[float, int, int]]:
        return {
            f"entries_{lowest:g}_1.n{size.n_qubits}.l{n_layers}": (lowest, size.n_qubits, n_layers)
            for lowest in self.spec.lowest
            for size in self.spec.sizes
            for n_layers in size.layers
        }


def _grid(rows: list[Row], y: str) -> bytes:
    sizes = list(dict.fromkeys(row["n_qubits"] for row in rows))
    layers = [list(dict.fromkeys(r["n_layers"] for r in rows if r["n_qubits"] == n)) for n in sizes]
    width = max(map(len, layers))
    canvas = Canvas(figsize=(3 * width, 2.6 * len(sizes)), layout="constrained")
    canvas.supylabel(Y_LABELS[y], fontsize=9)
    grid = canvas.subplots(len(sizes), width, squeeze=False)
    for line, (n_qubits, depths) in enumerate(zip(sizes, layers, strict=True)):
        for place, axes in enumerate(grid[line]):
            if place >= len(depths):
                axes.axis("off")
                continue
            here = {"n_qubits": n_qubits, "n_layers": depths[place]}
            chosen = [row for row in rows if y in row and here.items() <= row.items()]
            draw_lines(axes, chosen, "rank", y)
            axes.set_title(f"n = {n_qubits}, L = {depths[place]}", fontsize=9)
            axes.set_xlabel("T")
    grid[0][0].legend(fontsize=7)
    return to_png(canvas)


SPEC = RandomSpec
EXPERIMENT = RandomMatrices
