"""Random circuits over Qiskit's whole library, against Statevector and against Aer."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from drawn import MAKERS, Drawn, draw, draw_observable
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from qiskit.circuit import ParameterVectorElement
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime import fake_provider

from qrec.backends.device.compact import compact, cut_target
from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.device.target import Device
from qrec.backends.device.transpile import Transpiler
from qrec.backends.exact.estimator import evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.probabilities import probabilities
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.errors import ConfigError

SEEDS = st.integers(0, 2**32 - 1)
KINDS = st.lists(st.sampled_from([*MAKERS]), max_size=9)
OF_A_DEVICE = [k for k in MAKERS if k != "of Paulis"]
FAKES = [n for n in dir(fake_provider) if n.startswith("Fake") and "Provider" not in n]
CANNOT_ROUTE = {"FakeCairoV2"}  # its couplings leave qubits alone


def examples(number: int) -> settings:
    """Return settings that take no time to shrink what a seed decides."""
    return settings(
        max_examples=number,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )


def in_paulis(observable: SparseObservable) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_observable(observable.as_paulis())


def check_values(seed: int, n_qubits: int, kinds: list[str], twisted: bool) -> None:
    """Every method has the values of `Statevector`, or refuses for one of two reasons."""
    drawn, observable = draw(seed, n_qubits, kinds, twisted), draw_observable(seed, n_qubits)
    expected = drawn.values(in_paulis(observable))
    for method in (None, "table", "statevector"):
        found = answer(drawn, lambda by=method: evaluate(
            Question(drawn.circuit, [observable]), drawn.rows, by))  # fmt: skip
        if found is not None:
            np.testing.assert_allclose(found[:, 0], expected, rtol=0, atol=1e-9)


def answer(drawn: Drawn, ask: Callable[[], Any]) -> Any:
    """Return what the engine answers, None where it refuses for a reason that holds."""
    try:
        return ask()
    except ConfigError as error:
        reason = str(error)
    assert "\n" not in reason
    assert "a product formula" in reason or (not drawn.is_affine and "affine" in reason)
    return None


def check_outcomes(seed: int, n_qubits: int, kinds: list[str]) -> None:
    """Probabilities of outcomes are those of `Statevector`."""
    drawn = draw(seed, n_qubits, kinds)
    measured = np.random.default_rng(seed).permutation(n_qubits)[: 1 + seed % n_qubits].tolist()
    question = Question(drawn.circuit, [])
    found = answer(drawn, lambda: probabilities(question, measured, drawn.rows))
    if found is None:
        return
    expected = [state.probabilities(measured) for state in drawn.states()]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def check_gradient(seed: int, n_qubits: int, kinds: list[str], method: str) -> None:
    """The gradient by autograd is that of central differences of `Statevector`'s values."""
    drawn, observable = draw(seed, n_qubits, kinds), draw_observable(seed, n_qubits)
    parameters = list(drawn.circuit.parameters)
    assume(parameters)
    lone = {"w": [i for i, p in enumerate(parameters) if p.name == "w"]}
    of_t = [i for i, p in enumerate(parameters) if isinstance(p, ParameterVectorElement)]
    row = torch.tensor(drawn.rows[0], requires_grad=True)
    values = {"w": row[lone["w"][0]]} if lone["w"] else {}
    if of_t:
        full = torch.zeros(4, dtype=torch.float64)
        places = [parameters[i].index for i in of_t]
        values["t"] = full.index_put((torch.tensor(places),), row[of_t])
    question = Question(drawn.circuit, [observable])
    function = answer(drawn, lambda: Expectation(question, method))
    if function is None:
        return
    total = function(values).sum()
    if total.requires_grad:
        total.backward()
    step = 1e-3 * np.eye(len(parameters))
    points = np.concatenate([drawn.rows[0] + k * step for k in (1, -1, 2, -2)])
    one, two, three, four = (
        Drawn(drawn.circuit, points, True).values(in_paulis(observable)).reshape(4, -1)
    )
    slopes = (8 * (one - two) - (three - four)) / 12e-3
    found = np.zeros(len(parameters)) if row.grad is None else row.grad.numpy()
    np.testing.assert_allclose(found, slopes, rtol=1e-5, atol=1e-6)


@cache
def device_of(name: str) -> tuple[DeviceNoise, dict[int, tuple[float, float]]]:
    """Return a fake device and p(1|0) and p(0|1) of its qubits, as its properties have them."""
    snapshot = open_snapshot(f"fake:{name}")
    errors = {}
    for qubit, entries in enumerate(snapshot.properties["qubits"]):
        found = {entry["name"]: entry["value"] for entry in entries}
        if {"prob_meas1_prep0", "prob_meas0_prep1"} <= found.keys():
            errors[qubit] = found["prob_meas1_prep0"], found["prob_meas0_prep1"]
        else:
            errors[qubit] = (found.get("readout_error", 0.0),) * 2
    return DeviceNoise(snapshot.device.target, name), errors


def aers_value(isa, observable, name) -> float:
    """Return Aer's value: its density matrix, and every letter misread by the qubit's errors."""
    noise, errors = device_of(name)
    circuit, [cut], qubits = compact(isa, [observable])
    model = NoiseModel.from_backend(Device(name, cut_target(noise.target, qubits)))
    circuit.save_density_matrix()
    run = AerSimulator(method="density_matrix", noise_model=model).run(circuit)
    rho = run.result().data()["density_matrix"]
    total = 0.0
    for term in cut.as_paulis():
        operator = SparsePauliOp("I" * len(qubits), term.coeff)
        for letter, place in zip(term.bit_labels(), map(int, term.indices), strict=True):
            one_at_0, zero_at_1 = errors[qubits[place]]
            misread = [(letter, [place], 1 - one_at_0 - zero_at_1), ("", [], zero_at_1 - one_at_0)]
            operator = SparsePauliOp.from_sparse_list(misread, len(qubits)) @ operator
        total += rho.expectation_value(operator).real
    return total


def check_noisy(seed: int, n_qubits: int, kinds: list[str], name: str) -> None:
    """A circuit transpiled for a fake device has the value of Aer's density matrix."""
    noise, _ = device_of(name)
    n_qubits = min(n_qubits, noise.target.num_qubits)
    drawn = draw(seed, n_qubits, kinds, delays=False)
    observable = draw_observable(seed, n_qubits)
    passes = Transpiler(open_snapshot(f"fake:{name}"), seed % 4, seed % 997).pass_manager()
    isa = passes.run(drawn.circuit)
    at = dict(zip(drawn.circuit.parameters, drawn.rows[0], strict=True))
    row = np.array([[at[p] for p in isa.parameters]])
    laid = observable.apply_layout(isa.layout)
    found = evaluate(Question(isa, [laid], noise=noise), row)[0, 0]
    expected = aers_value(isa.assign_parameters(row[0]), laid, name)
    assert found == pytest.approx(expected, abs=1e-7)


@examples(60)
@given(SEEDS, st.integers(1, 5), KINDS, st.booleans())
def test_values(seed, n_qubits, kinds, twisted):
    check_values(seed, n_qubits, kinds, twisted)


@examples(15)
@given(SEEDS, st.integers(1, 4), KINDS)
def test_outcomes(seed, n_qubits, kinds):
    check_outcomes(seed, n_qubits, kinds)


@examples(15)
@given(SEEDS, st.integers(1, 4), KINDS, st.sampled_from(["table", "statevector"]))
def test_gradients(seed, n_qubits, kinds, method):
    check_gradient(seed, n_qubits, kinds, method)


SMALL = ["FakeManilaV2", "FakeLimaV2", "FakeLondonV2", "FakeFractionalBackend"]


@examples(10)
@given(SEEDS, st.integers(1, 3), st.lists(st.sampled_from(OF_A_DEVICE), max_size=3),
       st.sampled_from(SMALL))  # fmt: skip
def test_noisy_values(seed, n_qubits, kinds, name):
    check_noisy(seed, n_qubits, kinds, name)


@pytest.mark.slow
@examples(2000)
@given(SEEDS, st.integers(1, 6), KINDS, st.booleans())
def test_many_values(seed, n_qubits, kinds, twisted):
    check_values(seed, n_qubits, kinds, twisted)


@pytest.mark.slow
@examples(300)
@given(SEEDS, st.integers(1, 5), KINDS, st.sampled_from(["table", "statevector"]))
def test_many_gradients(seed, n_qubits, kinds, method):
    check_outcomes(seed, n_qubits, kinds)
    check_gradient(seed, n_qubits, kinds, method)


@pytest.mark.slow
@examples(300)
@given(SEEDS, st.integers(1, 4), st.lists(st.sampled_from(OF_A_DEVICE), max_size=4),
       st.sampled_from([name for name in FAKES if name not in CANNOT_ROUTE]))  # fmt: skip
def test_many_noisy_values(seed, n_qubits, kinds, name):
    check_noisy(seed, n_qubits, kinds, name)
