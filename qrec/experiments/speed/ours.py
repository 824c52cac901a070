"""The exact engine at the work of the races, and what it asks of the machine."""

from typing import Literal

import numpy as np
import torch
from qiskit import QuantumCircuit

from qrec.backends.base import Backend, Unit
from qrec.backends.exact.estimator import differing, evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.heisenberg.table import HeisenbergTable
from qrec.backends.exact.method import Method, evaluator, forget_evaluators
from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.program import depends_on_row
from qrec.backends.exact.read.question import Dtype, Question
from qrec.backends.exact.state.kernels import Dense, Kernel, Turn
from qrec.backends.exact.state.statevector import StateVector
from qrec.backends.local import LocalBackend
from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.circuits.swap_test import swap_test
from qrec.experiments.speed.race import Call, Cost
from qrec.experiments.speed.work import Work
from qrec.recommenders.quantum import read_z
from qrec.types import Array

Bits = Literal[32, 64]
SNAPSHOT = "fake:FakeTorino"  # a Heron processor
_TRANSPILER = {"optimization_level": 3, "seed_transpiler": 7}
_SHOTS = {"shots": 1024, "seed_simulator": 1}
_NOISY = {"snapshot": SNAPSHOT, **_TRANSPILER}


def exact(bits: Bits = 32, noisy: bool = False, shots: bool = False) -> Backend:
    """Return the exact backend, with or without noise and 1024 shots."""
    more = (_NOISY if noisy else {}) | (_SHOTS if shots else {})
    return open_backend({"kind": "exact", "dtype": f"float{bits}", **more})


def predictions(work: Work, n_rows: int, method: Method, bits: Bits) -> Call:
    """Return predictions at given theta; planning is done at the first call."""
    flat = work.flat(n_rows)
    question = _question(work, _dtype(bits))
    return lambda: evaluate(question, flat, method)[:, 0]


def prediction_cost(work: Work, n_rows: int, method: Method, bits: Bits) -> Cost:
    """Return what one prediction takes, the bytes being those of all passes over its numbers."""
    [observed], by_row = _question(work).observed(), differing(work.flat(2)).tolist()
    planned = evaluator(observed, by_row, n_rows, method)
    seen, _ = light_cone(observed.program, observed.codes)
    turns = [op for op in seen.operations if depends_on_row(op, by_row)]
    moved, sines = 2.0 * planned.numbers_per_row() * bits / 8, 2.0 * len(turns)
    if not isinstance(planned, StateVector):
        return Cost(2 * planned.cost_per_row(), moved, sines, "2048 x 2048")
    evolution = planned.evolution
    kernels = evolution.kernels
    # The prefix and the end take one product each; the prefix writes, all that follow read.
    last = planned.n_read / 2**evolution.n_qubits
    per_number = 2.0 + sum(map(_products, kernels[:-1])) + last * sum(map(_products, kernels[-1:]))
    products = per_number * (1 if evolution.is_real else 2) * planned.numbers_per_row()
    return Cost(2 * products, moved * (len(kernels) + last), sines)


def _products(kernel: Kernel) -> float:
    """Return the products that a kernel takes for each of a state's numbers."""
    if isinstance(kernel, Dense):
        return 2.0**kernel.n_qubits
    return 2.0 if isinstance(kernel, Turn) else 0.0


def all_pairs(work: Work, n_users: int, n_items: int, noisy: bool) -> Call:
    """Return the values of all pairs of users and items, in float32."""
    function = _expectation(work, noisy)
    u, v, theta = _pair_angles(work, n_users, n_items)

    def call() -> None:
        with torch.inference_mode():
            function.all_pairs({"u": u}, {"v": v}, {"theta": theta})

    return call


def all_pairs_cost(work: Work, noisy: bool) -> Cost:
    """Return what one of all pairs costs: its part of one large product, and its place."""
    function = _expectation(work, noisy)
    u, v, theta = _pair_angles(work, 1, 1)
    with torch.inference_mode():
        function.all_pairs({"u": u}, {"v": v}, {"theta": theta})
    [table] = function.evaluators.values()
    assert isinstance(table, HeisenbergTable)
    terms = min(len(table.left), len(table.right))
    return Cost(2.0 * terms, 4.0, 0.0, "2048 x 2048", "memory")


def training_step(work: Work, batch: int, bits: Bits, noisy: bool = False) -> Call:
    """Return a step forward and back; it gives the gradient in theta."""
    function = _trainable(work, noisy)
    kind = getattr(torch, _dtype(bits))
    leaves = {
        name: torch.tensor(value, dtype=kind, requires_grad=True)
        for name, value in zip(("theta", "u", "v"), (work.theta(), *work.rows(batch)), strict=True)
    }

    def step() -> Array:
        for leaf in leaves.values():
            leaf.grad = None
        function(leaves).square().sum().backward()
        return gradient(leaves["theta"])

    return step


def gradient(leaf: torch.Tensor) -> Array:
    """Return what a backward pass left in `leaf`."""
    assert leaf.grad is not None
    return leaf.grad.numpy().astype(float)


def noisy_unit(work: Work, n_rows: int, bits: Bits = 32) -> tuple[LocalBackend, Unit]:
    """Return the noisy backend and a fitted net's predictions on it."""
    backend = _local(exact(bits, noisy=True))
    workload = Workload(work.bound(), work.observable, np.hstack(work.rows(n_rows)), "speed")
    return backend, backend.prepare([workload])[0]


def noisy_predictions(work: Work, n_rows: int, bits: Bits) -> Call:
    """Return predictions under noise of a fitted net; planning and the pull are in each call."""
    backend, unit = noisy_unit(work, n_rows, bits)

    def call() -> Array:
        forget_evaluators()
        return np.asarray(backend._execute(unit)["value"])

    return call


def fitted_predictions(work: Work, n_rows: int, bits: Bits) -> Call:
    """Return predictions under noise of a fitted net; planning and pull are in the first call."""
    backend, unit = noisy_unit(work, n_rows, bits)
    return lambda: np.asarray(backend._execute(unit)["value"])


def swap_tests(n_factors: int, n_rows: int, noisy: bool, shots: bool) -> Call:
    """Return SWAP tests at infinite shots, or from 1024 drawn from the exact distribution."""
    backend = _local(exact(noisy=noisy, shots=shots))
    [unit] = backend.prepare([_swap_workload(n_factors, n_rows)])

    def call() -> Array | None:
        raw = backend._execute(unit)
        return None if shots else np.asarray(raw["value"])

    return call


def swap_unit(n_factors: int, n_rows: int, noisy: bool) -> tuple[LocalBackend, Unit]:
    """Return SWAP tests as an aer backend would run them."""
    more = _NOISY if noisy else _TRANSPILER
    backend = _local(open_backend({"kind": "aer", **_SHOTS, **more}))
    [unit] = backend.prepare([_swap_workload(n_factors, n_rows)])
    return backend, unit


def _swap_workload(n_factors: int, n_rows: int) -> Workload:
    circuit: QuantumCircuit = swap_test(n_factors)
    rows = np.random.default_rng(0).normal(size=(n_rows, circuit.num_parameters))
    return Workload(circuit, read_z(circuit.num_qubits, 0), rows, "speed")


def _expectation(work: Work, noisy: bool) -> Expectation:
    return _trainable(work, noisy) if noisy else Expectation(_question(work), "table")


def _trainable(work: Work, noisy: bool) -> Expectation:
    from qrec.backends.kinds.exact import ExactBackend

    if not noisy:
        return Expectation(_question(work))
    backend = exact(noisy=True)
    assert isinstance(backend, ExactBackend)
    return backend.expectation(work.circuit, work.observable)


def _question(work: Work, dtype: Dtype = "float64") -> Question:
    return Question(work.circuit, [work.observable], dtype=dtype)


def _pair_angles(work: Work, n_users: int, n_items: int) -> tuple[torch.Tensor, ...]:
    values = work.rows(n_users)[0], work.rows(n_items)[1], work.theta()
    return tuple(torch.tensor(value, dtype=torch.float32) for value in values)


def _local(backend: Backend) -> LocalBackend:
    assert isinstance(backend, LocalBackend)
    return backend


def _dtype(bits: Bits) -> Dtype:
    return "float32" if bits == 32 else "float64"
