"""IBM Quantum on 127.0.0.1: what the unmodified qiskit-ibm-runtime client asks, and no more.

Jobs run with Aer on a fake device. They advance when they are asked for, never with time, so a
test decides when a job is done. `Fault`s make single answers go wrong.
"""

import base64
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qiskit_ibm_runtime import fake_provider

CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/loopback:instance::"
API_KEY = "loopback-api-key-that-must-never-be-written-anywhere"
DEVICE = "ibm_loopback"
_STATES = ("Queued", "Running", "Completed")  # one step per poll


@dataclass
class Fault:
    """What goes wrong: the next `times` requests that match are answered by `how`.

    `how` is a status code, or ``reset``, ``lost`` (done, but the answer never arrives),
    ``hang`` (neither done nor answered), ``late`` (done, answered much too late),
    ``garbage``, ``empty`` or ``truncated`` (done, answered so), or ``ignored`` (answered as if
    it were done).
    """

    method: str
    path: str  # regular expression, found in the path and the query behind it
    how: int | str
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)  # of an answer that is a status code
    message: str = ""  # of one; ``{bearer}`` stands for the token that the request carried


@dataclass
class Job:
    """A job as the service keeps it."""

    id: str
    body: dict[str, Any]
    created: str
    step: int = 0
    end: str = "Completed"  # or Failed, Cancelled, Cancelled - Ran too long
    result: str | None = None
    listed: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    @property
    def state(self) -> str:
        return self.end if self.step >= len(_STATES) - 1 else _STATES[self.step]


@dataclass
class Service:
    """The state of the service, open to the test that started it."""

    url: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    ends: str = "Completed"  # how jobs submitted from now on end
    stuck: bool = False  # no job advances
    revoked: bool = False  # the API key is worth nothing any more
    expired: bool = False  # tokens given out so far are refused, new ones are not
    usage_limit_reached: bool = False
    usage: dict[str, Any] = field(default_factory=dict)  # what the instance has used, may use
    tag_lag: int = 0  # so many listings by tag miss a job
    list_lag: int = 0  # so many listings of the newest miss it
    ignores_tags: bool = False  # listings by tag are listings of everything
    devices: list[dict[str, Any]] = field(default_factory=lambda: [dict(_BACKEND)])
    reason: str = "the control electronics failed"  # why jobs fail
    errors: list[BaseException] = field(default_factory=list)  # of the service itself
    lock: threading.RLock = field(default_factory=threading.RLock)

    def environment(self) -> dict[str, str]:
        """Return the variables that lead the client here."""
        return {
            "IAM_URL": self.url,
            "GLOBAL_SEARCH_URL": self.url,
            "GLOBAL_CATALOG_URL": f"{self.url}/catalog",
            "QISKIT_IBM_TOKEN": API_KEY,
            "QISKIT_IBM_INSTANCE": CRN,
            "QISKIT_IBM_URL": f"{self.url}/experimental",
            "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
        }

    def live(self) -> list[Job]:
        """Return the jobs that ran or will run."""
        return [job for job in self.jobs.values() if job.end == "Completed"]


@contextmanager
def loopback() -> Iterator[Service]:
    """Serve on a free port until the block ends."""
    service = Service()
    handler = type("Handler", (_Handler,), {"service": service})
    server = _Server(("127.0.0.1", 0), handler)
    server.service = service
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Service

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong for the test to see; broken connections are wanted."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError | ValueError):
            self.service.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        with self.service.lock:
            self.service.requests.append((method, path))
            fault = self._fault(method, self.path)
            how = fault.how if fault else None
            if how == "reset":
                return self._reset()
            if isinstance(how, int):
                said = fault.message or f"scripted {how}"
                said = said.replace("{bearer}", self.headers.get("Authorization", ""))
                answer = {"error": {"message": said, "code": 1}}
                return self._send(how, answer, headers=fault.headers)
            if how == "ignored":
                return self._send(204, None)
            if how != "hang":
                status, answer = self._answer(method, path, content)
        if how in ("hang", "late"):
            time.sleep(1.5)
            return self._reset()
        if how == "lost":
            return self._reset()
        if how == "empty":
            return self._send_bytes(200, b"")
        if how == "garbage":
            return self._send_bytes(200, b"<html>not what was asked for</html>")
        return self._send(status, answer, cut=how == "truncated")

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.service.faults:
            if fault.times and fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def _send(
        self, status: int, answer: Any, cut: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        body = b"" if answer is None else (
            answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        )  # fmt: skip
        self._send_bytes(status, body, cut, headers)

    def _send_bytes(
        self, status: int, body: bytes, cut: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + (100 if cut else 0)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.wfile.flush()
            self.close_connection = True

    def _answer(self, method: str, path: str, content: bytes) -> tuple[int, Any]:
        service = self.service
        if path == "/identity/token":
            return self._token()
        if path == "/v3/resources/search":
            return 200, _SEARCH
        if path.startswith("/catalog/"):
            return 200, _PLAN
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if service.expired or bearer.count(".") != 2:
            return 401, {"error": {"message": "token is not valid", "code": 1}}
        path = path.removeprefix("/experimental")
        if path == "/backends":
            return 200, {"devices": service.devices}
        if path.startswith("/backends/"):
            known = [device["name"] for device in service.devices]
            if path.split("/")[2] not in known:
                return 404, {"error": {"message": "no such device", "code": 1}}
            return 200, self._device(path.rpartition("/")[2])
        if path == "/instances/usage":
            return 200, {"usage_limit_reached": service.usage_limit_reached} | service.usage
        if path.startswith("/sessions"):
            mode = json.loads(content).get("mode") if method == "POST" else None
            return 200, {"id": f"session-{mode}", "mode": mode, "state": "open"}
        if path == "/jobs":
            return self._submit(content) if method == "POST" else self._list()
        return self._job(*path.removeprefix("/jobs/").split("/"))

    def _device(self, what: str) -> dict[str, Any]:
        """Return a file of the device, which is calibrated at midnight of every day."""
        [before] = parse_qs(urlsplit(self.path).query).get("updated_before", [""])
        date = {"last_update_date": f"{before[:10]}T00:00:00Z"} if before else {}
        return device_file(what) | date

    def _token(self) -> tuple[int, Any]:
        if self.service.revoked:
            return 400, {"errorMessage": "Provided API key could not be found.",
                         "errorCode": "BXNIM0415E"}  # fmt: skip
        self.service.expired = False
        now = int(time.time())
        lifetime = {"expires_in": 3600, "expiration": now + 3600}
        token = {"access_token": _jwt({"iat": now, "exp": now + 3600}), "refresh_token": "-"}
        return 200, token | lifetime | {"token_type": "Bearer"}

    def _submit(self, content: bytes) -> tuple[int, Any]:
        body = json.loads(content)
        if len(body.get("tags", [])) > 8:
            return 400, {"error": {"message": "at most 8 tags", "code": 1}}
        if self.service.usage_limit_reached:
            return 403, {"error": {"message": "usage limit reached", "code": 1}}
        number = len(self.service.jobs)
        job = Job(f"job-{number:03}", body, f"2026-01-01T00:00:{number % 60:02}Z")
        job.end = self.service.ends
        self.service.jobs[job.id] = job
        return 200, {"id": job.id, "backend": DEVICE}

    def _list(self) -> tuple[int, Any]:
        asked = parse_qs(urlsplit(self.path).query)
        tags = set(asked.get("tags", []))
        found = list(self.service.jobs.values())
        if not self.service.ignores_tags:
            found = [job for job in found if tags <= set(job.body.get("tags", []))]
        found = [job for job in found if self._is_indexed(job, bool(tags))]
        found.sort(key=lambda job: job.id, reverse=asked.get("sort") != ["ASC"])
        skip = int(asked.get("offset", ["0"])[0])
        page = found[skip : skip + int(asked.get("limit", ["20"])[0])]
        return 200, {
            "jobs": [_described(job, self.service.reason) for job in page],
            "count": len(found),
        }

    def _is_indexed(self, job: Job, by_tag: bool) -> bool:
        job.listed[by_tag] += 1
        return job.listed[by_tag] > (self.service.tag_lag if by_tag else self.service.list_lag)

    def _job(self, job_id: str, what: str = "") -> tuple[int, Any]:
        job = self.service.jobs.get(job_id)
        if job is None:
            return 404, {"error": {"message": f"no job {job_id}", "code": 1291}}
        if what == "results":
            return 200, _result(job, self.service.reason)
        if what == "metrics":
            return 200, {"timestamps": {"created": job.created, "running": job.created},
                         "usage": {"status": "final", "qpu_charge_time_seconds": 3}}  # fmt: skip
        if what == "cancel":
            if job.step >= len(_STATES) - 1:
                return 409, {"error": {"message": "the job has ended", "code": 1}}
            job.end, job.step = "Cancelled", len(_STATES) - 1
            return 204, None
        if not self.service.stuck:
            job.step += 1
        whole = "exclude_params" not in parse_qs(urlsplit(self.path).query)
        params = {"params": job.body["params"]} if whole else {}
        return 200, _described(job, self.service.reason) | params


def _described(job: Job, reason: str) -> dict[str, Any]:
    state: dict[str, Any] = {"status": job.state.partition(" - ")[0]}
    if job.state == "Cancelled - Ran too long":
        state |= {"reason": "ran too long", "reason_code": 1305}
    if job.state == "Failed":
        state |= {"reason": reason, "reason_code": 9701}
    return {"id": job.id, "backend": DEVICE, "state": state, "status": state["status"],
            "created": job.created, "program": {"id": job.body["program_id"]},
            "tags": job.body.get("tags", []), "session_id": job.body.get("session_id"),
            "cost": job.body.get("cost")}  # fmt: skip


def _result(job: Job, reason: str) -> str:
    if job.end != "Completed":
        return f"Traceback: {reason}"
    if job.result is None:
        job.result = _execute(job.body["params"])
    return job.result


def decode_program(params: dict[str, Any]) -> tuple[Any, Any]:
    """Return the quantum program and the options that a job's body holds."""
    from qiskit_ibm_runtime.quantum_program.params_converters import (
        QUANTUM_PROGRAM_PARAMS_CONVERTERS as CONVERTERS,
    )

    converter = CONVERTERS[params["schema_version"]]
    program: tuple[Any, Any] = converter.decoder(converter.model.model_validate(params))
    return program


def _execute(params: dict[str, Any]) -> str:
    from ibm_quantum_schemas.common import CompressedTensorModel
    from ibm_quantum_schemas.executor.version_2_0 import models
    from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
    from qiskit_ibm_runtime.options_models.simulator import SimulatorOptions
    from samplomatic.quantum_program import SamplexItem

    program, _ = decode_program(params)
    for item in program.items:
        if isinstance(item, SamplexItem):
            item.samplex.finalize()
    found = run_quantum_program(simulator(), program, SimulatorOptions(seed_simulator=5))
    items = [
        models.QuantumProgramResultItemModel(
            results={name: CompressedTensorModel.from_numpy(bits) for name, bits in item.items()},
            metadata=models.ItemMetadataModel(),
        )
        for item in found
    ]
    return models.QuantumProgramResultModel(
        data=items,
        metadata=models.MetadataModel(chunk_timing=[]),
        passthrough_data=params["quantum_program"]["passthrough_data"],
        semantic_role=program._semantic_role,
    ).model_dump_json()


@cache
def simulator() -> Any:
    """Return the device behind the service: 7 qubits with the noise of a real one."""
    from qiskit_aer import AerSimulator

    return AerSimulator.from_backend(fake_provider.FakeJakartaV2(), method="density_matrix")


@cache
def device_file(what: str) -> Any:
    """Return the device's configuration, properties or status as the service gives it."""
    if what == "status":
        return {"state": True, "status": "active", "backend_version": "1.0", "length_queue": 0}
    folder = Path(fake_provider.__file__).parent / "backends" / "jakarta"
    short = {"configuration": "conf", "properties": "props"}[what]
    content = json.loads((folder / f"{short}_jakarta.json").read_text())
    return content | {"backend_name": DEVICE, "simulator": False, "local": False}


def _jwt(claims: dict[str, Any]) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*coded, "c2lnbmF0dXJl"])


_BACKEND = {"name": DEVICE, "status": {"name": "online"}, "queue_length": 0, "qubits": 7}
_SEARCH = {
    "items": [{"crn": CRN, "service_plan_unique_id": "plan", "name": "loopback", "tags": [],
               "doc": {"extensions": {"backends": [DEVICE]}}}],
    "limit": 100,
}  # fmt: skip
_PLAN = {
    "overview_ui": {"en": {"display_name": "Open"}},
    "metadata": {"pricing": {"type": "free"}},
}
