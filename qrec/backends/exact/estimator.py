"""The exact engine as Qiskit's estimator primitive."""

from collections.abc import Iterable
from math import prod
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.chunks import chunk_size, in_chunks
from qrec.backends.exact.device import DeviceNoise
from qrec.backends.exact.plan import Method, plan
from qrec.backends.exact.problem import read_problem

Precision = Literal["float32", "float64"]


class ExactEstimator(BaseEstimatorV2):  # type: ignore[misc]
    """Infinite-shot expectation values; any asked-for precision counts as met.

    With `noise`, circuits are those of a device: its gates on its qubits, as its pass manager
    gives them; without, any circuit of gates.
    """

    def __init__(
        self,
        noise: DeviceNoise | None = None,
        dtype: Precision = "float64",
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
        values = np.empty(len(rows))
        for index, observable in enumerate(observables.ravel()):
            values[which == index] = evaluate(
                pub.circuit, observable, rows[which == index], noise=self._noise,
                dtype=self._dtype, method=self._method,
            )  # fmt: skip
        evs = values.reshape(shape)
        return PubResult(DataBin(evs=evs, stds=np.zeros(shape), shape=shape))


def evaluate(
    circuit: QuantumCircuit,
    observable: SparseObservable,
    rows: NDArray[np.float64],
    parameters: Iterable[Parameter] | None = None,
    noise: DeviceNoise | None = None,
    *,
    dtype: Precision = "float64",
    method: Method | None = None,
) -> NDArray[np.float64]:
    """Return the expectation value of every parameter row `(n_rows, n_parameters)`.

    `parameters` names the columns, by default ``circuit.parameters``. Parameters that agree
    in all rows are found, and what depends on them alone is computed once.
    """
    problem = read_problem(circuit, observable, noise, parameters)
    by_row = differing(rows)
    planned = plan(problem, by_row.tolist(), len(rows), method)
    kind = getattr(torch, dtype)
    shared = torch.from_numpy(np.array(rows[:1, ~by_row].reshape(-1))).to(kind)
    with torch.inference_mode():
        function = planned.fix(shared)
    return in_chunks(function, rows[:, by_row], kind, chunk_size(planned.numbers_per_row(), kind))


def differing(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns of `(n_rows, n_parameters)` are not the same in all rows."""
    return np.asarray((rows != rows[:1]).any(axis=0))
