"""What one device of IBM Quantum is asked; with its neighbours in this folder the only module
that touches the runtime client's internals.

Jobs are asked for by the account and their id alone: a device that is gone from the list,
renamed or without properties keeps none of its results back.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit_ibm_runtime import Batch, IBMBackend, QiskitRuntimeService, Session
from qiskit_ibm_runtime.api.client import RuntimeClient
from qiskit_ibm_runtime.decoders.defaults import DEFAULT_DECODERS
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_estimator.prepare import prepare as prepare_estimator
from qiskit_ibm_runtime.executor_sampler import Sampler
from qiskit_ibm_runtime.executor_sampler.prepare import prepare as prepare_sampler
from qiskit_ibm_runtime.options_models import EstimatorOptions, SamplerOptions
from qiskit_ibm_runtime.utils.backend_decoder import filter_raw_configuration

from qrec.backends.ibm.account import account, clients, devices, of_job
from qrec.backends.said import said
from qrec.errors import BusyError, ConfigError, RejectedError, UnknownJobError, UnknownOutcomeError

Mode: TypeAlias = Literal["batch", "session", "job"]
Options: TypeAlias = SamplerOptions | EstimatorOptions
T = TypeVar("T")
_PAGE, _MOST_PAGES = 50, 20
_STATES = {
    "QUEUED": "QUEUED",
    "RUNNING": "RUNNING",
    "COMPLETED": "DONE",
    "FAILED": "FAILED",
    "CANCELLED": "CANCELLED",
}
_RAN_TOO_LONG = 1305  # the reason code of a job cancelled by its own max_execution_time


class JobState(NamedTuple):
    """A job as the service lists it."""

    id: str
    state: str
    reason: str  # the service's word on it
    tags: tuple[str, ...]
    created: str


class Sent(NamedTuple):
    """What a job was sent with."""

    tags: tuple[str, ...]
    n_pubs: int


class DeviceState(NamedTuple):
    """A device as the service lists it."""

    name: str
    status: str
    qubits: int
    pending_jobs: int


class IbmService:
    """One device of IBM Quantum, through the account's connection.

    Raises what `Account` raises, and UnknownJobError for a job that the service does not know.
    """

    def __init__(
        self, device: str, mode: Mode = "batch", calibration_id: str | None = None
    ) -> None:
        self.name = device
        self._mode = mode
        self._calibration_id = calibration_id
        self._connected: tuple[QiskitRuntimeService, IBMBackend] | None = None
        self._session: Session | None = None

    def device(self) -> IBMBackend:
        """Return the device as the runtime client presents it."""
        return self._ask("connecting", self._device)

    def calibration(self) -> dict[str, Any]:
        """Return the device's configuration and properties as the service gives them now.

        Fractional gates are left out, as the client leaves them out of a device's target.
        """

        def ask(service: QiskitRuntimeService) -> dict[str, Any]:
            client, chosen = self._client(service), self._calibration_id
            return {
                "configuration": client.backend_configuration(self.name, True, chosen),
                "properties": client.backend_properties(self.name, calibration_id=chosen),
            }

        plain = _as_json(self._ask("reading the calibration", ask))
        filter_raw_configuration(plain["configuration"], use_fractional_gates=False)
        return plain

    def properties(self, moment: str) -> dict[str, Any]:
        """Return the device's properties that were valid at a moment (ISO 8601)."""

        def ask(service: QiskitRuntimeService) -> dict[str, Any]:
            when = datetime.fromisoformat(moment)
            [client, *_] = clients(service, self.name)
            return dict(client.backend_properties(self.name, datetime=when))

        return _as_json(self._ask("reading the properties at run time", ask))

    def submit(self, pubs: Sequence[Any], options: Options) -> str:
        """Send PUBs of the sampler or the estimator as one job; return the job's id.

        Raises BusyError where the connection fails before anything is sent.
        """
        primitive = Estimator if isinstance(options, EstimatorOptions) else Sampler
        try:
            mode = self._ask("connecting", self._open)
        except UnknownOutcomeError as error:
            raise BusyError(f"{error}; nothing was sent") from None

        def send(service: QiskitRuntimeService) -> str:
            # After a token was refused the connection is another.
            place = mode if self._is_of(service) else self._open(service)
            return said(primitive(mode=place, options=options).run(list(pubs)).job_id())

        return self._ask("submitting", send, sending=True)

    def close(self) -> None:
        """Tell the service that no more jobs follow; those sent are not touched."""
        session, self._session = self._session, None
        if session is not None:
            self._ask("closing the batch", lambda _: session.close())

    def jobs(self, tag: str, indexed: bool = True) -> list[JobState]:
        """Return the jobs that carry a tag, oldest first.

        The service is asked for its jobs with that tag, 1000 at most; where it is not to be
        trusted as `indexed`, since its index of tags lags, for its 50 newest jobs of any tag.
        What carries the tag is seen here, whatever the service made of the question.
        """

        def ask(service: QiskitRuntimeService) -> list[JobState]:
            pages = (page for c in self._listing(service) for page in _pages(c, tag, indexed))
            return [_job_state(job) for page in pages for job in page if tag in _tags(job)]

        found = {job.id: job for job in self._ask("looking for a job", ask)}
        return sorted(found.values(), key=lambda job: job.created)

    def job(self, job_id: str) -> JobState:
        """Return how a job stands."""
        return self._ask_of("asking for a job", job_id, lambda c: _job_state(c.job_get(job_id)))

    def sent(self, job_id: str) -> Sent:
        """Return what a job was sent with."""

        def ask(client: RuntimeClient) -> Sent:
            job = client.job_get(job_id, exclude_params=False)
            program = job["params"].get("quantum_program")  # decoded by the client
            return Sent(_tags(job), 0 if program is None else len(program.items))

        return self._ask_of("asking what a job was sent with", job_id, ask)

    def result(self, job_id: str) -> str:
        """Return the text of a finished job's result.

        Raises RejectedError where the job is known and its result is not.
        """
        return self._ask_part("fetching a result", job_id, lambda c: str(c.job_results(job_id)))

    def metrics(self, job_id: str) -> dict[str, Any]:
        """Return a job's time stamps and usage."""
        found = self._ask_part("fetching metrics", job_id, lambda c: dict(c.job_metadata(job_id)))
        return {said(key): _cleaned(value) for key, value in found.items()}

    def cancel(self, job_id: str) -> None:
        """Ask for a job to end; one that has ended stays as it is."""
        try:
            self._ask_of("cancelling", job_id, lambda c: c.job_cancel(job_id), sending=True)
        except RejectedError as error:
            if self.job(job_id).state not in ("DONE", "FAILED", "CANCELLED"):
                raise RejectedError(str(error)) from None  # the job is no unknown one

    def remaining_seconds(self) -> float | None:
        """Return the QPU time that the account's instance has left, None where it has no limit."""

        def ask(service: QiskitRuntimeService) -> dict[str, Any]:
            return dict(clients(service, self.name)[0].cloud_usage())

        return _remaining(self._ask("asking for the usage", ask))

    def _device(self, service: QiskitRuntimeService) -> IBMBackend:
        """Return the device of a connection. Raises ConfigError where the account has it not."""
        if not self._is_of(service):
            listed = [(instance, str(entry["name"])) for instance, entry in devices(service)]
            if not listed:
                raise UnknownOutcomeError(
                    f"{self.name}: the service named no device; try again later, or see that the "
                    "account's instance has one"
                )
            instances = [instance for instance, name in listed if name == self.name]
            if not instances:
                names = ", ".join(sorted({said(name) for _, name in listed}))
                raise ConfigError(f"device {self.name!r} is not among this account's: {names}")
            device = service.backend(self.name, instances[0], calibration_id=self._calibration_id)
            device.properties()
            self._connected, self._session = (service, device), None
        assert self._connected is not None
        return self._connected[1]

    def _is_of(self, service: QiskitRuntimeService) -> bool:
        return self._connected is not None and self._connected[0] is service

    def _client(self, service: QiskitRuntimeService) -> RuntimeClient:
        """Return the client of the instance that has the device."""
        return self._device(service)._api_client

    def _open(self, service: QiskitRuntimeService) -> IBMBackend | Session:
        """Return where jobs are sent: a batch or session of them, opened once, or the device."""
        device = self._device(service)
        if self._mode == "job":
            return device
        if self._session is None:
            self._session = (Batch if self._mode == "batch" else Session)(backend=device)
        return self._session

    def _listing(self, service: QiskitRuntimeService) -> list[RuntimeClient]:
        """Return the clients that list the device's jobs: one, or all where none names it."""
        found = clients(service, self.name)
        listed = service._backends_info_per_instance.get(found[0]._instance, [])
        return found[:1] if any(e.get("name") == self.name for e in listed) else found

    def _ask(
        self, doing: str, ask: Callable[[QiskitRuntimeService], T], sending: bool = False
    ) -> T:
        return account().ask(self.name, doing, ask, sending)

    def _ask_of(
        self, doing: str, job_id: str, ask: Callable[[RuntimeClient], T], sending: bool = False
    ) -> T:
        """Ask for a job, whatever instance of the account has it."""
        return self._ask(doing, lambda s: of_job(clients(s, self.name), job_id, ask), sending)

    def _ask_part(self, doing: str, job_id: str, ask: Callable[[RuntimeClient], T]) -> T:
        """Ask for a part of a job, which may be gone though the job itself is known."""
        try:
            return self._ask_of(doing, job_id, ask)
        except UnknownJobError:
            self.job(job_id)  # raises where it is the job that is not known
            raise RejectedError(
                f"{self.name}: {doing}: the service has it no more, though it knows the job "
                f"{said(job_id)}"
            ) from None


def list_devices() -> list[DeviceState]:
    """Return the account's devices, the shortest queue first."""

    def ask(service: QiskitRuntimeService) -> list[DeviceState]:
        found = {str(entry["name"]): _device_state(entry) for _, entry in devices(service)}
        return sorted(found.values(), key=lambda device: (device.pending_jobs, device.name))

    return account().ask("IBM Quantum", "listing the devices", ask)


def programmed(
    pubs: Sequence[Any], options: Options, device: BackendV2
) -> list[tuple[QuantumCircuit, int]]:
    """Return what runs for these PUBs, and how often, as the client itself prepares them."""
    if not pubs:
        return []
    prepare = prepare_estimator if isinstance(options, EstimatorOptions) else prepare_sampler
    program, _ = prepare(list(pubs), options, backend=device)
    return [(item.circuit, int(item.size()) * int(program.shots)) for item in program.items]


def decode_result(text: str) -> Any:
    """Turn the text of a result into the primitive's `PrimitiveResult`; needs no connection."""
    result: Any = text
    for decoder in DEFAULT_DECODERS["executor"]:
        if decoder.is_applicable(result):
            result = decoder.decode(result)
    return result


def _pages(client: RuntimeClient, tag: str, indexed: bool) -> Iterator[list[dict[str, Any]]]:
    """Yield the service's newest jobs, page by page.

    The client's own loop may never end. The first page is the last where the tag is not asked
    for, or where the service does not care for it.
    """
    for page in range(_MOST_PAGES):
        answer = client.jobs_get(
            limit=_PAGE, skip=page * _PAGE, job_tags=[tag] if indexed else None
        )
        yield (jobs := answer["jobs"])
        if not indexed or len(jobs) < _PAGE or any(tag not in _tags(job) for job in jobs):
            return


def _as_json(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(answer, default=str)))


def _cleaned(value: Any) -> Any:
    """Return a service's answer with every text in it fit to be stored."""
    if isinstance(value, dict):
        return {said(key): _cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return said(value) if isinstance(value, str) else value


def _job_state(job: dict[str, Any]) -> JobState:
    state = job["state"]
    name = str(state["status"]).upper()
    code = state.get("reason_code") or state.get("reasonCode")
    reason = said(state.get("reason") or "")
    if code:
        reason = said(f"error {code}: {reason}")
    known = _STATES.get(name, "QUEUED" if "QUEUE" in name else "RUNNING")
    if name == "CANCELLED" and code == _RAN_TOO_LONG:
        known = "FAILED"
    return JobState(said(job["id"]), known, reason, _tags(job), str(job.get("created") or ""))


def _tags(job: dict[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, job.get("tags") or ()))


def _device_state(entry: dict[str, Any]) -> DeviceState:
    status = entry.get("status") or {}
    return DeviceState(
        name=said(entry["name"]),
        status=said(status.get("name", "unknown")),
        qubits=int(entry.get("qubits") or 0),
        pending_jobs=max(0, int(entry.get("queue_length") or 0)),
    )


def _remaining(usage: dict[str, Any]) -> float | None:
    limit = usage.get("usage_limit_seconds") or usage.get("usage_allocation_seconds")
    if limit is None:
        return None
    return max(0.0, float(limit) - float(usage.get("usage_consumed_seconds") or 0.0))
