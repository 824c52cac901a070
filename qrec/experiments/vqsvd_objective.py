"""`kind: vqsvd_objective`: does a better objective mean a better factorisation?

Figure 1 of Jojo, Khandelwal, Chandra, arXiv:2310.19504: of two trained circuits the one with the
higher original objective may have the worse mean squared error. With the modified and the
subspace objective it cannot: the error is what they leave of the matrix's squared norm.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from pydantic import Field

from qrec.analysis.figures import Figure, to_png
from qrec.analysis.table import Table, number
from qrec.experiments._tasks import Arrays, Outcome, Row, Step, TaskExperiment
from qrec.experiments._vqsvd import (
    STYLES,
    Positive,
    VQSVDSpec,
    sweep,
    uniform_matrices,
    with_error,
)
from qrec.seeds import child_seed
from qrec.svd.ansatz import Real


class ObjectiveSpec(VQSVDSpec):
    """One size of matrix, many starts of each."""

    kind: Literal["vqsvd_objective"]
    n_qubits: Annotated[int, Field(ge=1, le=6)] = 3
    n_layers: Positive = 3
    rank: Positive = 4
    lowest: Annotated[float, Field(ge=-1, lt=1)] = 0.0
    n_matrices: Positive = 10
    n_starts: Annotated[int, Field(ge=2)] = 20


class ObjectiveAndError(TaskExperiment):
    """See `ObjectiveSpec`."""

    spec: ObjectiveSpec

    def tasks(self) -> list[str]:
        return list(self.spec.objectives)

    def compute(self, task: str, step: Step) -> Outcome:
        spec = self.spec
        matrices = uniform_matrices(spec.n_qubits, spec.n_matrices, spec.lowest, spec.seed)
        step("training")
        seed = child_seed(spec.seed, spec.n_qubits, spec.n_layers)
        found = sweep(matrices, spec.n_layers, task, spec.rank, spec.n_starts, seed)
        cells = matrices[0].size
        singular = np.linalg.svd(matrices, compute_uv=False)[:, : spec.rank]
        weights = np.arange(spec.rank, 0, -1.0)
        highest = (weights * singular if task == "original" else singular**2).sum(axis=1)
        share = found.trained.value.reshape(found.error.shape) / highest[:, None]
        mse = found.error / cells
        row: Row = {"objective": task, "n_matrices": spec.n_matrices, "n_starts": spec.n_starts}
        row |= with_error("discordant", _discordant(share, mse))
        row |= with_error("share_of_highest", share.max(axis=1))
        row |= with_error("best_mse", found.at_best(mse))
        row |= with_error("least_mse", mse.min(axis=1))
        row |= with_error("optimum_mse", found.optimum / cells)
        arrays = {"share": share, "mse": mse, "optimum": found.optimum / cells}
        return Outcome([row], arrays)

    def tables(self, rows: list[Row]) -> list[Table]:
        names = ["discordant", "share_of_highest", "best_mse", "least_mse", "optimum_mse"]
        body = [
            [row["objective"]]
            + [f"{number(row[n], 3)}±{number(row[f'{n}_stderr'], 3)}" for n in names]
            for row in rows
        ]
        columns = ["objective", "discordant", "of highest", "best MSE", "least MSE", "optimum"]
        notes = [
            "Discordant: of all pairs of starts on one matrix, how many have the higher objective "
            "with the larger error. Of highest: the best start's objective as a share of the "
            "highest possible. Best MSE: of the start with the best objective; least: of any "
            "start; optimum: Eckart and Young's. Means over matrices ± standard error."
        ]
        return [Table(f"{self.spec.name}: {self.spec.title}", columns, body, notes)]

    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        canvas = Canvas(figsize=(3.6 * len(arrays), 3.2), layout="constrained")
        panels = canvas.subplots(1, len(arrays), squeeze=False, sharey=True)[0]
        for axes, (name, found) in zip(panels, arrays.items(), strict=True):
            style = STYLES[name]
            share, mse = found["share"][0], found["mse"][0]
            axes.plot(share, mse, style.marker, color=style.colour, alpha=0.7)
            axes.axhline(found["optimum"][0], color="black", linestyle=":", label="optimum")
            axes.set_title(name, fontsize=9)
            axes.set_xlabel("objective / highest possible")
            axes.grid(alpha=0.3)
        panels[0].set_ylabel("MSE")
        panels[0].legend(fontsize=7)
        caption = (
            "Objective and mean squared error after training, one point per start, first matrix: "
            "with the original objective higher can be worse."
        )
        return {"objective_and_mse": Figure(caption, to_png(canvas))}


def _discordant(share: Real, mse: Real) -> Real:
    """Return the share of pairs of starts, `(m,)`, whose higher objective has the larger error.

    Differences within the optimiser's tolerance count as none.
    """
    first, second = np.triu_indices(share.shape[1], k=1)
    gain = share[:, first] - share[:, second]
    loss = mse[:, first] - mse[:, second]
    real = (np.abs(gain) > 1e-6) & (np.abs(loss) > 1e-8)
    out: Real = (real & (gain * loss > 0)).mean(axis=1)
    return out


SPEC = ObjectiveSpec
EXPERIMENT = ObjectiveAndError
