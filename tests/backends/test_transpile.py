"""Circuits for a device: the best of some seeds, and each transpiled once."""

import json
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit_aer import AerSimulator

from qrec.backends.device.snapshots import make_snapshot, open_snapshot
from qrec.backends.device.transpile import Transpiler, predicted_fidelity
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.errors import ConfigError

MANILA = open_snapshot("fake:FakeManilaV2")


def circuit(name="net", angle=0.3):
    t = ParameterVector("t", 11)
    out = QuantumCircuit(3, 2, name=name, metadata={"of": name})
    out.ry(t[10], 0)
    out.crx(t[2] - 2 * t[0] + angle, 0, 2)
    out.cswap(0, 1, 2)
    out.rz(t[1], 1)  # before a swap and a measurement: some of it goes
    out.measure([2, 0], [0, 1])
    return out


class Counted(Transpiler):
    """A transpiler that counts how often it had work to do."""

    worked = 0

    def _transpiled(self, circuit):
        self.worked += 1
        return super()._transpiled(circuit)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("QREC_CACHE_DIR", str(tmp_path))
    return tmp_path / "transpiled"


def same(one, other):
    """Return whether two ISA circuits agree in each instruction and in their layout."""
    return (
        [(i.operation, [one.find_bit(q).index for q in i.qubits]) for i in one.data]
        == [(i.operation, [other.find_bit(q).index for q in i.qubits]) for i in other.data]
        and one.layout.final_index_layout() == other.layout.final_index_layout()
        and one.layout.initial_index_layout() == other.layout.initial_index_layout()
        and one.cregs == other.cregs
        and one.global_phase == other.global_phase
    )


@pytest.mark.usefixtures("folder")
def test_a_stored_circuit_keeps_the_signs_of_nested_differences():
    t = ParameterVector("t", 2)
    asked = QuantumCircuit(1)
    asked.rz(np.pi - (t[0] - 2 * t[1] - 0.3), 0)
    asked.sx(0)
    asked.rz(-(t[0] - t[1]), 0)
    first, stored = (Transpiler(MANILA, 0, 7).run([asked])[0] for _ in range(2))
    for isa in (first, stored):
        bound = isa.assign_parameters({t[0]: 0.7, t[1]: 0.4})
        angles = [i.operation.params[0] for i in bound.data if i.operation.name == "rz"]
        assert angles == pytest.approx([np.pi + 0.4, -0.3])


@pytest.mark.usefixtures("folder")
def test_a_hit_is_what_a_miss_was():
    transpiler = Counted(MANILA, 3, 5)
    asked = circuit()
    missed, hit = (transpiler.run([asked])[0] for _ in range(2))
    assert transpiler.worked == 1
    assert same(missed, hit)
    assert hit == missed == transpiler.pass_manager().run(asked)


@pytest.mark.usefixtures("folder")
def test_a_hit_has_the_parameters_of_the_circuit_asked_for():
    transpiler = Counted(MANILA, 1, 5)
    transpiler.run([circuit()])
    mine = circuit("mine")
    [hit] = transpiler.run([mine])
    assert transpiler.worked == 1
    assert (hit.name, hit.metadata) == ("mine", {"of": "mine"})
    assert set(hit.parameters) <= set(mine.parameters)
    row = np.random.default_rng(0).uniform(-3, 3, mine.num_parameters)
    values = dict(zip(mine.parameters, row, strict=True))
    bound = hit.assign_parameters({p: values[p] for p in hit.parameters})
    fresh = transpiler.pass_manager().run(mine)
    assert bound == fresh.assign_parameters({p: values[p] for p in fresh.parameters})


@pytest.mark.usefixtures("folder")
def test_a_hit_has_its_parameters_in_the_global_phase_too():
    def phased():
        t = ParameterVector("t", 2)
        out = QuantumCircuit(2)
        out.h([0, 1])
        out.p(t[0], 0)
        out.p(t[1], 1)
        out.h([0, 1])
        return out

    transpiler = Counted(MANILA, 1, 5)
    [missed] = transpiler.run([phased()])
    assert len(missed.global_phase.parameters) == 2
    mine = phased()
    [hit] = transpiler.run([mine])
    assert transpiler.worked == 1
    assert hit.assign_parameters([0.7, 0.2]) == missed.assign_parameters([0.7, 0.2])
    assert set(hit.parameters) == set(mine.parameters)


@pytest.mark.usefixtures("folder")
def test_whatever_counts_is_part_of_the_key():
    properties = json.loads(json.dumps(MANILA.properties))
    properties["gates"][0]["parameters"][0]["value"] *= 1.01
    recalibrated = make_snapshot(MANILA.configuration, properties, "here")
    settings = [(MANILA, 1, 5), (MANILA, 2, 5), (MANILA, 1, 6), (MANILA, 1, 5, 2),
                (recalibrated, 1, 5)]  # fmt: skip
    worked = 0
    for each in settings:
        transpiler = Counted(*each)
        transpiler.run([circuit()])
        worked += transpiler.worked
    assert worked == len(settings)
    other = Counted(MANILA, 1, 5)
    other.run([circuit(angle=0.30000000000000004)])
    assert other.worked == 1


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, None])
def test_a_damaged_file_is_made_again(folder, damage):
    transpiler, asked = Counted(MANILA, 1, 5), circuit()
    [missed] = transpiler.run([asked])
    [path] = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] if damage is None else damage)
    [again] = transpiler.run([asked])
    assert transpiler.worked == 2
    assert same(missed, again)
    assert path.stat().st_size == len(whole)
    transpiler.run([asked])
    assert transpiler.worked == 2
    assert list(folder.iterdir()) == [path]


@pytest.mark.usefixtures("folder")
def test_the_best_seed_is_taken():
    jakarta = open_snapshot("fake:FakeJakartaV2")
    target = jakarta.device.target
    asked = QuantumCircuit(5)
    for one in range(5):
        for other in range(one):
            asked.cp(0.1 * one + other, one, other)
    asked.measure_all()
    each = [Transpiler(jakarta, 1, seed).run([asked])[0] for seed in range(4, 9)]
    fidelities = [predicted_fidelity(isa, target) for isa in each]
    assert len(set(fidelities)) > 1
    [best] = Transpiler(jakarta, 1, 4, n_seeds=5).run([asked])
    assert predicted_fidelity(best, target) == max(fidelities)


def test_predicted_fidelity_is_the_product_over_instructions():
    target = MANILA.device.target
    isa = QuantumCircuit(5, 1)
    isa.sx(3)
    isa.cx(3, 4)
    isa.barrier()
    isa.measure(4, 0)
    errors = [target["sx"][3,].error, target["cx"][3, 4].error, target["measure"][4,].error]
    assert predicted_fidelity(isa, target) == pytest.approx(np.prod(1 - np.array(errors)))


def test_what_has_no_fingerprint_is_transpiled_all_the_same(folder):
    asked = QuantumCircuit(1, 1)
    asked.measure(0, 0)
    with asked.if_test((0, True)):
        asked.x(0)
    assert "if_else" in Transpiler(MANILA, 1, 5).run([asked])[0].count_ops()
    assert not folder.exists()


@pytest.mark.parametrize("kind", ["aer", "exact"])
def test_values_are_the_same_from_the_cache(kind, folder):
    fields = {"kind": kind, "snapshot": "fake:FakeManilaV2", "optimization_level": 3,
              "seed_transpiler": 7}  # fmt: skip
    if kind == "aer":
        fields |= {"shots": 50, "seed_simulator": 3}

    def values():
        t = ParameterVector("t", 3)
        net = QuantumCircuit(3)
        net.rx(t[2], 0)
        net.ry(t[0], 1)
        net.ccx(0, 1, 2)
        net.rx(t[1], 2)
        observable = SparseObservable.from_list([("ZII", 1.0), ("1I0", 0.5)])
        rows = np.random.default_rng(1).uniform(-3, 3, (4, 3))
        return open_backend(fields).run([Workload(net, observable, rows, "net")])[0].value

    first = values()
    [path] = folder.iterdir()
    changed = path.stat().st_mtime_ns
    np.testing.assert_array_equal(values(), first)
    assert path.stat().st_mtime_ns == changed


@pytest.mark.parametrize("kind", ["aer", "exact"])
@pytest.mark.parametrize(("lasts", "unit"), [(100, "dt"), (1, "us")])
def test_a_delay_that_the_timing_does_not_allow_is_named(kind, lasts, unit):
    fields = {"kind": kind, "snapshot": "fake:FakeManilaV2", "optimization_level": 1,
              "seed_transpiler": 1}  # fmt: skip
    fields |= {"shots": 10, "seed_simulator": 1} if kind == "aer" else {}

    def value(lasts, unit, **more):
        waiting = QuantumCircuit(1)
        waiting.delay(lasts, 0, unit=unit)
        asked = Workload(waiting, SparseObservable("Z"), np.empty((1, 0)), "k")
        return open_backend(fields | more).run([asked])[0].value

    with pytest.raises(ConfigError, match=rf"'delay' of {lasts}.* {unit} on fake_manila: .* 16 dt"):
        value(lasts, unit)
    assert value(lasts, unit, scheduling_method="alap") > 0.5
    assert value(160, "dt") > 0.5


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("zero", [lambda t: 0 * t, lambda t: t - t])
@pytest.mark.parametrize("gate", ["ry", "cu", "phase", "evolution"])
@pytest.mark.parametrize("name", ["aer_ideal", "aer_noisy", "exact_noisy", "handed", "vendor"])
def test_numbers_in_composite_gates_are_numbers(name, gate, zero):
    t = Parameter("t")
    inner, asked = QuantumCircuit(2), QuantumCircuit(2)
    if gate == "evolution":
        inner.append(PauliEvolutionGate(SparsePauliOp(["XX", "ZZ"]), zero(t)), [0, 1])
    elif gate == "phase":
        inner.global_phase = zero(t)
    elif gate == "cu":
        inner.cu(zero(t), 0.0, zero(t), 0.2, 1, 0)
    else:
        inner.ry(zero(t), 0)
    asked.append(inner.to_gate(), [0, 1])
    asked.ry(t, 0)
    settings = {"shots": 1000, "optimization_level": 3, "seed_transpiler": 1}
    made = {"handed": StatevectorSampler, "vendor": AerSimulator}
    if name in made:
        backend = open_backend(made[name](), **settings)
    else:
        small = {"snapshot": "fake:FakeManilaV2"} if "noisy" in name else {}
        backend = open_backend(name, optimization_level=3, **small)
    workload = Workload(asked, SparseObservable("IZ"), np.array([[0.5]]), "k")
    assert backend.run([workload])[0].value == pytest.approx(np.cos(0.5), abs=0.12)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("name", ["exact", "exact_noisy", "aer_ideal", "aer_noisy", "sampler",
                                  "estimator"])  # fmt: skip
def test_an_angle_that_is_no_number_is_named(name, value):
    x = Parameter("x")
    asked = QuantumCircuit(1)
    asked.ry(x.log() if value else 2 / x, 0)
    made = {
        "sampler": lambda: open_backend(StatevectorSampler(), shots=5, optimization_level=1,
                                        seed_transpiler=1),
        "estimator": lambda: open_backend(StatevectorEstimator(), precision=0.1),
    }  # fmt: skip
    backend = made.get(name, lambda: open_backend(name))()
    workload = Workload(asked, SparseObservable("Z"), np.array([[1.0], [value]]), "k")
    with pytest.raises(ConfigError, match=r"(row 1: .*finite|angle .*expected .*affine)"):
        backend.run([workload])
