"""Simulating the used qubits alone, against simulating the whole device."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import BackendEstimatorV2
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

from qrec.backends.device.compact import compact, cut_target
from qrec.backends.device.noise import NoisyEstimator, NoisySampler, simulator
from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload

DEVICES = {name: open_snapshot(f"fake:{name}") for name in ("FakeLimaV2", "FakeJakartaV2")}
WHOLE = {
    name: AerSimulator.from_backend(snapshot.device, method="density_matrix")
    for name, snapshot in DEVICES.items()
}


@st.composite
def experiments(draw):
    """Draw a device, gates of it on some of its qubits, and an observable on any of them."""
    name = draw(st.sampled_from(sorted(DEVICES)))
    target = DEVICES[name].device.target
    n = target.num_qubits
    some = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3, unique=True))
    pairs = [edge for edge in target["cx"] if set(edge) <= set(some)]
    circuit = QuantumCircuit(n, global_phase=0.3)
    circuit.x(some[0])
    for _ in range(draw(st.integers(0, 12))):
        qubit = draw(st.sampled_from(some))
        gate = draw(st.sampled_from(["rz", "sx", "x", "delay", "cx", "barrier", "reset"]))
        if gate == "rz":
            circuit.rz(draw(st.floats(-3, 3)), qubit)
        elif gate == "delay":
            circuit.delay(draw(st.integers(1, 99)) * 1000, qubit, unit="dt")
        elif gate == "cx" and pairs:
            circuit.cx(*draw(st.sampled_from(pairs)))
        elif gate == "barrier":
            circuit.barrier()
        elif gate != "cx":
            getattr(circuit, gate)(qubit)
    labels = st.text("IXYZ01+-lr", min_size=n, max_size=n)
    terms = draw(st.lists(st.tuples(labels, st.floats(-2, 2)), min_size=1, max_size=3))
    return name, circuit, SparseObservable.from_list(terms)


def expectation(aer, circuit, observable):
    whole = circuit.copy()
    whole.save_density_matrix()
    rho = aer.run(whole).result().data()["density_matrix"]
    paulis = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    return rho.expectation_value(paulis).real


@settings(max_examples=12)
@given(experiments())
def test_values_are_those_of_the_whole_device(experiment):
    name, circuit, observable = experiment
    small, [cut], qubits = compact(circuit, [observable])
    assert small.num_qubits == cut.num_qubits == len(qubits)
    found = expectation(simulator(DEVICES[name], qubits), small, cut)
    assert found == pytest.approx(expectation(WHOLE[name], circuit, observable), abs=1e-9)


def scattered():
    """Return a circuit on qubits 6, 3 and 1 of Jakarta, measured crosswise into two registers."""
    t = ParameterVector("t", 4)
    circuit = QuantumCircuit(7, global_phase=t[3])
    registers = ClassicalRegister(1, "one"), ClassicalRegister(2, "two")
    for register in registers:
        circuit.add_register(register)
    circuit.x(6)
    circuit.sx(1)
    circuit.rz(t[2] - 2 * t[0], 1)
    circuit.sx(1)
    circuit.rz(t[1], 3)
    circuit.cx(1, 3)
    circuit.barrier()
    circuit.measure([3, 6, 1], [2, 0, 1])
    return circuit, np.random.default_rng(3).uniform(-3, 3, (5, 4))


def test_shots_are_those_of_the_whole_device_and_of_no_other_pub():
    circuit, rows = scattered()
    assert compact(circuit)[2] == (1, 3, 6)
    whole = SamplerV2.from_backend(WHOLE["FakeJakartaV2"], seed=8)
    sampler = NoisySampler(DEVICES["FakeJakartaV2"], seed=8, shots=300)
    expected = whole.run([(circuit, rows, 300)]).result()[0].data
    other = QuantumCircuit(7, 1)
    other.x(5)
    other.measure(5, 0)
    found = sampler.run([(circuit, rows), (other, None, 7)]).result()
    assert found[0].data.one == expected.one
    assert found[0].data.two == expected.two
    assert found[1].data.c.array.shape == (7, 1)
    again = sampler.run([(other, None, 7), (circuit, rows)]).result()
    assert again[1].data.two != expected.two, "two pubs of a call draw different shots"


def test_estimates_are_those_of_the_whole_device():
    circuit, rows = scattered()
    circuit.remove_final_measurements()
    observables = [[SparseObservable.from_sparse_list([("ZX", [6, 1], 0.5), ("Y", [3], 2.0)], 7)],
                   [SparseObservable.from_sparse_list([("Z", [0], 1.0)], 7)]]  # fmt: skip
    options = {"seed_simulator": 4, "default_precision": 0.05}
    whole = BackendEstimatorV2(backend=WHOLE["FakeJakartaV2"], options=options)
    pub = (circuit, observables, rows)
    expected = whole.run([pub]).result()[0].data
    estimator = NoisyEstimator(DEVICES["FakeJakartaV2"], seed=4, precision=0.05)
    found = estimator.run([pub]).result()[0].data
    np.testing.assert_allclose(found.evs, expected.evs, atol=1e-12)
    np.testing.assert_allclose(found.stds, expected.stds, atol=1e-12)
    assert found.evs.shape == (2, 5)


def test_a_cut_device_keeps_what_belongs_to_its_qubits():
    target = DEVICES["FakeJakartaV2"].device.target
    cut = cut_target(target, (1, 3, 5))
    assert set(cut.operation_names) == set(target.operation_names)
    assert set(cut["cx"]) == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert cut["cx"][0, 1].error == target["cx"][1, 3].error != target["cx"][3, 5].error
    assert cut["measure"][2,].error == target["measure"][5,].error
    assert [q.t1 for q in cut.qubit_properties] == [
        target.qubit_properties[q].t1 for q in (1, 3, 5)
    ]
    assert "cx" not in cut_target(target, (0, 6)).operation_names


def test_a_big_device_is_simulated_on_few_qubits():
    circuit = QuantumCircuit(3)
    circuit.x(0)
    circuit.ry(0.4, 1)
    circuit.cx(1, 2)
    observable = SparseObservable.from_list([("ZZI", 1.0), ("IIZ", 0.5)])
    workload = Workload(circuit, observable, np.empty((1, 0)), "big")
    settings = {"snapshot": "fake:FakeFez", "optimization_level": 1, "seed_transpiler": 2}
    exact = open_backend({"kind": "exact", **settings}).run([workload])[0]
    aer = open_backend({"kind": "aer", "shots": 20_000, "seed_simulator": 1, **settings})
    found = aer.run([workload])[0]
    assert abs(found.value[0] - exact.value[0]) < 5 * found.stderr[0]
    isa = aer.pass_manager().run(circuit)
    [result] = aer.estimator().run([(isa, observable.apply_layout(isa.layout))]).result()
    assert abs(result.data.evs - exact.value[0]) < 0.06
