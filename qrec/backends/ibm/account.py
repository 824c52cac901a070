"""The connection to the account, one for the process, and what its errors mean.

Facts about qiskit-ibm-runtime 0.51 that it answers to: the status code is lost from the error
of a failed submission; a listing of devices that fails is an empty one; without a network the
API key is blamed.
"""

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

import qiskit_ibm_runtime.api.client as client_module
import requests
from ibm_cloud_sdk_core import ApiException
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError, InvalidAccountError
from qiskit_ibm_runtime.api.client import RuntimeClient
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMNotAuthorizedError

from qrec.backends.ibm import session
from qrec.backends.ibm.session import BoundedSession, is_silence, retry_after
from qrec.backends.said import said
from qrec.errors import (
    BusyError,
    ConfigError,
    MissingError,
    QrecError,
    RejectedError,
    UnknownJobError,
    UnknownOutcomeError,
)

T = TypeVar("T")
Device = dict[str, Any]  # an entry of the service's list of devices
_REJECTED = (400, 403, 404, 409, 413, 422)
clock = time.monotonic  # tests put their own here


def account() -> "Account":
    """Return this process's connection to the account that the environment names."""
    named = ("HOME", "IAM_URL", "GLOBAL_SEARCH_URL", "GLOBAL_CATALOG_URL")
    found = {k: v for k, v in os.environ.items() if k in named or k.startswith("QISKIT_IBM_")}
    return _account(tuple(sorted(found.items())))


def forget_account() -> None:
    """Connect anew when something is asked next, as another process would."""
    _account.cache_clear()


@cache
def _account(_: tuple[tuple[str, str], ...]) -> "Account":
    return Account()


class Account:
    """An account of IBM Quantum, connected when first asked for something.

    Raises RejectedError, BusyError or UnknownOutcomeError for what the service answers, and
    MissingError where it does not accept the account. No message holds the API key. After a
    request that nobody answered, the next are refused at once for as long as it waited: the
    jobs of a run do not wait for a dead connection one after another.
    """

    def __init__(self) -> None:
        self._service: QiskitRuntimeService | None = None
        self._silent_until = 0.0

    def ask(
        self,
        who: str,
        doing: str,
        ask: Callable[[QiskitRuntimeService], T],
        sending: bool = False,
    ) -> T:
        """Do what `ask` says, once more with a new connection if it is unauthorised.

        `sending` is for what may have had an effect though nobody answered: to look for that
        is the very next thing.
        """
        if clock() < self._silent_until:
            raise UnknownOutcomeError(
                f"{who}: {doing}: not tried, the service did not answer a moment ago"
            )
        for attempt in (1, 2):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # the client warns of what is raised below
                    return ask(self._connected())
            except QrecError:
                raise
            except Exception as error:  # the client fails in any way when an answer is wrong
                if isinstance(error, IBMNotAuthorizedError) and attempt == 1:
                    self._service = None
                    continue
                if is_silence(error) and not sending:
                    self._service = None  # a key's first token, once failed, is waited for
                    self._silent_until = clock() + session.READ_SECONDS
                raise _translated(error, f"{who}: {doing}") from None
        raise AssertionError("both attempts return or raise")

    def _connected(self) -> QiskitRuntimeService:
        if self._service is None:
            logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)
            client_module.RetrySession = BoundedSession
            self._service = QiskitRuntimeService()
        return self._service


def devices(service: QiskitRuntimeService) -> Iterator[tuple[str, Device]]:
    """Yield the instance and the entry of every real device that the account may use.

    What the client's first listing lacks is asked for again, so that its failure is raised:
    the client itself takes it for an empty list. An instance that cannot be listed is passed
    over where another can.
    """
    failure, found = None, False
    for instance in _instances(service):
        entries = service._backends_info_per_instance.get(instance)
        try:
            entries = entries or service._get_api_client(instance).list_backends(True)
        except Exception as error:
            failure = error
            continue
        for entry in entries:
            if entry.get("class") != "mock":
                found = True
                yield instance, entry
    if failure is not None and not found:
        raise failure


def clients(service: QiskitRuntimeService, device: str) -> list[RuntimeClient]:
    """Return the clients to ask about jobs of a device, those of instances that list it first.

    The device need not be listed any more.
    """
    listed = service._backends_info_per_instance
    names = {inst: {str(e.get("name")) for e in listed.get(inst, [])} for inst in listed}
    ordered = sorted(_instances(service), key=lambda inst: device not in names.get(inst, ()))
    return [service._get_api_client(instance) for instance in ordered]


def of_job(clients: list[RuntimeClient], job_id: str, ask: Callable[[RuntimeClient], T]) -> T:
    """Ask the instances of an account for a job, until one knows it."""
    for client in clients[:-1]:
        try:
            return ask(client)
        except Exception as error:
            if _status(error) != 404:
                raise
    try:
        return ask(clients[-1])
    except Exception as error:
        if _status(error) != 404 or not _is_of_the_service(_response(error)):
            raise
        raise UnknownJobError(
            f"the service does not know the job {said(job_id)} any more"
        ) from None


def _instances(service: QiskitRuntimeService) -> list[str]:
    if service._default_instance:
        return list(service._saved_instances or [service._account.instance])
    return [str(group["crn"]) for group in service._backend_instance_groups]


def _translated(error: Exception, what: str) -> QrecError:
    response, status = _response(error), _status(error)
    message = f"{what}: {_scrubbed(_message(error, response))}"
    if isinstance(error, AccountNotFoundError):
        return MissingError(
            f"{what}: no account found; set QISKIT_IBM_TOKEN, or save one with "
            "QiskitRuntimeService.save_account"
        )
    if _is_no_connection(error):
        return UnknownOutcomeError(
            f"{what}: the service cannot be reached ({_kind(error)}); is there a network?"
        )
    if _is_refused_account(error, status):
        return MissingError(f"{message}; the account is not accepted: is the API key valid?")
    if isinstance(error, IBMInputValueError):
        return ConfigError(f"{message}; see the account's instance")
    if status in _REJECTED and not isinstance(error, InvalidAccountError):
        return RejectedError(f"{message} (refused with status {status})")
    if status == 429:
        wait = response.headers.get("Retry-After") if response is not None else None
        return BusyError(f"{message} (too many requests)", retry_after(wait))
    return UnknownOutcomeError(f"{message} (no usable answer)")


def _is_refused_account(error: Exception, status: int | None) -> bool:
    if isinstance(error, InvalidAccountError):
        return status is None or status in (400, 401, 403)
    return isinstance(error, IBMNotAuthorizedError)


def _is_no_connection(error: BaseException) -> bool:
    return is_silence(error) or any(isinstance(e, requests.ConnectionError) for e in _chain(error))


def _kind(error: BaseException) -> str:
    """Return the name of what an error goes back to."""
    return type(list(_chain(error))[-1]).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _response(error: BaseException) -> requests.Response | None:
    """Return the HTTP answer that an error goes back to, if there was one."""
    for one in _chain(error):
        if isinstance(one, requests.RequestException) and one.response is not None:
            return one.response
        if isinstance(one, ApiException) and one.http_response is not None:
            response: requests.Response = one.http_response
            return response
    return None


def _status(error: BaseException) -> int | None:
    response = _response(error)
    return None if response is None else response.status_code


def _is_of_the_service(response: requests.Response | None) -> bool:
    """Return whether an answer is one of the service, and not of something before it."""
    try:
        return response is not None and isinstance(response.json(), dict)
    except ValueError:
        return False


def _message(error: Exception, response: requests.Response | None) -> str:
    if response is None:
        return f"{type(error).__name__}: {error}"
    try:
        content = response.json()
        if "errorMessage" in content:  # where keys are exchanged for tokens
            return str(content["errorMessage"])
        found = content["errors"][0] if "errors" in content else content["error"]
        return str(found["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return f"status {response.status_code}"


def _scrubbed(text: str) -> str:
    """Take the API key out of a message, wherever the client found it."""
    try:
        accounts = QiskitRuntimeService.saved_accounts().values()
    except ValueError:
        accounts = {}.values()
    keys = [os.environ.get("QISKIT_IBM_TOKEN"), *(account.get("token") for account in accounts)]
    text = said(text, most=len(text))
    for key in filter(None, keys):
        text = text.replace(str(key), "***")
    return said(text)  # cut last, so that no part of a key stays
