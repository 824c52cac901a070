"""The pulled-back observable: sparse, dense, all pairs, and what it refuses."""

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable, random_unitary

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.heisenberg.pull import TooManyTermsError
from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.method import evaluator
from qrec.backends.exact.read.question import Question
from qrec.backends.exact.state.statevector import StateVector
from qrec.circuits import build_circuit
from qrec.circuits.angle_net import angle_net
from qrec.errors import ConfigError


def z(n_qubits: int) -> SparseObservable:
    return SparseObservable.from_sparse_list([("Z", [0], 1.0)], n_qubits)


@pytest.mark.parametrize(("name", "k"), [("angle_net", 4), ("swap_test", 3)])
def test_all_pairs_are_the_pairs(name: str, k: int) -> None:
    circuit = build_circuit(name)
    exact = Expectation(Question(circuit, [z(circuit.num_qubits)]))
    rng = np.random.default_rng(0)
    u, v = (torch.from_numpy(rng.normal(size=(n, k))) for n in (5, 7))
    theta = {"theta": torch.from_numpy(rng.normal(size=16))} if name == "angle_net" else {}
    matrix = exact.all_pairs({"u": u}, {"v": v}, theta)
    first, second = (i.ravel() for i in np.indices((5, 7)))
    pairs = exact({"u": u[first], "v": v[second], **theta})
    np.testing.assert_allclose(matrix.ravel(), pairs, atol=1e-12)


def test_all_pairs_need_encodings_apart() -> None:
    circuit = build_circuit("overlap_test")
    rows = torch.zeros(2, 3, dtype=torch.float64)
    with pytest.raises(ConfigError, match="depend on parameters of both sides"):
        Expectation(Question(circuit, [z(3)])).all_pairs({"u": rows}, {"v": rows}, {})


def test_all_pairs_carry_gradients() -> None:
    exact = Expectation(Question(angle_net(2, 2, "chain"), [z(4)]))
    rng = np.random.default_rng(0)
    u, v, theta = (torch.from_numpy(rng.normal(size=s)).requires_grad_()
                   for s in ((3, 2), (2, 2), (8,)))  # fmt: skip
    assert torch.autograd.gradcheck(
        lambda u, v, t: exact.all_pairs({"u": u}, {"v": v}, {"theta": t}), (u, v, theta)
    )


def test_the_table_of_the_reports_net_is_sparse() -> None:
    for entangler, most in (("pairs", 9), ("all", 19)):
        [observed] = Question(angle_net(4, 3, entangler), [z(8)]).observed()
        by_row = [p.vector.name != "theta" for p in angle_net(4, 3).parameters]
        table = evaluator(observed, by_row, method="table")
        assert isinstance(table, HeisenbergTable)
        assert table.n_terms <= most


def scrambled(n_qubits: int) -> QuantumCircuit:
    """Return a circuit that turns Z into all Pauli strings there are."""
    circuit = QuantumCircuit(n_qubits)
    for layer in range(n_qubits):
        for qubit in range(layer % 2, n_qubits - 1, 2):
            circuit.unitary(random_unitary(4, seed=7 * layer + qubit), [qubit, qubit + 1])
    return circuit


def test_too_many_strings_take_the_state_vector() -> None:
    [observed] = Question(scrambled(8), [z(8)]).observed()
    assert isinstance(evaluator(observed, [], n_rows=1), StateVector)
    with pytest.raises(TooManyTermsError):
        HeisenbergTable(observed, [], limit=1000)


@pytest.mark.parametrize("seed", range(6))
def test_dense_and_sparse_pulls_agree(seed, make_circuit, make_observable, oracle) -> None:
    random, observable = make_circuit(seed, 4, 14), make_observable(seed, 4)
    [observed] = Question(random.circuit, [observable]).observed()
    rows = random.rows()
    by_row = [False] * 5 + [True] * 3
    shared, differing = torch.from_numpy(rows[0, :5].copy()), torch.from_numpy(rows[:, 5:].T.copy())
    dense = HeisenbergTable(observed, by_row, limit=0, dense=True)
    np.testing.assert_allclose(
        dense(shared, differing), oracle(random.circuit, observable, rows), atol=1e-11
    )


def memory_of(monkeypatch: pytest.MonkeyPatch, **n_bytes: int) -> None:
    """Let the machine have so many bytes `free` and `available`."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(**n_bytes))


def test_no_memory_is_an_error_with_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    memory_of(monkeypatch, free=2**40, available=2**20)
    [observed] = Question(scrambled(9), [z(9)]).observed()
    with pytest.raises(
        ConfigError, match=r"9 noisy qubits at once need .* GiB, .* avail.*fewer qubits"
    ):
        HeisenbergTable(observed, [], limit=10, dense=True)
    with pytest.raises(ConfigError, match=r"18 qubits need .* fewer qubits"):
        evaluate(Question(scrambled(18), [z(18)]), np.zeros((1, 0)), "statevector")


def test_memory_that_caches_would_give_back_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    memory_of(monkeypatch, free=2**20, available=2**30)
    value = evaluate(Question(scrambled(14), [z(14)]), np.zeros((1, 0)), "statevector")
    assert -1 <= value[0, 0] <= 1
