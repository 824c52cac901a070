"""Each source of a device's noise by itself and at any strength, against Qiskit Aer."""

import numpy as np
import pytest
import yaml
from qiskit import QuantumCircuit
from qiskit.circuit import Delay
from qiskit.quantum_info import (
    DensityMatrix,
    SparseObservable,
    SparsePauliOp,
    average_gate_fidelity,
)
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import FilterOpNodes
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    RelaxationNoisePass,
    depolarizing_error,
    thermal_relaxation_error,
)

from qrec.backends import Workload, open_backend
from qrec.backends.device.compact import compact
from qrec.backends.device.noise import simulator
from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.device.sources import NoiseSpec, modelled
from qrec.backends.open import open_recorded
from qrec.circuits import build_circuit
from qrec.errors import ConfigError

LONG = 225_280  # dt, 50 us: a multiple of 16, at which a pulse can begin
ALL = ["readout", "one_qubit", "two_qubit", "idle"]
NONE = np.empty((1, 0))
ENTRY = {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 1,
         "seed_transpiler": 7}  # fmt: skip
SHOTS = {"kind": "aer", "shots": 40_000, "seed_simulator": 1}


def opened(noise, **fields):
    return open_backend(ENTRY | fields, noise=noise)


def asymmetric():
    """Return a circuit in which qubits wait, its observable no symmetric one."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.7, 0)
    circuit.rx(1.9, 1)
    circuit.cx(0, 1)
    circuit.ry(2.4, 2)
    circuit.cx(1, 2)
    circuit.rx(0.4, 2)
    circuit.cx(1, 2)
    circuit.ry(0.5, 0)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("ZZ", [1, 2], 0.7)], 3)
    return Workload(circuit, z, NONE, "w")


def swapped():
    circuit = build_circuit("overlap_test")
    z = SparseObservable.from_sparse_list([("Z", [2], 1.0), ("ZZ", [0, 1], 0.5)], 3)
    return Workload(circuit, z, np.random.default_rng(4).normal(size=(1, circuit.num_parameters)),
                    "w")  # fmt: skip


def by_aer(aer, model, workload, unit):
    """Return the value by Aer's density matrix, read-out errors by their definition."""
    circuit = unit.circuit.assign_parameters(
        {p: v for p, v in zip(workload.circuit.parameters, workload.parameters[0], strict=True)
         if p in unit.circuit.parameters}
    )  # fmt: skip
    observable = workload.observables.apply_layout(circuit.layout)
    circuit, [observable], qubits = compact(circuit, [observable])
    circuit.save_density_matrix()
    rho = DensityMatrix(aer(qubits).run(circuit).result().data()["density_matrix"])
    operator = SparsePauliOp("I" * len(qubits), 0.0)
    for term in observable:
        product = SparsePauliOp("I" * len(qubits), term.coeff)
        for qubit in term.indices:
            (_, one), (zero, _) = model(qubits, int(qubit))
            product = product @ SparsePauliOp.from_sparse_list(
                [("Z", [int(qubit)], 1 - one - zero), ("", [], zero - one)], len(qubits)
            )
        operator += product
    return rho.expectation_value(operator).real


def ours_on_aer(snapshot, noise):
    """Return the simulator of `kind: aer`, and its read-out errors by qubit."""

    def readout(qubits, qubit):
        model = simulator(snapshot, qubits, noise).options.noise_model
        errors = model._local_readout_errors if isinstance(model, NoiseModel) else {}
        return errors[(qubit,)].probabilities if (qubit,) in errors else np.eye(2)

    return lambda qubits: simulator(snapshot, qubits, noise), readout


def by_hand(snapshot, sources, scale):
    """Return Aer with a noise model of its own functions: none of what qrec makes of a target."""
    target = snapshot.device.target
    times = [(q.t1 / scale, min(q.t2, 2 * q.t1) / scale) for q in target.qubit_properties]

    def model(qubits):
        made = NoiseModel()
        for name in ("cx", "sx", "x", "id", "rz"):
            for where, known in target[name].items():
                n = len(where)
                if ("one_qubit", "two_qubit")[n - 1] not in sources or not set(where) <= set(
                    qubits
                ):
                    continue
                error = depolarised = None
                if known.duration:
                    pair = [
                        [
                            thermal_relaxation_error(t1 * s, t2 * s, known.duration)
                            for s in (scale, 1)
                        ]
                        for t1, t2 in (times[q] for q in where)
                    ]
                    device, error = (
                        one if n == 1 else one.expand(pair[1][i]) for i, one in enumerate(pair[0])
                    )
                    fidelity = average_gate_fidelity(device)
                    p = 2**n * (known.error - 1 + fidelity) / (2**n * fidelity - 1)
                    if p > 0:
                        depolarised = depolarizing_error(min(1, p * scale), n)
                if depolarised is not None:
                    error = depolarised.compose(error)
                if error is not None:
                    made.add_quantum_error(error, name, [qubits.index(q) for q in where])
        if "idle" in sources:
            t1s, t2s = zip(*(times[q] for q in qubits), strict=True)
            made._custom_noise_passes.append(
                RelaxationNoisePass(t1s, t2s, dt=target.dt, op_types=Delay)
            )
        return AerSimulator(method="density_matrix", noise_model=made)

    def readout(qubits, qubit):
        if "readout" not in sources:
            return np.eye(2)
        known = target["measure"][(qubits[qubit],)]
        one, zero = (min(0.5, p * scale) for p in (known.prob_meas1_prep0, known.prob_meas0_prep1))
        return [[1 - one, one], [zero, 1 - zero]]

    return model, readout


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("only", [[], *([source] for source in ALL), ALL])
@pytest.mark.parametrize("make", [asymmetric, swapped])
def test_sources_by_themselves_and_at_any_strength_are_those_of_aer(make, only, scale):
    workload, noise = make(), NoiseSpec(only=tuple(only), scale=scale)
    backend = opened(noise.model_dump(mode="json"))
    value = backend.run([workload])[0].value[0]
    [unit] = backend.prepare([workload])
    assert ("delay" in unit.circuit.count_ops()) == ("idle" in only)
    for reference in (ours_on_aer(backend.pinned, noise), by_hand(backend.pinned, only, scale)):
        assert value == pytest.approx(by_aer(*reference, workload, unit), abs=1e-7)
    ideal = open_backend().run([workload])[0].value[0]
    assert (abs(value - ideal) > 1e-5) == bool(only)


@pytest.mark.parametrize("make", [asymmetric, swapped])
def test_shots_of_kind_aer_are_of_the_same_sources(make):
    workload = make()
    for only in ([], ["readout"], ["two_qubit"], ["idle"]):
        noise = {"only": only, "scale": 4.0}
        exact = opened(noise).run([workload])[0].value
        [sampled] = opened(noise, **SHOTS).run([workload])
        assert np.all(np.abs(exact - sampled.value) < 4 * sampled.stderr)


def flipped():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    return circuit


def entangled():
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    return circuit


def waiting():
    circuit = QuantumCircuit(2)
    circuit.delay(LONG, 0)
    circuit.x(0)
    circuit.delay(LONG, 0)
    return circuit


@pytest.mark.parametrize(
    ("make", "has"),
    [
        (lambda: QuantumCircuit(2), {"readout"}),
        (flipped, {"readout", "one_qubit"}),
        (entangled, {"readout", "two_qubit"}),
        (waiting, {"readout", "one_qubit", "idle"}),
    ],
)
def test_a_source_changes_the_circuits_that_have_it_and_no_other(make, has):
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 2)
    workload = Workload(make(), z, NONE, "w")

    def value(*only):
        backend = opened({"only": list(only)}, optimization_level=0)
        return backend.run([workload])[0].value[0]

    for source in ALL:
        assert (abs(value(source) - value()) > 1e-6) == (source in has), source


def relaxed(rho, qubit, t1, t2, seconds):
    """Return a state of two qubits (row and column of each) after relaxation of one, densely."""
    lost = 1 - np.exp(-seconds / t1)
    coherent = np.exp(-seconds / t2)
    before = np.moveaxis(rho, (1 - qubit, 3 - qubit), (0, 1))
    after = np.empty_like(before)
    after[0, 0] = before[0, 0] + lost * before[1, 1]
    after[1, 1] = (1 - lost) * before[1, 1]
    after[0, 1], after[1, 0] = coherent * before[0, 1], coherent * before[1, 0]
    return np.moveaxis(after, (0, 1), (1 - qubit, 3 - qubit))


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_idle_is_relaxation_while_a_qubit_waits(scale):
    first, last = QuantumCircuit(2), QuantumCircuit(2)
    first.ry(1.1, 0)
    first.cx(0, 1)
    last.cx(0, 1)
    last.ry(0.6, 0)  # reads what is left of the coherence between |00> and |11>
    circuit = first.copy()
    circuit.delay(LONG, 1)  # qubit 0 waits for it
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 2)
    workload = Workload(circuit.compose(last), z, NONE, "w")
    backend = opened({"only": ["idle"], "scale": scale}, optimization_level=0)
    found = backend.run([workload])[0].value[0]
    rho = DensityMatrix(first).data.reshape(2, 2, 2, 2)
    for qubit, known in enumerate(backend.target.qubit_properties[:2]):
        t2 = min(known.t2, 2 * known.t1)
        rho = relaxed(rho, qubit, known.t1, t2, LONG * backend.target.dt * scale)
    state = DensityMatrix(rho.reshape(4, 4)).evolve(last)
    assert found == pytest.approx(state.expectation_value(SparsePauliOp("IZ")).real, abs=1e-7)
    assert abs(found - open_backend().run([workload])[0].value[0]) > 0.05


def test_delays_without_idle_change_nothing_whatever_schedules_them():
    noise = {"only": ["readout", "one_qubit", "two_qubit"]}
    scheduled = opened(noise, scheduling_method="asap")
    [unit] = scheduled.prepare([asymmetric()])
    assert "delay" in unit.circuit.count_ops()
    expected = open_backend(ENTRY).run([asymmetric()])[0].value
    np.testing.assert_allclose(scheduled.run([asymmetric()])[0].value, expected, atol=1e-12)


def test_without_the_key_all_is_as_the_device_says():
    plain, given = open_backend(ENTRY), opened({})
    assert given.run([swapped()])[0].value == plain.run([swapped()])[0].value
    scheduled = [b.run([swapped()])[0].value for b in
                 (opened(None, scheduling_method="alap"), opened({}, scheduling_method="alap"),
                  opened({"only": ALL}))]  # fmt: skip
    assert scheduled[0] == scheduled[1] == scheduled[2] != plain.run([swapped()])[0].value


def test_no_noise_is_the_ideal_circuit_at_any_way_of_saying_so():
    ideal = open_backend().run([swapped()])[0].value
    for noise in ({"only": []}, {"scale": 0}, {"only": ALL, "scale": 0}, {"only": [], "scale": 4}):
        np.testing.assert_allclose(opened(noise).run([swapped()])[0].value, ideal, atol=1e-12)


def test_all_settings_see_the_same_gates():
    circuits = [opened({"only": only, "scale": scale}).prepare([swapped()])[0].circuit
                for only in ([], ["idle"], ["readout"]) for scale in (0, 4)]  # fmt: skip
    gates = PassManager([FilterOpNodes(lambda node: node.op.name != "delay")]).run(circuits)
    assert all(one == gates[0] for one in gates)


@pytest.mark.parametrize("device", ["FakeTorino", "FakeManilaV2", "FakeFractionalBackend"])
def test_what_is_scaled_stays_possible(device):
    snapshot = open_snapshot(f"fake:{device}")
    for scale in (0.0, 0.5, 4.0, 1e6):
        target = modelled(snapshot, NoiseSpec(scale=scale)).target
        for name in target.operation_names:
            for where, known in target[name].items():
                if name == "measure":
                    device_says = snapshot.device.target[name][where]
                    for key in ("prob_meas1_prep0", "prob_meas0_prep1"):
                        said = getattr(device_says, key)
                        assert getattr(known, key) == min(said * scale, max(said, 0.5))
                elif known is not None and known.error is not None:
                    assert 0 <= known.error <= 1
                    assert scale > 0


@pytest.mark.parametrize("kind", ["exact", "aer"])
def test_settings_that_mean_nothing_are_refused_in_one_line(kind, tmp_path):
    entry = {
        "exact": {"kind": "exact"},
        "aer": SHOTS | {"optimization_level": 1, "seed_transpiler": 1},
    }
    file = tmp_path / "backends.yaml"
    for wrong, said in (
        ({"noise": {"only": ["readout"]}}, "mine: .*noise has no meaning without snapshot"),
        (
            {"snapshot": "fake:FakeManilaV2", "noise": {"only": ["gates"]}},
            r"mine: noise\.only\.0: ",
        ),
        ({"snapshot": "fake:FakeManilaV2", "noise": {"scale": -1}}, r"mine: noise\.scale: "),
        (
            {"snapshot": "fake:FakeManilaV2", "noise": {"scale": float("inf")}},
            r"mine: noise\.scale: ",
        ),
        ({"snapshot": "fake:FakeManilaV2", "noise": {"sale": 1}}, r"mine: noise\.sale: .*'scale'"),
    ):
        settings = {"optimization_level": 1, "seed_transpiler": 1} if "snapshot" in wrong else {}
        content = {"schema_version": 1, "backends": {"mine": entry[kind] | settings | wrong}}
        file.write_text(yaml.safe_dump(content))
        with pytest.raises(ConfigError, match=said) as refused:
            open_backend("mine", file=file)
        assert "\n" not in str(refused.value)


def test_the_record_says_what_was_modelled():
    recorded = opened({"only": ["idle"], "scale": 2.0}).snapshot()["spec"]
    assert recorded["noise"] == {"only": ["idle"], "scale": 2.0}
    assert open_recorded(recorded).spec == opened({"only": ["idle"], "scale": 2.0}).spec
    assert recorded != open_backend(ENTRY).snapshot()["spec"]
