"""The exact engine as Qiskit's estimator primitive."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.quantum_info import SparseObservable

from qrec.backends.exact.observable import read_observable
from qrec.backends.exact.program import Program, read_circuit
from qrec.backends.exact.statevector import expectation

_AMPLITUDES_AT_ONCE = 2**22  # of one chunk of rows: 64 MB in complex128


class ExactEstimator(BaseEstimatorV2):  # type: ignore[misc]
    """Infinite-shot expectation values in float64; any asked-for precision is met."""

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        coerced = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        job = PrimitiveJob(lambda: PrimitiveResult([_evaluate(pub) for pub in coerced]))
        job._submit()
        return job


def _evaluate(pub: EstimatorPub) -> PubResult:
    program = read_circuit(pub.circuit)
    rows = pub.parameter_values.as_array(pub.circuit.parameters)
    observables = np.asarray(pub.observables.sparse_observables_array())
    shape = np.broadcast_shapes(observables.shape, rows.shape[:-1])
    rows = np.broadcast_to(rows, (*shape, rows.shape[-1])).reshape(-1, rows.shape[-1])
    which = np.broadcast_to(np.arange(observables.size).reshape(observables.shape), shape).ravel()
    values = np.empty(len(rows))
    for index, observable in enumerate(observables.ravel()):
        chosen = which == index
        values[chosen] = evaluate(program, observable, rows[chosen])
    return PubResult(DataBin(evs=values.reshape(shape), stds=np.zeros(shape), shape=shape))


def evaluate(
    program: Program, observable: SparseObservable, rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the expectation value of every parameter row, `(n_rows,)`, in bounded memory."""
    dense = read_observable(observable)
    shared = (rows == rows[:1]).all(axis=0) if len(rows) else np.ones(rows.shape[1], bool)
    values = np.empty(len(rows))
    step = max(1, _AMPLITUDES_AT_ONCE >> program.n_qubits)
    with torch.inference_mode():
        for start in range(0, len(rows), step):
            chunk = torch.from_numpy(np.ascontiguousarray(rows[start : start + step].T))
            columns = [c[0] if s else c for c, s in zip(chunk, shared, strict=True)]
            values[start : start + step] = expectation(program, dense, columns)
    return values
