import numpy as np
import pytest
from dense_algebra import objective_matrix, random_angles, random_matrix
from qiskit.quantum_info import Statevector

from qrec.circuits.direct_projection import direct_projection
from qrec.circuits.parts.registers import projector
from qrec.circuits.qpixl import qpixl
from qrec.errors import ConfigError


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("largest", [0.7, 2.5])
def test_reads_every_squared_element(n, largest):
    matrix = random_matrix(n, seed=n, largest=largest)
    theta_u, theta_v = random_angles(n, 2, seed=n)
    circuit = direct_projection(matrix, 2)
    assert circuit.num_qubits == 2 * n
    state = Statevector(circuit.assign_parameters(np.concatenate([theta_u, theta_v])))
    reference = objective_matrix(matrix, 2, theta_u, theta_v) / np.linalg.norm(matrix)
    probabilities = np.abs(state.data) ** 2
    for j, k in np.ndindex(2**n, 2**n) if n < 4 else [(3, 9), (0, 15)]:
        observable = projector(circuit, circuit.qregs[0], 2**n * j + k)
        found = _expectation(observable, probabilities)
        assert found == pytest.approx(abs(reference[j, k]) ** 2, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3])
def test_its_signal_is_two_to_four_times_that_of_values_of_one_qubit(n):
    """QPIXL's state holds an entry as one qubit's amplitude, over 2^n max(1, max|M|).

    The shots for the same error of |C_jk|^2 = factor P are as the factor.
    """
    for seed in range(8):
        matrix = random_matrix(n, seed)
        matrix /= np.abs(matrix).max()
        signal, pixels = (
            Statevector(circuit).probabilities()[0]
            for circuit in (
                direct_projection(matrix, 1).assign_parameters(np.zeros(4 * n)),
                qpixl(matrix.ravel()),
            )
        )
        assert 2 < signal / pixels < 4


def test_refuses_complex_matrices():
    with pytest.raises(ConfigError, match="complex"):
        direct_projection(np.eye(4) * 1j)


def _expectation(projection, probabilities):
    """The probability of the one basis state that a projector names."""
    ones = sum(
        1 << int(qubit)
        for term, qubit in zip(projection.bit_terms, projection.indices, strict=True)
        if term.label == "1"
    )
    return probabilities[ones]
