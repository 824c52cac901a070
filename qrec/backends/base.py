"""The one abstraction that every simulator and every QPU stands behind."""

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.transpiler import PassManager, Target

from qrec.backends.device.snapshots import Snapshot
from qrec.backends.readings import read
from qrec.backends.workload import Reading, Workload
from qrec.config import Spec
from qrec.seeds import child_seed

Raw = dict[str, NDArray[Any]]  # what the backend returned for one workload, as it returned it


@dataclass(frozen=True, eq=False)
class Unit:
    """One workload as it is sent: its ISA circuit, with measurements where shots are taken."""

    workload: Workload
    circuit: QuantumCircuit


@dataclass(frozen=True)
class Estimate:
    """What a list of units asks of a backend."""

    pubs: int
    evaluations: int
    executions: int  # circuits times shots; 0 where nothing is sampled
    qpu_seconds: float = 0.0  # predicted; 0 where no QPU is used


@dataclass(frozen=True)
class Limits:
    """How much may go into one job, and how many jobs may be sent; None is no limit."""

    pubs: int | None = None
    evaluations: int | None = None
    executions: int | None = None
    qpu_seconds: float | None = None
    payload_bytes: int | None = None  # of parameter values
    jobs_per_minute: int | None = None


class Backend(ABC):
    """A place where workloads are evaluated.

    The seven calls `snapshot`, `prepare`, `submit`, `find`, `poll`, `fetch` and `cancel` are
    what a detached job needs; `run` goes through them for whoever just wants the numbers.
    Ids and states are strings; a state is one of QUEUED, RUNNING, DONE, FAILED, CANCELLED.
    Where several units make one job, `send`, `collect` and `decode` stand for `submit` and
    `fetch`: what is collected can be stored as it came and decoded long after.
    """

    is_local = False  # whether jobs live and die with this process

    def __init__(self, spec: Spec, name: str) -> None:
        self.spec = spec
        self.name = name
        self._pinned: Snapshot | None = None

    def __sklearn_clone__(self) -> "Backend":
        return self  # a simulator is built once per process

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    @abstractmethod
    def shots(self) -> int | None:
        """Shots per evaluation; None where values are exact."""

    @property
    def costs(self) -> bool:
        """Whether shots here are paid for, so that none may be taken without being asked."""
        return not self.is_local

    @property
    def max_qpu_seconds(self) -> float | None:
        """QPU time that all jobs in a ledger may take together; None where none is used."""
        return None

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """How much may go into one job."""

    @property
    @abstractmethod
    def target(self) -> Target | None:
        """What circuits are transpiled to; None where any circuit can run as it is."""

    @abstractmethod
    def pass_manager(self) -> PassManager | None:
        """Return the transpiler this backend's ISA circuits come from."""

    @abstractmethod
    def estimator(self) -> BaseEstimatorV2:
        """Return this backend as Qiskit's estimator primitive."""

    @abstractmethod
    def sampler(self) -> BaseSamplerV2:
        """Return this backend as Qiskit's sampler primitive."""

    @property
    def pinned(self) -> Snapshot | None:
        """The device as this backend computes with it, read when first asked for; None without.

        Target, noise, cost and record all come from it.
        """
        return self._pinned

    def pin(self, snapshot: Snapshot) -> None:
        """Compute with this snapshot from now on, as when a run is taken up again."""
        self._pinned = snapshot

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """Return what must be recorded to repeat a run here: settings, versions, device."""

    @abstractmethod
    def prepare(self, workloads: Sequence[Workload]) -> tuple[list[Unit], Estimate]:
        """Turn workloads into what is sent, one unit each, and say how much it asks."""

    def estimate(self, units: Sequence[Unit]) -> Estimate:
        """Return what a list of units asks when it is sent as one job."""
        evaluations = sum(len(unit.workload) for unit in units)
        return Estimate(len(units), evaluations, evaluations * (self.shots or 0))

    @abstractmethod
    def send(self, units: Sequence[Unit], uid: str, run: str) -> str:
        """Send units as one job that can be found by `uid`; return the job's id.

        `run` names the run it belongs to. Raises RejectedError where nothing was accepted,
        BusyError where it may be later, UnknownOutcomeError where only `find` can tell.
        """

    @abstractmethod
    def collect(self, job_id: str) -> bytes:
        """Return what a finished job gave, as it came."""

    @abstractmethod
    def decode(self, payload: bytes, sizes: Sequence[int]) -> list[Raw]:
        """Turn what was collected into one raw result per unit; needs no connection.

        `sizes` are the units' numbers of evaluations.
        """

    @abstractmethod
    def submit(self, unit: Unit, uid: str) -> str:
        """Send a unit under the caller's unique id; return the job's id."""

    @abstractmethod
    def find(self, uid: str) -> str | None:
        """Return the id of the job sent under `uid`, or None."""

    @abstractmethod
    def poll(self, job_id: str) -> str:
        """Return the state of a job."""

    def reason(self, job_id: str) -> str:
        """Return why a job failed, in the backend's words."""
        return ""

    def metrics(self, job_id: str) -> dict[str, Any]:
        """Return what the backend recorded of a job: time stamps, usage."""
        return {}

    def snapshot_at(self, moment: str) -> Snapshot | None:
        """Return the device as it was at a moment, ISO 8601; None where nobody knows."""
        return None

    def close(self) -> None:  # noqa: B027  # most backends have nothing to say
        """Say that no more jobs follow; those sent are not touched."""

    @abstractmethod
    def fetch(self, job_id: str) -> Raw:
        """Return what the job gave, as it gave it."""

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Ask for a job to end; a finished one stays as it is."""

    def run(self, workloads: Sequence[Workload]) -> list[Reading]:
        """Evaluate the workloads and wait for the readings, in the same order."""
        units, _ = self.prepare(workloads)
        jobs = [self.submit(unit, f"{unit.workload.key}/{i}") for i, unit in enumerate(units)]
        raws = [self.fetch(job) for job in jobs]
        return [read(unit.workload, raw) for unit, raw in zip(units, raws, strict=True)]


class LocalBackend(Backend):
    """A backend in this process: a job is done when `submit` returns."""

    is_local = True

    @property
    def limits(self) -> Limits:
        """One unit at a time: so little that progress shows, so much that calls cost nothing."""
        return Limits(pubs=1, evaluations=4096 if self.shots is None else 64)

    def __init__(self, spec: Spec, name: str) -> None:
        super().__init__(spec, name)
        self._results: dict[str, list[Raw]] = {}

    @abstractmethod
    def _execute(self, unit: Unit) -> Raw: ...

    def submit(self, unit: Unit, uid: str) -> str:
        return self.send([unit], uid, "")

    def send(self, units: Sequence[Unit], uid: str, run: str) -> str:
        self._results[uid] = [self._execute(unit) for unit in units]
        return uid

    def collect(self, job_id: str) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **dict[str, Any](named_arrays(self._results.pop(job_id))))
        return buffer.getvalue()

    def decode(self, payload: bytes, sizes: Sequence[int]) -> list[Raw]:
        with np.load(io.BytesIO(payload)) as stored:
            return raws_of(stored)

    def find(self, uid: str) -> str | None:
        return uid if uid in self._results else None

    def poll(self, job_id: str) -> str:
        return "DONE" if job_id in self._results else "CANCELLED"

    def fetch(self, job_id: str) -> Raw:
        [raw] = self._results.pop(job_id)
        return raw

    def cancel(self, job_id: str) -> None:
        self._results.pop(job_id, None)


def named_arrays(raws: Sequence[Raw]) -> Raw:
    """Return raw results as arrays to store together: ``<workload>.<field>`` for each field."""
    return {f"{i}.{name}": array for i, raw in enumerate(raws) for name, array in raw.items()}


def raws_of(stored: Mapping[str, NDArray[Any]]) -> list[Raw]:
    """Return the raw results that `named_arrays` named."""
    raws: dict[int, Raw] = {}
    for key, array in stored.items():
        index, name = key.split(".", 1)
        raws.setdefault(int(index), {})[name] = array
    return [raws[index] for index in sorted(raws)]


def workload_seed(seed: int, workload: Workload) -> int:
    """Return the seed of one workload's shots: its own, whatever runs beside it."""
    return child_seed(seed, "shots", workload.key) & np.iinfo(np.int32).max
