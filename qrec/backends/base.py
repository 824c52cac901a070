"""The one abstraction that every simulator and every QPU stands behind."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import PassManager, Target

from qrec.backends.device.snapshots import Snapshot
from qrec.backends.readings import read
from qrec.backends.workload import Reading, Workload
from qrec.config import Spec
from qrec.errors import ConfigError, PaidError, QrecError

Raw = dict[str, NDArray[Any]]  # what the backend returned for one workload, as it returned it
Advance = Callable[[int, int], None]  # evaluations done, of how many

_POLL_SECONDS = 2.0


class BackendSpec(Spec):
    """Base of the settings of backends: what stands in backends.yaml, and in a run's record.

    A kind adds its own, and ``kind: str``.
    """

    ALLOWANCES: ClassVar[tuple[str, ...]] = ("max_qpu_seconds", "max_executions")
    """Fields that say how much may be spent, and change nothing that is computed."""

    name: str


@dataclass(frozen=True, eq=False)
class Unit:
    """One workload as it is sent: its ISA circuit, with measurements where shots are taken."""

    workload: Workload
    circuit: QuantumCircuit

    @property
    def observables(self) -> list[SparseObservable]:
        """The workload's observables on the qubits of the circuit that is sent."""
        observables, layout = self.workload.observable_list, self.circuit.layout
        if layout is None or self.workload.isa or self.circuit is self.workload.circuit:
            return observables
        return [observable.apply_layout(layout) for observable in observables]


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


@dataclass(frozen=True)
class Permit:
    """Leave to send what costs: the jobs of these uids, and no others.

    A submission makes one after its budget is checked and the user has said yes; nothing else
    in qrec does.
    """

    uids: frozenset[str]


class Standing(NamedTuple):
    """How a job stands: its state and, where it failed, why."""

    state: str
    reason: str


class Backend(ABC):
    """A place where workloads are evaluated.

    Units are sent as one job under the caller's unique id, found by it, polled and collected;
    what is collected can be stored as it came and decoded long after. `run` goes this way for
    whoever just wants the numbers. Ids and states are strings; a state is one of QUEUED,
    RUNNING, DONE, FAILED, CANCELLED. Where `costs` is true nothing is sent without a permit.

    A kind names its settings, `Spec`, and is made from them. Its own part of `send` is `_send`,
    of `estimator` and `sampler` `_make_estimator` and `_make_sampler`.
    """

    Spec: ClassVar[type[BackendSpec]]
    packages: ClassVar[tuple[str, ...]] = ()  # whose versions the numbers hang on

    def __init__(self, spec: BackendSpec) -> None:
        self.spec = spec
        self.name = spec.name
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
    def is_local(self) -> bool:
        """Whether jobs live and die with this process."""
        return False

    @property
    def costs(self) -> bool:
        """Whether what is sent here is paid for, so that a permit is needed; False only where
        it surely is not. What is not in this process counts as paid unless a kind says no.
        """
        return not self.is_local

    @property
    def answers_at_once(self) -> bool:
        """Whether values come exact and free, so that no job and no storing is needed for them."""
        return self.shots is None and not self.costs

    @property
    def max_qpu_seconds(self) -> float | None:
        """QPU time that all jobs in a ledger may take together; None where none is used."""
        return None

    @property
    def max_executions(self) -> int | None:
        """Executions that all jobs in a ledger may take together; None for no bound."""
        return None

    @property
    def device(self) -> str:
        """What is paid for: entries of one device share its budget and its rate limit."""
        return self.name

    def account_seconds(self) -> float | None:
        """Return the QPU time that the account has left; None where nobody can say."""
        return None

    @property
    def self_test_executions(self) -> int:
        """Executions paid for once, at most, before those of this process's first job."""
        return 0

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

    def estimator(self) -> BaseEstimatorV2:
        """Return this backend as Qiskit's estimator primitive; it takes ISA circuits.

        Raises PaidError where the backend costs, ConfigError where it has none.
        """
        self._check_free("its estimator is not handed out")
        return self._make_estimator()

    def sampler(self) -> BaseSamplerV2:
        """Return this backend as Qiskit's sampler primitive; raises as `estimator` does."""
        self._check_free("its sampler is not handed out")
        return self._make_sampler()

    @property
    def pinned(self) -> Snapshot | None:
        """The device as this backend computes with it, read when first asked for; None without.

        Target, noise, cost and record all come from it.
        """
        return self._pinned

    def pin(self, snapshot: Snapshot) -> None:
        """Compute with this snapshot from now on, as when a run is taken up again."""
        self._pinned = snapshot

    def snapshot(self) -> dict[str, Any]:
        """Return what must be recorded to repeat a run here: settings, versions, device."""
        found: dict[str, Any] = {"spec": self.spec.model_dump(mode="json")}
        if self.packages:
            found["packages"] = {name: version(name) for name in self.packages}
        if self.pinned is not None:
            found["snapshot"] = self.pinned.summary()
        return found

    @abstractmethod
    def prepare(self, workloads: Sequence[Workload]) -> list[Unit]:
        """Turn workloads into what is sent, one unit each."""

    def cut(self, unit: Unit) -> list[Unit]:
        """Return a unit in pieces of as many evaluations as one job takes.

        One that fits stays as it is; a piece has a key of its own, so that its shots are its own.
        """
        size = self.limits.evaluations or len(unit.workload) or 1
        return [
            rows_of(unit, start, start + size)
            for start in range(0, max(len(unit.workload), 1), size)
        ]

    def estimate(self, units: Sequence[Unit]) -> Estimate:
        """Return what a list of units asks when it is sent as one job."""
        evaluations = sum(len(unit.workload) for unit in units)
        return Estimate(len(units), evaluations, evaluations * (self.shots or 0))

    def send(
        self,
        units: Sequence[Unit],
        uid: str,
        run: str = "",
        permit: Permit | None = None,
        qpu_seconds: float | None = None,
    ) -> str:
        """Send units as one job that can be found by `uid`; return the job's id.

        `run` names the run it belongs to; `qpu_seconds` is what the job is thought to take,
        where that is not what `estimate` says: see `ran_too_long`. Raises PaidError where the
        backend costs and `permit` does not name the uid, RejectedError where nothing was
        accepted, BusyError where it may be later, UnknownOutcomeError where only `find` can tell.
        """
        if permit is None or uid not in permit.uids:
            self._check_free("nothing was sent")
        return self._send(units, uid, run, qpu_seconds)

    @abstractmethod
    def find(self, uid: str) -> str | None:
        """Return the id of the job sent under `uid`, or None."""

    @abstractmethod
    def poll(self, job_id: str) -> str:
        """Return the state of a job."""

    def reason(self, job_id: str) -> str:
        """Return why a job failed, in the backend's words."""
        return ""

    def standings(self, run: str) -> dict[str, Standing]:
        """Return how the jobs of a run stand, by id, as far as one question tells.

        Those that it leaves out are polled one by one.
        """
        return {}

    def ran_too_long(self, reason: str) -> bool:
        """Return whether a job failed for the limit of time that it was sent with."""
        return False

    def metrics(self, job_id: str) -> dict[str, Any]:
        """Return what the backend recorded of a job: time stamps, usage."""
        return {}

    @abstractmethod
    def collect(self, job_id: str) -> bytes:
        """Return what a finished job gave, as it came."""

    @abstractmethod
    def decode(self, payload: bytes, sizes: Sequence[int]) -> list[Raw]:
        """Turn what was collected into one raw result per unit; needs no connection.

        `sizes` are the units' numbers of evaluations.
        """

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Ask for a job to end; a finished one stays as it is."""

    def snapshot_at(self, moment: str) -> Snapshot | None:
        """Return the device as it was at a moment, ISO 8601; None where nobody knows."""
        return None

    def close(self) -> None:  # noqa: B027  # most backends have nothing to say
        """Say that no more jobs follow; those sent are not touched."""

    def run(self, workloads: Sequence[Workload], advance: Advance | None = None) -> list[Reading]:
        """Evaluate the workloads and wait for the readings, in the same order.

        `advance` is told after every piece how many evaluations are done, of how many. Raises
        PaidError where the backend costs, QrecError where a job fails.
        """
        self._check_free("nothing was sent")
        units = self.prepare(workloads)
        raws = self.answer(units, advance)
        return [read(unit.workload, raw) for unit, raw in zip(units, raws, strict=True)]

    def answer(self, units: Sequence[Unit], advance: Advance | None = None) -> list[Raw]:
        """Send prepared units piece by piece, wait, and return one raw result for each."""
        done, total = 0, sum(len(unit.workload) for unit in units)
        raws = []
        for unit in units:
            pieces = []
            for piece in self.cut(unit):
                pieces.append(self._answer(piece))
                done += len(piece.workload)
                if advance is not None:
                    advance(done, total)
            raws.append(joined(pieces))
        return raws

    def _answer(self, piece: Unit) -> Raw:
        job_id = self.send([piece], uuid4().hex)
        while (state := self.poll(job_id)) not in ("DONE", "FAILED", "CANCELLED"):
            time.sleep(_POLL_SECONDS)
        if state != "DONE":
            raise QrecError(f"backend {self.name!r}: job {job_id} {state}: {self.reason(job_id)}")
        [raw] = self.decode(self.collect(job_id), [len(piece.workload)])
        return raw

    @abstractmethod
    def _send(self, units: Sequence[Unit], uid: str, run: str, qpu_seconds: float | None) -> str:
        """Do what `send` says; whether it may be done has been seen to."""

    def _make_estimator(self) -> BaseEstimatorV2:
        raise ConfigError(f"backend {self.name!r} has no estimator")

    def _make_sampler(self) -> BaseSamplerV2:
        raise ConfigError(f"backend {self.name!r} has no sampler")

    def _check_free(self, refused: str) -> None:
        if self.costs:
            raise PaidError(
                f"backend {self.name!r} is no free simulator: {refused}; `qrec submit` shows what "
                "would be sent, and asks first"
            )


def rows_of(unit: Unit, start: int, stop: int) -> Unit:
    """Return a unit of the evaluations `start` to `stop`, with a key of its own.

    All of them are the unit itself.
    """
    workload = unit.workload
    if start == 0 and stop >= len(workload):
        return unit
    rows, key = workload.parameters[start:stop], f"{workload.key}/{start}"
    return replace(unit, workload=replace(workload, parameters=rows, key=key))


def joined(pieces: Sequence[Raw]) -> Raw:
    """Return the raw results of a unit's pieces, in their order, as one."""
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


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
