"""Training: one batch forward and backward, theta and angles, float32, one core."""

import numpy as np
import pytest
import torch
from peers import Net, pennylane_net, tensorcircuit_net
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from race import Contender, race

from qrec.backends.exact.expectation import Expectation

EPOCH = 60_000
GOALS = {16: 8, 256: 15, 2048: 40}  # times PennyLane broadcasting


def ours(net: Net, batch: int, method: str | None = None):
    exact = Expectation(
        net.circuit(), SparseObservable.from_sparse_list([("Z", [0], 1.0)], net.n_qubits),
        method=method,
    )  # fmt: skip
    leaves = [torch.tensor(x, dtype=torch.float32, requires_grad=True)
              for x in (net.theta(), *net.rows(batch))]  # fmt: skip

    def step() -> None:
        exact(dict(zip(("theta", "u", "v"), leaves, strict=True))).square().sum().backward()

    return step


def pennylane(net: Net, batch: int):
    node = pennylane_net(net, interface="torch")
    theta = torch.tensor(net.theta(), requires_grad=True)
    angles = torch.tensor(np.hstack(net.rows(batch)).T, requires_grad=True)
    return lambda: node(theta, angles).square().sum().backward()


def tensorcircuit(net: Net, batch: int):
    tc, value = tensorcircuit_net(net)
    values = tc.backend.vmap(value, vectorized_argnums=1)
    gradient = tc.backend.jit(
        tc.backend.grad(lambda t, x: tc.backend.sum(values(t, x) ** 2), argnums=(0, 1))
    )
    theta = np.asarray(net.theta(), np.float32)
    angles = np.asarray(np.hstack(net.rows(batch)), np.float32)
    return lambda: [np.asarray(g) for g in gradient(theta, angles)]


def machine_learning(net: Net, batch: int):
    """Return forward and backward of an EstimatorQNN on Qiskit's exact estimator."""
    from qiskit.primitives import StatevectorEstimator
    from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    circuit, estimator = net.circuit(), StatevectorEstimator()
    qnn = EstimatorQNN(
        circuit=circuit,
        estimator=estimator,
        observables=SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], net.n_qubits),
        input_params=[p for p in circuit.parameters if p.vector.name != "theta"],
        weight_params=[p for p in circuit.parameters if p.vector.name == "theta"],
        gradient=ParamShiftEstimatorGradient(estimator),
        input_gradients=True,
        default_precision=0.0,  # its default adds noise of 1/64
    )
    angles = np.hstack(net.rows(batch))

    def step() -> None:
        qnn.forward(angles, net.theta())
        qnn.backward(angles, net.theta())

    return step


@pytest.mark.parametrize("batch", [16, 256, 2048])
@pytest.mark.parametrize("net", [Net(4, 2, "pairs"), Net(4, 3, "all"), Net(4, 3, "chain")], ids=str)
def test_one_step(benchmark, net, batch):
    contenders = [
        Contender("table", ours(net, batch, "table"), batch),
        Contender("state vector", ours(net, batch, "statevector"), batch),
    ]
    peers = [("PennyLane broadcasting", pennylane, GOALS[batch], batch),
             ("tensorcircuit-ng jit", tensorcircuit, 1.0 if batch > 16 else None, batch),
             ]  # fmt: skip
    if batch == 16:
        peers.append(("qiskit-machine-learning", machine_learning, 250, 1))
    for name, build, goal, n in peers:
        try:
            contenders.append(Contender(name, build(net, n), n, goal))
        except ImportError:
            continue
    race(f"{net}: training in batches of {batch}", contenders, rounds=3)
    seconds = EPOCH / contenders[0].rate
    benchmark.extra_info["epoch_seconds"] = seconds
    benchmark.pedantic(contenders[0].call, rounds=5)
