"""The pull in torch against the pull in numpy, and the constants that both sides use."""

import gc
import weakref

import numpy as np
import pytest
import torch

from qrec.backends.exact.heisenberg.device_pull import device_pull
from qrec.backends.exact.heisenberg.pull import Pull
from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.machine.chunks import chunk_size
from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.question import Question
from qrec.errors import ConfigError
from qrec.experiments.speed.work import Work, complex_net, net


@pytest.mark.parametrize("work", [net(2, 2, "chain"), net(3, 2, "all"), complex_net(2, 2)])
def test_the_pull_in_torch_is_the_pull_in_numpy(work: Work) -> None:
    [observed] = Question(work.circuit, [work.observable]).observed()
    row_columns = [p.vector.name != "theta" for p in work.circuit.parameters]
    pull = HeisenbergTable(observed, row_columns).pull
    assert isinstance(pull, Pull)
    n_angles = 1 + max(p.angle for b in pull.blocks for p in b.block.parts)
    rng = np.random.default_rng(0)
    angles = rng.normal(size=n_angles)
    table, tape = pull.forward(angles)
    leaf = torch.from_numpy(angles).requires_grad_()
    out = device_pull(pull, leaf)
    np.testing.assert_allclose(out.detach(), table, atol=1e-14)
    slope = rng.normal(size=len(table))
    out.backward(torch.from_numpy(slope))
    np.testing.assert_allclose(leaf.grad, pull.backward(angles, tape, slope), atol=1e-13)


def test_a_constant_is_made_once_and_dies_with_its_array() -> None:
    array = np.arange(4.0)
    like = torch.zeros(1, dtype=torch.float32)
    made = constant(array, like)
    assert constant(array, like) is made
    gone = weakref.ref(made)
    del made, array
    gc.collect()
    assert gone() is None


def test_a_constant_first_met_without_gradients_takes_them_later() -> None:
    array, leaf = np.arange(3.0), torch.ones(3, dtype=torch.float32, requires_grad=True)
    with torch.inference_mode():
        constant(array, torch.zeros(1, dtype=torch.float32))
    (constant(array, leaf) * leaf).sum().backward()
    np.testing.assert_array_equal(leaf.grad, array)


def test_a_constant_takes_the_kind_of_what_it_meets() -> None:
    numbers, places = np.array([1 + 2j, 3.0]), np.array([1, 0])
    assert constant(numbers, torch.zeros(1)).tolist() == [1.0, 3.0]
    assert constant(numbers, torch.zeros(1, dtype=torch.complex128)).tolist() == [1 + 2j, 3]
    assert constant(places, torch.zeros(1)).dtype == torch.int64


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_cuda_device_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match="torch finds no CUDA device here"):
        chunk_size(16, torch.float64, "cuda")
