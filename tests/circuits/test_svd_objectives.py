import numpy as np
import pytest
from dense_algebra import expectation_z, objective_matrix, random_angles, random_matrix
from qiskit import transpile
from qiskit.quantum_info import SparsePauliOp, Statevector

from qrec.circuits import bell_projection, block_encoding, fable, pauli_decomposition
from qrec.circuits.cheap_hadamard import cheap_hadamard
from qrec.circuits.modified_objective import modified_objective
from qrec.circuits.original_objective import original_objective
from qrec.circuits.parts.registers import basis_index
from qrec.errors import ConfigError

ENCODERS = [
    block_encoding.encode,
    block_encoding.encode_state,
    bell_projection.encode,
    fable.encode,
    pauli_decomposition.encode,
]
TESTS = [original_objective, cheap_hadamard]
LAYERS = 2
sizes = pytest.mark.parametrize("n", [1, 2, 3, 4])


def problem(n, largest=1.0, imaginary=False):
    matrix = random_matrix(n, seed=n, largest=largest, imaginary=imaginary)
    theta_u, theta_v = random_angles(n, LAYERS, seed=n)
    reference = objective_matrix(matrix, LAYERS, theta_u, theta_v)
    return matrix, np.concatenate([theta_u, theta_v]), reference


@sizes
@pytest.mark.parametrize("build", TESTS)
@pytest.mark.parametrize("part", ["real", "imag"])
def test_hadamard_tests_give_every_diagonal_element(n, build, part):
    matrix, theta, reference = problem(n, largest=1.5)
    norm = 2 ** (1.5 * n) * np.abs(matrix).max()
    for i in range(2**n):
        circuit = build(matrix, LAYERS, i, part=part)
        assert circuit.num_qubits == 3 * n + 2
        value = expectation_z(circuit.assign_parameters(theta), "c") * norm
        assert value == pytest.approx(getattr(reference[i, i], part), abs=1e-10)


@pytest.mark.parametrize("build", TESTS)
def test_hadamard_tests_give_every_element(build):
    matrix, theta, reference = problem(2)
    for j, i in np.ndindex(4, 4):
        for part in ("real", "imag"):
            circuit = build(matrix, LAYERS, i, j, part).assign_parameters(theta)
            value = expectation_z(circuit, "c") * block_encoding.encode(matrix).subnormalisation
            assert value == pytest.approx(getattr(reference[j, i], part), abs=1e-10)


@sizes
@pytest.mark.parametrize("encode", ENCODERS)
def test_modified_objective_reads_every_squared_element(n, encode):
    matrix, theta, reference = problem(n)
    encoding = encode(matrix)
    for i in range(2**n) if n < 4 else (0, 5):
        circuit = modified_objective(matrix, LAYERS, i, encode)
        final = np.abs(Statevector(circuit.assign_parameters(theta)).data) ** 2
        assert final[0] * encoding.subnormalisation**2 == pytest.approx(abs(reference[i, i]) ** 2)
        for j in range(2**n):
            at_j = basis_index(circuit, encoding.outputs, j ^ i)
            found = final[at_j] * encoding.subnormalisation**2
            assert found == pytest.approx(abs(reference[j, i]) ** 2, abs=1e-10)


def test_modified_objective_takes_complex_matrices():
    matrix, theta, reference = problem(2, imaginary=True)
    norm = 2.0 * np.linalg.norm(matrix)
    circuit = modified_objective(matrix, LAYERS, 3, block_encoding.encode_state)
    zero = abs(Statevector(circuit.assign_parameters(theta)).data[0]) ** 2
    assert zero * norm**2 == pytest.approx(abs(reference[3, 3]) ** 2)


@pytest.mark.parametrize("build", [*TESTS, modified_objective])
def test_parameters_are_theta_u_then_theta_v(build):
    names = [parameter.name for parameter in build(np.eye(4), 3).parameters]
    assert names == [f"theta_{x}[{k}]" for x in "uv" for k in range(12)]


@pytest.mark.parametrize(
    ("n", "n_layers", "original", "cheap"), [(1, 2, 67, 29), (2, 3, 250, 96), (3, 2, 665, 251)]
)
def test_cx_counts_after_decomposition(n, n_layers, original, cheap):
    matrix = random_matrix(n, seed=n)
    counts = [
        transpile(
            build(matrix, n_layers), basis_gates=["cx", "u"], optimization_level=0
        ).count_ops()["cx"]
        for build in TESTS
    ]
    assert counts == [original, cheap]


@pytest.mark.parametrize("n", [1, 2])
def test_pauli_hadamard_tests_add_up_to_the_element(n):
    matrix, theta, reference = problem(n, imaginary=True)
    terms = pauli_decomposition.coefficients(matrix)
    np.testing.assert_allclose(SparsePauliOp.from_list(terms.items()).to_matrix(), matrix)
    i, j = 0, 2**n - 1
    total = 0.0
    for pauli, c in terms.items():
        real, imag = (
            expectation_z(
                pauli_decomposition.hadamard_test(pauli, LAYERS, i, j, part).assign_parameters(
                    theta
                ),
                "c",
            )
            for part in ("real", "imag")
        )
        total += c * (real + 1j * imag)
    assert total == pytest.approx(reference[j, i])


@pytest.mark.parametrize("build", TESTS)
def test_bad_arguments_are_refused(build):
    with pytest.raises(ConfigError, match="basis state 4: expected 0 to 3"):
        build(np.eye(4), i=4)
    with pytest.raises(ConfigError, match="basis state 7"):
        build(np.eye(4), j=7)
    with pytest.raises(ConfigError, match="'real' or 'imag'"):
        build(np.eye(4), part="both")
    with pytest.raises(ConfigError, match="expected 2\\^n x 2\\^n"):
        build(np.eye(3))
