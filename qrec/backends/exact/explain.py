"""What the engine does with a question, in words and figures."""

import numpy as np
import torch
from numpy.typing import NDArray

from qrec.backends.exact.estimator import differing
from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.machine.chunks import chunk_size
from qrec.backends.exact.method import Evaluator, Method, evaluator
from qrec.backends.exact.read.question import ObservedProgram, Question
from qrec.backends.exact.state.kernels import Dense
from qrec.backends.exact.state.monomial import Monomial
from qrec.backends.exact.state.statevector import StateVector
from qrec.backends.exact.tensor_train.table import TensorTrain


def explain(question: Question, rows: NDArray[np.float64], method: Method | None = None) -> str:
    """Return one line per pass that applies, and the cost per row and per call.

    `rows` `(n_rows, n_parameters)` are those to be evaluated; observables follow each other.
    """
    return "\n".join(_one(observed, question, rows, method) for observed in question.observed())


def _one(
    observed: ObservedProgram, question: Question, rows: NDArray[np.float64], method: Method | None
) -> str:
    by_row = differing(rows)
    planned = evaluator(observed, by_row.tolist(), len(rows), method)
    chunk = chunk_size(planned.numbers_per_row(), getattr(torch, question.dtype), question.device)
    lines = [
        f"{len(rows):,} rows, {observed.program.n_qubits} qubits, "
        f"{len(observed.program.operations)} operations, {by_row.sum()} of {len(by_row)} "
        "parameters differ by row",
        *_method(planned, observed),
        f"a row takes as long as {planned.cost_per_row():,.0f} multiplications in a matrix product",
        f"{question.dtype}, chunks of {chunk:,} rows, {_workers(question)}",
    ]
    return "\n".join(lines)


def _method(planned: Evaluator, observed: ObservedProgram) -> list[str]:
    if isinstance(planned, HeisenbergTable):
        return _table(planned)
    return _train(planned) if isinstance(planned, TensorTrain) else _state(planned, observed)


def _workers(question: Question) -> str:
    return "CUDA" if question.device == "cuda" else f"{torch.get_num_threads()} threads"


def _table(table: HeisenbergTable) -> list[str]:
    factors = table.left_factors + table.right_factors
    return [
        "Heisenberg table: the shared suffix is pulled back onto the observable, once",
        f"  {len(table.pull.blocks)} blocks, {table.n_terms:,} terms, "
        f"table {len(table.left)} x {len(table.right)}, {table.pull.work():,.0f} multiplications",
        f"product prefix: {len(factors)} factors of "
        f"{', '.join(str(len(f.qubits)) for f in factors)} qubits",
    ]


def _train(train: TensorTrain) -> list[str]:
    sizes = [core.shape[2] for core in train.cores]
    kept = train.truncation
    cap = "" if kept.max_bond is None else f", bonds to {kept.max_bond}"
    return [
        "tensor train: the shared suffix is pulled back onto the observable, at any shared angles",
        f"  light cone: {train.n_qubits} qubits, {len(sizes)} sites of up to {max(sizes)} features",
        f"  bond {train.bond}, on the way back up to {train.widest}; cut to {kept.eps:g}{cap}: "
        f"estimated error {train.error:.1e}",
    ]


def _state(state: StateVector, observed: ObservedProgram) -> list[str]:
    kernels = state.evolution.kernels
    dense, moves = (sum(isinstance(k, kind) for k in kernels) for kind in (Dense, Monomial))
    number = "real" if state.evolution.is_real else "complex"
    lines = [
        f"state vector: {number} amplitudes",
        f"  light cone: {state.evolution.n_qubits} of {observed.program.n_qubits} qubits",
        f"  {dense} blocks of up to 16 x 16, {moves} gathers, "
        f"{len(kernels) - dense - moves} rotations by row",
    ]
    if state.n_read < 2**state.evolution.n_qubits:
        lines.append(f"  {state.n_read} of {2**state.evolution.n_qubits} amplitudes are read")
    return lines
