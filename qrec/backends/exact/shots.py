"""Shots of a diagonal observable, drawn from its exact distribution: one draw per row."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.estimator import Precision, evaluate
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.readings import outcome_values, spectrum, support


def draw_counts(
    circuit: QuantumCircuit,
    observable: SparseObservable,
    rows: NDArray[np.float64],
    parameters: Iterable[Parameter],
    noise: DeviceNoise | None,
    dtype: Precision,
    shots: int,
    seed: int,
) -> NDArray[np.int64]:
    """Return how often each value of the observable's `spectrum` is seen, (n_rows, n_values).

    The counts of independent shots are multinomial. An observable of two values has its
    distribution in its expectation value; any other needs the outcome probabilities of the
    qubits it reads.
    """
    values = spectrum(observable)
    parameters = list(parameters)
    if len(values) == 1:
        return np.full((len(rows), 1), shots)
    rng = np.random.default_rng(seed)
    if len(values) == 2:
        mean = evaluate(circuit, observable, rows, parameters=parameters, noise=noise, dtype=dtype)
        low, high = values
        seen = rng.binomial(shots, ((mean - low) / (high - low)).clip(0.0, 1.0))
        return np.column_stack([shots - seen, seen])
    chances = probabilities(circuit, support(observable), rows, parameters, noise)
    chances = chances @ (outcome_values(observable)[:, None] == values)
    return rng.multinomial(shots, chances / chances.sum(axis=1, keepdims=True))
