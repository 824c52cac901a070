"""The torch function: values against Qiskit's state vector, gradients against differences."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.read.question import Question
from qrec.circuits import CIRCUITS, build_circuit
from qrec.errors import ConfigError

CASES = [(seed, 2 + seed % 4, 4 + seed, seed % 3 == 0, seed % 2 == 0) for seed in range(24)]


def tensors(values: dict[str, np.ndarray], dtype: torch.dtype = torch.float64):
    return {name: torch.tensor(v, dtype=dtype, requires_grad=True) for name, v in values.items()}


@pytest.mark.parametrize(("seed", "n_qubits", "depth", "real", "diagonal"), CASES)
def test_agrees_with_qiskit(
    seed, n_qubits, depth, real, diagonal, make_circuit, make_observable, oracle
) -> None:
    random = make_circuit(seed, n_qubits, depth, real)
    observable = make_observable(seed, n_qubits, diagonal)
    expected = oracle(random.circuit, observable, random.rows())
    exact = Expectation(Question(random.circuit, [observable]))
    np.testing.assert_allclose(exact(tensors(random.values)).detach(), expected, atol=1e-11)
    single = exact(tensors(random.values, torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.detach(), expected, atol=2e-5)


@pytest.mark.parametrize(("seed", "n_qubits", "depth", "real", "diagonal"), CASES[:8])
def test_gradients_of_every_parameter(
    seed, n_qubits, depth, real, diagonal, make_circuit, make_observable
) -> None:
    random = make_circuit(seed, n_qubits, depth, real)
    exact = Expectation(Question(random.circuit, [make_observable(seed, n_qubits, diagonal)]))
    names = list(random.values)

    def value(*given: torch.Tensor) -> torch.Tensor:
        return exact(dict(zip(names, given, strict=True)))

    assert torch.autograd.gradcheck(value, tuple(tensors(random.values).values()), atol=1e-6)


def test_a_parameter_may_be_shared_in_one_call_and_differ_in_the_next() -> None:
    exact = Expectation(Question(build_circuit("angle_net"), [SparseObservable("IIIIIIIZ")]))
    rng = np.random.default_rng(0)
    theta, u, v = rng.normal(size=16), rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    shared = exact(tensors({"theta": theta, "u": u, "v": v}))
    same = exact(tensors({"theta": np.tile(theta, (5, 1)), "u": u, "v": v}))
    np.testing.assert_allclose(shared.detach(), same.detach(), atol=1e-12)


def test_a_circuit_without_parameters_has_one_value() -> None:
    circuit = QuantumCircuit(1)
    circuit.ry(0.3, 0)
    assert float(Expectation(Question(circuit, [SparseObservable("Z")]))({})[0]) == pytest.approx(
        np.cos(0.3)
    )


def test_wrong_names_are_refused() -> None:
    exact = Expectation(Question(build_circuit("angle_net"), [SparseObservable("IIIIIIIZ")]))
    with pytest.raises(ConfigError, match=r"\['phi'\].*\['theta', 'u', 'v'\]"):
        exact({"phi": torch.zeros(16)})


@pytest.mark.parametrize("spoil", ["measure", "reset"])
def test_what_is_no_gate_is_refused(spoil: str) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.reset(0) if spoil == "reset" else circuit.measure(0, 0)
    with pytest.raises(ConfigError, match=f"cannot run '{spoil}'.*aer"):
        Expectation(Question(circuit, [SparseObservable("Z")]))


def test_an_angle_that_is_not_affine_is_refused() -> None:
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.ry(a * a, 0)
    with pytest.raises(ConfigError, match="affine"):
        Expectation(Question(circuit, [SparseObservable("Z")]))


@pytest.mark.parametrize("method", [None, "statevector"])
@pytest.mark.parametrize("name", CIRCUITS.names())
def test_agrees_with_qiskit_on_the_library(name: str, method: str | None, oracle) -> None:
    circuit = build_circuit(name)
    n = circuit.num_qubits
    observable = SparseObservable.from_sparse_list([("Z", [q], 1.0 + q) for q in range(n)], n)
    rows = np.random.default_rng(1).normal(size=(3, circuit.num_parameters))
    value = evaluate(Question(circuit, [observable]), rows, method)[:, 0]
    np.testing.assert_allclose(value, oracle(circuit, observable, rows), atol=1e-10)
