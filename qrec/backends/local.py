"""Backends in this process."""

import io
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from qrec.backends.base import Backend, BackendSpec, Limits, Raw, Unit, named_arrays, raws_of
from qrec.backends.workload import Workload
from qrec.seeds import child_seed


class LocalBackend(Backend):
    """A backend in this process: a job is done when `send` returns."""

    def __init__(self, spec: BackendSpec) -> None:
        super().__init__(spec)
        self._results: dict[str, list[Raw]] = {}

    @property
    def is_local(self) -> bool:
        return True

    @property
    def limits(self) -> Limits:
        """One unit at a time: so little that progress shows, so much that calls cost nothing."""
        return Limits(pubs=1, evaluations=4096 if self.shots is None else 64)

    @abstractmethod
    def _execute(self, unit: Unit) -> Raw:
        """Evaluate a unit."""

    def _send(self, units: Sequence[Unit], uid: str, run: str, qpu_seconds: float | None) -> str:
        self._results[uid] = [self._execute(unit) for unit in units]
        return uid

    def collect(self, job_id: str) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **dict[str, Any](named_arrays(self._results.pop(job_id))))
        return buffer.getvalue()

    def decode(self, payload: bytes, sizes: Sequence[int]) -> list[Raw]:
        with np.load(io.BytesIO(payload)) as stored:
            return raws_of(stored)

    def find(self, uid: str) -> str | None:
        return uid if uid in self._results else None

    def poll(self, job_id: str) -> str:
        return "DONE" if job_id in self._results else "CANCELLED"

    def cancel(self, job_id: str) -> None:
        self._results.pop(job_id, None)


def workload_seed(seed: int, workload: Workload) -> int:
    """Return the seed of one workload's shots: its own, whatever runs beside it."""
    return child_seed(seed, "shots", workload.key) & np.iinfo(np.int32).max
