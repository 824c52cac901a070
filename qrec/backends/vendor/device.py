"""A vendor's `BackendV2`: transpiled for, run, asked for its jobs.

Used in this process, or in that of a vendor's own interpreter: see `worker`.
"""

from __future__ import annotations

from importlib.metadata import packages_distributions, version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager

from qrec.backends.vendor.results import (
    Bits,
    Counts,
    Pub,
    listed,
    registers,
    shots_in_counts,
    shots_in_memory,
)

# The first is what Qiskit's BackendSamplerV2 reads, which takes shots that are missing for zeros.
MEMORY, COUNTS = ROUTES = ("run(memory=True)", "run().get_counts()")


def said_by(error: BaseException) -> str:
    """Return an exception as one line."""
    return one_line(f"{type(error).__name__}: {error}")


def one_line(text: str) -> str:
    """Return what a vendor said as a short line that a terminal can show."""
    text = " ".join(text.split())
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= 300 else f"{text[:300]}..."


class VendorError(Exception):
    """What a vendor's backend did wrong; `kind` is missing, config or failed."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Vendor:
    """A backend that comes from ``module:attribute``, `path`.

    Raises VendorError for whatever the vendor's code raises.
    """

    def __init__(self, device: BackendV2, path: str, made: tuple[object, ...] = ()) -> None:
        if is_ibm_qpu(device):
            raise VendorError(
                "config",
                f"{path} made a QPU of IBM Quantum; such an entry is of kind ibm, and `qrec "
                "submit` sends to it",
            )
        self.device = device
        finders = (getattr(one, "retrieve_job", None) for one in (device, *reversed(made)))
        self._retrieve = next((find for find in finders if callable(find)), None)
        self._sent: dict[str, Any] = {}  # job's id -> the vendor's job
        try:
            described = _described(device, path)
        except Exception as error:
            raise VendorError("config", f"{path}: describing it: {said_by(error)}") from error
        self.description = described | {"finds_jobs": self._retrieve is not None}

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
            said = f"transpiling: {said_by(error)}"
            if self._transpiles_bound(circuits, level, seed):
                said += "; it transpiles circuits whose parameters are bound: bind_first: true"
                raise VendorError("config", said) from error
            raise VendorError("failed", said) from error

    def run(self, pubs: list[Pub], shots: int, route: str, seed: int | None) -> list[Bits]:
        """Run every row of every PUB by one of `ROUTES` and wait.

        Raises VendorError for another number of results or shots than was asked.
        """
        read = shots_in_memory if route == MEMORY else shots_in_counts
        options = {"memory": True} if route == MEMORY else {}
        try:
            bound = _bound(pubs)
            size = self.device.max_circuits or len(bound)
            shot_bits: list[NDArray[np.bool_]] = []
            for start in range(0, len(bound), size):
                batch = bound[start : start + size]
                job = self.device.run(batch, shots=shots, **options, **_seeded(seed))
                shot_bits += read(job.result(), batch, shots)
            rest = iter(shot_bits)
            return [registers(pub[0], [next(rest) for _ in pub[2]]) for pub in pubs]
        except Exception as error:  # a vendor's code fails in ways of its own
            raise VendorError("failed", said_by(error)) from error

    def send(self, pubs: list[Pub], shots: int, seed: int | None, uid: str) -> str:
        """Send every row of every PUB as one job and do not wait; return its id.

        One that the vendor gives no id has `uid`, and is known in this process alone.
        """
        try:
            job = self.device.run(_bound(pubs), shots=shots, **_seeded(seed))
            job_id = str(job.job_id()) if hasattr(job, "job_id") else uid
        except Exception as error:
            raise VendorError("failed", said_by(error)) from error
        self._sent[job_id] = job
        return job_id

    def state(self, job_id: str) -> tuple[str, str]:
        """Return the state of a job, as `Backend` names it, and why it failed."""
        try:
            job = self._job(job_id)
            status = job.status()
            state = _STATES.get(str(getattr(status, "name", status)).upper(), "QUEUED")
            return state, _reason(job) if state == "FAILED" else ""
        except Exception as error:
            raise VendorError("failed", f"job {job_id}: {said_by(error)}") from error

    def counts(self, job_id: str) -> Counts:
        """Wait for a job and return its counts as they came."""
        try:
            return listed(self._job(job_id).result().get_counts())
        except Exception as error:
            raise VendorError("failed", f"job {job_id}: {said_by(error)}") from error

    def cancel(self, job_id: str) -> None:
        """Ask the vendor to end a job."""
        try:
            self._job(job_id).cancel()
        except Exception as error:
            raise VendorError("failed", f"cancelling job {job_id}: {said_by(error)}") from error

    def _job(self, job_id: str) -> Any:
        if job_id not in self._sent:
            if self._retrieve is None:
                raise ValueError("the process that sent it has ended, and there is no retrieve_job")
            self._sent[job_id] = self._retrieve(job_id)
        return self._sent[job_id]

    def _transpiles_bound(self, circuits: list[QuantumCircuit], level: int, seed: int) -> bool:
        """Return whether circuits are transpiled once angles stand in place of parameters."""
        if not any(circuit.num_parameters for circuit in circuits):
            return False
        bound = [circuit.assign_parameters([0.5] * circuit.num_parameters) for circuit in circuits]
        try:
            self.pass_manager(level, seed).run(bound)
        except Exception:  # the first failure is the one to be told of
            return False
        return True


def is_ibm_qpu(device: object) -> bool:
    """Return whether a device is one of IBM Quantum, and no fake or simulator of one."""
    # By name: the client takes seconds to import, and is not here in a vendor's environment.
    return any(
        base.__name__ == "IBMBackend" and base.__module__.startswith("qiskit_ibm_runtime.")
        for base in type(device).__mro__
    )


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
        "max_circuits": device.max_circuits,
        "operations": operations,
    }


# The names of qiskit.providers.JobStatus, and those that some vendors' jobs give as strings.
_STATES = {
    "DONE": "DONE", "COMPLETED": "DONE", "RUNNING": "RUNNING", "ERROR": "FAILED",
    "FAILED": "FAILED", "CANCELLED": "CANCELLED", "CANCELED": "CANCELLED",
}  # fmt: skip


def _reason(job: Any) -> str:
    """Return why a job failed, which most vendors say by what `result` raises."""
    try:
        job.result()
    except Exception as error:
        return said_by(error)
    return "the vendor does not say why"


def _bound(pubs: list[Pub]) -> list[QuantumCircuit]:
    """Return a circuit for every row of every PUB."""
    return [
        circuit.assign_parameters(dict(zip(names, row)))  # noqa: B905
        for circuit, names, rows in pubs
        for row in rows
    ]


def _seeded(seed: int | None) -> dict[str, int]:
    return {} if seed is None else {"seed_simulator": seed}
