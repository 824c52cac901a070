import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qiskit.quantum_info import Statevector

from qrec.circuits.parts.rotations import compression_error, rotation_angles, value_scale
from qrec.circuits.qpixl import qpixl
from qrec.errors import ConfigError

real = st.floats(-3, 3, allow_subnormal=False)
pixels = st.integers(1, 5).flatmap(lambda m: arrays(np.float64, 2**m, elements=real))


def amplitudes(circuit, m):
    """Amplitudes (2^m, 2) by the value of d, big-endian, and of a."""
    return Statevector(circuit.reverse_bits()).data.reshape(2**m, 2)


@settings(deadline=None, max_examples=40)
@given(pixels)
def test_colour_qubit_holds_every_value(values):
    m = len(values).bit_length() - 1
    v = values / max(1, np.abs(values).max())
    expected = np.stack([v, np.sqrt(1 - v**2)], axis=1) / 2 ** (m / 2)
    np.testing.assert_allclose(amplitudes(qpixl(values), m), expected, atol=1e-7)


@pytest.mark.parametrize("m", [2, 4, 6])
def test_depth_is_twice_the_number_of_values(m):
    circuit = qpixl(np.random.default_rng(m).uniform(-1, 1, 2**m))
    assert circuit.depth() == 2 * 2**m
    assert circuit.count_ops() == {"h": m, "ry": 2**m, "cx": 2**m}


def test_angles_are_the_published_sum():
    values = np.random.default_rng(0).uniform(-1, 1, 8)
    phi = 2 * np.arccos(values)
    for i, alpha in enumerate(rotation_angles(values)):
        gray = i ^ (i >> 1)
        signs = [(-1) ** (gray & z).bit_count() for z in range(8)]
        assert alpha == pytest.approx(np.dot(signs, phi) / 8)


@settings(deadline=None, max_examples=40)
@given(pixels, st.floats(0, 1))
def test_compression_costs_the_error_it_says(values, threshold):
    m = len(values).bit_length() - 1
    circuit = qpixl(values, threshold)
    encoded = amplitudes(circuit, m)[:, 0].real * 2 ** (m / 2) * value_scale(values)
    error = compression_error(values, threshold)
    assert np.linalg.norm(encoded - values) == pytest.approx(error, abs=1e-6)

    alpha = rotation_angles(values)
    dropped = np.abs(alpha) <= threshold
    bound = value_scale(values) * np.abs(alpha[dropped]).sum() / 2
    assert np.abs(encoded - values).max() <= bound + 1e-6
    assert circuit.count_ops().get("ry", 0) == (~dropped).sum()
    assert circuit.count_ops().get("cx", 0) <= 2**m


def test_an_even_image_compresses_to_one_rotation():
    assert qpixl(np.full(16, 0.3), threshold=1e-9).count_ops() == {"h": 4, "ry": 1}


@pytest.mark.parametrize("bad", [[], [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [np.nan, 1.0]])
def test_bad_values_are_refused(bad):
    with pytest.raises(ConfigError):
        qpixl(bad)
