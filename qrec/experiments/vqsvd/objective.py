"""`kind: vqsvd_objective`: does a better objective mean a better factorisation?

Figure 1 of Jojo, Khandelwal, Chandra, arXiv:2310.19504: of two trained circuits the one with the
higher original objective may have the worse mean squared error. With the modified and the
subspace objective it cannot: the error is what they leave of the matrix's squared norm. With the
coincidence objective it may: what it asks for is that all N pairs are found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from qrec.analysis.figures import Figure, new_canvas
from qrec.analysis.table import Column, Table, build_table, with_stderr
from qrec.experiments.base import Ask, Experiment, Have, Step
from qrec.experiments.vqsvd.figures import STYLES
from qrec.experiments.vqsvd.sweep import Positive, VQSVDSpec, sweep, uniform_matrices, with_error
from qrec.runs.outcomes import Outcome
from qrec.seeds import child_seed
from qrec.svd.objectives import Criterion
from qrec.types import Array, Row, of_type


class ObjectiveSpec(VQSVDSpec):
    """One size of matrix, many starts of each."""

    kind: Literal["vqsvd_objective"]
    n_qubits: Annotated[int, Field(ge=1, le=6)] = 3
    n_layers: Positive = 3
    rank: Positive = 4
    lowest: Annotated[float, Field(ge=-1, lt=1)] = 0.0
    n_matrices: Positive = 10
    n_starts: Annotated[int, Field(ge=2)] = 20


@dataclass(frozen=True, kw_only=True)
class ObjectiveRow(Row):
    """How one objective and the error hang together; means over matrices.

    Errors are mean squared ones, over the matrix's cells. Standard errors are over matrices,
    None where there is one.
    """

    KEY: ClassVar[tuple[str, ...]] = ("objective",)
    VALUES: ClassVar[tuple[str, ...]] = (
        "discordant",
        "share_of_highest",
        "best_mse",
        "least_mse",
        "optimum_mse",
    )

    objective: str
    n_matrices: int
    n_starts: int
    discordant: float  # share of pairs of starts whose higher objective has the larger error
    discordant_stderr: float | None
    share_of_highest: float  # the best start's objective over the highest possible
    share_of_highest_stderr: float | None
    best_mse: float  # of the start with the best objective
    best_mse_stderr: float | None
    least_mse: float  # of any start
    least_mse_stderr: float | None
    optimum_mse: float  # Eckart and Young's
    optimum_mse_stderr: float | None
    circuits: float  # run to train one start, gradients by parameter shift
    circuits_stderr: float | None


class ObjectiveAndError(Experiment):
    """See `ObjectiveSpec`."""

    Spec = ObjectiveSpec
    rows_of = (ObjectiveRow,)
    spec: ObjectiveSpec

    def steps(self) -> list[Step]:
        return [Step(name, partial(self._train, name)) for name in self.spec.objectives]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        notes = [
            "Discordant: of all pairs of starts on one matrix, how many have the higher objective "
            "with the larger error. Of highest: the best start's objective as a share of the "
            "highest possible (coincidence: the share of bits that agree). Best MSE: of the start "
            "with the best objective; least: of any start; optimum: Eckart and Young's. Circuits: "
            "of one start by parameter shift. Means over matrices ± standard error."
        ]
        title = f"{self.spec.name}: {self.spec.title}"
        return [build_table(title, _COLUMNS, of_type(ObjectiveRow, rows), notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        canvas = new_canvas(3.6 * len(outcomes), 3.2)
        panels = canvas.subplots(1, len(outcomes), squeeze=False, sharey=True)[0]
        for axes, (name, outcome) in zip(panels, outcomes.items(), strict=True):
            style, found = STYLES[name], outcome.arrays
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
        return {"objective_and_mse": Figure(caption, canvas)}

    def _train(self, objective: str, ask: Ask, have: Have) -> Outcome:
        spec = self.spec
        matrices = uniform_matrices(spec.n_qubits, spec.n_matrices, spec.lowest, spec.seed)
        ask.say("training")
        seed = child_seed(spec.seed, spec.n_qubits, spec.n_layers)
        found = sweep(matrices, spec.n_layers, objective, spec.rank, spec.n_starts, seed)
        cells = matrices[0].size
        singular = np.linalg.svd(matrices, compute_uv=False)
        criterion = Criterion.of_rank(objective, spec.rank)
        share = criterion.share(found.trained.value.reshape(found.error.shape).T, singular).T
        mse = found.error / cells
        row = ObjectiveRow(
            objective=objective,
            n_matrices=spec.n_matrices,
            n_starts=spec.n_starts,
            **with_error("discordant", _discordant(share, mse)),
            **with_error("share_of_highest", share.max(axis=1)),
            **with_error("best_mse", found.at_best(mse)),
            **with_error("least_mse", mse.min(axis=1)),
            **with_error("optimum_mse", found.optimum / cells),
            **with_error("circuits", found.circuits["parameter_shift"].mean(axis=1)),
        )
        arrays = {"share": share, "mse": mse, "optimum": found.optimum / cells}
        return Outcome([row], arrays)


def _mean(name: str, row: ObjectiveRow) -> str:
    return with_stderr(getattr(row, name), getattr(row, f"{name}_stderr"), 3)


_COLUMNS: list[Column[ObjectiveRow]] = [
    Column("objective", lambda row: row.objective, text=True),
    Column("discordant", partial(_mean, "discordant")),
    Column("of highest", partial(_mean, "share_of_highest")),
    Column("best MSE", partial(_mean, "best_mse")),
    Column("least", lambda row: row.least_mse, "{:.3f}"),
    Column("optimum", lambda row: row.optimum_mse, "{:.3f}"),
    Column("circuits", lambda row: row.circuits, "{:.0f}"),
]


def _discordant(share: Array, mse: Array) -> Array:
    """Return the share of pairs of starts, `(m,)`, whose higher objective has the larger error.

    Differences within the optimiser's tolerance count as none.
    """
    first, second = np.triu_indices(share.shape[1], k=1)
    gain = share[:, first] - share[:, second]
    loss = mse[:, first] - mse[:, second]
    real = (np.abs(gain) > 1e-6) & (np.abs(loss) > 1e-8)
    out: Array = (real & (gain * loss > 0)).mean(axis=1)
    return out


EXPERIMENT = ObjectiveAndError
