"""The objectives as a backend measures them, with gradients by the parameter-shift rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.backends.workload import Asked, Workload
from qrec.circuits import bell_projection, block_encoding
from qrec.circuits.cheap_hadamard import cheap_hadamard
from qrec.circuits.direct_projection import direct_projection
from qrec.circuits.modified_objective import modified_objective
from qrec.circuits.original_objective import original_objective
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.hadamard import Part
from qrec.circuits.parts.registers import projector
from qrec.circuits.qsvd import qsvd
from qrec.svd.ansatz import Complex
from qrec.svd.objectives import Criterion, ExactObjective, Indices
from qrec.types import Array

Form = Literal["published", "bell", "direct"]
FORMS: tuple[Form, ...] = get_args(Form)
_ENCODERS: dict[str, Callable[..., BlockEncoding]] = {
    "published": block_encoding.encode,
    "bell": bell_projection.encode,
}


@dataclass(frozen=True, eq=False)
class Probe:
    """A circuit whose expectation values, times `factor`, are terms of what is wanted."""

    circuit: QuantumCircuit
    observables: SparseObservable | Sequence[SparseObservable]  # as in `Workload`
    factor: float

    def workload(self, parameters: Array, key: str) -> Workload:
        """Return the workload that evaluates this probe at rows of angles."""
        return Workload(self.circuit, self.observables, parameters, key)


def objective_probes(matrix: Array, n_layers: int, criterion: Criterion, form: str) -> list[Probe]:
    """Return the probes whose sum is the objective.

    `matrix` is 2^n x 2^n and real, with entries up to 1. "published" is a Hadamard test with
    every gate controlled, or `modified_objective` with its block encoding: T circuits. "bell"
    is the cheap Hadamard test, or the block encoding by Bell projection: T as well. "direct"
    is the cheap Hadamard test, or one `direct_projection` for all. The coincidence objective is
    one `qsvd` in every form.
    """
    places = range(criterion.rank)
    if criterion.kind == "coincidence":
        return [disagreement_probe(matrix, n_layers)]
    if criterion.kind == "original":
        return [
            hadamard_probe(matrix, n_layers, i, i, "real", form, float(criterion.weights[i]))
            for i in places
        ]
    if form == "direct":
        wanted = [(j, k) for j in places for k in places if j == k or criterion.kind == "subspace"]
        return [direct_probe(matrix, n_layers, wanted)]
    return [
        encoded_probe(matrix, n_layers, k, places if criterion.kind == "subspace" else [k], form)
        for k in places
    ]


def hadamard_probe(
    matrix: Array, n_layers: int, j: int, k: int, part: Part, form: str, weight: float = 1.0
) -> Probe:
    """Return the probe of `weight` times the real or imaginary part of C_jk."""
    build = original_objective if form == "published" else cheap_hadamard
    circuit = build(matrix, n_layers, k, j, part)
    control = next(register for register in circuit.qregs if register.name == "c")
    z = ("Z", [circuit.find_bit(control[0]).index], 1.0)
    observable = SparseObservable.from_sparse_list([z], circuit.num_qubits)
    return Probe(circuit, observable, weight * block_encoding.encode(matrix).subnormalisation)


def encoded_probe(
    matrix: Array, n_layers: int, k: int, rows: "range | list[int]", form: str
) -> Probe:
    """Return the probe of sum |C_jk|^2 over j in `rows`, by block encoding."""
    encode = _ENCODERS[form]
    circuit = modified_objective(matrix, n_layers, k, encode)
    encoding = encode(matrix)
    terms = [projector(circuit, encoding.outputs, j ^ k) for j in rows]
    return Probe(circuit, _total(terms), encoding.subnormalisation**2)


def direct_probe(matrix: Array, n_layers: int, places: list[tuple[int, int]]) -> Probe:
    """Return the probe of sum |C_jk|^2 over the `places` (j, k), from one circuit."""
    circuit = direct_projection(matrix, n_layers)
    size, d = len(matrix), circuit.qregs[0]
    terms = [projector(circuit, d, size * j + k) for j, k in places]
    return Probe(circuit, _total(terms), squared_norm(matrix))


def disagreement_probe(matrix: Array, n_layers: int) -> Probe:
    """Return the probe of minus |M|_F^2 sum_q (1 - <Z_q Z_(n+q)>) / 2, from one `qsvd`."""
    circuit = qsvd(matrix, n_layers)
    n = circuit.num_qubits // 2
    terms = [("", [], n / 2), *(("ZZ", [q, n + q], -0.5) for q in range(n))]
    observable = SparseObservable.from_sparse_list(terms, circuit.num_qubits)
    return Probe(circuit, observable, -squared_norm(matrix))


def coincidence_probe(matrix: Array, n_layers: int) -> Probe:
    """Return the probe of all N values |C_jj|^2, read from the same shots of one `qsvd`."""
    circuit = qsvd(matrix, n_layers)
    size = len(matrix)
    places = [projector(circuit, circuit.qregs[0], (size + 1) * j) for j in range(size)]
    return Probe(circuit, places, squared_norm(matrix))


def coincident_values(squares: Array, total: float | None) -> Array:
    """Return |C_jj| `(N,)` from their measured `squares` `(N,)`.

    With a `total`, |M|_F^2, they are scaled to it, which is to keep coincident shots alone:
    |C_jj| = |M|_F sqrt(P(jj) / sum_k P(kk)). Where the parties would agree without noise, this
    takes back the share of shots that noise made differ. Without it the values are as they come.
    """
    squares = np.maximum(squares, 0.0)  # a device's error mitigation may leave less
    kept = squares.sum()
    return np.sqrt(squares if total is None or kept == 0 else squares * (total / kept))


def squared_norm(matrix: Array) -> float:
    """Return |M|_F^2, by which amplitudes squared are the entries squared."""
    return float((matrix**2).sum())


class MeasuredObjective:
    """Minus the objective of one matrix, measured on a backend.

    Problems are starts of the same matrix. `n_evaluations` counts what the backend was asked
    for: rows of angles times circuits. `coincident_only` see `VariationalSVD`.
    """

    def __init__(
        self,
        backend: Backend,
        matrix: Array,
        n_layers: int,
        criterion: Criterion,
        form: str,
        coincident_only: bool = True,
    ) -> None:
        self._backend, self._matrix, self._n_layers = backend, matrix, n_layers
        self._criterion, self._form = criterion, form
        self._coincident_only = coincident_only
        self._probes = objective_probes(matrix, n_layers, criterion, form)
        self._calls = 0
        self.n_evaluations = 0

    @property
    def circuits_per_value(self) -> int:
        return len(self._probes)

    def value(self, theta: Array, rows: Indices) -> Array:
        self._calls += 1
        # A key of its own for each call: the shots of two calls are independent.
        readings = self._backend.run(self._workloads(theta, f"{self._calls}"))
        total = np.zeros(len(theta))
        for probe, reading in zip(self._probes, readings, strict=True):
            total += probe.factor * reading.value
        self.n_evaluations += len(theta) * len(self._probes)
        return -total

    def value_and_gradient(self, theta: Array, rows: Indices) -> tuple[Array, Array]:
        size = theta.shape[1]
        weights = [0.5] if self._criterion.shifts == 1 else [0.5, -0.5]
        by_move = self.value(self._moved(theta), rows).reshape(len(theta), -1)
        shifted = by_move[:, 1:].reshape(len(theta), len(weights), size)
        return by_move[:, 0], np.einsum("s,nsp->np", weights, shifted)

    def questions(self, theta: Array, n_values: int, n_gradients: int) -> list[Asked]:
        """Return what so many values and gradients at rows like `theta`, and `elements`, ask."""
        asked = [
            (self._workloads(theta, "value"), n_values),
            (self._workloads(self._moved(theta), "gradient"), n_gradients),
            (self._element_workloads(theta[0]), 1),
        ]
        return [Asked(self._backend, found, times) for found, times in asked if times]

    def elements(self, theta: Array) -> Complex:
        """Return C, as `decompose` takes it, at angles `(n_parameters,)`, by Hadamard tests.

        Without the subspace objective the diagonal is measured and the rest is zero; that of
        the coincidence objective is measured by `coincidence_probe`, its phases are computed.
        """
        readings = self._backend.run(self._element_workloads(theta))
        if self._criterion.kind == "coincidence":
            exact = ExactObjective(self._matrix[None], self._n_layers, self._criterion)
            [c] = exact.elements(theta[None], np.zeros(1, np.intp))
            total = squared_norm(self._matrix)
            squares = total * readings[0].value[0]
            values = coincident_values(squares, total if self._coincident_only else None)
            return np.diag(values * np.exp(1j * np.angle(np.diag(c))))
        rank = self._criterion.rank
        c = np.zeros((rank, rank), np.complex128)
        wanted, probes = self._element_probes()
        for (j, k, part), probe, reading in zip(wanted, probes, readings, strict=True):
            c[j, k] += probe.factor * reading.value[0] * (1 if part == "real" else 1j)
        return c

    def _workloads(self, theta: Array, call: str) -> list[Workload]:
        return [p.workload(theta, f"vqsvd/{i}/{call}") for i, p in enumerate(self._probes)]

    def _moved(self, theta: Array) -> Array:
        """Return the rows that the parameter-shift rule needs: each as it is, then shifted."""
        size = theta.shape[1]
        shifts = [np.pi] if self._criterion.shifts == 1 else [np.pi / 2, -np.pi / 2]
        moves = np.concatenate([np.zeros((1, size)), *(shift * np.eye(size) for shift in shifts)])
        return np.asarray((theta[:, None] + moves).reshape(-1, size))

    def _element_workloads(self, theta: Array) -> list[Workload]:
        """Return what `elements` asks at angles `(n_parameters,)`."""
        if self._criterion.kind == "coincidence":
            probes = [coincidence_probe(self._matrix, self._n_layers)]
        else:
            _, probes = self._element_probes()
        return [p.workload(theta[None], f"vqsvd/elements/{i}") for i, p in enumerate(probes)]

    def _element_probes(self) -> tuple[list[tuple[int, int, Part]], list[Probe]]:
        """Return which parts of which elements Hadamard tests read, and their probes."""
        places = range(self._criterion.rank)
        diagonal = self._criterion.kind != "subspace"
        parts: tuple[Part, Part] = ("real", "imag")
        wanted = [
            (j, k, part) for j in places for k in places if j == k or not diagonal for part in parts
        ]
        build = partial(hadamard_probe, self._matrix, self._n_layers)
        return wanted, [build(j, k, part, self._form) for j, k, part in wanted]


def is_ideal(backend: Backend) -> bool:
    """Return whether a backend gives exact values without noise: what linear algebra gives."""
    # Compared whole, so that no setting an exact backend may have is overlooked.
    return backend.spec == noiseless().spec.model_copy(update={"name": backend.name})


def _total(terms: list[SparseObservable]) -> SparseObservable:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
