"""Kernels of the state vector: gathers, blocks and rotations by row against Qiskit's state."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.read.program import read_circuit
from qrec.backends.exact.read.question import Question
from qrec.backends.exact.state.evolution import Evolution
from qrec.backends.exact.state.kernels import Dense, arrange
from qrec.backends.exact.state.monomial import Monomial, is_monomial


def apply(monomial: Monomial, psi: np.ndarray) -> np.ndarray:
    return monomial.phase * psi[monomial.source]


@pytest.mark.parametrize("seed", range(10))
def test_runs_of_monomial_gates_are_one_gather(seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit, fused = QuantumCircuit(4), Monomial.identity(4)
    for _ in range(12):
        name = rng.choice(["x", "y", "s", "cx", "cz", "cy", "swap", "iswap", "ccx", "cswap"])
        width = {"x": 1, "y": 1, "s": 1, "ccx": 3, "cswap": 3}.get(name, 2)
        getattr(circuit, name)(*(int(q) for q in rng.permutation(4)[:width]))
        gate = circuit.data[-1]
        assert is_monomial(gate.operation.to_matrix())
        qubits = tuple(circuit.find_bit(q).index for q in gate.qubits)
        fused = fused.then_gate(gate.operation.to_matrix(), qubits)
    psi = rng.normal(size=16) + 1j * rng.normal(size=16)
    expected = Operator(circuit).data @ psi
    np.testing.assert_allclose(apply(fused, psi), expected, atol=1e-12)
    np.testing.assert_allclose(apply(fused.inverse(), apply(fused, psi)), psi, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("real", [True, False])
def test_states_are_those_of_qiskit(seed: int, real: bool, make_circuit) -> None:
    """Six qubits, so that blocks are too narrow for some gates and have to be rearranged."""
    random = make_circuit(seed, 6, 40, real)
    program, rows = read_circuit(random.circuit), random.rows()
    by_row = [False] * 5 + [True] * 3  # theta and w are shared
    evolution = Evolution(program, by_row, real=False)
    shared, differing = torch.from_numpy(rows[0, :5].copy()), torch.from_numpy(rows[:, 5:].T.copy())
    psi = evolution.fix(shared)(differing)
    for column, row in enumerate(rows):
        ours = apply(evolution.last, psi[:, column].numpy())
        theirs = Statevector(random.circuit.assign_parameters(row)).data
        assert abs(np.vdot(ours, theirs)) == pytest.approx(1, abs=1e-10)


def test_a_layer_becomes_few_blocks() -> None:
    circuit = QuantumCircuit(8)
    for layer in range(3):
        for qubit in range(8):
            circuit.ry(0.1 * qubit + layer, qubit)
        for qubit in range(8):
            circuit.cx(qubit, (qubit + 3) % 8)
    kernels = arrange(read_circuit(circuit), []).kernels
    assert [type(kernel) for kernel in kernels] == [Monomial, Dense, Dense] * 2


@pytest.mark.parametrize("n_rows", [1, 700, 20_000])
def test_the_same_answer_with_and_without_buffers(n_rows, make_circuit, make_observable) -> None:
    """Where no gradient is recorded, kernels overwrite two arrays in turn."""
    random, observable = make_circuit(1, 6, 40), make_observable(1, 6)
    exact = Expectation(Question(random.circuit, [observable]), "statevector")
    rng = np.random.default_rng(0)
    values = {"theta": torch.from_numpy(rng.normal(size=4)), "w": torch.tensor(0.3).double(),
              "x": torch.from_numpy(rng.normal(size=(n_rows, 3)))}  # fmt: skip
    recorded = exact(values)
    with torch.inference_mode():
        np.testing.assert_array_equal(exact(values), recorded)
