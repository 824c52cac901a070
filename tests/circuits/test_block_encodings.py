import numpy as np
import pytest
from dense_algebra import random_matrix
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qiskit import QuantumCircuit
from qiskit.circuit.library import StatePreparation
from qiskit.quantum_info import SparsePauliOp, Statevector

from qrec.circuits import bell_projection, block_encoding, fable, pauli_decomposition
from qrec.circuits.parts.matrix import z_order
from qrec.circuits.parts.registers import data, projector
from qrec.errors import ConfigError

REAL = {
    "block_encoding": block_encoding.encode,
    "bell_projection": bell_projection.encode,
    "fable": fable.encode,
}
COMPLEX = {"state": block_encoding.encode_state, "pauli": pauli_decomposition.encode}


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", [*REAL, *COMPLEX])
@pytest.mark.parametrize("largest", [0.9, 2.5])
def test_block_is_the_matrix(name, n, largest):
    matrix = random_matrix(n, seed=n, largest=largest, imaginary=name in COMPLEX)
    encoding = {**REAL, **COMPLEX}[name](matrix)
    np.testing.assert_allclose(encoding.matrix(), matrix, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 2).flatmap(
        lambda n: arrays(np.float64, (2**n, 2**n), elements=st.floats(-2, 2, allow_subnormal=False))
    ),
    st.sampled_from([*REAL.values(), *COMPLEX.values()]),
)
def test_any_matrix_is_encoded(matrix, encode):
    if not np.any(np.abs(matrix) > 1e-6):
        matrix[0, 0] = 1.0  # a matrix of zeros has its own test
    np.testing.assert_allclose(encode(matrix).matrix(), matrix, atol=1e-6)


MAGNITUDES = st.sampled_from([1.0, 2.0**-14, 1e-7, 1e-12, 1e-200, 1e200, 1e-310])


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 2).flatmap(
        lambda n: arrays(
            np.complex128,
            (2**n, 2**n),
            elements=st.builds(
                lambda x, y, size: (x + 1j * y) * size,
                st.sampled_from([-2.0, -1.0, 0.0, 0.3, 1.0, 2.0]),
                st.sampled_from([0.0, 0.0, 1.0, -0.7]),
                MAGNITUDES,
            ),
        )
    ),
    MAGNITUDES,
    st.sampled_from([*COMPLEX.values()]),
)
def test_entries_of_any_magnitude_are_encoded(matrix, alone, encode):
    if not matrix.any():
        matrix[0, 0] = alone
    largest = np.abs(matrix).max()
    found = encode(matrix).matrix()
    np.testing.assert_allclose(found / largest, matrix / largest, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e-310, 1e200])
def test_coefficients_scale_with_the_matrix(size):
    matrix = np.array([[1.0, 3e-8], [-2.0, 0.5]])
    plain, found = (pauli_decomposition.coefficients(matrix * k) for k in (1.0, size))
    assert found == {label: pytest.approx(c * size, rel=1e-9) for label, c in plain.items()}


@pytest.mark.parametrize("encode", COMPLEX.values(), ids=COMPLEX)
@pytest.mark.parametrize("small", [2.0**-14, 1e-7])
def test_small_entries_beside_large_ones_are_not_dropped(small, encode):
    matrix = np.full((4, 4), small)
    matrix[0, 3], matrix[2, 1], matrix[1, 1] = 2.0, -1.0, 0.0
    matrix[3, :2] = 0.0
    np.testing.assert_allclose(encode(matrix).matrix(), matrix, rtol=0, atol=1e-10)


@pytest.mark.parametrize("largest", [0.5, 3.0])
def test_subnormalisation_is_the_published_one(largest):
    n, matrix = 2, random_matrix(2, seed=5, largest=1.0)
    matrix *= largest / np.abs(matrix).max()
    scale = max(1.0, largest)
    assert block_encoding.encode(matrix).subnormalisation == pytest.approx(2 ** (1.5 * n) * scale)
    assert bell_projection.encode(matrix).subnormalisation == pytest.approx(2 ** (1.5 * n) * scale)
    assert fable.encode(matrix).subnormalisation == pytest.approx(2**n * scale)
    norm = np.linalg.norm(matrix)
    assert block_encoding.encode_state(matrix).subnormalisation == pytest.approx(
        2 ** (n / 2) * norm
    )
    weights = pauli_decomposition.coefficients(matrix).values()
    total = sum(abs(c) for c in weights)
    assert pauli_decomposition.encode(matrix).subnormalisation == pytest.approx(total)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(("first", "order"), [("column", "xz"), ("row", "zx")])
def test_matching_orders_give_the_matrix_and_crossed_ones_its_transpose(n, first, order):
    matrix = random_matrix(n, seed=n, imaginary=True)
    norm = np.linalg.norm(matrix)
    d = data(2 * n)
    preparation = QuantumCircuit(d)
    preparation.append(StatePreparation(z_order(matrix, first) / norm), d[::-1])
    crossed = "zx" if order == "xz" else "xz"
    same = block_encoding.encode_prepared(preparation, norm, order).matrix()
    other = block_encoding.encode_prepared(preparation, norm, crossed).matrix()
    np.testing.assert_allclose(same, matrix, atol=1e-10)
    np.testing.assert_allclose(other, matrix.T, atol=1e-10)


@pytest.mark.parametrize("name", REAL)
def test_projected_probability_of_a_superposed_input(name):
    matrix = random_matrix(2, seed=1)
    encoding = REAL[name](matrix)
    psi = np.array([0.1, -0.7j, 0.5, 0.5])
    psi /= np.linalg.norm(psi)
    circuit = encoding.circuit.copy_empty_like()
    circuit.append(StatePreparation(psi), encoding.inputs[::-1])
    circuit.compose(encoding.circuit, inplace=True)
    final = Statevector(circuit)
    expected = np.abs(matrix @ psi) ** 2 / encoding.subnormalisation**2
    for r in range(4):
        on_r = projector(circuit, encoding.outputs, r)
        found = final.expectation_value(SparsePauliOp.from_sparse_observable(on_r))
        assert found == pytest.approx(expected[r])


@pytest.mark.parametrize("name", REAL)
def test_compression_reports_the_error_of_the_block(name):
    matrix = random_matrix(2, seed=8, largest=1.5)
    whole, compressed = REAL[name](matrix), REAL[name](matrix, threshold=0.2)
    assert whole.error == 0.0
    assert compressed.error > 0.01
    difference = np.linalg.norm(compressed.matrix() - matrix)
    assert difference == pytest.approx(compressed.error)
    assert compressed.circuit.size() < whole.circuit.size()


@pytest.mark.parametrize("encode", COMPLEX.values())
def test_a_matrix_of_zeros_cannot_be_normalised(encode):
    with pytest.raises(ConfigError, match="zeros"):
        encode(np.zeros((4, 4)))


@pytest.mark.parametrize("encode", REAL.values())
def test_rotations_refuse_complex_matrices(encode):
    with pytest.raises(ConfigError, match="complex"):
        encode(random_matrix(1, seed=0, imaginary=True))
