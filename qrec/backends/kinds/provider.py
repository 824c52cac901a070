"""`kind: provider`: shots on any vendor's `BackendV2`, by import path."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue, PrivateAttr, field_validator

from qrec.backends.base import Limits, Raw, Unit
from qrec.backends.vendor.backend import VendorBackend, VendorSpec
from qrec.backends.vendor.device import COUNTS, ROUTES
from qrec.backends.vendor.opening import open_vendor
from qrec.backends.vendor.process import AnyVendor, VendorProcess
from qrec.backends.vendor.results import packed, shots_of
from qrec.errors import ConfigError, RejectedError
from qrec.registry import file_beside

_SECRET = re.compile(
    r"token|secret|passw|credential|auth(?!ors?(_|$))|jwt|(api|access|private)_?key|(^|_)(key|pat|pwd)(_|$)"
)
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_ROWS_OF_A_JOB = 64


class ProviderSpec(VendorSpec):
    """Shots on any vendor's `BackendV2`: what ``module:attribute`` and the methods `then` return.

    The module may lie beside the file that holds the entry.
    """

    kind: Literal["provider"]
    name: str = "provider"
    backend: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]
    arguments: Annotated[dict[str, JsonValue], Field(default_factory=dict)]  # of the call
    # Methods of what it made, in order: of a provider, {get_backend: NAME}. A mapping gives
    # keywords, a list values, null nothing; null is also for an attribute.
    then: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")], JsonValue],
        Field(default_factory=dict),
    ]
    python: str | None = None  # the interpreter of a virtual environment that the vendor has
    timeout: Annotated[float, Field(gt=0)] = 3600.0  # seconds that it may take for an answer
    free: bool  # whether running costs nothing: a simulator
    max_executions: Annotated[int, Field(ge=1)] | None = None  # all jobs in the ledger together

    _file: Path | None = PrivateAttr(default=None)

    @field_validator("arguments", "then")
    @classmethod
    def _no_secret(cls, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in _secrets(given):
            raise ValueError(
                f"{name} looks like a credential, and what stands here is stored with "
                "every run; let the vendor read it from the environment"
            )
        return given

    def model_post_init(self, context: Any, /) -> None:
        self._file = file_beside(self.backend.partition(":")[0], f"backend {self.name!r}")

    def opening(self) -> dict[str, Any]:
        """Return the arguments of `open_vendor`."""
        file = None if self._file is None else str(self._file)
        return {
            "path": self.backend,
            "arguments": self.arguments,
            "then": self.then,
            "file": file,
        }


class ProviderBackend(VendorBackend):
    """A vendor's backend, in this process or, with ``python``, in one of its own.

    What is free is had at once. What costs is sent as a job whose id is known before it is
    waited for, and read by ``get_counts()``; where the vendor can look jobs up, any process
    fetches it, else the one that sent it waits. Nothing of a vendor is imported before it is
    needed: reading stored results needs none. Raises MissingError where the vendor's package is
    not there.
    """

    Spec = ProviderSpec
    _spec: ProviderSpec

    def __init__(self, spec: ProviderSpec) -> None:
        super().__init__(spec)
        self.routes = ROUTES if spec.free else (COUNTS,)
        self._ids: dict[str, str] = {}  # uid -> job's id
        self._reasons: dict[str, str] = {}
        self._waited: dict[str, bytes] = {}  # what jobs gave that were waited for

    @property
    def costs(self) -> bool:
        return not self._spec.free

    @property
    def device(self) -> str:
        spec = self._spec
        asked = {"arguments": spec.arguments, "then": spec.then}
        return f"{spec.backend} {json.dumps(asked, sort_keys=True)}"

    @property
    def is_local(self) -> bool:
        return not self.costs or not self._vendor().description["finds_jobs"]

    @property
    def max_executions(self) -> int | None:
        return self._spec.max_executions

    @property
    def limits(self) -> Limits:
        """One job of the vendor for each of ours."""
        most = self._vendor().description["max_circuits"] if self.costs else None
        return Limits(pubs=1, evaluations=min(most or _ROWS_OF_A_JOB, _ROWS_OF_A_JOB))

    def _send(self, units: Sequence[Unit], uid: str, run: str, qpu_seconds: float | None) -> str:
        if not self.costs:
            return super()._send(units, uid, run, qpu_seconds)
        vendor, [unit] = self._vendor(), units
        if unit.workload.circuit.num_clbits:
            raise ConfigError(
                f"workload {unit.workload.key!r}: its circuit has classical bits of its own; "
                f"backend {self.name!r} takes circuits without any"
            )
        self._route(vendor, self.routes)
        pubs = self._pubs(unit)
        with self._explained():
            self._ids[uid] = vendor.send(pubs, self.shots, self._seed(unit), uid)
        return self._ids[uid]

    def find(self, uid: str) -> str | None:
        return self._ids.get(uid) if self.costs else super().find(uid)

    def poll(self, job_id: str) -> str:
        """Return the state of a job, having waited where nobody else can."""
        if not self.costs:
            return super().poll(job_id)
        vendor = self._vendor()
        with self._explained():
            if not self.is_local:
                state, self._reasons[job_id] = vendor.state(job_id)
                return state
        try:
            self._waited[job_id] = self.collect(job_id)
        except RejectedError as error:
            self._reasons[job_id] = str(error)
            return "FAILED"
        return "DONE"

    def reason(self, job_id: str) -> str:
        return self._reasons.get(job_id, "")

    def collect(self, job_id: str) -> bytes:
        """Return what a job gave; what costs as JSON, the counts of each circuit as they came."""
        if not self.costs:
            return super().collect(job_id)
        if job_id in self._waited:
            return self._waited.pop(job_id)
        with self._explained():
            return json.dumps(self._vendor().counts(job_id)).encode()

    def decode(self, payload: bytes, sizes: Sequence[int]) -> list[Raw]:
        """Turn what was collected into raw results.

        Raises RejectedError for another number of circuits or shots than was asked.
        """
        if not self.costs:
            return super().decode(payload, sizes)
        counts, start, raws = json.loads(payload), 0, []
        if len(counts) != sum(sizes):
            raise RejectedError(
                f"backend {self.name!r}: counts of {len(counts)} circuits came for {sum(sizes)}"
            )
        for size in sizes:
            rows = [self._shots_of(counts[row], row) for row in range(start, start + size)]
            raws.append({"bits": packed(np.stack(rows)), "route": np.full(size, COUNTS)})
            start += size
        return raws

    def cancel(self, job_id: str) -> None:
        if self.costs:
            with self._explained():
                self._vendor().cancel(job_id)
        else:
            super().cancel(job_id)

    def _shots_of(self, counts: dict[str, float], row: int) -> NDArray[np.bool_]:
        try:
            return shots_of(counts, len(next(iter(counts), "").replace(" ", "")), self.shots)
        except (ValueError, TypeError) as error:
            raise RejectedError(f"backend {self.name!r}: row {row}: {error}") from None

    def _vendor(self) -> AnyVendor:
        spec = self._spec
        with self._explained():
            return _opened(json.dumps(spec.opening()), spec.python, spec.timeout)


@cache
def _opened(opening: str, python: str | None, timeout: float) -> AnyVendor:
    """Open a vendor's backend once per process: a device's model may take seconds."""
    if python is None:
        return open_vendor(**json.loads(opening))
    return VendorProcess(python, json.loads(opening), timeout)


def _secrets(given: JsonValue) -> Iterator[str]:
    """Yield what looks like the name of a credential, or a URL with one, at any depth."""
    if isinstance(given, dict):
        for name, value in given.items():
            if _SECRET.search(re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()):
                yield repr(name)
            yield from _secrets(value)
    elif isinstance(given, list):
        for value in given:
            yield from _secrets(value)
    elif isinstance(given, str) and _URL_WITH_PASSWORD.search(given):
        yield "a URL with a password"


BACKEND = ProviderBackend
