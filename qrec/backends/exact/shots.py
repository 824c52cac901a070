"""Shots of diagonal observables, drawn from their exact distribution: one draw per row."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.estimator import Precision, evaluate
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.readings import outcome_values, support


def draw_counts(
    circuit: QuantumCircuit,
    observables: Sequence[SparseObservable],
    rows: NDArray[np.float64],
    parameters: Iterable[Parameter],
    noise: DeviceNoise | None,
    dtype: Precision,
    shots: int,
    seed: int,
) -> NDArray[np.int64]:
    """Return how often each row of the observables' `spectrum` is seen, (n_rows, n_values).

    The counts of independent shots are multinomial. Where two values can be seen, their
    distribution is in the expectation value of an observable that tells them apart; any other
    needs the outcome probabilities of the qubits that are read.
    """
    values, which = np.unique(outcome_values(observables), axis=0, return_inverse=True)
    parameters = list(parameters)
    if len(values) == 1:
        return np.full((len(rows), 1), shots)
    rng = np.random.default_rng(seed)
    if len(values) == 2:
        telling = int(np.abs(values[1] - values[0]).argmax())
        mean = evaluate(
            circuit, observables[telling], rows, parameters=parameters, noise=noise, dtype=dtype
        )
        low, high = values[:, telling]
        seen = rng.binomial(shots, ((mean - low) / (high - low)).clip(0.0, 1.0))
        return np.column_stack([shots - seen, seen])
    chances = probabilities(circuit, support(*observables), rows, parameters, noise)
    together = np.zeros((len(rows), len(values)))
    np.add.at(together.T, which.reshape(-1), chances.T)
    return rng.multinomial(shots, together / together.sum(axis=1, keepdims=True))
