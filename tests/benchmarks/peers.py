"""The same work in other tools: functions from parameter rows to expectation values.

Each builder returns a function of the angles of users and items `(n_rows, k)`, or raises
ImportError where the tool is not installed (``pip install qrec[bench]``). Theta is fixed
inside, as at prediction.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qrec.circuits.angle_net import angle_net

Array = NDArray[np.float64]
Predict = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Net:
    """The angle net with its angles drawn."""

    n_factors: int
    n_layers: int
    entangler: str

    @property
    def n_qubits(self) -> int:
        return 2 * self.n_factors

    def theta(self) -> Array:
        return np.random.default_rng(1).uniform(0, 2 * np.pi, self.n_qubits * self.n_layers)

    def rows(self, n_rows: int) -> tuple[Array, Array]:
        rng = np.random.default_rng(2)
        return rng.normal(size=(n_rows, self.n_factors)), rng.normal(size=(n_rows, self.n_factors))

    def circuit(self):
        return angle_net(self.n_factors, self.n_layers, self.entangler)

    def cnots(self) -> list[tuple[int, int]]:
        circuit = angle_net(self.n_factors, 1, self.entangler)
        return [tuple(circuit.find_bit(q).index for q in i.qubits) for i in circuit.data
                if i.operation.name == "cx"]  # fmt: skip

    def flat(self, users: Array, items: Array) -> Array:
        """Return parameter rows in Qiskit's order: theta, u, v."""
        return np.hstack([np.tile(self.theta(), (len(users), 1)), users, items])


def pennylane_net(net: Net, device: str = "default.qubit", interface: str = "auto"):
    """Return a QNode of (theta, angles), angles `(2k,)` or `(2k, n_rows)`."""
    import pennylane as qml

    @qml.qnode(qml.device(device, wires=net.n_qubits), interface=interface)
    def node(theta, angles):
        for layer in range(net.n_layers):
            for qubit in range(net.n_qubits):
                if layer == 0:
                    qml.RY(angles[qubit], wires=qubit)
                qml.RY(theta[layer * net.n_qubits + qubit], wires=qubit)
            for control, target in net.cnots():
                qml.CNOT(wires=[control, target])
        return qml.expval(qml.PauliZ(0))

    return node


def pennylane_one_by_one(net: Net, device: str = "default.qubit") -> Predict:
    node, theta = pennylane_net(net, device), net.theta()
    return lambda users, items: np.array(
        [node(theta, angles) for angles in np.hstack([users, items])]
    )


def pennylane_broadcasting(net: Net) -> Predict:
    node, theta = pennylane_net(net), net.theta()
    return lambda users, items: np.asarray(node(theta, np.hstack([users, items]).T))


def tensorcircuit_net(net: Net):
    import tensorcircuit as tc

    tc.set_backend("jax")
    tc.set_dtype("complex64")

    def value(theta, angles):
        circuit = tc.Circuit(net.n_qubits)
        for layer in range(net.n_layers):
            for qubit in range(net.n_qubits):
                if layer == 0:
                    circuit.ry(qubit, theta=angles[qubit])
                circuit.ry(qubit, theta=theta[layer * net.n_qubits + qubit])
            for control, target in net.cnots():
                circuit.cnot(control, target)
        return tc.backend.real(circuit.expectation_ps(z=[0]))

    return tc, value


def tensorcircuit_jit(net: Net) -> Predict:
    tc, value = tensorcircuit_net(net)
    run = tc.backend.jit(tc.backend.vmap(value, vectorized_argnums=1))
    theta = np.asarray(net.theta(), np.float32)
    return lambda users, items: np.asarray(
        run(theta, np.asarray(np.hstack([users, items]), np.float32))
    )


def aer_estimator(net: Net) -> Predict:
    from qiskit_aer.primitives import EstimatorV2

    options = {"backend_options": {"method": "statevector", "precision": "single",
                                   "max_parallel_threads": 1}}  # fmt: skip
    return _estimated(net, EstimatorV2(options=options))


def qiskit_estimator(net: Net) -> Predict:
    from qiskit.primitives import StatevectorEstimator

    return _estimated(net, StatevectorEstimator())


def _estimated(net: Net, estimator) -> Predict:
    circuit = net.circuit()
    z = SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], net.n_qubits)

    def predict(users: Array, items: Array) -> Array:
        job = estimator.run([(circuit, z, net.flat(users, items))], precision=0.0)
        return job.result()[0].data.evs

    return predict


PREDICTORS: dict[str, Callable[[Net], Predict]] = {
    "PennyLane, one call per sample": pennylane_one_by_one,
    "PennyLane lightning": lambda net: pennylane_one_by_one(net, "lightning.qubit"),
    "PennyLane broadcasting": pennylane_broadcasting,
    "tensorcircuit-ng jit": tensorcircuit_jit,
    "Aer EstimatorV2": aer_estimator,
    "Qiskit StatevectorEstimator": qiskit_estimator,
}
