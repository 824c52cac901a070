"""The Walsh-Hadamard transform against its matrix."""

import numpy as np
import pytest
from qiskit.circuit import ParameterVector
from scipy.linalg import hadamard

from qrec.linalg import walsh_hadamard


@pytest.mark.parametrize("m", [0, 1, 4])
def test_is_the_matrix_of_signs(m: int) -> None:
    rng = np.random.default_rng(m)
    vectors = rng.normal(size=(2, 3, 2**m)) + 1j * rng.normal(size=(2, 3, 2**m))
    np.testing.assert_allclose(walsh_hadamard(vectors), vectors @ hadamard(2**m), atol=1e-12)


def test_takes_parameter_expressions() -> None:
    angles = ParameterVector("a", 4)
    values = dict(zip(angles, [0.1, 0.7, -0.2, 0.4], strict=True))
    sums = [float(e.bind(values).numeric()) for e in walsh_hadamard(np.array(list(angles)))]
    np.testing.assert_allclose(sums, hadamard(4) @ list(values.values()))
