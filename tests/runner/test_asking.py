"""A step's questions: stored once, answered again from what is stored, and told apart."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable
from scipy.optimize import minimize

from qrec.backends import Workload, noiseless, open_backend
from qrec.errors import ConfigError, NotFinishedError
from qrec.runner.asking import Asker, ByJobs, Here, Stored, Unanswered
from qrec.runs.answers import Answers

# With the usual steps of 1e-8 the shots of both points are the same ones.
OPTIONS = {"BFGS": {"eps": 0.3}, "L-BFGS-B": {"eps": 0.3}}


def workload(sign: float, key: str, rows=((0.3,), (1.2,))) -> Workload:
    """Return RY of `sign` times an angle plus pi/2, read by Z: its values are -sin."""
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(1)
    circuit.ry(sign * x[0] + np.pi / 2, 0)
    return Workload(circuit, SparseObservable.from_label("Z"), np.array(rows), key)


@pytest.fixture
def shots():
    return open_backend("aer_ideal")


def asker(folder, mode, backend):
    return Asker(folder, "step", {"shots": backend}, mode, lambda _: None)


def test_circuits_of_one_question_keep_their_own_readings(tmp_path, shots):
    both = [workload(1.0, "a"), workload(-1.0, "b")]
    first = asker(tmp_path, Here(), shots)(shots, both)
    again = asker(tmp_path, Stored(), shots)(shots, both)
    for one, two, sign in zip(first, again, (1, -1), strict=True):
        np.testing.assert_array_equal(one.value, two.value)
        np.testing.assert_allclose(one.value, -sign * np.sin([0.3, 1.2]), atol=0.2)


def test_what_a_circuit_cost_is_known_again(tmp_path, shots):
    ask = asker(tmp_path, Here(), shots)
    ask(shots, [workload(1.0, "a")])
    again = asker(tmp_path, Stored(), shots)
    again(shots, [workload(1.0, "a")])
    assert ask.costs == again.costs
    assert ask.costs[0]["executed"]["qubits"] == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sign": -1.0}, "circuit of circuit 0"),
        ({"key": "b"}, "key of circuit 0"),
        ({"rows": ((0.3,), (1.3,))}, "parameters of circuit 0"),
        ({"rows": ((0.3,),)}, "parameters of circuit 0"),
    ],
)
def test_another_question_is_not_given_an_old_answer(tmp_path, shots, changed, said):
    plain = {"sign": 1.0, "key": "a"}
    asker(tmp_path, Here(), shots)(shots, [workload(**plain)])
    with pytest.raises(ConfigError, match=f"step step, question 0: {said}.*code or data changed"):
        asker(tmp_path, Here(), shots)(shots, [workload(**plain | changed)])


def test_last_bits_of_angles_may_differ(tmp_path, shots):
    first = asker(tmp_path, Here(), shots)(shots, [workload(1.0, "a")])
    near = workload(1.0, "a", rows=((0.3 + 1e-13,), (1.2,)))
    again = asker(tmp_path, Stored(), shots)(shots, [near])
    np.testing.assert_array_equal(first[0].value, again[0].value)


def test_a_backend_that_is_not_the_experiments_is_refused(tmp_path, shots):
    other = open_backend("aer_ideal", shots=7)
    with pytest.raises(ConfigError, match="is none of the experiment's: shots"):
        asker(tmp_path, Here(), shots)(other, [workload(1.0, "a")])


def test_missing_answer_is_not_finished_and_nothing_is_prepared(tmp_path, shots, monkeypatch):
    monkeypatch.setattr(type(shots), "prepare", None)  # a QPU would be connected to
    with pytest.raises(NotFinishedError, match="question 0 is not stored"):
        asker(tmp_path, Stored(), shots)(shots, [workload(1.0, "a")])
    assert Answers(tmp_path, "step").asked(0) is None


def test_exact_values_come_at_once_where_shots_are_asked_by_jobs(tmp_path, shots):
    ask = asker(tmp_path, ByJobs(), shots)
    [reading] = ask(noiseless(), [workload(1.0, "a")])
    np.testing.assert_allclose(reading.value, -np.sin([0.3, 1.2]), atol=1e-12)
    with pytest.raises(Unanswered) as stopped:
        ask(shots, [workload(1.0, "a")])
    assert (stopped.value.number, stopped.value.backend) == (1, "shots")
    assert Answers(tmp_path, "step").asked(1) is not None, "the question is on disk before a job"
    assert not Answers(tmp_path, "step").has(1)


@pytest.mark.parametrize("method", ["BFGS", "COBYLA", "Nelder-Mead", "L-BFGS-B"])
def test_an_open_question_passes_through_optimisers(tmp_path, shots, method):
    """Each answer lets the optimiser ask one question more, from the start each time."""
    numbers = []
    for _ in range(3):
        ask = asker(tmp_path, ByJobs(), shots)

        def value(x, ask=ask):
            try:
                return float(ask.wrap(shots).run([workload(1.0, "a", rows=[x])])[0].value[0])
            except Exception:  # as optimisers and models do
                return 0.0

        with pytest.raises(Unanswered) as stopped:
            minimize(value, [0.1], method=method, options=OPTIONS.get(method, {}))
        numbers.append(stopped.value.number)
        answers = Answers(tmp_path, "step")
        raws = shots.answer(stopped.value.units)
        answers.write(stopped.value.number, answers.asked(stopped.value.number), raws)
    assert numbers == [0, 1, 2]
