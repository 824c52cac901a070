"""What a device's noise is made of, and circuits and primitives that are not what they seem."""

import json

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ClassicalRegister, Gate, Parameter
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qrec.backends import Workload, open_backend
from qrec.backends.device.noise import simulator
from qrec.backends.device.snapshots import make_snapshot, open_snapshot
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.errors import ConfigError, RejectedError

MANILA = open_snapshot("fake:FakeManilaV2")
SHOTS = {"shots": 20_000, "optimization_level": 1, "seed_transpiler": 1}
NONE = np.empty((1, 0))


def changed(change):
    properties = json.loads(json.dumps(MANILA.properties))
    change(properties["qubits"][0])
    return make_snapshot(MANILA.configuration, properties, "here")


def field(name, value):
    def change(qubit):
        next(entry for entry in qubit if entry["name"] == name)["value"] = value

    return change


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeTorino"])
def test_both_readout_errors_of_the_snapshot_count(name):
    snapshot = open_snapshot(f"fake:{name}")
    noise = DeviceNoise(snapshot.device.target)
    for qubit in (0, 1):
        said = {e["name"]: e["value"] for e in snapshot.properties["qubits"][qubit]}
        one, zero = said["prob_meas1_prep0"], said["prob_meas0_prep1"]
        assert one != zero
        readout = noise.readout(qubit)
        assert (readout[3, 3], readout[3, 0]) == pytest.approx((1 - one - zero, zero - one))
        device = simulator(snapshot, (qubit,)).options.noise_model
        assert isinstance(device, NoiseModel)
        [error] = device._local_readout_errors.values()
        np.testing.assert_allclose(error.probabilities, [[1 - one, one], [zero, 1 - zero]])


def test_a_qubit_without_readout_error_is_read_rightly():
    def change(qubit):
        qubit[:] = [e for e in qubit if not e["name"].startswith(("readout_err", "prob"))]

    noise = DeviceNoise(changed(change).device.target)
    np.testing.assert_array_equal(noise.readout(0), np.eye(4))


@pytest.mark.parametrize(("name", "value"), [("T1", 0.0), ("T2", -1.0), ("prob_meas0_prep1", 1.5)])
def test_a_device_that_cannot_be_is_refused(name, value):
    with pytest.raises(ConfigError, match=r"expected (more than 0|0 to 1)"):
        changed(field(name, value)).device  # noqa: B018


@pytest.mark.parametrize("name", ["exact_noisy", "aer_noisy"])
def test_circuits_that_are_not_the_devices_are_refused(name):
    backend = open_backend(name)
    wrong = {gate: QuantumCircuit(133) for gate in ("h", "cx", "cz", "rx")}
    wrong["h"].h(0)
    wrong["cx"].cx(0, 1)
    wrong["cz"].cz(0, 100)
    wrong["rx"].append(Stranger("sx"), [0])
    wide = QuantumCircuit(200)
    wide.sx(0)
    for circuit in [*wrong.values(), wide]:
        observable = SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], circuit.num_qubits)
        measured = circuit.copy()
        measured.add_register(ClassicalRegister(1))
        measured.measure(0, 0)
        for ask in (
            lambda c=circuit, o=observable: backend.estimator().run([(c, o)]).result(),
            lambda c=measured: backend.sampler().run([c], shots=5).result(),
        ):
            with pytest.raises(ConfigError, match=r"pass_manager\(\)|expected at most 133"):
                ask()


class Stranger(Gate):
    """A user's gate, which is X whatever it is called."""

    def __init__(self, name, angles=()):
        super().__init__(name, 1, list(angles))

    def _define(self):
        self.definition = QuantumCircuit(1)
        self.definition.x(0)


@pytest.mark.parametrize("name", ["exact", "aer_ideal", "exact_noisy", "aer_noisy"])
def test_a_gate_is_what_it_is_not_what_it_is_called(name):
    for called, angles in (("rx", [0.7]), ("delay", []), ("h", [])):
        inner = QuantumCircuit(1, name="inner")
        inner.append(Stranger(called, angles), [0])
        circuit = QuantumCircuit(1)
        circuit.append(inner.to_gate(), [0])
        found = open_backend(name).run([Workload(circuit, SparseObservable("Z"), NONE, "k")])
        assert found[0].value < -0.9
    circuit.append(Gate("rx", 1, [0.3]), [0])
    with pytest.raises(ConfigError, match=r"'rx'.*(no definition|gates alone)"):
        open_backend(name).run([Workload(circuit, SparseObservable("Z"), NONE, "k")])


def test_no_shots_and_no_precision_are_no_defaults():
    circuit = QuantumCircuit(133, 1)
    circuit.measure(0, 0)
    for name in ("aer_noisy", "exact_noisy"):
        with pytest.raises(ValueError, match="shots"):
            open_backend(name).sampler().run([circuit], shots=0)
    observable = SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], 133)
    for name in ("aer_noisy", "aer_ideal"):
        with pytest.raises(ConfigError, match="precision 0"):
            open_backend(name).estimator().run([(QuantumCircuit(133), observable)], precision=0)


def test_a_delay_by_a_parameter_is_told():
    circuit = QuantumCircuit(1)
    circuit.delay(Parameter("d"), 0, unit="us")
    workload = Workload(circuit, SparseObservable("Z"), np.array([[10.0]]), "k")
    with pytest.raises(ConfigError, match=r"delay of .* needs a number"):
        open_backend("exact_noisy").run([workload])


def controlled():
    x, y = Parameter("x"), Parameter("y")
    circuit = QuantumCircuit(3)
    circuit.ry(x, 0)
    circuit.ch(0, 2)
    circuit.cry(y, 2, 1)
    circuit.crz(x, 0, 1)
    circuit.cp(y, 0, 1)
    circuit.h(1)
    return Workload(circuit, SparseObservable("I1I"), np.array([[2.0, -1.0], [0.4, 2.2]]), "k")


@pytest.mark.parametrize("made", [lambda: SamplerV2(seed=1), lambda: StatevectorSampler(seed=1)])
def test_a_sampler_handed_over_reads_rightly(made):
    [reading] = open_backend(made(), **SHOTS).run([controlled()])
    expected = open_backend("exact").run([controlled()])[0].value
    assert np.all(np.abs(reading.value - expected) < 5 * reading.stderr)


@pytest.mark.parametrize("made", [EstimatorV2, StatevectorEstimator])
def test_an_estimator_handed_over_reads_rightly(made):
    backend = open_backend(made(), precision=0.005)
    expected = open_backend("exact").run([controlled()])[0].value
    np.testing.assert_allclose(backend.run([controlled()])[0].value, expected, atol=0.025)
    circuit = QuantumCircuit(2)
    circuit.x(0)
    without = Workload(circuit, SparseObservable("IZ"), np.empty((2, 0)), "k")
    np.testing.assert_allclose(backend.run([without])[0].value, [-1, -1], atol=0.05)


def test_primitives_that_read_wrongly_are_refused(monkeypatch):
    def flipped(self, pubs, **options):
        return original(self, [(p[0].reverse_bits(), *p[1:]) for p in pubs], **options)

    for made, fields in ((StatevectorSampler, SHOTS), (StatevectorEstimator, {"precision": 0.1})):
        original = made.run
        monkeypatch.setattr(made, "run", flipped)
        with pytest.raises(RejectedError, match="fails the self-test"):
            open_backend(made(), **fields).run([controlled()])


def test_aers_own_sampler_takes_no_gate_that_it_binds_wrongly():
    circuit = controlled().circuit.measure_all(inplace=False)
    with pytest.raises(ConfigError, match="binds parameters of 'cry' wrongly"):
        open_backend("aer_ideal").sampler().run([(circuit, [0.1, 0.2])], shots=5)
