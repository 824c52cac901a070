"""The two projections of a row, as published and by QSVT, against dense singular vectors."""

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from qrec.circuits import block_encoding, fable, kp_encoding, pauli_decomposition, qsve, qsvt
from qrec.circuits.encodings import vectors_to_angles
from qrec.circuits.factor_score_ratios import factor_score_ratios
from qrec.circuits.parts.phases import qsvt_phases
from qrec.circuits.parts.polynomial import even_value, threshold_polynomial
from qrec.circuits.parts.registers import basis_index
from qrec.errors import ConfigError

ENCODINGS = {
    "kp": kp_encoding.encode,
    "fable": fable.encode,
    "block_encoding": block_encoding.encode,
    "state": block_encoding.encode_state,
    "pauli": pauli_decomposition.encode,
}
SHAPES = [(2, 2), (4, 4), (8, 8), (4, 8), (8, 4)]


def ratings(shape, seed=0):
    """An asymmetric matrix with zeros in it and, where there is room, a row of zeros."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-1, 6, shape) * rng.integers(0, 2, shape).astype(float)
    matrix[0, 0], matrix[0, -1], matrix[1, 0] = 3.0, -2.0, 0.5
    if shape[0] > 2:
        matrix[-1] = 0.0
    return matrix


def item_amplitudes(circuit, encoding, row, flag=0):
    """Amplitudes of the items where the last qubit is `flag` and every other one 0."""
    state = Statevector(circuit.assign_parameters(vectors_to_angles(row[None])[0])).data
    places = [basis_index(circuit, encoding.inputs, j) for j in range(len(row))]
    return state[np.array(places) + flag * 2 ** (circuit.num_qubits - 1)]


def filtered(matrix, row, response):
    """sum_l response(sigma_l) <v_l|row> v_l / |row|, the zero singular values of items too."""
    _, s, vh = np.linalg.svd(matrix)
    sigma = np.zeros(matrix.shape[1])
    sigma[: len(s)] = s
    return vh.T @ (response(sigma) * (vh @ row)) / np.linalg.norm(row)


def estimation_response(x, n_phase_qubits, threshold):
    """Probability that the phase 2 arccos(x) is estimated as one that is kept."""
    size = 2**n_phase_qubits
    kept = np.flatnonzero(qsve.marked(n_phase_qubits, threshold))
    return (phase_amplitude(2 * np.arccos(x)[:, None], kept, size) ** 2).sum(axis=1)


def phase_amplitude(theta, k, size):
    d = theta / (2 * np.pi) - k / size
    near = np.abs(np.sin(np.pi * d)) < 1e-14
    quotient = np.sin(np.pi * size * d) / np.where(near, 1.0, size * np.sin(np.pi * d))
    return np.where(near, 1.0, quotient)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("degree", [2, 6])
def test_qsvt_is_the_polynomial_of_the_singular_values(shape, degree):
    matrix, row = ratings(shape), np.random.default_rng(1).normal(size=shape[1])
    encoding = kp_encoding.encode(matrix)
    coefficients = threshold_polynomial(degree, 0.5, 0.3)
    circuit = qsvt.transformed(encoding, coefficients)
    found = item_amplitudes(circuit, encoding, row)
    alpha = encoding.subnormalisation
    expected = filtered(matrix, row, lambda s: even_value(coefficients, s / alpha))
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("name", ENCODINGS)
def test_qsvt_and_qsve_take_any_block_encoding(name):
    matrix, row = ratings((4, 4), seed=5), np.array([0.0, -2.0, 1.0, 0.0])
    encoding = ENCODINGS[name](matrix)
    sigma = np.linalg.svd(matrix, compute_uv=False) / encoding.subnormalisation
    threshold = sigma[:2].mean()
    coefficients = threshold_polynomial(4, threshold, threshold / 4)
    circuit = qsvt.transformed(encoding, coefficients)
    expected = filtered(
        matrix, row, lambda s: even_value(coefficients, s / encoding.subnormalisation)
    )
    np.testing.assert_allclose(item_amplitudes(circuit, encoding, row), expected, atol=1e-10)
    circuit = qsve.projected(encoding, 2, threshold)
    expected = filtered(
        matrix, row, lambda s: estimation_response(s / encoding.subnormalisation, 2, threshold)
    )
    np.testing.assert_allclose(item_amplitudes(circuit, encoding, row, 1), expected, atol=1e-10)


@pytest.mark.parametrize("shape", [(2, 2), (4, 4), (4, 8), (8, 4)])
@pytest.mark.parametrize("n_phase_qubits", [1, 3])
def test_qsve_is_the_probability_of_the_marked_phases(shape, n_phase_qubits):
    matrix, row = ratings(shape), np.random.default_rng(2).normal(size=shape[1])
    encoding = kp_encoding.encode(matrix)
    circuit = qsve.projected(encoding, n_phase_qubits, 0.55)
    found = item_amplitudes(circuit, encoding, row, flag=1)
    alpha = encoding.subnormalisation
    expected = filtered(matrix, row, lambda s: estimation_response(s / alpha, n_phase_qubits, 0.55))
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_kept_share_is_that_probability(threshold):
    x = np.array([[0.0, 0.1, 0.5], [np.cos(np.pi / 8), 0.99, 1.0]])
    found = qsve.kept_share(x, 3, threshold)
    expected = estimation_response(x.ravel(), 3, threshold).reshape(x.shape)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.slow
def test_qsve_of_sixteen_users_and_items():
    matrix, row = ratings((16, 16)), np.random.default_rng(2).normal(size=16)
    encoding = kp_encoding.encode(matrix)
    found = item_amplitudes(qsve.projected(encoding, 4, 0.4), encoding, row, flag=1)
    alpha = encoding.subnormalisation
    expected = filtered(matrix, row, lambda s: estimation_response(s / alpha, 4, 0.4))
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize(("side", "degree", "n_cx"), [(4, 4, 74), (8, 4, 286), (16, 4, 1094)])
def test_qsvt_costs_what_the_trees_and_the_phases_cost(side, degree, n_cx):
    matrix = np.random.default_rng(0).normal(size=(side, side))
    circuit = qsvt.qsvt(matrix, degree, threshold=1.0, gap=0.5)
    assert circuit.count_ops()["cx"] == n_cx
    assert circuit.num_qubits == 2 * (side.bit_length() - 1) + 1
    assert set(circuit.count_ops()) == {"ry", "cx"}


def test_thresholds_are_in_units_of_the_matrix():
    matrix, row = ratings((4, 4)), np.array([1.0, 0.0, -1.0, 2.0])
    for build, flag in (
        (lambda m, s: qsvt.qsvt(m, 8, 4.0 * s, 2.0 * s), 0),
        (lambda m, s: qsve.qsve(m, 3, 4.0 * s), 1),
    ):
        one, other = (
            item_amplitudes(build(scale * matrix, scale), kp_encoding.encode(matrix), row, flag)
            for scale in (1.0, 7.0)
        )
        np.testing.assert_allclose(one, other, atol=1e-10)
        assert np.linalg.norm(one) > 0.1


def test_factor_score_ratios_are_the_shares_of_the_singular_values():
    matrix, t = ratings((4, 8), seed=4), 4
    circuit = factor_score_ratios(matrix, t)
    places = [circuit.find_bit(q).index for q in circuit.qregs[2]]
    found = Statevector(circuit).probabilities(places)
    sigma = np.linalg.svd(matrix, compute_uv=False) / np.linalg.norm(matrix)
    theta, k = 2 * np.arccos(sigma)[:, None], np.arange(2**t)
    both = phase_amplitude(theta, k, 2**t) ** 2 + phase_amplitude(-theta, k, 2**t) ** 2
    np.testing.assert_allclose(found, sigma**2 @ both / 2, atol=1e-10)


@pytest.mark.parametrize(
    ("degree", "threshold", "gap"), [(2, 0.5, 0.4), (16, 0.3, 0.2), (40, 0.1, 0.1), (4, 0.1, 0.2)]
)
def test_threshold_polynomial_keeps_its_bounds_and_has_equal_ripples(degree, threshold, gap):
    coefficients = threshold_polynomial(degree, threshold, gap)
    assert len(coefficients) == degree // 2 + 1
    x = np.linspace(0, 1, 20001)
    value = even_value(coefficients, x)
    assert np.abs(value).max() <= 0.9999
    np.testing.assert_allclose(even_value(coefficients, -x), value, atol=1e-12)
    kept = 0.999 - value[x >= threshold + gap / 2]
    dropped = np.abs(value[x <= threshold - gap / 2])
    assert kept.max() == pytest.approx(dropped.max(), abs=2e-3)


@pytest.mark.parametrize(("gap", "error"), [(2.8, 0.1), (4.8, 0.03)])
def test_degree_that_an_error_takes(gap, error):
    """The degree times the gap: 2.6 to 3.0 for an error of .1, 4.6 to 5.1 for .03."""
    for degree in (20, 40):
        coefficients = threshold_polynomial(degree, 0.4, gap / degree)
        dropped = even_value(coefficients, np.linspace(0, 0.4 - gap / degree / 2, 2001))
        assert np.abs(dropped).max() == pytest.approx(error, rel=0.35)


@pytest.mark.parametrize("degree", [2, 10, 100])
def test_phases_are_found_at_any_degree(degree):
    """By multiplying the sequence out, one 2 x 2 matrix for each singular value."""
    coefficients = threshold_polynomial(degree, 0.3, 0.25)
    phases, x = qsvt_phases(coefficients), np.linspace(0, 1, 7)
    s = np.sqrt(1 - x**2)
    block = np.moveaxis(np.array([[x, s], [s, -x]]), 2, 0)  # of a reflection, as Gilyén's
    product = np.eye(2)
    for phase in phases:
        product = product @ np.diag(np.exp([1j * phase, -1j * phase])) @ block
    np.testing.assert_allclose(product[:, 0, 0].real, even_value(coefficients, x), atol=1e-10)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: threshold_polynomial(3, 0.5, 0.2), "degree 3: expected 2, 4"),
        (lambda: threshold_polynomial(0, 0.5, 0.2), "degree 0"),
        (lambda: threshold_polynomial(4, 0.1, 0.3), "two bands within"),
        (lambda: threshold_polynomial(4, 0.9, 0.3), "one from 1.05"),
        (lambda: threshold_polynomial(4, 0.5, 0.0), "two bands"),
        (lambda: threshold_polynomial(4, np.nan, 0.1), "two bands"),
        (lambda: qsvt_phases(np.array([0.0, 1.5])), "polynomial within"),
        (lambda: qsve.qsve(n_phase_qubits=0), "0 phase qubits: expected 1 or more"),
    ],
)
def test_what_has_no_circuit_is_said(ask, said):
    with pytest.raises(ConfigError, match=said):
        ask()
