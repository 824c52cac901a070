"""The connection to IBM Quantum: the only module that touches the runtime client's internals.

Facts about qiskit-ibm-runtime 0.51 that it answers to: a GET has no read time-out and a POST
one of 900 s; a POST is sent again after some 5xx answers; the status code is lost from the
error of a failed submission; `jobs` loops for ever when the service's count is off.
"""

import json
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import qiskit_ibm_runtime.api.client as client_module
from qiskit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit_ibm_runtime import Batch, IBMBackend, QiskitRuntimeService
from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError, InvalidAccountError
from qiskit_ibm_runtime.api.session import RetrySession
from qiskit_ibm_runtime.decoders.defaults import DEFAULT_DECODERS
from qiskit_ibm_runtime.exceptions import IBMNotAuthorizedError
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_estimator.prepare import prepare as prepare_estimator
from qiskit_ibm_runtime.executor_sampler import Sampler
from qiskit_ibm_runtime.executor_sampler.prepare import prepare as prepare_sampler
from qiskit_ibm_runtime.options_models import EstimatorOptions, SamplerOptions
from qiskit_ibm_runtime.utils.backend_decoder import filter_raw_configuration
from requests import RequestException, Response
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from qrec.errors import (
    BusyError,
    ConfigError,
    MissingError,
    QrecError,
    RejectedError,
    UnknownOutcomeError,
)

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
_REJECTED = (400, 403, 404, 409, 413, 422)
_STATES = {
    "QUEUED": "QUEUED",
    "RUNNING": "RUNNING",
    "COMPLETED": "DONE",
    "FAILED": "FAILED",
    "CANCELLED": "CANCELLED",
}
_RAN_TOO_LONG = 1305  # the reason code of a job cancelled by its own max_execution_time
T = TypeVar("T")
Options: TypeAlias = SamplerOptions | EstimatorOptions


class BoundedSession(RetrySession):  # type: ignore[misc]  # the client has no types for mypy
    """The client's session, but every request ends, and only reading is tried again."""

    def __init__(self, base_url: str, **options: Any) -> None:
        super().__init__(base_url, timeout=(CONNECT_SECONDS, READ_SECONDS), **options)

    def _initialize_retry(self, *_: Any) -> None:
        retry = Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504))
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=retry))

    def request(self, method: str, url: str, bare: bool = False, **options: Any) -> Response:
        options["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        response: Response = super().request(method, url, bare, **options)
        return response


class IbmService:
    """One device of IBM Quantum, connected when first asked for something.

    Raises RejectedError, BusyError or UnknownOutcomeError for what the service answers, and
    MissingError where it does not accept the account. No message holds the API key.
    """

    def __init__(self, device: str) -> None:
        self.name = device
        self._device: IBMBackend | None = None
        self._batch: Batch | None = None

    def device(self) -> IBMBackend:
        """Return the device as the runtime client presents it."""
        return self._ask("connecting", lambda device: device)

    def calibration(self) -> dict[str, Any]:
        """Return the device's configuration and properties as the service gives them now.

        Fractional gates are left out, as the client leaves them out of a device's target.
        """

        def ask(device: IBMBackend) -> dict[str, Any]:
            client = device._api_client
            return {
                "configuration": client.backend_configuration(self.name, refresh=True),
                "properties": client.backend_properties(self.name),
            }

        plain = _as_json(self._ask("reading the calibration", ask))
        filter_raw_configuration(plain["configuration"], use_fractional_gates=False)
        return plain

    def properties(self, moment: str) -> dict[str, Any]:
        """Return the device's properties that were valid at a moment (ISO 8601)."""

        def ask(device: IBMBackend) -> dict[str, Any]:
            when = datetime.fromisoformat(moment)
            return dict(device._api_client.backend_properties(self.name, datetime=when))

        return _as_json(self._ask("reading the properties at run time", ask))

    def submit(self, pubs: Sequence[Any], options: Options) -> str:
        """Send PUBs of the sampler or the estimator as one job in a batch; return the job's id."""
        primitive = Estimator if isinstance(options, EstimatorOptions) else Sampler

        def send(device: IBMBackend) -> str:
            if self._batch is None:
                self._batch = Batch(backend=device)
            return str(primitive(mode=self._batch, options=options).run(list(pubs)).job_id())

        return self._ask("submitting", send)

    def close(self) -> None:
        """Tell the service that no more jobs follow; those sent are not touched."""
        if self._batch is not None:
            self._ask("closing the batch", lambda _: self._batch.close() if self._batch else None)
            self._batch = None

    def jobs(self, tag: str) -> list[tuple[str, str]]:
        """Return id and state of the jobs with a tag, oldest first."""

        def ask(device: IBMBackend) -> list[tuple[str, str]]:
            # One page only: a uid's jobs are few, and the client's own loop may never end.
            page = device._api_client.jobs_get(limit=50, job_tags=[tag], descending=False)
            found = sorted(page["jobs"], key=lambda job: str(job["created"]))
            return [(str(job["id"]), _state(job)[0]) for job in found]

        return self._ask("looking for a job", ask)

    def state(self, job_id: str) -> tuple[str, str]:
        """Return the state of a job and the service's word on it."""
        return self._ask("asking for a job", lambda d: _state(d._api_client.job_get(job_id)))

    def result(self, job_id: str) -> str:
        """Return the text of a finished job's result."""
        return self._ask("fetching a result", lambda d: str(d._api_client.job_results(job_id)))

    def metrics(self, job_id: str) -> dict[str, Any]:
        """Return a job's time stamps and usage."""
        return self._ask("fetching metrics", lambda d: dict(d._api_client.job_metadata(job_id)))

    def cancel(self, job_id: str) -> None:
        """Cancel a job. Raises RejectedError where it has ended already."""
        self._ask("cancelling", lambda device: device._api_client.job_cancel(job_id))

    def _ask(self, doing: str, ask: Callable[[IBMBackend], T]) -> T:
        """Do what `ask` says, once more with a new service object if it is unauthorised."""
        for attempt in (1, 2):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the client warns of what is raised below
                    return ask(self._connected())
            except QrecError:
                raise
            except Exception as error:  # the client fails in any way when an answer is wrong
                if _is_unauthorised(error) and attempt == 1:
                    self._device = self._batch = None
                    continue
                raise self._translated(error, doing) from None
        raise AssertionError("both attempts return or raise")

    def _connected(self) -> IBMBackend:
        if self._device is None:
            logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)
            client_module.RetrySession = BoundedSession
            service = QiskitRuntimeService()
            listed = service._backends_info_per_instance
            names = sorted({str(entry["name"]) for of in listed.values() for entry in of})
            if not names:
                raise UnknownOutcomeError(
                    f"{self.name}: the service named no device; try again later, or see that the "
                    "account's instance has one"
                )
            if self.name not in names:
                raise ConfigError(
                    f"device {self.name!r} is not among this account's: {', '.join(names)}"
                )
            self._device = service.backend(self.name)
            self._device.properties()
        return self._device

    def _translated(self, error: Exception, doing: str) -> QrecError:
        response = _response(error)
        status = None if response is None else response.status_code
        said = f"{self.name}: {doing}: {_scrubbed(_message(error, response))}"
        if isinstance(error, AccountNotFoundError):
            return MissingError(
                f"{self.name}: no account found; set QISKIT_IBM_TOKEN, or save one with "
                "QiskitRuntimeService.save_account"
            )
        if isinstance(error, InvalidAccountError) or _is_unauthorised(error):
            return MissingError(f"{said}; the account is not accepted: is the API key valid?")
        if status in _REJECTED:
            return RejectedError(f"{said} (refused with status {status})")
        if status == 429:
            wait = response.headers.get("Retry-After", "") if response is not None else ""
            return BusyError(f"{said} (too many requests)", float(wait) if wait.isdigit() else None)
        return UnknownOutcomeError(f"{said} (no usable answer)")


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


def _as_json(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(answer, default=str)))


def _state(job: dict[str, Any]) -> tuple[str, str]:
    state = job["state"]
    name = str(state["status"]).upper()
    code = state.get("reason_code") or state.get("reasonCode")
    reason = str(state.get("reason") or "")
    if code:
        reason = f"error {code}: {reason}"
    if name == "CANCELLED" and code == _RAN_TOO_LONG:
        return "FAILED", reason
    return _STATES.get(name, "QUEUED" if "QUEUE" in name else "RUNNING"), reason


def _is_unauthorised(error: Exception) -> bool:
    return isinstance(error, IBMNotAuthorizedError)


def _response(error: BaseException | None) -> Response | None:
    """Return the HTTP answer that an error goes back to, if there was one."""
    while error is not None:
        if isinstance(error, RequestException) and error.response is not None:
            return error.response
        error = error.__cause__ or error.__context__
    return None


def _message(error: Exception, response: Response | None) -> str:
    if response is not None:
        try:
            return str(response.json()["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return f"status {response.status_code}"
    text = f"{type(error).__name__}: {error}".replace("\n", " ")
    return text if len(text) <= 200 else f"{text[:200]}..."


def _scrubbed(text: str) -> str:
    """Take the API key out of a message, wherever the client found it."""
    try:
        accounts = QiskitRuntimeService.saved_accounts().values()
    except ValueError:
        accounts = {}.values()
    keys = [os.environ.get("QISKIT_IBM_TOKEN"), *(account.get("token") for account in accounts)]
    for key in filter(None, keys):
        text = text.replace(str(key), "***")
    return text
