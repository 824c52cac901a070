"""The QSVD's circuit against dense algebra, and the two uses its paper makes of it."""

import numpy as np
import pytest
from dense_algebra import ansatz_matrix, objective_matrix, random_angles, random_matrix
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector, state_fidelity

from qrec.circuits.direct_projection import direct_projection
from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.circuits.qsvd import qsvd
from qrec.errors import ConfigError
from qrec.svd import VariationalSVD


def big_endian(circuit):
    """Amplitudes of a circuit's state by the values of its register d, most significant first."""
    n = circuit.num_qubits
    return Statevector(circuit).data.reshape((2,) * n).transpose().ravel()


def matrix_of(n, seed):
    matrix = random_matrix(n, seed, largest=2.5)
    matrix[0, -1] = matrix[-1, 0] = 0.0
    return matrix


@pytest.mark.parametrize("build", [qsvd, direct_projection])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_amplitudes_are_the_elements_over_the_norm(build, n):
    """Amplitudes, not their squares alone: signs and phases too."""
    matrix = matrix_of(n, seed=n)
    theta_u, theta_v = random_angles(n, 2, seed=n)
    circuit = build(matrix, 2)
    assert circuit.num_qubits == 2 * n
    found = big_endian(circuit.assign_parameters(np.concatenate([theta_u, theta_v])))
    expected = objective_matrix(matrix, 2, theta_u, theta_v) / np.linalg.norm(matrix)
    np.testing.assert_allclose(found, expected.ravel(), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_acts_on_any_state_not_only_on_the_one_it_prepares(n):
    angles = random_angles(n, 2, seed=n)
    circuit = qsvd(matrix_of(n, seed=n), 2).assign_parameters(np.concatenate(angles))
    parties = QuantumCircuit(*circuit.qregs)
    for instruction in circuit.data[2 * 4**n - 3 :]:  # behind what loads the matrix
        parties.append(instruction)
    state = np.random.default_rng(n).normal(size=(4**n, 2)) @ [1, 1j]
    u, v = (ansatz_matrix(n, 2, theta) for theta in angles)
    expected = u.conj().T @ state.reshape(2**n, 2**n) @ v
    start = state.reshape((2,) * 2 * n).transpose().ravel()
    found = Statevector(start).evolve(parties).data.reshape((2,) * 2 * n).transpose().ravel()
    np.testing.assert_allclose(found, expected.ravel(), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_gates_of_the_matrix_are_counted(n):
    gates, ansatz = qsvd(np.ones((2**n, 2**n)), 2).count_ops(), layered_ansatz(n, 2).count_ops()
    assert gates["ry"] == 4**n - 1 + 2 * ansatz["ry"]
    assert gates["cx"] == 4**n - 2 + 2 * ansatz.get("cx", 0)


def test_a_matrix_of_zeros_is_the_first_basis_state():
    circuit = qsvd(np.zeros((2, 2)), 1)
    found = big_endian(circuit.assign_parameters(np.zeros(circuit.num_parameters)))
    np.testing.assert_allclose(np.abs(found), [1, 0, 0, 0], atol=1e-12)


def test_refuses_complex_matrices():
    with pytest.raises(ConfigError, match="complex"):
        qsvd(np.eye(4) * 1j)


@pytest.fixture(scope="module")
def trained():
    matrix = np.random.default_rng(4).uniform(-1, 1, (4, 4))
    model = VariationalSVD(4, 3, "coincidence", n_init=5).fit(matrix)
    assert -model.objective_ < 1e-6
    return matrix, qsvd(matrix, 3).assign_parameters(model.theta_), model


def test_swaps_the_parties_without_a_gate_between_them(trained):
    matrix, circuit, model = trained
    theta_u, theta_v = np.split(model.theta_, 2)
    d = circuit.qregs[0]
    circuit = circuit.copy()
    # Undone crosswise: (V^T)^-1 = conj(V) on the rows, (U^dag)^-1 = U on the columns.
    v_conjugate = _conjugate(layered_ansatz(2, 3).assign_parameters(theta_v))
    circuit.compose(v_conjugate, d[:2], inplace=True)
    circuit.compose(layered_ansatz(2, 3).assign_parameters(theta_u), d[2:], inplace=True)
    swapped = matrix.T.ravel() / np.linalg.norm(matrix)
    assert state_fidelity(big_endian(circuit), swapped) == pytest.approx(1, abs=1e-6)


def test_encodes_both_parties_in_one(trained):
    """A CX from each qubit of the rows to its partner leaves the columns in |0>."""
    matrix, circuit, _ = trained
    d = circuit.qregs[0]
    circuit = circuit.copy()
    circuit.cx(d[:2], d[2:])
    left = np.abs(big_endian(circuit).reshape(4, 4)[:, 0])
    assert (left**2).sum() == pytest.approx(1, abs=1e-6)
    singular = np.linalg.svd(matrix, compute_uv=False) / np.linalg.norm(matrix)
    np.testing.assert_allclose(np.sort(left)[::-1], singular, atol=1e-4)


def _conjugate(circuit):
    """RZ(t)* is RZ(-t); RY and CX are real."""
    out = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.operation.name == "rz":
            out.rz(-instruction.operation.params[0], instruction.qubits[0])
        else:
            out.append(instruction)
    return out
