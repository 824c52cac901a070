"""`kind: ibm`: a QPU of IBM Quantum, asked by jobs that outlive this process."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager, Target

from qrec.backends.base import Backend, Estimate, Limits, Raw, Standing, Unit
from qrec.backends.device.snapshots import Snapshot, make_snapshot
from qrec.backends.device.transpile import Transpiler
from qrec.backends.ibm.primitives import PrimitiveSpec, primitive
from qrec.backends.ibm.versions import check_client
from qrec.backends.workload import Workload
from qrec.errors import ConfigError, RejectedError, UnknownOutcomeError

if TYPE_CHECKING:
    from qrec.backends.ibm.service import DeviceState, IbmService, Sent

LEAST_BUSY = "least_busy"  # in place of a device's name: the one with the shortest queue
RAN_TOO_LONG = 1305  # the reason code of a job cancelled by its own max_execution_time
JOB_OVERHEAD_SECONDS = 2.0  # of QPU time, before the first circuit of a job runs


class IbmSpec(PrimitiveSpec):
    """A QPU of IBM Quantum. The account comes from the environment or a saved file."""

    kind: Literal["ibm"]
    name: str = "ibm"
    device: Annotated[str, Field(pattern=r"^\w+$")]  # such as ibm_fez, or `least_busy`
    optimization_level: Annotated[int, Field(ge=0, le=3)] = 3
    seed_transpiler: Annotated[int, Field(ge=0)]  # the first of `n_transpiler_seeds`
    n_transpiler_seeds: Annotated[int, Field(ge=1)] = 4
    max_qpu_seconds: Annotated[float, Field(gt=0)]  # all jobs in the ledger together
    mode: Literal["batch", "session", "job"] = "batch"  # how the jobs of a round are sent
    calibration_id: str | None = None  # the calibration to transpile for and run on


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
    def device(self) -> str:
        return self.pinned.name if self._spec.device == LEAST_BUSY else self._spec.device

    @property
    def pinned(self) -> Snapshot:
        if self._pinned is None:
            service = self._service
            if service.name == LEAST_BUSY:
                service = self._connect(least_busy_device())
            where = f"the service, of {service.name}"
            self._pinned = make_snapshot(**service.calibration(), where=where)
        return self._pinned

    def pin(self, snapshot: Snapshot) -> None:
        super().pin(snapshot)
        if self._spec.device == LEAST_BUSY:  # the one that was, when the run began
            self._connect(snapshot.name)

    @property
    def target(self) -> Target:
        return self.pinned.device.target

    def pass_manager(self) -> PassManager:
        return self._transpiler.pass_manager()

    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        circuits = [self._primitive.circuit(w) for w in workloads]
        return [
            Unit(w, circuit if w.isa else self._transpiler.run([circuit])[0])
            for w, circuit in zip(workloads, circuits, strict=True)
        ]

    def estimate(self, units: Sequence[Unit]) -> Estimate:
        check_client()
        from qrec.backends.ibm.service import programmed

        pubs, options = [self._primitive.pub(unit) for unit in units], self._primitive.options()
        seconds, executions = JOB_OVERHEAD_SECONDS, 0
        for circuit, n in programmed(pubs, options, self.pinned.device):
            executions += n
            seconds += n * self._seconds_each(circuit)
        evaluations = sum(len(unit.workload) for unit in units)
        return Estimate(len(units), evaluations, executions, seconds)

    def _send(self, units: Sequence[Unit], uid: str, run: str, qpu_seconds: float | None) -> str:
        options = self._primitive.options()
        options.environment.job_tags = [tag for tag in (uid, run) if tag]
        # The hard stop: half as much again as predicted, for predictions are no promises.
        expected = self.estimate(units).qpu_seconds if qpu_seconds is None else qpu_seconds
        options.max_execution_time = math.ceil(1.5 * expected) + 5
        return self._service.submit([self._primitive.pub(unit) for unit in units], options)

    def find(self, uid: str) -> str | None:
        """Return the oldest live job sent under `uid`; any other live one is cancelled.

        Where none lives, the oldest that ended. The service's index of tags may lag behind by
        seconds: its newest jobs are looked through too, and what carries the uid counts.
        """
        listed = [*self._service.jobs(uid), *self._service.jobs(uid, indexed=False)]
        jobs = sorted({job.id: job for job in listed}.values(), key=lambda job: job.created)
        live = [job for job in jobs if job.state not in ("FAILED", "CANCELLED")]
        for spare in live[1:]:
            self.cancel(spare.id)
        return next((job.id for job in (*live, *jobs)), None)

    def poll(self, job_id: str) -> str:
        return self._service.job(job_id).state

    def reason(self, job_id: str) -> str:
        return self._service.job(job_id).reason

    def standings(self, run: str) -> dict[str, Standing]:
        return {job.id: Standing(job.state, job.reason) for job in self._service.jobs(run)}

    def sent(self, job_id: str) -> "Sent":
        """Return what a job was sent with: its tags and how many PUBs."""
        return self._service.sent(job_id)

    def account_seconds(self) -> float | None:
        """Return the QPU time that the account's instance has left; None where it has no limit."""
        return self._service.remaining_seconds()

    def ran_too_long(self, reason: str) -> bool:
        return reason.startswith(f"error {RAN_TOO_LONG}")

    def collect(self, job_id: str) -> bytes:
        """Return the text of a finished job's result, whatever it is: `decode` tells."""
        return self._service.result(job_id).encode()

    def decode(self, payload: bytes, sizes: Sequence[int]) -> list[Raw]:
        check_client()
        from qrec.backends.ibm.service import decode_result

        results = list(decode_result(payload.decode()))
        return [
            self._primitive.raw(result, size) for result, size in zip(results, sizes, strict=True)
        ]

    def metrics(self, job_id: str) -> dict[str, Any]:
        return self._service.metrics(job_id)

    def snapshot_at(self, moment: str) -> Snapshot:
        """Return the device as it was; raises RejectedError where nobody can say any more."""
        properties = self._service.properties(moment)
        where = f"the service, of {self._service.name} at {moment}"
        try:
            return make_snapshot(self.pinned.configuration, properties, where)
        except ConfigError as error:  # results do not wait for properties that are no longer kept
            raise RejectedError(str(error)) from None

    def cancel(self, job_id: str) -> None:
        self._service.cancel(job_id)

    def close(self) -> None:
        self._service.close()

    @property
    def _service(self) -> "IbmService":
        return self._connection or self._connect(self._spec.device)

    def _connect(self, device: str) -> "IbmService":
        check_client()
        from qrec.backends.ibm.service import IbmService

        self._connection = IbmService(device, self._spec.mode, self._spec.calibration_id)
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


def devices() -> "list[DeviceState]":
    """Return the devices of the account, the shortest queue first."""
    check_client()
    from qrec.backends.ibm.service import list_devices

    return list_devices()


def least_busy_device() -> str:
    """Return the name of the device with the shortest queue among those that take jobs.

    Raises UnknownOutcomeError where there is none.
    """
    found = devices()
    online = [device.name for device in found if device.status == "online"]
    if not online:
        named = ", ".join(f"{device.name} ({device.status})" for device in found) or "none"
        raise UnknownOutcomeError(f"least_busy: no device of the account is online; found {named}")
    return online[0]


BACKEND = IbmBackend
