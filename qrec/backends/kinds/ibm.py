"""`kind: ibm`: a QPU of IBM Quantum, asked by jobs that outlive this process."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager, Target

from qrec.backends.base import Backend, Estimate, Limits, Raw, Unit
from qrec.backends.device.snapshots import Snapshot, make_snapshot
from qrec.backends.device.transpile import Transpiler
from qrec.backends.ibm.primitives import PrimitiveSpec, primitive
from qrec.backends.workload import Workload
from qrec.errors import RejectedError, UnknownOutcomeError

if TYPE_CHECKING:
    from qrec.backends.ibm.service import IbmService

JOB_OVERHEAD_SECONDS = 2.0  # of QPU time, before the first circuit of a job runs


class IbmSpec(PrimitiveSpec):
    """A QPU of IBM Quantum. The account comes from the environment or a saved file."""

    kind: Literal["ibm"]
    name: str = "ibm"
    device: Annotated[str, Field(pattern=r"^\w+$")]  # such as ibm_fez
    optimization_level: Annotated[int, Field(ge=0, le=3)] = 3
    seed_transpiler: Annotated[int, Field(ge=0)]  # the first of `n_transpiler_seeds`
    n_transpiler_seeds: Annotated[int, Field(ge=1)] = 4
    max_qpu_seconds: Annotated[float, Field(gt=0)]  # all jobs in the ledger together


class IbmBackend(Backend):
    """A device of IBM Quantum through the runtime client's executor-based primitives.

    With a `resilience_level` it is the estimator and gives values, without it the sampler.
    Nothing is asked of the service before it is needed: reading stored results needs none.
    """

    Spec = IbmSpec

    def __init__(self, spec: IbmSpec) -> None:
        super().__init__(spec)
        self._spec = spec
        self._primitive = primitive(spec)
        self._connection: IbmService | None = None

    @property
    def shots(self) -> int:
        return self._spec.shots

    @property
    def limits(self) -> Limits:
        """What the service takes; and ten minutes, so that a failure loses no more."""
        return Limits(
            executions=10_000_000, qpu_seconds=600.0, payload_bytes=40_000_000, jobs_per_minute=5
        )

    @property
    def max_qpu_seconds(self) -> float:
        return self._spec.max_qpu_seconds

    @property
    def pinned(self) -> Snapshot:
        if self._pinned is None:
            where = f"the service, of {self._spec.device}"
            self._pinned = make_snapshot(**self._service.calibration(), where=where)
        return self._pinned

    @property
    def target(self) -> Target:
        return self.pinned.device.target

    def pass_manager(self) -> PassManager:
        return self._transpiler.pass_manager()

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        isa = self._transpiler.run([self._primitive.circuit(w) for w in workloads])
        return [Unit(*pair) for pair in zip(workloads, isa, strict=True)]

    def estimate(self, units: Sequence[Unit]) -> Estimate:
        from qrec.backends.ibm.service import programmed

        pubs, options = [self._primitive.pub(unit) for unit in units], self._primitive.options()
        seconds, executions = JOB_OVERHEAD_SECONDS, 0
        for circuit, n in programmed(pubs, options, self.pinned.device):
            executions += n
            seconds += n * self._seconds_each(circuit)
        evaluations = sum(len(unit.workload) for unit in units)
        return Estimate(len(units), evaluations, executions, seconds)

    def _send(self, units: Sequence[Unit], uid: str, run: str) -> str:
        options = self._primitive.options()
        options.environment.job_tags = [tag for tag in (uid, run) if tag]
        # The hard stop: half as much again as predicted, for predictions are no promises.
        options.max_execution_time = math.ceil(1.5 * self.estimate(units).qpu_seconds) + 5
        return self._service.submit([self._primitive.pub(unit) for unit in units], options)

    def find(self, uid: str) -> str | None:
        """Return the oldest live job sent under `uid`; any other live one is cancelled."""
        jobs = self._service.jobs(uid)
        live = [job for job, state in jobs if state not in ("FAILED", "CANCELLED")]
        for spare in live[1:]:
            self.cancel(spare)
        return next((job for job in (*live, *(job for job, _ in jobs))), None)

    def poll(self, job_id: str) -> str:
        return self._service.state(job_id)[0]

    def reason(self, job_id: str) -> str:
        return self._service.state(job_id)[1]

    def collect(self, job_id: str) -> bytes:
        """Return the text of a finished job's result.

        Raises UnknownOutcomeError where what came cannot be read; the job keeps its result.
        """
        payload = self._service.result(job_id).encode()
        try:
            self.decode(payload)
        except Exception as error:
            # Whatever is wrong with the text, the decoder fails in its own way.
            raise UnknownOutcomeError(
                f"{self.name}: job {job_id}: the result that came cannot be read "
                f"({type(error).__name__}); fetch it again"
            ) from None
        return payload

    def decode(self, payload: bytes, sizes: Sequence[int] | None = None) -> list[Raw]:
        from qrec.backends.ibm.service import decode_result

        results = list(decode_result(payload.decode()))
        return [
            self._primitive.raw(result, size)
            for result, size in zip(results, sizes or [1] * len(results), strict=True)
        ]

    def metrics(self, job_id: str) -> dict[str, Any]:
        return self._service.metrics(job_id)

    def snapshot_at(self, moment: str) -> Snapshot:
        properties = self._service.properties(moment)
        where = f"the service, of {self._spec.device} at {moment}"
        return make_snapshot(self.pinned.configuration, properties, where)

    def cancel(self, job_id: str) -> None:
        try:
            self._service.cancel(job_id)
        except RejectedError:
            if self.poll(job_id) not in ("DONE", "FAILED", "CANCELLED"):
                raise

    def close(self) -> None:
        self._service.close()

    @property
    def _service(self) -> "IbmService":
        if self._connection is None:
            from qrec.backends.ibm.service import IbmService

            self._connection = IbmService(self._spec.device)
        return self._connection

    def _seconds_each(self, circuit: QuantumCircuit) -> float:
        """Return the time one execution takes, with the pause before the next."""
        return self.pinned.rep_delay + float(circuit.estimate_duration(self.target, unit="s"))

    @property
    def _transpiler(self) -> Transpiler:
        spec = self._spec
        return Transpiler(
            self.pinned, spec.optimization_level, spec.seed_transpiler, spec.n_transpiler_seeds
        )


BACKEND = IbmBackend
