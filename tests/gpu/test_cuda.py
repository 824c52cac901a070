"""The exact engine on a CUDA device against the host: values, gradients, distributions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.method import Method
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.question import Device, Question
from qrec.experiments.speed.work import Work, complex_net, net

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no CUDA device here"
)
NETS = [net(2, 2, "chain"), net(4, 3, "all"), complex_net(3, 2)]


def on_each(ask: Callable[[Device], object]) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(ask("cpu")), np.asarray(ask("cuda"))


@pytest.mark.parametrize("work", NETS)
@pytest.mark.parametrize("method", ["table", "statevector"])
def test_values(work: Work, method: Method) -> None:
    rows = work.flat(3000)

    def ask(device: Device) -> object:
        question = Question(work.circuit, [work.observable], device=device)
        return evaluate(question, rows, method)

    np.testing.assert_allclose(*on_each(ask), atol=1e-12)


def test_several_observables_of_one_state() -> None:
    work, n = complex_net(3, 2), 6
    terms = [[("XZ", [0, 5], 1.0)], [("Y", [2], 1.0)], [("ZZZ", [0, 1, 3], 0.3)]]
    observables = [SparseObservable.from_sparse_list(one, n) for one in terms]

    def ask(device: Device) -> object:
        return evaluate(Question(work.circuit, observables, device=device), work.flat(50))

    np.testing.assert_allclose(*on_each(ask), atol=1e-12)


def test_distributions() -> None:
    work = complex_net(3, 2)

    def ask(device: Device) -> object:
        return probabilities(Question(work.circuit, [], device=device), [4, 1, 2], work.flat(50))

    np.testing.assert_allclose(*on_each(ask), atol=1e-12)


@pytest.mark.parametrize("work", NETS)
@pytest.mark.parametrize("method", ["table", "statevector"])
def test_gradients(work: Work, method: Method) -> None:
    def ask(device: Device, name: str) -> object:
        function = Expectation(Question(work.circuit, [work.observable]), method)
        numbers = zip(("theta", "u", "v"), (work.theta(), *work.rows(64)), strict=True)
        leaves = {k: torch.tensor(x, device=device, requires_grad=True) for k, x in numbers}
        function(leaves).square().sum().backward()
        return leaves[name].grad.cpu()  # type: ignore[union-attr]

    for name in ("theta", "u", "v"):
        np.testing.assert_allclose(*on_each(lambda d, n=name: ask(d, n)), atol=1e-11)


def test_one_plan_serves_both_devices() -> None:
    work = net(3, 2, "chain")
    function = Expectation(Question(work.circuit, [work.observable]), "statevector")
    values = dict(zip(("theta", "u", "v"), (work.theta(), *work.rows(20_000)), strict=True))
    with torch.inference_mode():
        cpu, cuda, again = (
            function({k: torch.tensor(x, device=d) for k, x in values.items()}).cpu()
            for d in ("cpu", "cuda", "cpu")
        )
    np.testing.assert_allclose(cuda, cpu, atol=1e-12)
    np.testing.assert_array_equal(again, cpu)


def test_all_pairs() -> None:
    work = net(4, 3, "all")
    function = Expectation(Question(work.circuit, [work.observable]), "table")
    theta, (u, v) = work.theta(), work.rows(200)

    def ask(device: Device) -> object:
        sides = [{k: torch.tensor(x, device=device)} for k, x in (("u", u), ("v", v))]
        with torch.inference_mode():
            shared = {"theta": torch.tensor(theta, device=device)}
            return function.all_pairs(*sides, shared).cpu()

    np.testing.assert_allclose(*on_each(ask), atol=1e-12)


@pytest.mark.parametrize("work", NETS)
def test_a_training_step_never_waits_for_the_host(work: Work) -> None:
    """What can be captured as a CUDA graph has no step on the host; replayed, it is the same."""
    function = Expectation(Question(work.circuit, [work.observable]))
    numbers = zip(("theta", "u", "v"), (work.theta(), *work.rows(64)), strict=True)
    leaves = {k: torch.tensor(x, device="cuda", requires_grad=True) for k, x in numbers}

    def step() -> None:
        for leaf in leaves.values():
            leaf.grad = None
        function(leaves).square().sum().backward()

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    wanted = {k: leaf.grad.clone() for k, leaf in leaves.items()}  # type: ignore[union-attr]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for leaf in leaves.values():
        leaf.grad.zero_()  # type: ignore[union-attr]
    graph.replay()
    for name, leaf in leaves.items():
        torch.testing.assert_close(leaf.grad, wanted[name], atol=1e-12, rtol=0)
