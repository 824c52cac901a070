"""`kind: kp_scree`: which share of a block of ratings does each singular value hold?

The factor score ratios of Bellante, Luongo, Zanero (arXiv:2104.08987), measured: the scree plot
by which the threshold of the quantum recommendation system is chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.analysis.figures import CIRCLE, CROSS, Figure, draw_errors, new_canvas
from qrec.analysis.table import Column, Table, build_table
from qrec.backends.workload import Workload
from qrec.circuits.factor_score_ratios import factor_score_ratios
from qrec.experiments.base import Ask, Have, Step
from qrec.experiments.kp.blocks import BlockSpec, Side, rating_block
from qrec.experiments.observed import ObservedExperiment
from qrec.runs.outcomes import Outcome
from qrec.types import Array, Row, of_type


class ScreeSpec(BlockSpec):
    """One block of ratings and the phase qubits that its singular values are estimated with."""

    kind: Literal["kp_scree"]
    n_users: Side = 4
    n_items: Side = 4
    n_phase_qubits: Annotated[int, Field(ge=1, le=8)] = 5
    backends: Annotated[list[str], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class ScreeRow(Row):
    """One estimate of a singular value, in units of |A|_F, on one backend."""

    KEY: ClassVar[tuple[str, ...]] = ("backend", "k")
    VALUES: ClassVar[tuple[str, ...]] = ("share",)

    backend: str
    shots: int | None
    k: int  # of the phase register, or 2^n_phase_qubits - k
    value: float  # cos(pi k / 2^n_phase_qubits)
    share: float  # how often it is measured
    share_stderr: float
    exact: float  # sum of sigma_l^2 / |A|_F^2 of the singular values that it is nearest to


class Scree(ObservedExperiment):
    """See `ScreeSpec`."""

    Spec = ScreeSpec
    rows_of = (ScreeRow,)
    spec: ScreeSpec  # type: ignore[assignment]  # a data set, of which nothing is held out
    example: ClassVar[dict[str, Any]] = {
        "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
        "n_users": 2, "n_items": 2, "n_phase_qubits": 2, "backends": ["cheap"], "first": 0,
    }  # fmt: skip

    def steps(self) -> list[Step]:
        return [Step(name, partial(self._measure, name)) for name in self.spec.backends]

    def backend_names(self) -> list[str]:
        return self.spec.backends

    def details(self) -> dict[str, Any]:
        return {"dataset": self.summary}

    def circuits(self) -> dict[str, QuantumCircuit]:
        return {"factor_score_ratios": self._circuit()}

    def tables(self, rows: Sequence[Row]) -> list[Table]:
        notes = [
            "Value: the estimate of sigma / |A|_F; share: how often it is measured; exact: "
            "sigma^2 / |A|_F^2 of the singular values nearest to it."
        ]
        shown = [row for row in of_type(ScreeRow, rows) if max(row.share, row.exact) >= 5e-4]
        return [build_table(f"{self.spec.name}: {self.spec.title}", _COLUMNS, shown, notes)]

    def figures(self, rows: Sequence[Row], outcomes: Have) -> dict[str, Figure]:
        names = self.spec.backends
        canvas = new_canvas(3.6 * len(names), 3.2)
        panels = canvas.subplots(1, len(names), squeeze=False, sharey=True)[0]
        for axes, name in zip(panels, names, strict=True):
            line = [row for row in of_type(ScreeRow, rows) if row.backend == name]
            x, y, exact = ([getattr(row, f) for row in line] for f in ("value", "share", "exact"))
            errors = [row.share_stderr for row in line]
            draw_errors(axes, CIRCLE, x, y, yerr=errors, label="measured")
            draw_errors(axes, CROSS, x, exact, linestyle="none", label="exact")
            axes.set_title(name, fontsize=9)
            axes.set_xlabel("singular value / |A|")
            axes.grid(alpha=0.3)
        panels[0].set_ylabel("share of |A|^2")
        panels[0].legend(fontsize=7)
        caption = "Factor score ratios, as phase estimation reads them and as they are."
        return {"scree": Figure(caption, canvas)}

    def _measure(self, name: str, ask: Ask, have: Have) -> Outcome:
        backend, circuit, t = self.backend(name), self._circuit(), self.spec.n_phase_qubits
        phase = [circuit.find_bit(q).index for q in circuit.qregs[2]]
        read = [_estimates(k, t, phase, circuit.num_qubits) for k in range(2 ** (t - 1) + 1)]
        [reading] = ask(backend, [Workload(circuit, read, np.empty((1, 0)), name)])
        values = np.cos(np.pi * np.arange(len(read)) / 2**t)
        exact = self._exact(values)
        rows = [
            ScreeRow(
                backend=name,
                shots=backend.shots,
                k=k,
                value=float(value),
                share=float(reading.value[0, k]),
                share_stderr=float(reading.stderr[0, k]),
                exact=float(exact[k]),
            )
            for k, value in enumerate(values)
        ]
        return Outcome(rows)

    def _exact(self, values: Array) -> Array:
        """Return the shares of the true singular values at the places nearest to them."""
        block = self._block()
        true = np.linalg.svd(block, compute_uv=False) / np.linalg.norm(block)
        angles = np.arccos(true.clip(max=1.0))  # rounding may take a lone one above 1
        nearest = np.abs(np.arccos(values)[:, None] - angles).argmin(axis=0)
        return np.asarray(np.bincount(nearest, true**2, len(values)), float)

    def _circuit(self) -> QuantumCircuit:
        return factor_score_ratios(self._block(), self.spec.n_phase_qubits)

    def _block(self) -> Array:
        return rating_block(self.ratings, self.spec.first, self.spec.n_users, self.spec.n_items)


def _estimates(k: int, n_bits: int, qubits: list[int], width: int) -> SparseObservable:
    """Return the projector on the phases k and -k of a register, lowest bit first."""
    labels = {format(phase % 2**n_bits, f"0{n_bits}b")[::-1] for phase in (k, -k)}
    terms = [(label, qubits, 1.0) for label in sorted(labels)]
    return SparseObservable.from_sparse_list(terms, width)


_COLUMNS: list[Column[ScreeRow]] = [
    Column("backend", lambda row: row.backend, text=True),
    Column("k", lambda row: row.k),
    Column("value", lambda row: row.value, "{:.3f}"),
    Column("share", lambda row: row.share, "{:.3f}"),
    Column("±", lambda row: row.share_stderr, "{:.3f}"),
    Column("exact", lambda row: row.exact, "{:.3f}"),
]

EXPERIMENT = Scree
