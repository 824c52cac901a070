"""The exact engine as Qiskit's estimator primitive."""

from collections.abc import Iterable
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike

from qrec.backends.exact.machine.chunks import chunk_size, in_chunks
from qrec.backends.exact.method import Method, evaluator
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Dtype, ObservedProgram, Question


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
    ) -> None:
        self._noise, self._dtype, self._method = noise, dtype, method

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
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
        for index, observed in enumerate(question.observed()):
            some = rows[which == index]
            values[which == index] = _evaluate(observed, some, self._dtype, self._method)
        evs = values.reshape(shape)
        return PubResult(DataBin(evs=evs, stds=np.zeros(shape), shape=shape))


def evaluate(
    question: Question, rows: NDArray[np.float64], method: Method | None = None
) -> NDArray[np.float64]:
    """Return the expectation values `(n_rows, n_observables)` at rows `(n_rows, n_parameters)`.

    Parameters that agree in all rows are found, and what depends on them alone is computed
    once.
    """
    columns = [_evaluate(o, rows, question.dtype, method) for o in question.observed()]
    return np.column_stack(columns)


def _evaluate(
    observed: ObservedProgram, rows: NDArray[np.float64], dtype: Dtype, method: Method | None
) -> NDArray[np.float64]:
    by_row, kind = differing(rows), getattr(torch, dtype)
    planned = evaluator(observed, by_row.tolist(), len(rows), method)
    shared = torch.from_numpy(np.array(rows[:1, ~by_row].reshape(-1))).to(kind)
    with torch.inference_mode():
        function = planned.fix(shared)
    return in_chunks(function, rows[:, by_row], kind, chunk_size(planned.numbers_per_row(), kind))


def differing(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns of `(n_rows, n_parameters)` are not the same in all rows."""
    return np.asarray((rows != rows[:1]).any(axis=0))
