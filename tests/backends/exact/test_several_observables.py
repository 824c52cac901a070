"""Several observables of one question: a column each, and draws from the same shots."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from scipy.stats import chisquare

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.question import Question
from qrec.backends.exact.shots import draw_counts
from qrec.backends.exact.state.statevector import JointStateVector, StateVector, join
from qrec.backends.open import open_backend
from qrec.backends.readings import outcome_values, spectrum

ZS = [SparseObservable.from_sparse_list([("Z", [q], 1.0 + q)], 3) for q in range(3)]


@pytest.mark.parametrize("method", [None, "statevector", "table"])
@pytest.mark.parametrize("seed", range(6))
def test_each_has_its_column(seed, method, make_circuit, make_observable, oracle) -> None:
    random = make_circuit(seed, 4, 16)
    observables = [make_observable(10 * seed + i, 4) for i in range(3)]
    question = Question(random.circuit, observables)
    expected = np.column_stack([oracle(random.circuit, o, random.rows()) for o in observables])
    values = evaluate(question, random.rows(), method)
    np.testing.assert_allclose(values, expected, atol=1e-10)


def test_the_same_states_are_read_unless_they_grow(make_circuit) -> None:
    """Where light cones are apart, together they would need more qubits than each."""
    apart = QuantumCircuit(4)
    for qubit in range(4):
        apart.h(qubit)
    apart.cz(0, 1)
    apart.cz(2, 3)
    xs = [SparseObservable.from_sparse_list([("X", [q], 1.0)], 4) for q in (0, 3)]
    entangled = make_circuit(1, 3, 20).circuit
    for circuit, observables, joined in ((entangled, ZS, True), (apart, xs, False)):
        observed = Question(circuit, observables).observed()
        row_columns = [True] * circuit.num_parameters
        found = join(observed, [StateVector(o, row_columns) for o in observed], row_columns)
        assert isinstance(found, JointStateVector) == joined


def test_qubits_that_only_one_observable_reads_are_numbered_alike(oracle) -> None:
    circuit = QuantumCircuit(5)
    circuit.ry(0.3, 3)
    idle = [SparseObservable.from_sparse_list([("Z", [q], 1.0)], 5) for q in (1, 3, 4)]
    rows = np.zeros((1, 0))
    expected = [oracle(circuit, o, rows)[0] for o in idle]
    np.testing.assert_allclose(evaluate(Question(circuit, idle), rows)[0], expected, atol=1e-12)


def joint_question(noisy: bool, random) -> Question:
    """Return Z of each of three qubits, on a device's where it is noisy."""
    columns = random.circuit.parameters
    if not noisy:
        return Question(random.circuit, ZS, columns)
    backend = open_backend("exact_noisy")
    isa = backend.pass_manager().run(random.circuit)
    return Question(isa, [z.apply_layout(isa.layout) for z in ZS], columns, backend._noise)


@pytest.mark.parametrize("noisy", [False, True])
def test_draws_are_joint(noisy: bool, make_circuit) -> None:
    """Counts follow the outcome probabilities, which no product of marginals gives."""
    random = make_circuit(5, 3, 14)
    question = joint_question(noisy, random)
    rows = np.repeat(random.rows()[:1], 400, axis=0)
    counts = draw_counts(question, rows, shots=100, seed=1)
    assert counts.shape == (400, 8)
    np.testing.assert_array_equal(counts.sum(1), 100)
    values, at_outcome = spectrum(question.observables), outcome_values(question.observables)
    measured = sorted(int(q) for o in question.observables for q in o.indices)
    chances = probabilities(question, measured, rows[:1])[0]
    expected = np.array([chances[(at_outcome == value).all(1)].sum() for value in values])
    assert chisquare(counts.sum(0), expected * counts.sum()).pvalue > 1e-3
    np.testing.assert_allclose(expected @ values, evaluate(question, rows[:1])[0], atol=1e-9)


def test_beside_one_that_never_varies_another_draws_as_alone(make_circuit) -> None:
    random = make_circuit(5, 3, 14)
    alone, beside = (
        draw_counts(Question(random.circuit, some), random.rows(), shots=50, seed=3)
        for some in ([ZS[1]], [SparseObservable("III"), ZS[1]])
    )
    np.testing.assert_array_equal(beside, alone)
