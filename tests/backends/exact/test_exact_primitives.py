"""The engine as Qiskit's primitives."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qrec.backends.exact.estimator import ExactEstimator
from qrec.backends.exact.sampler import ExactSampler
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.errors import ConfigError


@pytest.mark.parametrize("method", [None, "table", "statevector"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_estimator_broadcasts_as_qiskits_does(method, dtype, make_circuit) -> None:
    circuit = make_circuit(2, 3, 12).circuit
    rows = np.random.default_rng(0).normal(size=(2, 5, circuit.num_parameters))
    observables = [["ZZI"], [SparsePauliOp(["XYZ", "IIX"], [0.5, 2.0])]]
    pub = (circuit, observables, rows)
    ours = ExactEstimator(dtype=dtype, method=method).run([pub]).result()[0].data
    theirs = StatevectorEstimator().run([pub]).result()[0].data
    np.testing.assert_allclose(ours.evs, theirs.evs, atol=1e-10 if dtype == "float64" else 1e-5)
    assert ours.stds.shape == theirs.stds.shape


def measured(n_qubits: int = 3) -> QuantumCircuit:
    """Return a circuit with two registers, a bit never written and one qubit left out."""
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(9, "b")
    circuit = QuantumCircuit(QuantumRegister(n_qubits), a, b)
    circuit.h(0)
    circuit.ry(Parameter("t"), 1)
    circuit.cx(0, 2)
    circuit.cry(0.7, 1, 2)
    circuit.measure([2, 0], [a[1], b[8]])
    return circuit


def test_sampler_draws_from_the_exact_distribution() -> None:
    circuit, shots = measured(), 20_000
    pub = (circuit, [[0.3], [1.9]], shots)
    ours = ExactSampler(seed=1).run([pub]).result()[0].data
    theirs = StatevectorSampler(seed=2).run([pub]).result()[0].data
    for name in ("a", "b"):
        assert ours[name].shape == theirs[name].shape == (2,)
        assert ours[name].num_bits == theirs[name].num_bits
    for row in range(2):
        joint = [_joint(data, row) for data in (ours, theirs)]
        for outcome in set(joint[0]) | set(joint[1]):
            p, q = (counts.get(outcome, 0) / shots for counts in joint)
            assert p == pytest.approx(q, abs=5 * np.sqrt(0.5 / shots))


def _joint(data, row: int) -> dict[tuple[int, ...], int]:
    values = np.column_stack([
        data[name][row].to_bool_array(order="little") for name in ("a", "b")
    ])  # fmt: skip
    found, counts = np.unique(values, axis=0, return_counts=True)
    return {tuple(f): int(c) for f, c in zip(found.astype(int), counts, strict=True)}


def test_the_same_seed_gives_the_same_shots_whatever_was_run_before() -> None:
    sampler, pub = ExactSampler(seed=1), (measured(), [0.3], 50)
    first = sampler.run([pub]).result()[0].data.b.array
    np.testing.assert_array_equal(sampler.run([pub]).result()[0].data.b.array, first)
    assert (ExactSampler(seed=2).run([pub]).result()[0].data.b.array != first).any()


def test_two_pubs_of_a_call_have_shots_of_their_own() -> None:
    pub = (measured(), [0.3], 50)
    one, two = ExactSampler(seed=1).run([pub, pub]).result()
    assert (one.data.b.array != two.data.b.array).any()


def test_a_gate_after_a_measurement_is_refused() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.h(0)
    with pytest.raises(ConfigError, match=r"'h' follows a measurement.*aer"):
        ExactSampler(seed=0).run([circuit], shots=5).result()


def test_shots_must_be_given() -> None:
    with pytest.raises(ConfigError, match="shot count"):
        ExactSampler(seed=0).run([(measured(), [0.3])])


def test_noisy_sampler_reads_the_noisy_expectation() -> None:
    backend = open_backend("exact_noisy")
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    workload = Workload(circuit, SparseObservable("ZZ"), np.zeros((1, 0)), "zz")
    value = backend.run([workload])[0].value[0]
    shots = 40_000
    isa = backend.pass_manager().run(circuit.measure_all(inplace=False))
    counts = backend.sampler().run([isa], shots=shots).result()[0].data.meas.get_counts()
    sampled = sum((-1) ** bits.count("1") * n for bits, n in counts.items()) / shots
    assert sampled == pytest.approx(value, abs=5 / np.sqrt(shots))
    assert value < 0.995
