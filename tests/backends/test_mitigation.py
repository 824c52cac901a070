"""Mitigations: what they cost, what they take out, and what they leave as it was."""

from dataclasses import replace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator, SparseObservable

from qrec.backends import Workload, open_backend
from qrec.backends.mitigation import MITIGATIONS, open_mitigation
from qrec.backends.mitigation.base import Stacked
from qrec.backends.mitigation.executed import as_executed
from qrec.backends.mitigation.twirling import PauliTwirling
from qrec.backends.mitigation.zne import (
    ZeroNoiseExtrapolation,
    extrapolate,
    fold,
    mean_eigenvalue,
)
from qrec.errors import ConfigError

ENTRY = {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 3,
         "seed_transpiler": 7}  # fmt: skip
SHOTS = {"shots": 4000, "seed_simulator": 1}
GATES = {"noise": {"only": ["one_qubit", "two_qubit"]}}
IDLE = {"noise": {"only": ["one_qubit", "two_qubit", "idle"]}}


def make_workload(n_rows=3, joint=False):
    """Return rows of a circuit whose qubits differ, its observable of products and projectors."""
    x, y = Parameter("x"), Parameter("y")
    circuit = QuantumCircuit(3)
    circuit.ry(x, 0)
    circuit.cx(0, 1)
    circuit.ry(y, 1)
    circuit.cx(1, 2)
    circuit.rx(x - y, 2)
    circuit.cx(0, 1)
    z = SparseObservable.from_sparse_list(
        [("Z", [2], 1.0), ("ZZ", [0, 1], 0.5), ("1", [0], 0.3), ("0Z", [1, 2], -0.4)], 3
    )
    second = SparseObservable.from_sparse_list([("Z", [1], 1.0)], 3)
    rows = np.random.default_rng(2).normal(size=(n_rows, 2))
    return Workload(circuit, [z, second] if joint else z, rows, "w")


def values(readings):
    return np.concatenate([reading.value.ravel() for reading in readings])


@pytest.mark.parametrize("kind", ["exact", "aer"])
@pytest.mark.parametrize("name", [*MITIGATIONS, "readout+zne_linear"])
def test_shapes_and_costs(name, kind):
    backend = open_backend(ENTRY | IDLE | SHOTS | {"kind": kind})
    workloads = [make_workload(3), replace(make_workload(2, joint=True), key="v")]
    found = open_mitigation(name).mitigate(backend, workloads)
    plain = backend.run(workloads)
    assert [r.value.shape for r in found.readings] == [r.value.shape for r in plain]
    assert [r.stderr.shape for r in found.readings] == [r.value.shape for r in plain]
    times = {"readout": 1, "zne_linear": 3, "zne_exponential": 3, "twirling": 8, "decoupling": 1,
             "readout+zne_linear": 3}[name]  # fmt: skip
    calibrations = 2 if name.startswith("readout") else 0
    measured = 1 if name == "decoupling" else times
    assert found.circuits == 2 * times + calibrations
    assert found.evaluations == 5 * times + calibrations
    assert found.executions == 4000 * found.evaluations
    assert all(reading.shots == 4000 * measured for reading in found.readings)


@pytest.mark.parametrize("name", MITIGATIONS)
def test_without_noise_nothing_changes(name):
    workload = make_workload(joint=True)
    ideal = open_backend().run([workload])[0]
    for noise in ({"only": []}, {"only": ["idle"], "scale": 0}):
        backend = open_backend(ENTRY, noise=noise)
        if name == "decoupling" and not noise["only"]:
            continue
        found = open_mitigation(name).mitigate(backend, [workload])
        np.testing.assert_allclose(found.readings[0].value, ideal.value, atol=1e-10)
        np.testing.assert_array_equal(found.readings[0].stderr, np.zeros((3, 2)))
        assert found.executions == 0


def test_readout_errors_are_inverted_whatever_is_measured():
    for scale in (1.0, 4.0):
        backend = open_backend(ENTRY, noise={"only": ["readout"], "scale": scale})
        workloads = [make_workload(), make_workload(joint=True)]
        ideal = values(open_backend().run(workloads))
        assert np.abs(values(backend.run(workloads)) - ideal).max() > 0.02
        found = open_mitigation("readout").mitigate(backend, workloads)
        np.testing.assert_allclose(values(found.readings), ideal, atol=1e-12)
        assert found.circuits == 2 + 2  # both workloads measure the same qubits


def test_a_readout_that_says_nothing_is_refused():
    backend = open_backend(ENTRY, noise={"only": ["readout"], "scale": 1e6})
    with pytest.raises(ConfigError, match=r"qubit \d reads .*nothing that could be inverted"):
        open_mitigation("readout").mitigate(backend, [make_workload()])


def test_too_wide_a_term_is_refused_by_readout_inversion():
    circuit = QuantumCircuit(13)
    workload = Workload(circuit, SparseObservable("1" * 13), np.empty((1, 0)), "w")
    with pytest.raises(ConfigError, match="on 13 qubits: expected at most 12"):
        open_mitigation("readout").mitigate(open_backend(), [workload])


NOISY = {"only": ["readout", "two_qubit"], "scale": 2.0}


@pytest.mark.parametrize("name", ["zne_linear", "zne_exponential", "twirling"])
def test_standard_errors_are_those_of_many_repeats(name):
    """Of rows that are alike the spread is the stderr that each claims."""
    method = PauliTwirling(3) if name == "twirling" else open_mitigation(name)
    one = make_workload(1)
    many = replace(one, parameters=np.repeat(one.parameters, 200, axis=0))
    exact = method.mitigate(open_backend(ENTRY, noise=NOISY), [one]).readings[0].value
    found = method.mitigate(open_backend(ENTRY | SHOTS, noise=NOISY), [many]).readings[0]
    pull = (found.value - exact) / found.stderr
    assert np.abs(pull.mean()) < 0.5  # an exponential is a little biased
    assert 0.8 < pull.std() < 1.2  # 200 pulls: 4 standard errors


def test_standard_errors_hold_those_of_the_calibration():
    """With few shots each calibration is another: what all rows share is in their stderr."""
    method, workload = open_mitigation("readout"), make_workload(2)
    exact = method.mitigate(open_backend(ENTRY, noise=NOISY), [workload]).readings[0].value
    pull = []
    for seed in range(60):
        backend = open_backend(ENTRY | SHOTS, noise=NOISY, seed_simulator=seed, shots=300)
        reading = method.mitigate(backend, [workload]).readings[0]
        pull.append((reading.value - exact) / reading.stderr)
    assert np.abs(np.mean(pull)) < 0.5
    assert 0.75 < np.std(pull) < 1.25


def test_a_calibration_by_few_shots_is_told():
    """Against the shots of the circuit alone the error of the calibration is seen."""
    method, workload = open_mitigation("readout"), make_workload(1)
    backend = open_backend(ENTRY | SHOTS, noise=NOISY)

    def ask(where, more):
        found = where.run(more)
        few = more[0].key.startswith("readout/")
        return [replace(r, stderr=10 * r.stderr) if few else r for r in found]

    plain = method.mitigate(backend, [workload]).readings[0].stderr
    assert method.mitigate(backend, [workload], ask).readings[0].stderr[0] > 1.5 * plain[0]


def test_folding_computes_the_same_and_takes_as_often_as_many_gates():
    backend = open_backend(ENTRY | IDLE)
    isa = as_executed(backend, make_workload(1))
    assert isa.isa
    once = isa.circuit.count_ops()
    bound = isa.circuit.assign_parameters(isa.parameters[0])
    for factor in (1, 3, 5):
        folded = fold(isa.circuit, factor)
        counts = folded.count_ops()
        assert all(counts[name] == factor * once[name] for name in ("sx", "cx", "delay"))
        assert Operator(fold(bound, factor)) == Operator(bound)  # its phase too
        [unit] = backend.prepare([replace(isa, circuit=folded)])
        assert unit.circuit.count_ops() == counts  # nobody took it away again
    for factor in (0, 2, -1):
        with pytest.raises(ConfigError, match="expected an odd number"):
            fold(isa.circuit, factor)
    isa.circuit.reset(0)
    with pytest.raises(ConfigError, match="'reset', which has no inverse"):
        fold(isa.circuit, 3)


def test_extrapolation_meets_what_it_was_made_from():
    factors, end = np.array([1.0, 3.0, 5.0]), np.array([0.2, -0.1])
    line = np.array([[1.0, -2.0]]) + factors[:, None] * [[0.3, 0.1]]
    value, _ = extrapolate(factors, line, None)
    np.testing.assert_allclose(value, [1.0, -2.0])
    decay = end + np.array([0.5, -0.7]) * np.exp(-factors[:, None] * [0.2, 0.4])
    value, slopes = extrapolate(factors, decay, end)
    np.testing.assert_allclose(value, np.add(end, [0.5, -0.7]))
    assert slopes.shape == decay.shape
    across = np.array([[0.1, -0.3], [-0.1, -0.2], [0.05, -0.15]]) + end * [1, 0]
    value, slopes = extrapolate(factors, across, end)  # on both sides of the end: the line
    straight, line_slopes = extrapolate(factors, across, None)
    assert value[0] == straight[0]
    assert value[1] != straight[1]
    np.testing.assert_array_equal(slopes[:, 0], line_slopes[:, 0])


def test_an_exponential_ends_at_the_mean_eigenvalue():
    z = SparseObservable.from_sparse_list(
        [("Z1", [0, 1], 2.0), ("01", [0, 1], 4.0), ("", [], 1.0)], 2
    )
    assert mean_eigenvalue(z) == pytest.approx(2.0)


def test_extrapolation_gains_on_a_devices_gates():
    backend, workload = open_backend(ENTRY, noise=GATES["noise"] | {"scale": 2.0}), make_workload(8)
    ideal = open_backend().run([workload])[0].value
    error = np.abs(backend.run([workload])[0].value - ideal).mean()
    for name in ("zne_linear", "zne_exponential"):
        found = open_mitigation(name).mitigate(backend, [workload]).readings[0].value
        assert np.abs(found - ideal).mean() < error / 2


def test_twirled_circuits_are_other_circuits_that_compute_the_same():
    backend, workload = open_backend(ENTRY | GATES), make_workload(1)
    asked = []

    def ask(where, more):
        asked.extend(more)
        return where.run(more)

    PauliTwirling(6).mitigate(backend, [workload], ask)
    isa = as_executed(backend, workload)
    want = Operator(isa.circuit.assign_parameters(isa.parameters[0]))
    assert len({str(w.circuit.draw()) for w in asked}) > 1
    for one in asked:
        bound = one.circuit.assign_parameters(one.parameters[0])
        assert Operator(bound).equiv(want)
        assert one.circuit.count_ops()["cx"] == isa.circuit.count_ops()["cx"]
    again = PauliTwirling(6).mitigate(backend, [workload]).readings[0].value
    assert np.array_equal(again, PauliTwirling(6).mitigate(backend, [workload]).readings[0].value)


def test_decoupling_fills_waits_and_needs_them():
    backend, workload = open_backend(ENTRY | IDLE), make_workload(1)
    asked = []

    def ask(where, more):
        asked.extend(more)
        return where.run(more)

    isa = as_executed(backend, workload)
    open_mitigation("decoupling").mitigate(backend, [workload], ask)
    [decoupled] = asked
    added = decoupled.circuit.count_ops()["x"] - isa.circuit.count_ops().get("x", 0)
    assert added > 0
    assert added % 2 == 0
    bare, filled = (w.circuit.assign_parameters(w.parameters[0]) for w in (isa, decoupled))
    assert Operator(filled).equiv(Operator(bare))
    for fields in ({}, GATES):
        with pytest.raises(ConfigError, match=r"schedules no waiting.*idle"):
            open_mitigation("decoupling").mitigate(open_backend(ENTRY | fields), [workload])
    with pytest.raises(ConfigError, match="schedules no waiting"):
        open_mitigation("decoupling").mitigate(open_backend(), [workload])


def test_decoupling_shares_decay_between_0_and_1():
    """A qubit that waits in |1> decays in half of the time alone."""
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.delay(20_000, 0)
    circuit.x(0)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 2)
    workload = Workload(circuit, z, np.empty((1, 0)), "w")
    backend = open_backend(ENTRY | {"optimization_level": 0}, noise={"only": ["idle"]})
    t1, dt = backend.target.qubit_properties[0].t1, backend.target.dt
    plain = backend.run([workload])[0].value[0]
    shared = open_mitigation("decoupling").mitigate(backend, [workload]).readings[0].value[0]
    assert plain == pytest.approx(2 * np.exp(-20_000 * dt / t1) - 1, abs=1e-9)
    # 1, 0, 1 for a quarter, a half and a quarter of what the two pulses leave.
    pulse = backend.target["x"][(0,)].duration
    quarter = np.exp(-(20_000 * dt - 2 * pulse) / 4 / t1)
    after = 1 - (1 - quarter) * quarter**2  # of |1> back again
    assert shared == pytest.approx(2 * after * quarter - 1, abs=1e-4)
    assert shared > plain + 0.01


def test_names():
    stacked = open_mitigation("readout+zne_linear")
    assert stacked == Stacked(MITIGATIONS["readout"], ZeroNoiseExtrapolation("linear"))
    with pytest.raises(ConfigError, match=r"mitigation 'zne'.*zne_linear"):
        open_mitigation("readout+zne")
