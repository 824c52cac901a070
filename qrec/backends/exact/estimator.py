"""The exact engine as Qiskit's estimator primitive."""

from collections.abc import Iterable
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike

from qrec.backends.checks import estimator_pubs
from qrec.backends.exact.machine.chunks import chunk_size, in_chunks
from qrec.backends.exact.method import Evaluator, Method, evaluator
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Device, Dtype, Question
from qrec.backends.exact.state.statevector import JointStateVector, StateVector, join


class ExactEstimator(BaseEstimatorV2):  # type: ignore[misc]
    """Infinite-shot expectation values; any asked-for precision counts as met.

    With `noise`, circuits are those of a device: its gates on its qubits, as its pass manager
    gives them; without, any circuit of gates.
    """

    def __init__(
        self,
        noise: DeviceNoise | None = None,
        dtype: Dtype = "float64",
        method: Method | None = None,
        device: Device = "cpu",
    ) -> None:
        self._noise, self._method = noise, method
        self._dtype, self._device = dtype, device

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        coerced = estimator_pubs(pubs, precision, None)
        job = PrimitiveJob(lambda: PrimitiveResult([self._evaluate(pub) for pub in coerced]))
        job._submit()
        return job

    def _evaluate(self, pub: EstimatorPub) -> PubResult:
        rows = pub.parameter_values.as_array(pub.circuit.parameters)
        observables = np.asarray(pub.observables.sparse_observables_array())
        shape = np.broadcast_shapes(observables.shape, rows.shape[:-1])
        width = rows.shape[-1]
        rows = np.broadcast_to(rows, (*shape, width)).reshape(prod(shape), width)
        numbers = np.arange(observables.size).reshape(observables.shape)
        which = np.broadcast_to(numbers, shape).ravel()
        question = Question(pub.circuit, list(observables.ravel()), noise=self._noise)
        values = np.empty(len(rows))
        if not len(rows):
            none = values.reshape(shape)
            return PubResult(DataBin(evs=none, stds=none, shape=shape))
        for index, observed in enumerate(question.observed()):
            some = rows[which == index]
            by_row = differing(some)
            planned = evaluator(observed, by_row.tolist(), len(some), self._method)
            values[which == index] = _values(planned, some, by_row, self._dtype, self._device)
        evs = values.reshape(shape)
        return PubResult(DataBin(evs=evs, stds=np.zeros(shape), shape=shape))


def evaluate(
    question: Question, rows: NDArray[np.float64], method: Method | None = None
) -> NDArray[np.float64]:
    """Return the expectation values `(n_rows, n_observables)` at rows `(n_rows, n_parameters)`.

    Parameters that agree in all rows are found, and what depends on them alone is computed
    once. Observables that take the state vector are read from the same states where they can.
    """
    if not len(rows):
        return np.empty((0, len(question.observables)))
    observed, by_row = question.observed(), differing(rows)
    row_columns = by_row.tolist()
    alone = [evaluator(one, row_columns, len(rows), method) for one in observed]
    states = {i: planned for i, planned in enumerate(alone) if isinstance(planned, StateVector)}
    out = np.empty((len(rows), len(observed)))
    joint = join([observed[i] for i in states], list(states.values()), row_columns)
    if joint is not None:
        out[:, list(states)] = _values(joint, rows, by_row, question.dtype, question.device)
    for i, planned in enumerate(alone):
        if joint is None or i not in states:
            out[:, i] = _values(planned, rows, by_row, question.dtype, question.device)
    return out


def _values(
    planned: Evaluator | JointStateVector,
    rows: NDArray[np.float64],
    by_row: NDArray[np.bool_],
    dtype: Dtype,
    device: Device,
) -> NDArray[np.float64]:
    kind = getattr(torch, dtype)
    size = chunk_size(planned.numbers_per_row(), kind, device)
    shared = torch.from_numpy(np.array(rows[:1, ~by_row].reshape(-1))).to(device, kind)
    with torch.inference_mode():
        function = planned.fix(shared)
    places = np.flatnonzero(by_row)
    together = len(places) > 0 and places[-1] - places[0] + 1 == len(places)
    some = rows[:, places[0] : places[-1] + 1] if together else rows[:, by_row]  # a view, if it can
    return in_chunks(function, some, kind, size, device)


def differing(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns of `(n_rows, n_parameters)` are not the same in all rows."""
    return np.asarray((rows != rows[:1]).any(axis=0))
