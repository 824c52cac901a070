"""The same work in other tools.

Each function builds a call; it raises MissingError where its tool is not installed. Theta is
fixed at prediction, as in a fitted net.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, Literal

import numpy as np
import torch
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp

from qrec.backends.base import Backend, Unit
from qrec.backends.device.compact import compact
from qrec.backends.device.noise import simulator
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.kinds.aer import aer_estimator, aer_sampler
from qrec.backends.sampled import sampler_pub
from qrec.errors import MissingError
from qrec.experiments.speed.ours import gradient, noisy_unit, swap_unit
from qrec.experiments.speed.race import Call
from qrec.experiments.speed.work import Work

Dtype = Literal["complex64", "complex128"]
_PENNYLANE = {
    "rx": "RX", "ry": "RY", "rz": "RZ", "u": "U3", "cx": "CNOT", "crz": "CRZ",
}  # fmt: skip
_TENSORCIRCUIT = {
    "rx": ("rx", ["theta"]),
    "ry": ("ry", ["theta"]),
    "rz": ("rz", ["theta"]),
    "u": ("u", ["theta", "phi", "lbd"]),
    "cx": ("cnot", []),
    "crz": ("crz", ["theta"]),
}


def pennylane_one_by_one(work: Work, n_rows: int, device: str = "default.qubit") -> Call:
    """Return predictions by one call per sample, as the report made them."""
    node, theta, angles = _pennylane(work, device), work.theta(), np.hstack(work.rows(n_rows))
    return lambda: np.array([node(theta, row) for row in angles])


def pennylane_broadcasting(work: Work, n_rows: int) -> Call:
    """Return predictions by one call for all samples."""
    node, theta, angles = _pennylane(work), work.theta(), np.hstack(work.rows(n_rows)).T
    return lambda: np.asarray(node(theta, angles))


def pennylane_step(work: Work, batch: int) -> Call:
    """Return a step forward and back with broadcasting, through torch."""
    node = _pennylane(work, interface="torch")
    theta = torch.tensor(work.theta(), requires_grad=True)
    angles = torch.tensor(np.hstack(work.rows(batch)).T, requires_grad=True)

    def step() -> Any:
        theta.grad = angles.grad = None
        node(theta, angles).square().sum().backward()
        return gradient(theta)

    return step


def tensorcircuit_jit(work: Work, n_rows: int, dtype: Dtype) -> Call:
    """Return predictions by jit and vmap on JAX."""
    tc, value = _tensorcircuit(work, dtype)
    run = tc.backend.jit(tc.backend.vmap(value, vectorized_argnums=1))
    theta, angles = _real(dtype, work.theta(), np.hstack(work.rows(n_rows)))

    def call() -> Any:
        tc.set_dtype(dtype)  # one setting for the whole process
        return np.asarray(run(theta, angles))

    return call


def tensorcircuit_step(work: Work, batch: int, dtype: Dtype) -> Call:
    """Return a step forward and back by jit."""
    tc, value = _tensorcircuit(work, dtype)
    values = tc.backend.vmap(value, vectorized_argnums=1)
    slopes_of = tc.backend.jit(
        tc.backend.grad(lambda t, x: tc.backend.sum(values(t, x) ** 2), argnums=(0, 1))
    )
    theta, angles = _real(dtype, work.theta(), np.hstack(work.rows(batch)))

    def step() -> Any:
        tc.set_dtype(dtype)
        slopes = [np.asarray(slope) for slope in slopes_of(theta, angles)]
        return slopes[0]

    return step


def aer(work: Work, n_rows: int, precision: str) -> Call:
    """Return predictions by Aer's EstimatorV2, one thread, all rows in one PUB."""
    return _estimated(work, n_rows, aer_estimator(precision=precision))


def qiskit_statevector(work: Work, n_rows: int) -> Call:
    """Return predictions by Qiskit's StatevectorEstimator."""
    return _estimated(work, n_rows, StatevectorEstimator())


def aer_noisy(work: Work, n_rows: int, precision: str) -> Call:
    """Return exact values under noise by Aer's density matrices, on the same ISA circuit.

    Aer is given the used qubits and their noise alone: the whole device takes it far longer. Its
    expectation values know no read-out errors: they are put into the observable, a Z.
    """
    backend, unit = noisy_unit(work, n_rows)
    [(_, [qubit], _)] = work.terms()
    place = unit.circuit.layout.final_index_layout()[qubit]
    readout = DeviceNoise(backend.target).readout(place)
    circuit, qubits, noise = _on_used_qubits(backend, unit)
    observed = SparsePauliOp.from_sparse_list(
        [("Z", [qubits.index(place)], readout[3, 3]), ("", [], readout[3, 0])], len(qubits)
    )
    estimator = aer_estimator(precision, noise)
    pub = (circuit, observed, unit.workload.parameters)
    return lambda: estimator.run([pub], precision=0.0).result()[0].data.evs


def aer_swap_tests(n_factors: int, n_rows: int, noisy: bool) -> Call:
    """Return SWAP tests of 1024 shots by Aer's SamplerV2, under noise on the used qubits alone."""
    backend, unit = swap_unit(n_factors, n_rows, noisy)
    circuit, _, noise = _on_used_qubits(backend, unit)
    sampler = aer_sampler("single", noise)
    pub = sampler_pub(replace(unit, circuit=circuit), 1024)

    def call() -> None:
        sampler.run([pub]).result()

    return call


def _on_used_qubits(backend: Backend, unit: Unit) -> tuple[QuantumCircuit, tuple[int, ...], Any]:
    """Return a unit's circuit on the qubits it uses, which those are, and their noise if any."""
    circuit, _, qubits = compact(unit.circuit)
    if backend.pinned is None:
        return circuit, qubits, None
    return circuit, qubits, simulator(backend.pinned, qubits).options.noise_model


def machine_learning_step(work: Work, batch: int) -> Call:
    """Return a step of qiskit-machine-learning's EstimatorQNN on Qiskit's exact estimator."""
    from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    estimator = StatevectorEstimator()
    qnn = EstimatorQNN(
        circuit=work.circuit,
        estimator=estimator,
        observables=work.operator(),
        input_params=[p for p in work.circuit.parameters if p.vector.name != "theta"],
        weight_params=[p for p in work.circuit.parameters if p.vector.name == "theta"],
        gradient=ParamShiftEstimatorGradient(estimator),
        input_gradients=True,
        default_precision=0.0,  # its own default adds noise of 1/64
    )
    angles = np.hstack(work.rows(batch))

    def step() -> None:
        qnn.forward(angles, work.theta())
        qnn.backward(angles, work.theta())

    return step


def _estimated(work: Work, n_rows: int, estimator: BaseEstimatorV2) -> Call:
    pub = (work.circuit, work.operator(), work.flat(n_rows))
    return lambda: estimator.run([pub], precision=0.0).result()[0].data.evs


def _pennylane(work: Work, device: str = "default.qubit", interface: str = "auto") -> Any:
    """Return a QNode of theta and of angles `(2k,)` or `(2k, n_rows)`."""
    qml = _bench("pennylane")
    gates, letters = work.gates(), {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}
    products = [
        coefficient * qml.prod(*(letters[p](wires=q) for p, q in zip(paulis, qubits, strict=True)))
        for paulis, qubits, coefficient in work.terms()
    ]
    if len(products) > 1 or len(work.terms()[0][0]) > 1:
        observed = qml.sum(*products)
    else:  # a lone letter has a faster way of its own
        [(letter, [qubit], _)] = work.terms()
        observed = letters[letter](wires=qubit)

    @qml.qnode(qml.device(device, wires=work.n_qubits), interface=interface)  # type: ignore[untyped-decorator]
    def node(theta: Any, angles: Any) -> Any:
        vectors = _vectors(theta, angles)
        for gate in gates:
            getattr(qml, _PENNYLANE[gate.name])(*gate.values(vectors), wires=gate.qubits)
        return qml.expval(observed)

    return node


def _tensorcircuit(work: Work, dtype: Dtype) -> tuple[Any, Callable[[Any, Any], Any]]:
    _bench("jax")
    tc = _bench("tensorcircuit")
    tc.set_backend("jax")
    tc.set_dtype(dtype)
    gates, terms = work.gates(), work.terms()

    def value(theta: Any, angles: Any) -> Any:
        circuit, vectors = tc.Circuit(work.n_qubits), _vectors(theta, angles)
        for gate in gates:
            name, words = _TENSORCIRCUIT[gate.name]
            angle = dict(zip(words, gate.values(vectors), strict=True))
            getattr(circuit, name)(*gate.qubits, **angle)
        out = 0.0
        for paulis, qubits, coefficient in terms:
            by_letter = {
                letter.lower(): [q for p, q in zip(paulis, qubits, strict=True) if p == letter]
                for letter in set(paulis)
            }
            out += coefficient * tc.backend.real(circuit.expectation_ps(**by_letter))
        return out

    return tc, value


def _vectors(theta: Any, angles: Any) -> dict[str, Any]:
    half = len(angles) // 2
    return {"theta": theta, "u": angles[:half], "v": angles[half:]}


def _real(dtype: Dtype, *arrays: Any) -> list[Any]:
    kind = np.float32 if dtype == "complex64" else np.float64
    return [np.asarray(array, kind) for array in arrays]


def _bench(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise MissingError("not installed: pip install 'qrec[bench]'") from None
