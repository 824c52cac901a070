"""Random circuits over Qiskit's whole standard library, against Statevector and against Aer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, ParameterVector
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator

from qrec.backends import open_backend
from qrec.backends.device.compact import compact
from qrec.backends.device.noise import simulator

pytestmark = pytest.mark.slow
GATES = [g for g in get_standard_gate_name_mapping().values() if isinstance(g, Gate)]


@st.composite
def circuits(draw, n_qubits):
    """Return gates, open controls and composites by shared and affine angles, with a row."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    t = ParameterVector("t", 3)
    circuit = QuantumCircuit(n_qubits)
    circuit.ry(t[0] + t[1] - t[2], 0)
    for _ in range(draw(st.integers(0, 12))):
        known = draw(st.sampled_from(GATES))
        angles = [
            [t[i % 3], 2 * t[0] - t[1] / 3 + 0.2, rng.normal(), 0.0, np.pi / 2][rng.integers(5)]
            for i in range(len(known.params))
        ]
        gate = known.base_class(*angles)
        how = draw(st.integers(0, 5))
        if how == 0 and gate.num_qubits < n_qubits:
            gate = gate.control(1, ctrl_state=int(rng.integers(2)), annotated=bool(rng.integers(2)))
        elif how == 1 and gate.num_qubits:
            inner = QuantumCircuit(gate.num_qubits)
            inner.append(gate, inner.qubits)
            gate = inner.to_gate()
        if gate.num_qubits <= n_qubits:
            circuit.append(gate, rng.permutation(n_qubits)[: gate.num_qubits].tolist())
    labels = ["".join(rng.choice([*"IXYZ"], n_qubits)) for _ in range(2)]
    return circuit, SparsePauliOp(labels, rng.normal(size=2)), rng.uniform(-4, 4, size=(2, 3))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5).flatmap(circuits))
def test_any_circuit_has_the_value_of_its_state_vector(asked):
    circuit, observable, rows = asked
    expected = [
        Statevector(circuit.assign_parameters(row)).expectation_value(observable).real
        for row in rows
    ]
    found = open_backend("exact").estimator().run([(circuit, observable, rows)]).result()
    np.testing.assert_allclose(found[0].data.evs, expected, rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 3).flatmap(circuits))
def test_any_noisy_circuit_has_the_value_of_aers_density_matrix(asked):
    circuit, _, rows = asked
    device = open_backend(
        {"kind": "exact", "snapshot": "fake:FakeManilaV2", "optimization_level": 1,
         "seed_transpiler": 7}
    )  # fmt: skip
    isa = device.pass_manager().run(circuit)
    row = dict(zip(circuit.parameters, rows[0], strict=True))
    every = SparsePauliOp("Z" * circuit.num_qubits).apply_layout(isa.layout, isa.num_qubits)
    found = device.estimator().run([(isa, every, {p: row[p] for p in isa.parameters} or None)])
    bound = isa.assign_parameters({p: row[p] for p in isa.parameters})
    cut, _, qubits = compact(bound)
    aer = simulator(device.pinned, qubits)
    expected = _by_confusion(aer, cut, device, qubits, isa.layout.final_index_layout())
    assert found.result()[0].data.evs == pytest.approx(expected, abs=1e-7)


def _by_confusion(aer, cut, device, qubits, measured):
    """Return <Z...Z> by Aer's density matrix and its own read-out matrices, as it applies them."""
    cut.save_density_matrix()
    model = aer.options.noise_model
    bare = AerSimulator(method="density_matrix", noise_model=model)
    diagonal = np.real(np.diag(bare.run(cut).result().data()["density_matrix"].data))
    chances = diagonal.reshape((2,) * cut.num_qubits)
    for place, qubit in enumerate(qubits):
        axis = cut.num_qubits - 1 - place
        confusion = np.array(model._local_readout_errors[(place,)].probabilities)
        sign = np.array([1.0, -1.0]) if qubit in measured else np.ones(2)
        chances = np.expand_dims(np.tensordot(chances, confusion @ sign, (axis, 0)), axis)
    idle = [q for q in measured if q not in qubits]
    rest = [device.target["measure"][(q,)].prob_meas1_prep0 for q in idle]
    return float(chances.ravel()[0] * np.prod([1 - 2 * p for p in rest]))
