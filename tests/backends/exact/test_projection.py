"""The last block cut to the rows an observable needs: the same values, the same gradients."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.read.question import Question
from qrec.backends.exact.state.statevector import StateVector

N = 6


def net(lowest: int) -> QuantumCircuit:
    """Return rotations by rows, a tangle, a block of four neighbours, and a permutation."""
    x, t = ParameterVector("x", N), ParameterVector("t", 4)
    circuit = QuantumCircuit(N)
    for qubit in range(N):
        circuit.ry(x[qubit], qubit)
    for qubit in range(N):
        circuit.cx(qubit, (qubit + 1) % N)
    for place in range(4):
        circuit.ry(t[place] + 0.1 * place, lowest + place)
    for qubit in range(N - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def planned(circuit: QuantumCircuit, observable: SparseObservable) -> StateVector:
    [observed] = Question(circuit, [observable]).observed()
    by_row = [p.vector.name == "x" for p in circuit.parameters]
    return StateVector(observed, by_row)


HALVES = {
    "Z": SparseObservable.from_sparse_list([("Z", [3], 0.7)], N),
    "ZZZ": SparseObservable.from_sparse_list([("ZZZ", [1, 3, 5], -2.0)], N),
    "1": SparseObservable.from_sparse_list([("1", [4], 1.0)], N),
}
WHOLE = {
    "sum": SparseObservable.from_sparse_list([("Z", [3], 0.7), ("Z", [4], 1.0)], N),
    "X": SparseObservable.from_sparse_list([("X", [3], 1.0)], N),
}


@pytest.mark.parametrize("lowest", [0, 1, 2])
@pytest.mark.parametrize("name", [*HALVES, *WHOLE])
def test_values_are_those_of_all_amplitudes(name: str, lowest: int, oracle) -> None:
    circuit, observable = net(lowest), (HALVES | WHOLE)[name]
    state = planned(circuit, observable)
    assert (state._projection is not None) == (name in HALVES)
    rng = np.random.default_rng(lowest)
    rows, shared = rng.normal(size=(5, N)), rng.normal(size=4)
    value = state(torch.from_numpy(shared), torch.from_numpy(rows.T.copy()))
    flat = np.column_stack([np.tile(shared, (5, 1)), rows])
    np.testing.assert_allclose(value, oracle(circuit, observable, flat), atol=1e-12)


def test_gradients_go_through_the_rows_that_are_left() -> None:
    state = planned(net(1), HALVES["ZZZ"])
    start = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((4,), (N, 3))]
    assert torch.autograd.gradcheck(state, start)


def test_large_batches_use_the_buffers_alike() -> None:
    state = planned(net(2), HALVES["Z"])
    shared, rows = torch.randn(4), torch.randn(N, 2000)
    with torch.inference_mode():
        fast = state(shared, rows)
    assert torch.allclose(fast, state(shared, rows), atol=1e-5)
