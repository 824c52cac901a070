"""Inputs that once gave a wrong value or a crash, and the value or the sentence that is due."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlModifier, Gate, Parameter, ParameterVector
from qiskit.circuit.library import (
    GlobalPhaseGate,
    PauliEvolutionGate,
    PermutationGate,
    RYGate,
    UCGate,
    UnitaryGate,
)
from qiskit.quantum_info import (
    Clifford,
    SparseObservable,
    SparsePauliOp,
    Statevector,
    random_unitary,
)
from qiskit.synthesis import MatrixExponential, QDrift

from qrec.backends import Workload, open_backend
from qrec.errors import ConfigError

X = Parameter("x")
NOISY = {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 1,
         "seed_transpiler": 7}  # fmt: skip


def value(circuit, label, *row, backend="exact"):
    pub = (circuit, SparsePauliOp(label), row) if row else (circuit, SparsePauliOp(label))
    return open_backend(backend).estimator().run([pub]).result()[0].data.evs


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


@pytest.mark.parametrize("label", ["IX", "YI", "IZ", "ZI", "ZX"])
def test_a_value_of_exactly_0(label):
    assert value(bell(), label) == 0
    zero = open_backend("exact").expectation(bell(), SparseObservable(label))
    assert zero({}) == torch.zeros(1)


class Named(Gate):
    """A user's gate, which is RY whatever it is called."""

    def __init__(self, name, angle):
        super().__init__(name, 1, [angle])

    def _define(self):
        self.definition = QuantumCircuit(1)
        self.definition.ry(self.params[0], 0)


def composite():
    inner = QuantumCircuit(2, name="mix")
    inner.h(0)
    inner.cx(0, 1)
    inner.ry(0.4, 1)
    return inner


def uncommon():
    """Return gates that have no matrix of their own, with the qubits that they act on."""
    rotations = [random_unitary(2, seed=s).data for s in range(4)]
    return {
        "to_gate": (composite().to_gate(), [2, 0]),
        "to_instruction": (composite().to_instruction(), [1, 2]),
        "controlled composite": (composite().to_gate().control(1, ctrl_state=0), [1, 0, 2]),
        "open controls": (RYGate(1.4).control(1, ctrl_state=0).control(1), [0, 1, 2]),
        "controlled unitary": (UnitaryGate(random_unitary(2, seed=5)).control(2), [0, 2, 1]),
        "UCGate": (UCGate(rotations), [1, 0, 2]),
        "Clifford": (Clifford(bell()), [0, 2]),
        "phase": (GlobalPhaseGate(0.4), []),
        "user's rx": (Named("rx", 0.7), [1]),
        "user's delay": (Named("delay", 0.7), [1]),
        "annotated": (RYGate(X).control(1, annotated=True), [0, 2]),
    }


@pytest.mark.parametrize("name", uncommon())
def test_gates_without_a_matrix_of_their_own(name):
    gate, qubits = uncommon()[name]
    circuit = QuantumCircuit(3)
    circuit.prepare_state([0.1, 0.5, -0.7, 0.5, 0.1, 0.2, 0.2j, 0.3], normalize=True)
    circuit.append(gate, qubits)
    circuit.u(X, 0.3, 2 * X - 0.1, 1)
    for label in ("ZII", "XZY"):
        expected = Statevector(circuit.assign_parameters([0.9])).expectation_value(
            SparsePauliOp(label)
        )
        assert value(circuit, label, 0.9) == pytest.approx(expected.real, abs=1e-12)


@pytest.mark.parametrize("angle", [abs(X), (X * X) ** 0.5, 2 / X, X.log(), X**2, X.sin()])
@pytest.mark.parametrize("backend", ["exact", NOISY], ids=["ideal", "noisy"])
def test_an_angle_that_is_not_affine_is_refused(angle, backend):
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    opened = open_backend(backend)
    with pytest.raises(ConfigError, match="affine"):
        opened.expectation(circuit, SparseObservable("Z"))
    with pytest.raises(ConfigError, match="affine"):
        opened.run([Workload(circuit, SparseObservable("Z"), np.array([[-0.6]]), "k")])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["exact", "aer_ideal", "aer_noisy", "exact_noisy"])
def test_angles_that_are_not_finite_are_refused(name, wrong):
    backend = open_backend(name)
    circuit = QuantumCircuit(1)
    circuit.rx(X, 0)
    measured = circuit.measure_all(inplace=False)
    passes = backend.pass_manager()
    isa = circuit if passes is None else passes.run(circuit)
    measured = measured if passes is None else passes.run(measured)
    label = (
        SparsePauliOp("Z") if isa.layout is None else SparsePauliOp("Z").apply_layout(isa.layout)
    )
    with pytest.raises(ConfigError, match="finite"):
        backend.sampler().run([(measured, [wrong])], shots=10).result()
    with pytest.raises(ConfigError, match="finite"):
        backend.estimator().run([(isa, label, [wrong])]).result()
    constant = circuit.assign_parameters([0.3])
    constant.rz(wrong, 0)
    with pytest.raises(ConfigError, match="finite"):
        backend.run([Workload(constant, SparseObservable("Z"), np.empty((1, 0)), "k")])
    with pytest.raises(ConfigError, match="'x' of row 1 is"):
        Workload(circuit, SparseObservable("Z"), np.array([[0.0], [wrong]]), "k")


def test_masked_angles_are_refused_though_what_they_hide_is_finite():
    circuit = QuantumCircuit(1)
    circuit.rx(X, 0)
    masked = np.ma.array([[0.1], [0.2]], mask=[[False], [True]])
    with pytest.raises(ConfigError, match="workload 'k': found masked angles"):
        Workload(circuit, SparseObservable("Z"), masked, "k")


@pytest.mark.parametrize("observable", [SparseObservable("Z") * 1j, SparseObservable("Z") * np.nan])
def test_coefficients_that_are_not_real_numbers_are_refused(observable):
    with pytest.raises(ConfigError, match="coefficient"):
        Workload(QuantumCircuit(1), observable, np.empty((1, 0)), "k")
    with pytest.raises(ConfigError, match="coefficient"):
        open_backend("exact").expectation(QuantumCircuit(1), observable)


def test_an_observable_of_another_width_and_integer_tensors_are_refused():
    circuit = QuantumCircuit(2)
    circuit.ry(X, 0)
    exact = open_backend("exact")
    with pytest.raises(ConfigError, match="3 qubits, circuit on 2"):
        exact.expectation(circuit, SparseObservable("ZZZ"))
    with pytest.raises(ConfigError, match=r"'x': tensor of torch.int64"):
        exact.expectation(circuit, SparseObservable("IZ"))({"x": torch.tensor([1, 2])})


WAITS = PauliEvolutionGate(SparsePauliOp(["XI", "ZZ"]), X)


@pytest.mark.parametrize(
    "gate",
    [
        WAITS,
        PauliEvolutionGate(SparsePauliOp(["XI", "ZZ"]), 0.3),
        PauliEvolutionGate([SparsePauliOp("XI"), SparsePauliOp("ZZ")], 0.3),
        PauliEvolutionGate(SparseObservable("+1") + SparseObservable("ZI"), 0.3).control(1),
        PauliEvolutionGate(SparsePauliOp(["IZ", "ZI"]), 0.3, synthesis=QDrift(seed=1)),
        AnnotatedOperation(WAITS, ControlModifier(1)),
    ],
    ids=["open", "number", "list", "projectors", "qdrift", "annotated"],
)
def test_an_evolution_whose_circuit_is_not_its_matrix_is_refused(gate):
    inner = QuantumCircuit(gate.num_qubits)
    inner.append(gate, inner.qubits)
    whole = QuantumCircuit(gate.num_qubits)
    whole.append(inner.to_instruction(), whole.qubits)
    for circuit in (inner, whole):
        with pytest.raises(ConfigError, match="a product formula that devices run, is not"):
            open_backend("exact").expectation(circuit, SparseObservable("Z" * gate.num_qubits))


@pytest.mark.parametrize(
    "gate",
    [
        PauliEvolutionGate(SparsePauliOp(["XX", "ZZ"], [0.4, 1.0]), X),
        PauliEvolutionGate(SparsePauliOp(["XI", "ZZ"]), 0.3, synthesis=MatrixExponential()),
        PauliEvolutionGate(SparsePauliOp(["XX"]), X - X),
        PauliEvolutionGate(SparseObservable("Z0"), X),
        PermutationGate([3, 1, 0, 2]),
    ],
    ids=["commuting", "matrix", "no time", "projector", "wide permutation"],
)
def test_evolutions_and_wide_permutations(gate):
    circuit = QuantumCircuit(4)
    circuit.ry(0.3, 0)
    circuit.rx(X, 2)
    circuit.h(1)
    circuit.append(gate, range(gate.num_qubits))
    labels = SparsePauliOp(["ZIIZ", "IXXY", "ZYZI", "IIIZ"], [1.0, 0.5, 0.7, 0.2])
    expected = Statevector(circuit.assign_parameters([0.9])).expectation_value(labels).real
    pub = (circuit, labels, [0.9])
    found = open_backend("exact").estimator().run([pub]).result()[0].data.evs
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("level", range(4))
def test_an_angle_that_is_only_written_with_a_parameter(level):
    inner = QuantumCircuit(1)
    inner.rz(0 * X, 0)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(X - X, 0)
    circuit.append(inner.to_gate(), [0])
    circuit.append(PauliEvolutionGate(SparsePauliOp("XX"), 0 * X), [0, 1])
    circuit.rx(X, 1)
    noisy = open_backend(NOISY | {"optimization_level": level})
    found = noisy.run([Workload(circuit, SparseObservable("ZI"), np.array([[0.4]]), "k")])
    assert found[0].value == pytest.approx(np.cos(0.4), abs=0.1)


def test_small_coefficients_count():
    workload = Workload(QuantumCircuit(1), SparseObservable("Z") * 1e-9, np.empty((1, 0)), "k")
    assert open_backend("exact").run([workload])[0].value == pytest.approx(1e-9, rel=1e-9)


def test_nothing_to_evaluate():
    t = ParameterVector("t", 2)
    circuit = bell()
    circuit.ry(t[0] + t[1], 0)
    for name in ("exact", "aer_ideal"):
        none = open_backend(name).estimator().run([(circuit, "ZZ", np.empty((0, 2)))]).result()
        assert none[0].data.evs.shape == (0,)
    workload = Workload(circuit, SparseObservable("ZZ"), np.empty((0, 2)), "k")
    assert open_backend("exact").run([workload])[0].value.shape == (0,)
    circuit.measure_all()
    bits = open_backend("exact").sampler().run([(circuit, np.empty((0, 2)))], shots=5).result()
    assert bits[0].data.meas.shape == (0,)


def test_qubits_that_are_not_seen_do_not_count():
    wide = QuantumCircuit(40)
    wide.ry(0.3, range(40))
    for q in range(39):
        wide.cx(q, q + 1)
    paulis = [SparsePauliOp.from_sparse_list([("Z", [q], 1.0)], 40) for q in (0, 2)]
    found = open_backend("exact").estimator().run([(wide, paulis)]).result()[0].data.evs
    np.testing.assert_allclose(found, [np.cos(0.3), np.cos(0.3) ** 3])
    assert value(wide, SparsePauliOp("Z" + "I" * 39)) == pytest.approx(np.cos(0.3) ** 40)
    wide.measure_all()
    sampled = open_backend("exact").sampler().run([wide], shots=5)
    with pytest.raises(ConfigError, match="at most 31 qubits, what is read hangs on 40"):
        sampled.result()
    idle = QuantumCircuit(200, 1)
    idle.x(150)
    idle.measure(150, 0)
    counts = open_backend("exact").sampler().run([idle], shots=7).result()[0].data.c.get_counts()
    assert counts == {"1": 7}
