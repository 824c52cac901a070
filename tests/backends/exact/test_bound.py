"""One state forward gives what every parity pulled back gives."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector

from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.exact.bound import bound_probabilities
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.errors import ConfigError

NO_ROW = np.zeros((1, 0))


@pytest.mark.parametrize("seed", range(4))
def test_ideal_circuits_against_qiskit(seed: int) -> None:
    circuit = random_circuit(4, 5, max_operands=3, seed=seed)
    measured = [2, 0, 3]
    expected = Statevector(circuit).probabilities(measured)
    np.testing.assert_allclose(
        bound_probabilities(Question(circuit, []), measured), expected, atol=1e-12
    )


@pytest.mark.parametrize(("layout", "measured"), [([5, 3, 1], [3, 1, 5]), ([0, 1, 4], [4, 0])])
@pytest.mark.parametrize("level", [0, 1])
def test_noise_and_read_out_are_those_of_the_engine(
    layout: list[int], measured: list[int], level: int
) -> None:
    device = open_snapshot("fake:FakeNairobiV2").device
    noise = DeviceNoise(device.target, "nairobi")
    circuit = random_circuit(3, 4, max_operands=2, seed=7)
    passes = generate_preset_pass_manager(
        level, target=device.target, initial_layout=layout, seed_transpiler=0
    )
    question = Question(passes.run(circuit), [], noise=noise)
    [expected] = probabilities(question, measured, NO_ROW)
    found = bound_probabilities(question, measured)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    ideal = bound_probabilities(Question(question.circuit, []), measured)
    assert abs(found - ideal).max() > 1e-3
    assert found.sum() == pytest.approx(1.0)


def test_what_cannot_be_evaluated_is_named() -> None:
    circuit = QuantumCircuit(1, name="free")
    circuit.rx(Parameter("x"), 0)
    with pytest.raises(ConfigError, match="'free' has 1 parameters; expected a circuit whose"):
        bound_probabilities(Question(circuit, []), [0])
    wide = QuantumCircuit(11, name="wide")
    wide.h(range(11))
    with pytest.raises(ConfigError, match="'wide' uses 11 qubits; expected at most 10"):
        bound_probabilities(Question(wide, []), [0])
