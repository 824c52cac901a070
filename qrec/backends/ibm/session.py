"""The client's HTTP session, made to end: bounded waits, few retries, none where nobody answers.

Facts about qiskit-ibm-runtime 0.51 that it answers to: a GET has no read time-out and a POST
one of 900 s; a POST is sent again after some 5xx answers; a `Retry-After` is obeyed without a
word, however long it is.
"""

import email.utils
import logging
import time
from typing import Any

import requests
from qiskit_ibm_runtime.api.session import RetrySession
from requests import Response
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
MOST_WAIT_SECONDS = 60.0
sleep = time.sleep  # tests put their own clock here
_SILENCE = (ConnectTimeoutError, ReadTimeoutError, requests.Timeout)
_log = logging.getLogger(__name__)


class BoundedSession(RetrySession):  # type: ignore[misc]  # the client has no types for mypy
    """The client's session, but every request ends, and only reading is tried again."""

    def __init__(self, base_url: str, **options: Any) -> None:
        super().__init__(base_url, timeout=(CONNECT_SECONDS, READ_SECONDS), **options)

    def _initialize_retry(self, *_: Any) -> None:
        retry = _Patience(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504))
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=retry))

    def request(self, method: str, url: str, bare: bool = False, **options: Any) -> Response:
        options["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        response: Response = super().request(method, url, bare, **options)
        return response


class _Patience(Retry):
    """Retries of what was answered or reset; where nobody answers, another try is as long."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> "_Patience":
        if isinstance(error, _SILENCE):
            raise MaxRetryError(_pool, str(url), error) from error
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        return retry_after(response.headers.get("Retry-After"))

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        seconds = self.get_retry_after(response)
        if not seconds:
            return False
        _log.warning("the service asks to wait; the next try is in %.0f s", seconds)
        sleep(seconds)
        return True


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks to wait, a minute at most.

    None where it says nothing that can be understood, or names a moment that has passed.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        # As many digits as int() refuses are a long wait too.
        seconds = float(text) if len(text) < 10 else MOST_WAIT_SECONDS
    else:
        date = email.utils.parsedate_tz(text)
        if date is None:
            return None
        try:
            seconds = email.utils.mktime_tz(date) - time.time()
        except (OverflowError, ValueError):
            return None
    return min(seconds, MOST_WAIT_SECONDS) if seconds > 0 else None


def is_silence(error: BaseException | None) -> bool:
    """Return whether an error goes back to a service that does not answer, or is not there."""
    while error is not None:
        if isinstance(error, _SILENCE):
            return True
        error = error.__cause__ or error.__context__
    return False
