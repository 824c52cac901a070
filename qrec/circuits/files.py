"""Circuits in files: OpenQASM 2 and 3, and QPY. Reading one runs none of its content."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

from qiskit import QuantumCircuit, qasm2, qasm3, qpy

from qrec.errors import ConfigError

SUFFIXES = (".qasm", ".qpy")
_OLDEST_QPY = 13  # those before hold expressions that are evaluated, or pickled, by some versions
_HEADER = re.compile(r"\s*(?:(?://[^\n]*\n|/\*.*?\*/)\s*)*OPENQASM\s+(\d+)", re.DOTALL)


def is_circuit_file(name: str) -> bool:
    """Return whether a name is that of a file of circuits."""
    return name.endswith(SUFFIXES)


def read_circuits(path: Path) -> dict[str, QuantumCircuit]:
    """Return the circuits of a file by name: of OpenQASM its one, under the file's name.

    Raises ConfigError that says what is wrong with it.
    """
    read = _read_qpy if path.suffix == ".qpy" else _read_qasm
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files by other versions: what fails is raised
            return read(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except ConfigError:
        raise
    except Exception as error:  # each reader fails in ways of its own
        said = " ".join(str(error).split())
        raise ConfigError(
            f"{path}: not read as {path.suffix[1:]}: {type(error).__name__}: {said}"
        ) from None


def _read_qasm(path: Path) -> dict[str, QuantumCircuit]:
    text = path.read_text(encoding="utf-8")
    found = _HEADER.match(text)
    version = found.group(1) if found else "3"  # which may leave its header out
    readers: dict[str, Callable[[str], QuantumCircuit]] = {"2": _read_qasm2, "3": qasm3.loads}
    if version not in readers:
        raise ConfigError(f"{path}: OPENQASM {version}; expected version 2 or 3")
    circuit = readers[version](text)
    circuit.name = path.stem
    return {path.stem: circuit}


def _read_qasm2(text: str) -> QuantumCircuit:
    return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def _read_qpy(path: Path) -> dict[str, QuantumCircuit]:
    with path.open("rb") as file:
        head = file.read(7)
        if head[:6] != b"QISKIT" or len(head) < 7:
            raise ConfigError(f"{path}: expected QPY; found no header of one")
        if head[6] < _OLDEST_QPY:
            raise ConfigError(
                f"{path}: QPY version {head[6]}; expected {_OLDEST_QPY} or later, since older ones "
                "may run code: write it again with Qiskit 1.3 or later"
            )
        file.seek(0)
        circuits = qpy.load(file)
    named = {c.name: c for c in circuits}
    if len(named) == len(circuits):
        return named
    return {f"{circuit.name}[{at}]": circuit for at, circuit in enumerate(circuits)}
