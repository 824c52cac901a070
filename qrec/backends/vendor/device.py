"""A vendor's `BackendV2` by import path: opened, transpiled for, run.

Used in this process, or run as a script by another interpreter, which then needs qiskit and the
vendor's package and nothing of qrec. As a script it answers every line of JSON on stdin with one
on stdout; circuits travel as QPY, bits as NPY.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import sys
from difflib import get_close_matches
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # a script's folder is imported from first; this one is qrec's
    sys.path.remove(str(Path(__file__).resolve().parent))

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, qpy
from qiskit.primitives import BackendSamplerV2, BitArray
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager

SAMPLER, COUNTS = ROUTES = ("BackendSamplerV2", "run().get_counts()")

# A circuit, its parameters' names and their values, one row per run; one empty row without any.
Pub = tuple[QuantumCircuit, list[str], NDArray[np.float64]]
Bits = dict[str, NDArray[np.uint8]]  # of one PUB: register -> (rows, shots, bytes), as BitArray


class VendorError(Exception):
    """What a vendor's backend did wrong; `kind` is missing, config or failed."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Vendor:
    """A backend that comes from ``module:attribute``, `path`.

    Raises VendorError for whatever the vendor's code raises.
    """

    def __init__(self, device: BackendV2, path: str) -> None:
        if is_ibm_qpu(device):
            raise VendorError(
                "config",
                f"{path} made a QPU of IBM Quantum; such an entry is of kind ibm, and `qrec "
                "submit` sends to it",
            )
        self.device = device
        self.description = _described(device, path)

    @property
    def target(self) -> Target:
        """What circuits are transpiled to."""
        return self.device.target

    def pass_manager(self, level: int, seed: int) -> PassManager:
        """Return the transpiler for the backend, with the vendor's own passes if it has some."""
        return generate_preset_pass_manager(
            optimization_level=level, backend=self.device, seed_transpiler=seed
        )

    def transpile(
        self, circuits: list[QuantumCircuit], level: int, seed: int
    ) -> list[QuantumCircuit]:
        """Return the ISA circuits."""
        try:
            return list(self.pass_manager(level, seed).run(circuits))
        except Exception as error:
            raise VendorError("failed", f"transpiling: {_said(error)}") from error

    def run(self, pubs: list[Pub], shots: int, route: str, seed: int | None) -> list[Bits]:
        """Run every row of every PUB by one of `ROUTES`."""
        take = _by_sampler if route == SAMPLER else _by_counts
        try:
            return take(self.device, pubs, shots, seed)
        except Exception as error:  # a vendor's code fails in ways of its own
            raise VendorError("failed", _said(error)) from error


def open_vendor(path: str, arguments: dict[str, Any]) -> Vendor:
    """Return the backend that ``module:attribute`` makes when called with `arguments`.

    Raises VendorError where that is no `BackendV2`.
    """
    name, attribute = path.split(":")
    module = _module(name)
    try:
        make = getattr(module, attribute)
    except AttributeError:
        near = get_close_matches(attribute, dir(module), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise VendorError("config", f"module {name!r} has no {attribute!r}{hint}") from None
    if not callable(make):
        found = type(make).__name__
        raise VendorError("config", f"{path} is a {found}; expected a class or a function")
    try:
        device = make(**arguments)
    except Exception as error:
        raise VendorError("config", f"{path} called with {arguments}: {_said(error)}") from error
    if not isinstance(device, BackendV2):
        raise VendorError("config", f"{path} made a {type(device).__name__}; expected a BackendV2")
    return Vendor(device, path)


def is_ibm_qpu(device: object) -> bool:
    """Return whether a device is one of IBM Quantum, and no fake or simulator of one."""
    # By name: the client takes seconds to import, and is not here in a vendor's environment.
    return any(
        base.__name__ == "IBMBackend" and base.__module__.startswith("qiskit_ibm_runtime.")
        for base in type(device).__mro__
    )


def _module(name: str) -> Any:
    top = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == top:
            raise VendorError(
                "missing",
                f"{sys.executable} has no module {top!r}: install the vendor's package there, by "
                f"its usual name: pip install {top.replace('_', '-')}",
            ) from None
        if error.name is not None and name.startswith(error.name):
            raise VendorError("config", f"package {top!r} has no module {name!r}") from None
        raise VendorError("missing", f"importing {name!r}: {_said(error)}") from error
    except Exception as error:
        raise VendorError(
            "missing",
            f"importing {name!r}: {_said(error)}; where its versions conflict with qrec's, give "
            "it a virtual environment of its own (python: PATH)",
        ) from error


def _described(device: BackendV2, path: str) -> dict[str, Any]:
    """Return name, versions and target as plain values."""
    packages = packages_distributions().get(path.partition(":")[0].partition(".")[0], [])
    operations = {
        name: {
            "num_qubits": device.target.operation_from_name(name).num_qubits,
            "qargs": None if (qargs := device.target.qargs_for_operation_name(name)) is None
            else [list(qubits) for qubits in qargs],
        }
        for name in device.target.operation_names
        if not isinstance(device.target.operation_from_name(name), type)  # control flow
    }  # fmt: skip
    return {
        "device": device.name or path,
        "packages": {name: version(name) for name in sorted({"qiskit", *packages})},
        "num_qubits": device.target.num_qubits,
        "operations": operations,
    }


def _by_sampler(device: BackendV2, pubs: list[Pub], shots: int, seed: int | None) -> list[Bits]:
    sampler = BackendSamplerV2(backend=device, options={"seed_simulator": seed})
    asked = [
        (circuit, {tuple(names): rows} if names else None, shots) for circuit, names, rows in pubs
    ]
    found = []
    for result in sampler.run(asked).result():
        arrays = {name: bits.array for name, bits in result.data.items()}
        found.append({name: a.reshape(-1, *a.shape[-2:]) for name, a in arrays.items()})
    return found


def _by_counts(device: BackendV2, pubs: list[Pub], shots: int, seed: int | None) -> list[Bits]:
    options = {} if seed is None else {"seed_simulator": seed}
    bound = [
        circuit.assign_parameters(dict(zip(names, row)))  # noqa: B905
        for circuit, names, rows in pubs
        for row in rows
    ]
    size = device.max_circuits or len(bound)
    counts: list[dict[str, int]] = []
    for start in range(0, len(bound), size):
        batch = bound[start : start + size]
        found = device.run(batch, shots=shots, **options).result().get_counts()
        counts += found if isinstance(found, list) else [found]
    if len(counts) != len(bound):
        raise ValueError(f"counts of {len(counts)} circuits came for {len(bound)}")
    rest = iter(counts)
    return [_stacked(circuit, [next(rest) for _ in rows], shots) for circuit, _, rows in pubs]


def _stacked(circuit: QuantumCircuit, counts: list[dict[str, int]], shots: int) -> Bits:
    """Return counts, one per row, as the bits of each register; outcomes come in groups."""
    shot_bits = np.stack([_shots(one, circuit.num_clbits, shots) for one in counts])
    return {
        register.name: BitArray.from_bool_array(
            shot_bits[..., [circuit.find_bit(bit).index for bit in register]], order="little"
        ).array
        for register in circuit.cregs
    }


def _shots(counts: dict[str, int], n_bits: int, shots: int) -> NDArray[np.bool_]:
    """Return counts as `(shots, n_bits)`, classical bit 0 first."""
    # Some vendors put a space between registers and some do not; the order is one and the same.
    outcomes = [outcome.replace(" ", "") for outcome in counts]
    wrong = [outcome for outcome in outcomes if len(outcome) != n_bits or set(outcome) - {*"01"}]
    if wrong:
        raise ValueError(f"outcome {wrong[0]!r} found; expected {n_bits} digits 0 and 1")
    if sum(counts.values()) != shots:
        raise ValueError(f"{sum(counts.values())} shots came; {shots} were asked")
    bits = np.array([[digit == "1" for digit in reversed(outcome)] for outcome in outcomes])
    return np.repeat(bits, list(counts.values()), axis=0)


def _said(error: BaseException) -> str:
    """Return an exception as one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else f"{text[:300]}..."


def dump_circuits(circuits: list[QuantumCircuit], qpy_version: int) -> str:
    """Return circuits as text, in a version of QPY that the reader knows."""
    buffer = io.BytesIO()
    qpy.dump(circuits, buffer, version=qpy_version)
    return base64.b64encode(buffer.getvalue()).decode()


def load_circuits(text: str) -> list[QuantumCircuit]:
    """Return what `dump_circuits` wrote."""
    return list(qpy.load(io.BytesIO(base64.b64decode(text))))


def dump_array(array: NDArray[Any]) -> str:
    """Return an array as text."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return base64.b64encode(buffer.getvalue()).decode()


def load_array(text: str) -> NDArray[Any]:
    """Return what `dump_array` wrote."""
    array: NDArray[Any] = np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
    return array


def _serve() -> None:
    """Answer requests until stdin ends: the first opens the backend, the others use it."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a vendor prints must not come between the answers
    vendor: Vendor | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if vendor is None:
                vendor = open_vendor(request["path"], request["arguments"])
                answer = {"description": vendor.description, "qpy": qpy.QPY_VERSION}
            else:
                answer = _answer(vendor, request)
        except VendorError as error:
            answer = {"error": [error.kind, str(error)]}
        except Exception as error:
            answer = {"error": ["failed", _said(error)]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(vendor: Vendor, request: dict[str, Any]) -> dict[str, Any]:
    circuits = load_circuits(request["circuits"])
    if request["call"] == "transpile":
        isa = vendor.transpile(circuits, request["level"], request["seed"])
        return {"circuits": dump_circuits(isa, request["qpy"])}
    rows = [load_array(text) for text in request["rows"]]
    pubs = list(zip(circuits, request["names"], rows))  # noqa: B905
    found = vendor.run(pubs, request["shots"], request["route"], request["seed"])
    return {"bits": [{name: dump_array(a) for name, a in bits.items()} for bits in found]}


if __name__ == "__main__":
    _serve()
