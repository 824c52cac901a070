"""A vendor's backend in a process of its own, run by the interpreter of another environment."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from threading import Event, Lock, Timer
from typing import IO, Any, TypeAlias

from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Gate
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import Target

from qrec.backends.vendor.device import Vendor, VendorError, one_line
from qrec.backends.vendor.results import Bits, Counts, Pub
from qrec.backends.vendor.wire import dump_array, dump_circuits, load_array, load_circuits

_WORKER = Path(__file__).with_name("worker.py")
_GRACE_SECONDS = 5.0  # for a process that is to end
_TAIL_BYTES = 10_000  # of what a process that died had said
_OLDEST_QISKIT = (1, 4)  # 1.3 cannot write all transpiled parameters as QPY


class VendorProcess:
    """What `open_vendor` returns, its calls answered by a process that `python` runs.

    The next call after the process died starts another; it ends with this one. Raises
    VendorError as that does, and where the process cannot be started, dies, or takes longer
    than `timeout` seconds for an answer, which ends it.
    """

    def __init__(self, python: str, opening: dict[str, Any], timeout: float) -> None:
        self._python = str(Path(python).expanduser())
        self._opening, self._timeout = opening, timeout
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = Lock()  # Qiskit's primitives run jobs in threads
        self._start()

    @property
    def target(self) -> Target:
        """What circuits are transpiled to, as the process described it."""
        return _target(self.description)

    def transpile(
        self, circuits: list[QuantumCircuit], level: int, seed: int
    ) -> list[QuantumCircuit]:
        """Return the ISA circuits; vendors' own gates among theirs are plain gates here."""
        answer = self._call("transpile", circuits, level=level, seed=seed, qpy=self._qpy)
        return load_circuits(answer["circuits"])

    def run(self, pubs: list[Pub], shots: int, route: str, seed: int | None) -> list[Bits]:
        """Run every row of every PUB by one of `ROUTES`."""
        answer = self._call_with(pubs, "run", shots=shots, route=route, seed=seed)
        return [{name: load_array(text) for name, text in bits.items()} for bits in answer["bits"]]

    def send(self, pubs: list[Pub], shots: int, seed: int | None, uid: str) -> str:
        """Send every row of every PUB as one job; return its id."""
        return str(self._call_with(pubs, "send", shots=shots, seed=seed, uid=uid)["job_id"])

    def state(self, job_id: str) -> tuple[str, str]:
        """Return the state of a job and why it failed."""
        state, reason = self._call("state", job_id=job_id)["found"]
        return state, reason

    def counts(self, job_id: str) -> Counts:
        """Wait for a job and return its counts as they came."""
        counts: Counts = self._call("counts", job_id=job_id)["found"]
        return counts

    def cancel(self, job_id: str) -> None:
        """Ask the vendor to end a job."""
        self._call("cancel", job_id=job_id)

    def _call_with(self, pubs: list[Pub], call: str, **fields: Any) -> dict[str, Any]:
        return self._call(
            call,
            [circuit for circuit, _, _ in pubs],
            names=[names for _, names, _ in pubs],
            rows=[dump_array(rows) for _, _, rows in pubs],
            **fields,
        )

    def _call(
        self, call: str, circuits: list[QuantumCircuit] | None = None, **fields: Any
    ) -> dict[str, Any]:
        with self._one_at_a_time:
            if self._process is None:
                self._start()
            if circuits is not None:
                fields["circuits"] = dump_circuits(circuits, self._qpy)
            return self._ask({"call": call, **fields})

    def _start(self) -> None:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [self._python, str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                text=True,
            )
        except OSError as error:
            raise VendorError(
                "config", f"python: {self._python} is no interpreter that runs: {error.strerror}"
            ) from None
        try:
            answer = self._ask(self._opening, starting=True)
        except VendorError:
            if self._process is not None:
                self._stop()
            raise
        self.description: dict[str, Any] = answer["description"]
        # Neither side may write what the other is too old to read.
        self._qpy = min(qpy.QPY_VERSION, answer["qpy"])
        found = self.description["packages"]["qiskit"]
        if tuple(map(int, found.split(".")[:2])) < _OLDEST_QISKIT:
            self._stop()
            raise VendorError("missing", f"{self._python} has qiskit {found}; 1.4 or newer needed")

    def _ask(self, request: dict[str, Any], starting: bool = False) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        line, late = "", Event()

        def end() -> None:
            late.set()
            process.kill()

        clock = Timer(self._timeout, end)
        clock.start()
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            pass  # it is dead, which is said below
        except BaseException:
            process.kill()  # interrupted: the answer to come would be taken for the next one's
            self._stop()
            raise
        finally:
            clock.cancel()
        if not line:
            raise self._died(starting, late.is_set())
        os.ftruncate(self._stderr.fileno(), 0)  # a vendor may say gigabytes in a day
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            process.kill()
            self._stop()
            said = f"{self._python} printed {one_line(line)!r} where an answer was due"
            raise VendorError("missing" if starting else "failed", said) from None
        if "error" in answer:
            raise VendorError(*answer["error"])
        return answer

    def _died(self, starting: bool, late: bool) -> VendorError:
        status = self._stop()
        if late:
            ended = f"ended after {self._timeout:g} s without an answer (timeout: of its entry)"
            return VendorError("failed", f"the process of {self._python} was {ended}")
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _TAIL_BYTES))
        text = self._stderr.read().decode(errors="replace").strip("\0")
        said = [one_line(line) for line in text.splitlines() if line.strip()] or ["it said nothing"]
        ended = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        text = f"the process of {self._python} ended ({ended}): {said[-1]}"
        if starting:
            return VendorError("missing", f"{text}; it needs qiskit and the vendor's package")
        return VendorError("failed", text)

    def _stop(self) -> int:
        """Close the process's stdin, which ends it; return its exit status."""
        assert self._process is not None
        process, self._process = self._process, None
        try:
            process.communicate(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode


def _target(description: dict[str, Any]) -> Target:
    """Return the target that a process described; a vendor's own gates are plain ones."""
    standard = get_standard_gate_name_mapping()
    target = Target(num_qubits=description["num_qubits"])
    for name, operation in description["operations"].items():
        instruction = standard.get(name) or Gate(name, operation["num_qubits"], [])
        qargs = operation["qargs"]
        properties = None if qargs is None else dict.fromkeys(map(tuple, qargs))
        target.add_instruction(instruction, properties, name=name)
    return target


AnyVendor: TypeAlias = Vendor | VendorProcess
