"""The angle net against dense algebra built by hand, and the light cones its text claims."""

from functools import reduce

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from qrec.circuits.angle_net import angle_net
from qrec.errors import ConfigError


def _ry(angle: float) -> np.ndarray:
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return np.array([[c, -s], [s, c]])


def _cnot(n: int, control: int, target: int) -> np.ndarray:
    index = np.arange(2**n)
    flipped = index ^ (((index >> control) & 1) << target)
    return np.eye(2**n)[flipped]


def _layer(angles: np.ndarray) -> np.ndarray:
    return reduce(np.kron, [_ry(a) for a in angles[::-1]])  # qubit 0 is the rightmost factor


def _bound_z0(circuit, data: np.ndarray, theta: np.ndarray) -> float:
    k = len(data) // 2
    values = {"u": data[:k], "v": data[k:], "theta": theta}
    bound = circuit.assign_parameters(
        {p: values[p.vector.name][p.index] for p in circuit.parameters}
    )
    probability = Statevector(bound).probabilities([0])
    return float(probability[0] - probability[1])


CNOTS = {
    "pairs": [(0, 2), (1, 3)],
    "all": [(0, 2), (0, 3), (1, 2), (1, 3)],
    "chain": [(3, 2), (2, 1), (1, 0)],
}


@pytest.mark.parametrize("entangler", CNOTS)
@pytest.mark.parametrize("reuploading", [False, True])
def test_net_equals_its_definition(entangler: str, reuploading: bool) -> None:
    rng = np.random.default_rng(3)
    data, theta = rng.normal(size=4), rng.normal(size=(3, 4))
    state = np.eye(16)[0]
    for layer in range(3):
        if layer == 0 or reuploading:
            state = _layer(data) @ state
        state = _layer(theta[layer]) @ state
        for control, target in CNOTS[entangler]:
            state = _cnot(4, control, target) @ state
    expected = np.sum(state**2 * (1 - 2 * (np.arange(16) & 1)))
    circuit = angle_net(2, 3, entangler, reuploading)
    assert _bound_z0(circuit, data, theta.ravel()) == pytest.approx(expected, abs=1e-12)


def _reaching(entangler: str, n_layers: int) -> list[int]:
    """Which of the angles u0 u1 v0 v1 change <Z_0>."""
    rng = np.random.default_rng(5)
    data, theta = rng.normal(size=4), rng.normal(size=4 * n_layers)
    circuit = angle_net(2, n_layers, entangler)
    base = _bound_z0(circuit, data, theta)
    moved = data + 0.7 * np.eye(4)
    return [i for i in range(4) if abs(_bound_z0(circuit, moved[i], theta) - base) > 1e-9]


def test_light_cone_of_the_report_misses_the_item() -> None:
    assert _reaching("pairs", 1) == [0]
    assert _reaching("all", 1) == [0]
    assert _reaching("pairs", 4) == [0, 2]


def test_light_cone_of_the_chain_holds_everything() -> None:
    assert _reaching("chain", 1) == [0, 1, 2, 3]


def test_unknown_entangler_is_refused() -> None:
    with pytest.raises(ConfigError, match="star"):
        angle_net(2, 1, "star")
