"""`kind: vqsvd_digits`: compressing scikit-learn's 8x8 digits by the variational SVD.

Figures 9 and 10 of Jojo, Khandelwal, Chandra, arXiv:2310.19504, with the subspace objective and
the Eckart-Young optimum beside the two published ones.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from pydantic import Field

from qrec.analysis.figures import Figure, to_png
from qrec.analysis.table import Table
from qrec.data.images import digits, psnr
from qrec.experiments._tasks import Arrays, Outcome, Row, Step, TaskExperiment
from qrec.experiments._vqsvd import (
    OPTIMUM,
    Y_LABELS,
    Positive,
    VQSVDSpec,
    by_objective,
    circuit_columns,
    draw_lines,
    sweep,
    with_error,
)
from qrec.seeds import child_seed
from qrec.svd.ansatz import Real

Rank = Annotated[int, Field(ge=1, le=8)]


class DigitsSpec(VQSVDSpec):
    """The first `per_class` images of each digit, restored at every rank.

    The picture shows those of the first image of each digit at `picture_rank`.
    """

    kind: Literal["vqsvd_digits"]
    layers: Annotated[list[Positive], Field(min_length=1)]
    per_class: Positive = 1
    psnr_cap: Annotated[float, Field(gt=0)] = 60.0
    picture_rank: Rank = 3


class Digits(TaskExperiment):
    """See `DigitsSpec`."""

    spec: DigitsSpec

    def tasks(self) -> list[str]:
        return [f"l{layers}.t{rank}" for layers in self.spec.layers for rank in range(1, 9)]

    def compute(self, task: str, step: Step) -> Outcome:
        n_layers, rank = (int(part[1:]) for part in task.split("."))
        images, _ = digits(self.spec.per_class)
        seed = child_seed(self.spec.seed, n_layers)
        common: Row = {"n_layers": n_layers, "rank": rank, "n_images": len(images)}
        rows: list[Row] = []
        pictures = {}
        for kind in self.spec.objectives:
            step(kind)
            found = sweep(images, n_layers, kind, rank, self.spec.n_starts, seed)
            row = common | {"objective": kind} | self._quality(found.at_best(found.error) / 64)
            rows.append(row | circuit_columns(found))
            restored = found.trained.factors.reconstruct(rank).real
            every = restored.reshape(len(images), -1, 8, 8)
            pictures[kind] = every[np.arange(len(images)), found.best]
        rows.append(common | {"objective": OPTIMUM} | self._quality(found.optimum / 64))
        u, s, vh = np.linalg.svd(images)
        pictures[OPTIMUM] = (u[:, :, :rank] * s[:, None, :rank]) @ vh[:, :rank]
        return Outcome(rows, pictures if rank == self.spec.picture_rank else {})

    def tables(self, rows: list[Row]) -> list[Table]:
        keys, columns = ("n_layers", "rank"), ["L", "T"]
        names, quality = by_objective(rows, keys, "psnr", 1)
        notes = [
            "L layers, rank T. Of the starts the one with the best objective; mean over images ± "
            f"standard error, each image at most {self.spec.psnr_cap:g} dB: digits have low rank, "
            "and are then restored without error."
        ]
        title = f"{self.spec.name}: {self.spec.title}, PSNR in dB"
        out = [Table(title, columns + names, quality, notes, n_text=2)]
        names, runs = by_objective(rows, keys, "circuits_finite_difference", 0)
        notes = ["Circuits run to train from one start with finite differences, as published."]
        return [*out, Table("Circuit runs", columns + names, runs, notes, n_text=2)]

    def figures(self, rows: list[Row], arrays: Mapping[str, Arrays]) -> dict[str, Figure]:
        cap = self.spec.psnr_cap
        out = {
            "psnr": Figure(
                f"PSNR in dB (at most {cap:g}) against rank T, best of the starts, a column per "
                "number of layers L; bars of one standard error over images.",
                self._lines(rows, "psnr"),
            ),
            "circuits": Figure(
                "Circuit runs of one start against rank T, finite differences as published.",
                self._lines(rows, "circuits_finite_difference"),
            ),
        }
        for n_layers in self.spec.layers:
            rank = self.spec.picture_rank
            out[f"picture_l{n_layers}"] = Figure(
                f"Originals, and what is restored of them at rank {rank} with {n_layers} layers.",
                self._picture(arrays[f"l{n_layers}.t{rank}"]),
            )
        return out

    def _quality(self, mse: Real) -> Row:
        return with_error("mse", mse) | with_error("psnr", psnr(mse, self.spec.psnr_cap))

    def _lines(self, rows: list[Row], y: str) -> bytes:
        depths = self.spec.layers
        canvas = Canvas(figsize=(3.5 * len(depths), 3), layout="constrained")
        canvas.supylabel(Y_LABELS[y], fontsize=9)
        for axes, n_layers in zip(canvas.subplots(1, len(depths), squeeze=False)[0], depths,
                                  strict=True):  # fmt: skip
            draw_lines(axes, [r for r in rows if r["n_layers"] == n_layers and y in r], "rank", y)
            axes.set_title(f"L = {n_layers}", fontsize=9)
            axes.set_xlabel("T")
        axes.legend(fontsize=7)
        return to_png(canvas)

    def _picture(self, restored: Arrays) -> bytes:
        images, labels = digits(self.spec.per_class)
        first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
        lines = {"original image": images} | {
            name: restored[name] for name in [OPTIMUM, *self.spec.objectives]
        }
        canvas = Canvas(figsize=(10, 1.1 * len(lines)), layout="constrained")
        grid = canvas.subplots(len(lines), 10, squeeze=False)
        for line, (name, pictures) in zip(grid, lines.items(), strict=True):
            for axes, place in zip(line, first, strict=True):
                axes.imshow(pictures[place], cmap="gray", vmin=0, vmax=1)
                axes.set_xticks([])
                axes.set_yticks([])
            line[0].set_ylabel(name, fontsize=8)
        return to_png(canvas)


SPEC = DigitsSpec
EXPERIMENT = Digits
