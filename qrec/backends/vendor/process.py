"""A vendor's backend in a process of its own, run by the interpreter of another environment."""

import json
import subprocess
import tempfile
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypeAlias

from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Gate
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import Target

from qrec.backends.vendor import device as vendor
from qrec.backends.vendor.device import Bits, Pub, Vendor, VendorError

_OLDEST_QISKIT = (1, 4)  # 1.3 cannot write all transpiled parameters as QPY


class VendorProcess:
    """What `open_vendor` returns, its calls answered by a process that `python` runs.

    The next call after the process died starts another; it ends with this one. Raises
    VendorError as that does, and where the process cannot be started or dies.
    """

    def __init__(self, python: str, path: str, arguments: dict[str, Any]) -> None:
        self._python = str(Path(python).expanduser())
        self._opening = {"path": path, "arguments": arguments}
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
        answer = self._call("transpile", circuits, level=level, seed=seed)
        return vendor.load_circuits(answer["circuits"])

    def run(self, pubs: list[Pub], shots: int, route: str, seed: int | None) -> list[Bits]:
        """Run every row of every PUB by one of `ROUTES`."""
        answer = self._call(
            "run",
            [circuit for circuit, _, _ in pubs],
            names=[names for _, names, _ in pubs],
            rows=[vendor.dump_array(rows) for _, _, rows in pubs],
            shots=shots,
            route=route,
            seed=seed,
        )
        return [
            {name: vendor.load_array(text) for name, text in bits.items()}
            for bits in answer["bits"]
        ]

    def _call(self, call: str, circuits: list[QuantumCircuit], **fields: Any) -> dict[str, Any]:
        with self._one_at_a_time:
            if self._process is None:
                self._start()
            sent = vendor.dump_circuits(circuits, self._qpy)
            return self._ask({"call": call, "circuits": sent, "qpy": self._qpy, **fields})

    def _start(self) -> None:
        self._stderr: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [self._python, vendor.__file__],
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
        line = ""
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
        if not line:
            raise self._died(starting)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise VendorError(*answer["error"])
        return answer

    def _died(self, starting: bool) -> VendorError:
        status = self._stop()
        self._stderr.seek(0)
        said = [line.strip() for line in self._stderr if line.strip()] or ["it said nothing"]
        ended = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        text = f"the process of {self._python} ended ({ended}): {said[-1]}"
        if starting:
            return VendorError("missing", f"{text}; it needs qiskit and the vendor's package")
        return VendorError("failed", text)

    def _stop(self) -> int:
        """Close the process's stdin, which ends it; return its exit status."""
        assert self._process is not None
        process, self._process = self._process, None
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
