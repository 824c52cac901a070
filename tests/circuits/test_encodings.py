"""Encodings: each inverse undoes its encoding, and the angles prepare the vector they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qiskit.quantum_info import Statevector

from qrec.circuits.amplitude_embedding import amplitude_embedding
from qrec.circuits.encodings import (
    angles_to_features,
    angles_to_vectors,
    features_to_angles,
    register_size,
    vectors_to_angles,
)

finite = st.floats(-5, 5, allow_subnormal=False)


@given(st.integers(2, 9).flatmap(lambda k: arrays(float, (3, k), elements=finite)))
def test_angles_keep_the_direction_with_its_signs(vectors: np.ndarray) -> None:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    back = angles_to_vectors(vectors_to_angles(vectors))
    k = vectors.shape[1]
    np.testing.assert_allclose(back[:, :k] * norms, vectors, atol=1e-12)
    np.testing.assert_allclose(back[:, k:] * norms, 0, atol=1e-12)


@given(arrays(float, (4, 3), elements=finite))
def test_feature_angles_are_inverted(features: np.ndarray) -> None:
    np.testing.assert_allclose(angles_to_features(features_to_angles(features)), features)


def test_the_reports_angle_of_one_half_is_a_right_angle() -> None:
    assert features_to_angles(np.array([[0.5]])) == pytest.approx(np.pi / 2)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
def test_embedding_prepares_the_padded_vector_in_qiskits_order(k: int) -> None:
    vector = np.random.default_rng(k).normal(size=(1, k))
    circuit = amplitude_embedding(k)
    state = Statevector(circuit.assign_parameters(vectors_to_angles(vector)[0]))
    expected = np.zeros(2 ** register_size(k))
    expected[:k] = vector[0] / np.linalg.norm(vector)
    np.testing.assert_allclose(state.data, expected, atol=1e-12)


@pytest.mark.parametrize(("k", "size"), [(2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)])
def test_register_size_is_the_logarithm_rounded_up(k: int, size: int) -> None:
    assert register_size(k) == size
