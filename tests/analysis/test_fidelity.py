"""The success probability is no fidelity: 1 - (1 - p)^2 leads from one to the other."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile

from qrec.analysis.fidelity import expected_r2, success_probability
from qrec.backends.device.snapshots import open_snapshot
from qrec.experiments.fidelity.labels import labels


def test_success_is_the_product_over_gates_and_read_outs() -> None:
    target = open_snapshot("fake:FakeManilaV2").device.target
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    circuit.cx(0, 1)
    isa = transpile(circuit, target=target, initial_layout=[1, 2], optimization_level=0)
    expected = (1 - target["sx"][(1,)].error) * (1 - target["cx"][(1, 2)].error)
    assert success_probability(isa, target, []) == pytest.approx(expected)
    expected *= 1 - target["measure"][(2,)].error
    assert success_probability(isa, target, [2]) == pytest.approx(expected)


@pytest.mark.parametrize("success", [0.0, 0.3, 0.9, 1.0])
def test_r2_under_white_noise_is_the_parabola(success: float) -> None:
    ideal = np.random.default_rng(3).dirichlet(np.ones(16))
    noisy = success * ideal + (1 - success) / 16
    assert labels(ideal, noisy)[0] == pytest.approx(expected_r2(success))
