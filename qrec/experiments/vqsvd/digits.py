"""`kind: vqsvd_digits`: compressing scikit-learn's 8x8 digits by the variational SVD.

Figures 9 and 10 of Jojo, Khandelwal, Chandra, arXiv:2310.19504, with the subspace and the
coincidence objective and the Eckart-Young optimum beside the two of that paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from matplotlib.figure import Figure as Canvas
from pydantic import Field

from qrec.analysis.figures import Figure, draw_errors, new_canvas
from qrec.analysis.table import Table
from qrec.data.images import digits, psnr
from qrec.experiments.base import Ask, Experiment, Have, Step
from qrec.experiments.vqsvd.figures import STYLES, Y_LABELS, draw_lines, objective_table
from qrec.experiments.vqsvd.sweep import (
    OPTIMUM,
    Positive,
    SweepRow,
    VQSVDSpec,
    circuit_columns,
    mean_and_error,
    sweep,
    with_error,
)
from qrec.runs.outcomes import Arrays, Outcome
from qrec.seeds import child_seed
from qrec.types import Array, Row, of_type

_RANKS = range(1, 9)
_VALUES = "values_"  # begins the names of arrays of singular values
_KEYS = {"L": "n_layers", "T": "rank"}


class DigitsSpec(VQSVDSpec):
    """The first `per_class` images of each digit, restored at every rank.

    The picture shows those of the first image of each digit at `picture_rank`.
    """

    kind: Literal["vqsvd_digits"]
    layers: Annotated[list[Positive], Field(min_length=1)]
    per_class: Positive = 1
    psnr_cap: Annotated[float, Field(gt=0)] = 60.0
    picture_rank: Annotated[int, Field(ge=1, le=8)] = 3


@dataclass(frozen=True, kw_only=True)
class DigitsRow(SweepRow):
    """One depth, rank and objective, of the start with the best objective; means over images."""

    KEY: ClassVar[tuple[str, ...]] = ("n_layers", "rank", "objective")
    VALUES: ClassVar[tuple[str, ...]] = ("mse", "psnr", "circuits_finite_difference")

    n_images: int
    psnr: float  # dB
    psnr_stderr: float | None


class Digits(Experiment):
    """See `DigitsSpec`."""

    Spec = DigitsSpec
    rows_of = (DigitsRow,)
    spec: DigitsSpec

    def steps(self) -> list[Step]:
        return [
            Step(_step(n_layers, rank), partial(self._train, n_layers, rank))
            for n_layers in self.spec.layers
            for rank in _RANKS
        ]

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        found = of_type(DigitsRow, rows)
        notes = [
            "L layers, rank T. Of the starts the one with the best objective; mean over images ± "
            f"standard error, each image at most {self.spec.psnr_cap:g} dB: digits have low rank, "
            "and are then restored without error."
        ]
        title = f"{self.spec.name}: {self.spec.title}, PSNR in dB"
        quality = objective_table(title, found, _KEYS, "psnr", 1, notes)
        notes = ["Circuits run to train from one start with finite differences, as published."]
        runs = "circuits_finite_difference"
        return [quality, objective_table("Circuit runs", found, _KEYS, runs, 0, notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        found = of_type(DigitsRow, rows)
        cap = self.spec.psnr_cap
        out = {
            "psnr": Figure(
                f"PSNR in dB (at most {cap:g}) against rank T, best of the starts, a column per "
                "number of layers L; bars of one standard error over images.",
                self._lines(found, "psnr"),
            ),
            "circuits": Figure(
                "Circuit runs of one start against rank T, finite differences as published.",
                self._lines(found, "circuits_finite_difference"),
            ),
        }
        out["singular_values"] = Figure(
            f"Singular values that training found at rank {_RANKS[-1]}, in falling order, a column "
            "per number of layers L, beside the true ones (optimum); mean over images with bars of "
            "one standard error. Where a line leaves the crosses the factors are not the best.",
            self._values(outcomes),
        )
        for n_layers in self.spec.layers:
            rank = self.spec.picture_rank
            out[f"picture_l{n_layers}"] = Figure(
                f"Originals, and what is restored of them at rank {rank} with {n_layers} layers.",
                self._picture(outcomes[_step(n_layers, rank)].arrays),
            )
        return out

    def _train(self, n_layers: int, rank: int, ask: Ask, have: Have) -> Outcome:
        images, _ = digits(self.spec.per_class)
        seed = child_seed(self.spec.seed, n_layers)
        make = partial(DigitsRow, n_layers=n_layers, rank=rank, n_images=len(images))
        rows: list[DigitsRow] = []
        pictures: dict[str, Array] = {}
        values: dict[str, Array] = {}
        for kind in self.spec.objectives:
            ask.say(kind)
            found = sweep(images, n_layers, kind, rank, self.spec.n_starts, seed)
            quality = self._quality(found.at_best(found.error) / 64)
            rows.append(make(objective=kind, **quality, **circuit_columns(found)))
            restored = found.trained.factors.reconstruct(rank).real
            every = restored.reshape(len(images), -1, 8, 8)
            pictures[kind] = every[np.arange(len(images)), found.best]
            singular = found.trained.factors.singular_values[:, :rank]
            by_start = singular.reshape(len(images), -1, rank)
            values[f"{_VALUES}{kind}"] = by_start[np.arange(len(images)), found.best]
        rows.append(make(objective=OPTIMUM, **self._quality(found.optimum / 64)))
        u, s, vh = np.linalg.svd(images)
        pictures[OPTIMUM] = (u[:, :, :rank] * s[:, None, :rank]) @ vh[:, :rank]
        values[f"{_VALUES}{OPTIMUM}"] = s[:, :rank]
        kept = pictures if rank == self.spec.picture_rank else {}
        return Outcome(rows, kept | (values if rank == _RANKS[-1] else {}))

    def _quality(self, mse: Array) -> dict[str, Any]:
        return with_error("mse", mse) | with_error("psnr", psnr(mse, self.spec.psnr_cap))

    def _lines(self, rows: Sequence[DigitsRow], y: str) -> Canvas:
        depths = self.spec.layers
        canvas = new_canvas(3.5 * len(depths), 3)
        canvas.supylabel(Y_LABELS[y], fontsize=9)
        for axes, n_layers in zip(canvas.subplots(1, len(depths), squeeze=False)[0], depths,
                                  strict=True):  # fmt: skip
            draw_lines(axes, [row for row in rows if row.n_layers == n_layers], "rank", y)
            axes.set_title(f"L = {n_layers}", fontsize=9)
            axes.set_xlabel("T")
        axes.legend(fontsize=7)
        return canvas

    def _values(self, outcomes: Have) -> Canvas:
        depths = self.spec.layers
        canvas = new_canvas(3.5 * len(depths), 3)
        canvas.supylabel("singular value", fontsize=9)
        for axes, n_layers in zip(canvas.subplots(1, len(depths), squeeze=False)[0], depths,
                                  strict=True):  # fmt: skip
            arrays = outcomes[_step(n_layers, _RANKS[-1])].arrays
            for name in [OPTIMUM, *self.spec.objectives]:
                values = arrays[f"{_VALUES}{name}"]
                errors = [mean_and_error(column)[1] for column in values.T]
                dashes = "none" if name == OPTIMUM else "-"
                marks = {"yerr": errors, "linestyle": dashes, "label": name}
                draw_errors(axes, STYLES[name], _RANKS, values.mean(axis=0), **marks)
            axes.set_title(f"L = {n_layers}", fontsize=9)
            axes.set_xlabel("place")
            axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
        return canvas

    def _picture(self, restored: Arrays) -> Canvas:
        images, labels = digits(self.spec.per_class)
        first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
        lines = {"original image": images} | {
            name: restored[name] for name in [OPTIMUM, *self.spec.objectives]
        }
        canvas = new_canvas(10, 1.1 * len(lines))
        grid = canvas.subplots(len(lines), 10, squeeze=False)
        for line, (name, pictures) in zip(grid, lines.items(), strict=True):
            for axes, place in zip(line, first, strict=True):
                axes.imshow(pictures[place], cmap="gray", vmin=0, vmax=1)
                axes.set_xticks([])
                axes.set_yticks([])
            line[0].set_ylabel(name, fontsize=8)
        return canvas


def _step(n_layers: int, rank: int) -> str:
    return f"l{n_layers}.t{rank}"


EXPERIMENT = Digits
