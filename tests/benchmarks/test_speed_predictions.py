"""Predictions: the angle net at fixed theta, one core."""

from functools import partial

import numpy as np
import pytest
import torch
from peers import PREDICTORS, Net
from qiskit.quantum_info import SparseObservable
from race import Contender, race

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation

N_ROWS = 20_000
SLOW = {"PennyLane, one call per sample": 20, "PennyLane lightning": 40,
        "Qiskit StatevectorEstimator": 20, "Aer EstimatorV2": 200}  # fmt: skip
GOALS_8 = {"PennyLane broadcasting": 80, "Aer EstimatorV2": 80,
           "PennyLane, one call per sample": 5000}  # fmt: skip
CASES = [
    (Net(4, 2, "pairs"), GOALS_8 | {"tensorcircuit-ng jit": 4}),
    (Net(4, 3, "all"), GOALS_8 | {"tensorcircuit-ng jit": 20}),
    (Net(6, 3, "all"), {"PennyLane broadcasting": 100, "Aer EstimatorV2": 100,
                        "tensorcircuit-ng jit": 25}),
]  # fmt: skip


def observable(net: Net) -> SparseObservable:
    return SparseObservable.from_sparse_list([("Z", [0], 1.0)], net.n_qubits)


def ours(net: Net, n_rows: int, method: str | None, dtype: str = "float32"):
    users, items = net.rows(n_rows)
    flat, circuit, z = net.flat(users, items), net.circuit(), observable(net)
    return lambda: evaluate(circuit, z, flat, dtype=dtype, method=method)


@pytest.mark.parametrize(("net", "goals"), CASES, ids=str)
def test_predictions(benchmark, net, goals):
    n_rows = N_ROWS if net.n_factors == 4 else 4_000
    contenders = [
        Contender("state vector, float32", ours(net, n_rows, "statevector"), n_rows),
        Contender("state vector, float64", ours(net, n_rows, "statevector", "float64"), n_rows),
        Contender("Heisenberg table, float32", ours(net, n_rows, "table"), n_rows),
    ]
    users, items = net.rows(n_rows)
    expected = contenders[1].call()
    for name, build in PREDICTORS.items():
        n = min(SLOW.get(name, n_rows), 2_000 if net.n_factors > 4 else n_rows)
        try:
            predict = build(net)
        except ImportError:
            continue
        np.testing.assert_allclose(predict(users[:5], items[:5]), expected[:5], atol=1e-4)
        call = partial(predict, users[:n], items[:n])
        contenders.append(Contender(name, call, n, goals.get(name)))
    race(f"{net}: {n_rows:,} predictions", contenders)
    benchmark.pedantic(contenders[0].call, rounds=3)


@pytest.mark.parametrize("net", [case[0] for case in CASES], ids=str)
def test_all_pairs(benchmark, net):
    """All 943 x 1682 pairs of MovieLens-100K as one product."""
    rng = np.random.default_rng(0)
    exact = Expectation(net.circuit(), observable(net), method="table")
    u, v = (torch.tensor(rng.normal(size=(n, net.n_factors)), dtype=torch.float32)
            for n in (943, 1682))  # fmt: skip
    theta = torch.tensor(net.theta(), dtype=torch.float32)

    def call() -> None:
        with torch.inference_mode():
            exact.all_pairs({"u": u}, {"v": v}, {"theta": theta})

    race(f"{net}: all pairs (goal 10^8/s)", [Contender("table, float32", call, 943 * 1682)])
    benchmark.pedantic(call, rounds=5)
