"""Dense references for the matrix circuits, written without Qiskit's operators."""

import numpy as np
from qiskit.quantum_info import Statevector


def random_matrix(n, seed, largest=1.0, imaginary=False):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-largest, largest, (2**n, 2**n))
    return matrix + 1j * rng.uniform(-1, 1, matrix.shape) if imaginary else matrix


def ansatz_matrix(n, n_layers, theta):
    """The layered ansatz as a product of Kronecker products, qubit 0 most significant."""
    angles = np.reshape(theta, (n_layers, 2, n))
    unitary = np.eye(2**n, dtype=complex)
    for rz, ry in angles:
        for k in range(n - 1):
            unitary = _cx(n, k) @ unitary
        unitary = _kron([np.diag(np.exp([-0.5j * t, 0.5j * t])) for t in rz]) @ unitary
        unitary = _kron([_ry(t) for t in ry]) @ unitary
    return unitary


def objective_matrix(matrix, n_layers, theta_u, theta_v):
    """U^dag M V."""
    n = len(matrix).bit_length() - 1
    u, v = ansatz_matrix(n, n_layers, theta_u), ansatz_matrix(n, n_layers, theta_v)
    return u.conj().T @ matrix @ v


def random_angles(n, n_layers, seed):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, (2, 2 * n * n_layers))


def expectation_z(circuit, register):
    """<Z> of the one qubit of the register called `register`."""
    qubit = next(r for r in circuit.qregs if r.name == register)[0]
    zero, one = Statevector(circuit).probabilities([circuit.find_bit(qubit).index])
    return zero - one


def _cx(n, k):
    index = np.arange(2**n)
    control = (index >> (n - 1 - k)) & 1
    matrix = np.zeros((2**n, 2**n))
    matrix[index ^ (control << (n - 2 - k)), index] = 1
    return matrix


def _ry(t):
    return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])


def _kron(factors):
    product = np.eye(1)
    for factor in factors:
        product = np.kron(product, factor)
    return product
