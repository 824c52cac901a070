"""Exact probabilities of measurement outcomes, for many rows of parameters."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.chunks import chunk_size, in_chunks
from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.estimator import differing, evaluate
from qrec.backends.exact.program import read_circuit
from qrec.backends.exact.statevector import Outcomes
from qrec.errors import ConfigError

_MOST_NOISY = 10  # measured qubits: each subset of them is an observable of its own


def probabilities(
    circuit: QuantumCircuit,
    measured: Sequence[int],
    rows: NDArray[np.float64],
    parameters: Iterable[Parameter],
    noise: DeviceNoise | None = None,
) -> NDArray[np.float64]:
    """Return the probabilities `(n_rows, 2^n_measured)`; bit j of an outcome is ``measured[j]``.

    With noise they are the Walsh-Hadamard transform of the expectation values of Z on every
    subset of the measured qubits. Raises ConfigError where those are too many.
    """
    if not measured:
        return np.ones((len(rows), 1))
    if noise is not None:
        return _noisy(circuit, measured, rows, parameters, noise)
    by_row = differing(rows)
    program = read_circuit(circuit, parameters=parameters)
    planned = Outcomes(program, measured, by_row.tolist())
    shared = torch.from_numpy(np.array(rows[:1, ~by_row].reshape(-1)))
    with torch.inference_mode():
        function = planned.fix(shared)
    size = chunk_size(planned.evolution.numbers_per_row(), torch.float64)
    return in_chunks(function, rows[:, by_row], torch.float64, size)


def _noisy(
    circuit: QuantumCircuit,
    measured: Sequence[int],
    rows: NDArray[np.float64],
    parameters: Iterable[Parameter],
    noise: DeviceNoise,
) -> NDArray[np.float64]:
    if len(measured) > _MOST_NOISY:
        raise ConfigError(
            f"{len(measured)} measured qubits under noise, at most {_MOST_NOISY} here; "
            "expected an aer backend with the same snapshot"
        )
    values = np.ones((len(rows), 2 ** len(measured)))
    for subset in range(1, 2 ** len(measured)):
        qubits = [q for j, q in enumerate(measured) if subset >> j & 1]
        z = SparseObservable.from_sparse_list(
            [("Z" * len(qubits), qubits, 1.0)], circuit.num_qubits
        )
        values[:, subset] = evaluate(circuit, z, rows, parameters=parameters, noise=noise)
    signs = [[(-1) ** (i & s).bit_count() for i in range(values.shape[1])]
             for s in range(values.shape[1])]  # fmt: skip
    out: NDArray[np.float64] = values @ np.array(signs) / values.shape[1]
    return out.clip(0.0, 1.0)
