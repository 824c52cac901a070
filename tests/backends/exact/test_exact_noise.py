"""A device's noise against Qiskit Aer's density matrix."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.circuits import CIRCUITS, build_circuit
from qrec.circuits.angle_net import angle_net
from qrec.errors import ConfigError


class Device:
    """A fake device and what Aer makes of it."""

    def __init__(self, device) -> None:
        self.noise = DeviceNoise(device.target)
        self.passes = generate_preset_pass_manager(
            optimization_level=1, target=device.target, seed_transpiler=5
        )
        self.model = NoiseModel.from_backend(device)
        self.aer = AerSimulator(method="density_matrix", noise_model=self.model)

    def expected(self, isa: QuantumCircuit, observable: SparseObservable, row) -> float:
        """Return Aer's value, read-out errors applied to each letter by their definition."""
        circuit = isa.assign_parameters(row)
        used = sorted({circuit.find_bit(q).index for i in circuit.data for q in i.qubits}
                      | {int(q) for q in observable.indices})  # fmt: skip
        circuit.save_density_matrix([circuit.qubits[q] for q in used])
        rho = self.aer.run(circuit).result().data()["density_matrix"]
        total = 0.0
        for term in observable.as_paulis():
            parts = SparsePauliOp("I" * len(used), term.coeff)
            for letter, qubit in zip(term.bit_labels(), term.indices, strict=True):
                keep, shift = self._readout(int(qubit))
                place = used.index(int(qubit))
                one = SparsePauliOp.from_sparse_list(
                    [(letter, [place], keep), ("", [], shift)], len(used)
                )
                parts = parts @ one
            total += rho.expectation_value(parts).real
        return total

    def _readout(self, qubit: int) -> tuple[float, float]:
        errors = self.model._local_readout_errors
        (_, one_at_0), (zero_at_1, _) = errors[(qubit,)].probabilities
        return 1 - one_at_0 - zero_at_1, zero_at_1 - one_at_0


@pytest.fixture(scope="module", params=["FakeManilaV2", "FakeLimaV2"])
def device(request: pytest.FixtureRequest) -> Device:
    return Device(open_snapshot(f"fake:{request.param}").device)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_aer_on_random_circuits(seed, device, make_circuit, make_observable) -> None:
    n_qubits = 2 + seed % 4
    random = make_circuit(seed, n_qubits, 12)
    isa = device.passes.run(random.circuit)
    isa.delay(1000, 0, unit="ns")
    observable = make_observable(seed, n_qubits).apply_layout(isa.layout)
    rows = random.rows()[:2]
    expected = [device.expected(isa, observable, row) for row in rows]
    question = Question(isa, [observable], noise=device.noise)
    np.testing.assert_allclose(evaluate(question, rows)[:, 0], expected, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", CIRCUITS.names())
def test_agrees_with_aer_on_the_library(name: str) -> None:
    heron = Device(open_snapshot("fake:FakeTorino").device)
    circuit = build_circuit(name)
    isa = heron.passes.run(circuit)
    n_qubits = circuit.num_qubits
    observable = SparseObservable.from_sparse_list(
        [("Z", [q], 1.0 + q) for q in range(n_qubits)], n_qubits
    ).apply_layout(isa.layout)
    row = np.random.default_rng(1).normal(size=isa.num_parameters)
    value = evaluate(Question(isa, [observable], noise=heron.noise), row[None])
    assert value[0, 0] == pytest.approx(heron.expected(isa, observable, row), abs=1e-7)


@pytest.mark.parametrize("method", ["asap", "alap"])
def test_idle_noise_of_scheduled_circuits(method: str) -> None:
    manila = Device(open_snapshot("fake:FakeManilaV2").device)
    circuit = build_circuit("overlap_test")
    z = SparseObservable.from_sparse_list([("Z", [2], 1.0), ("ZZ", [0, 1], 0.5)], 3)
    rows = np.random.default_rng(4).normal(size=(2, circuit.num_parameters))
    settings = {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 1,
                "seed_transpiler": 7}  # fmt: skip
    busy = open_backend(settings | {"scheduling_method": method})
    workload = Workload(circuit, z, rows, "w")
    [unit] = busy.prepare([workload])
    assert unit.circuit.count_ops()["delay"] > 0
    assert len({q for i in unit.circuit.data for q in i.qubits}) < 5
    observed = z.apply_layout(unit.circuit.layout)
    value = busy.run([workload])[0].value
    expected = [manila.expected(unit.circuit, observed, row) for row in rows]
    np.testing.assert_allclose(value, expected, atol=1e-7)
    assert np.abs(value - open_backend(settings).run([workload])[0].value).min() > 1e-4


def test_gradients_under_noise(device, make_circuit, make_observable) -> None:
    random = make_circuit(3, 3, 10)
    isa = device.passes.run(random.circuit)
    observable = make_observable(3, 3).apply_layout(isa.layout)
    exact = Expectation(Question(isa, [observable], random.circuit.parameters, device.noise))
    names = list(random.values)
    start = [torch.tensor(random.values[name], requires_grad=True) for name in names]
    assert torch.autograd.gradcheck(
        lambda *given: exact(dict(zip(names, given, strict=True))), start, atol=1e-6
    )


def test_gradients_where_channels_without_angles_come_last() -> None:
    """Routed on the device, the net's last gates are swaps: the pull begins with constants."""
    net = angle_net(3, 3, "all")
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("ZZ", [2, 5], 0.3)], 6)
    exact = open_backend("exact_noisy").expectation(net, z)
    rng = np.random.default_rng(0)
    sizes = {"theta": (18,), "u": (2, 3), "v": (2, 3)}
    leaves = {k: torch.tensor(rng.normal(size=n), requires_grad=True) for k, n in sizes.items()}
    exact(leaves).sum().backward()
    step = {k: torch.tensor(rng.normal(size=n)) for k, n in sizes.items()}
    with torch.no_grad():
        ahead, behind = (
            exact({k: x + sign * 1e-5 * step[k] for k, x in leaves.items()}).sum()
            for sign in (1, -1)
        )
    slope = sum((leaves[k].grad * step[k]).sum() for k in sizes)
    assert float(slope) == pytest.approx(float((ahead - behind) / 2e-5), rel=1e-6, abs=1e-8)


def test_noise_pulls_values_towards_the_mixed_state() -> None:
    circuit = build_circuit("angle_net")
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 8)
    workload = Workload(circuit, z, np.full((1, circuit.num_parameters), 0.1), "w")
    ideal, noisy = (open_backend(name).run([workload])[0] for name in ("exact", "exact_noisy"))
    assert 0 < noisy.value[0] < ideal.value[0]
    assert noisy.stderr[0] == 0
    assert noisy.shots is None


def test_the_noisy_state_vector_is_refused(device) -> None:
    circuit = QuantumCircuit(1)
    circuit.sx(0)
    with pytest.raises(ConfigError, match=r"no noise.*aer"):
        evaluate(Question(circuit, [SparseObservable("Z")], noise=device.noise),
                 np.zeros((1, 0)), "statevector")  # fmt: skip


def test_is_the_limit_of_many_shots_on_aer() -> None:
    circuit = build_circuit("overlap_test")
    z = SparseObservable.from_sparse_list([("Z", [2], 1.0), ("ZZ", [0, 1], 0.5)], 3)
    rows = np.random.default_rng(3).normal(size=(4, circuit.num_parameters))
    settings = {"snapshot": "fake:FakeManilaV2", "optimization_level": 3, "seed_transpiler": 7}
    workload = Workload(circuit, z, rows, "w")
    exact = open_backend({"kind": "exact", **settings}).run([workload])[0]
    aer = open_backend({"kind": "aer", "shots": 40_000, "seed_simulator": 1, **settings})
    sampled = aer.run([workload])[0]
    assert np.all(np.abs(exact.value - sampled.value) < 4.5 * sampled.stderr)
