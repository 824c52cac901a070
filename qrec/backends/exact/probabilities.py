"""Exact probabilities of measurement outcomes, for many rows of parameters."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.estimator import differing, evaluate
from qrec.backends.exact.machine.chunks import chunk_size, in_chunks
from qrec.backends.exact.read.question import Question
from qrec.backends.exact.state.statevector import OutcomeProbabilities
from qrec.errors import ConfigError
from qrec.linalg import walsh_hadamard

_MOST_NOISY = 10  # measured qubits: each subset of them is an observable of its own


def probabilities(
    question: Question, measured: Sequence[int], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probabilities `(n_rows, 2^n_measured)`; bit j of an outcome is ``measured[j]``.

    They are those of the question's circuit in float64, whatever its observables. With noise
    they are the Walsh-Hadamard transform of the expectation values of Z on every subset of the
    measured qubits. Raises ConfigError where those are too many.
    """
    if not measured or not len(rows):
        return np.ones((len(rows), 2 ** len(measured)))
    if question.noise is not None:
        return _noisy(question, measured, rows)
    by_row = differing(rows)
    planned = OutcomeProbabilities(question.program, measured, by_row.tolist())
    size = chunk_size(planned.evolution.numbers_per_row(), torch.float64, question.device)
    shared = torch.from_numpy(np.array(rows[:1, ~by_row].reshape(-1))).to(question.device)
    with torch.inference_mode():
        function = planned.fix(shared)
    return in_chunks(function, rows[:, by_row], torch.float64, size, question.device)


def _noisy(
    question: Question, measured: Sequence[int], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    if len(measured) > _MOST_NOISY:
        raise ConfigError(
            f"{len(measured)} measured qubits under noise, at most {_MOST_NOISY} here; "
            "expected an aer backend with the same snapshot"
        )
    subsets = [
        [q for j, q in enumerate(measured) if subset >> j & 1]
        for subset in range(1, 2 ** len(measured))
    ]
    n_qubits = question.circuit.num_qubits
    parities = [
        SparseObservable.from_sparse_list([("Z" * len(qubits), qubits, 1.0)], n_qubits)
        for qubits in subsets
    ]
    values = evaluate(replace(question, observables=parities, dtype="float64"), rows)
    values = np.column_stack([np.ones(len(rows)), values])
    out: NDArray[np.float64] = walsh_hadamard(values) / values.shape[1]
    return out.clip(0.0, 1.0)
