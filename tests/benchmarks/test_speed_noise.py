"""Under a Heron processor's noise, and the SWAP test with and without shots; one core."""

import numpy as np
import pytest
import torch
from peers import Net
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from race import Contender, race

from qrec.backends.exact import plan
from qrec.backends.exact.estimator import evaluate
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.circuits.swap_test import swap_test

SETTINGS = {"snapshot": "fake:FakeTorino", "optimization_level": 3, "seed_transpiler": 7}


def exact(**more):
    return open_backend({"kind": "exact", "dtype": "float32", **more})


def aer_noisy(circuit: QuantumCircuit, z: SparseObservable, rows: np.ndarray):
    """Return Aer's exact noisy values: density matrix, shots replaced by its estimator."""
    from qiskit_aer import AerSimulator
    from qiskit_aer.primitives import EstimatorV2

    from qrec.backends.snapshots import open_snapshot

    device = open_snapshot(SETTINGS["snapshot"]).device
    isa = exact(**SETTINGS).pass_manager().run(circuit)
    observed = SparsePauliOp.from_sparse_observable(z.apply_layout(isa.layout).as_paulis())
    model = AerSimulator.from_backend(device).options.noise_model
    options = {"backend_options": {"method": "density_matrix", "noise_model": model,
                                   "max_parallel_threads": 1}}  # fmt: skip
    estimator = EstimatorV2(options=options)
    return lambda: estimator.run([(isa, observed, rows)], precision=0.0).result()


@pytest.mark.parametrize(("net", "goal"), [
    (Net(4, 2, "pairs"), 2500), (Net(4, 3, "all"), 10_000), (Net(4, 3, "chain"), 10_000),
], ids=str)  # fmt: skip
def test_noisy_predictions(benchmark, net, goal):
    """Theta is bound, as in a fitted net; planning and the pull are in the time."""
    circuit = net.circuit()
    theta = [p for p in circuit.parameters if p.vector.name == "theta"]
    circuit.assign_parameters({p: net.theta()[p.index] for p in theta}, inplace=True)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], net.n_qubits)
    rows = np.hstack(net.rows(20_000))
    backend = exact(**SETTINGS)
    unit = backend.prepare([Workload(circuit, z, rows, "w")])[0][0]
    contenders = [Contender("table, float32", lambda: _afresh(backend, unit), len(rows))]
    contenders.append(Contender("Aer EstimatorV2", aer_noisy(circuit, z, rows[:5]), 5, goal))
    race(f"{net} under noise: 20,000 predictions", contenders, rounds=3)
    benchmark.pedantic(contenders[0].call, rounds=3)


def _afresh(backend, unit):
    """Evaluate without the plan of an earlier call."""
    plan._plan.cache_clear()
    return backend._execute(unit)


@pytest.mark.parametrize("net", [Net(4, 2, "pairs"), Net(4, 3, "all")], ids=str)
def test_noisy_all_pairs(benchmark, net):
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], net.n_qubits)
    function = exact(**SETTINGS).expectation(net.circuit(), z)
    rng = np.random.default_rng(0)
    u, v = (torch.tensor(rng.normal(size=(n, net.n_factors)), dtype=torch.float32)
            for n in (943, 1682))  # fmt: skip
    theta = torch.tensor(net.theta(), dtype=torch.float32)

    def call() -> None:
        with torch.inference_mode():
            function.all_pairs({"u": u}, {"v": v}, {"theta": theta})

    race(f"{net} under noise: all pairs (goal 10^7/s)", [Contender("table", call, 943 * 1682)])
    benchmark.pedantic(call, rounds=3)


@pytest.mark.parametrize("noisy", [False, True], ids=["ideal", "noisy"])
@pytest.mark.parametrize("n_factors", [4, 8])
def test_swap_test(benchmark, n_factors, noisy):
    circuit = swap_test(n_factors)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], circuit.num_qubits)
    n_rows = 1_000 if noisy else 20_000
    rows = np.random.default_rng(0).normal(size=(n_rows, circuit.num_parameters))
    settings = SETTINGS if noisy else {}
    backend = exact(**settings)
    unit = backend.prepare([Workload(circuit, z, rows, "w")])[0][0]
    aer = open_backend({"kind": "aer", "shots": 1024, "seed_simulator": 1,
                        "optimization_level": 3, "seed_transpiler": 7, **settings})  # fmt: skip
    sent = aer.prepare([Workload(circuit, z, rows[:20], "w")])[0][0]
    sampler = backend.sampler()
    contenders = [
        Contender("exact", lambda: backend._execute(unit), len(rows)),
        Contender("with 1024 shots",
                  lambda: sampler.run([(sent.circuit, rows[:1000])], shots=1024).result(), 1000),
        Contender("Aer SamplerV2, 1024 shots", lambda: aer._execute(sent), 20, 1000),
    ]  # fmt: skip
    race(f"SWAP test, k = {n_factors}, {'noisy' if noisy else 'ideal'}", contenders, rounds=3)
    benchmark.pedantic(contenders[0].call, rounds=3)


def test_complex_amplitudes(benchmark):
    """RX, RZ, U and controlled rotations, an observable of X, Y and Z."""
    net = Net(4, 3, "chain")
    circuit = net.circuit()
    for qubit in range(net.n_qubits):
        circuit.rx(0.1 * qubit, qubit)
        circuit.crz(0.3, qubit, (qubit + 1) % net.n_qubits)
        circuit.u(0.1, 0.2, 0.3, qubit)
    observable = SparseObservable.from_list([("ZIIIIIIX", 1.0), ("IYZIIIII", 0.5)])
    rows = net.flat(*net.rows(20_000))
    contenders = [
        Contender(f"{method}, float32",
                  lambda method=method: evaluate(circuit, observable, rows, dtype="float32",
                                                 method=method), len(rows))
        for method in ("statevector", "table")
    ]  # fmt: skip
    race("complex amplitudes, 8 qubits", contenders, rounds=3)
    benchmark.pedantic(contenders[0].call, rounds=3)
