"""What a step asked of its backends and what came back: one file per question.

The n-th question of a step is ``raw/<step>/<n>.npz``. It holds the parameter rows, a fingerprint
of circuits and observables, and what the backend returned, as it returned it; before there is
an answer, ``<n>.asked.npz`` holds all but that.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.backends.base import Raw, named_arrays, raws_of
from qrec.backends.workload import Workload
from qrec.errors import ConfigError
from qrec.runs.files import read_arrays, write_arrays

# Rows computed again may differ in the last bits on another machine; the answer stays good.
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What must be the same when a question is asked again."""

    backend: str
    workloads: list[dict[str, str]]  # key and form of each
    parameters: list[NDArray[np.float64]]

    @classmethod
    def of(cls, backend: str, workloads: Sequence[Workload], forms: Sequence[str]) -> "Fingerprint":
        """Describe a question; `forms` are those of its workloads (see `circuits.form`)."""
        described = [
            {"key": workload.key, "circuit": form}
            for workload, form in zip(workloads, forms, strict=True)
        ]
        return cls(backend, described, [w.parameters for w in workloads])

    def difference(self, other: "Fingerprint") -> str:
        """Return what differs between two questions, "" if they are the same."""
        if self.backend != other.backend:
            return f"backend {other.backend!r} where it was {self.backend!r}"
        if len(self.workloads) != len(other.workloads):
            return f"{len(other.workloads)} circuits where there were {len(self.workloads)}"
        for number, (one, two) in enumerate(zip(self.workloads, other.workloads, strict=True)):
            for name, value in one.items():
                if value != two[name]:
                    return f"{name} of circuit {number}"
        for number, (a, b) in enumerate(zip(self.parameters, other.parameters, strict=True)):
            if a.shape != b.shape or not np.allclose(a, b, rtol=0.0, atol=_TOLERANCE):
                return f"parameters of circuit {number}"
        return ""


class Answers:
    """The questions of one step of a run, and their answers."""

    def __init__(self, run: Path, step: str) -> None:
        self._step, self._folder = step, run / "raw" / step

    def has(self, number: int) -> bool:
        """Return whether question `number` is answered."""
        return self._path(number).is_file()

    def write_asked(self, number: int, asked: Fingerprint) -> None:
        """Store a question that waits for its answer."""
        write_arrays(self._asked_path(number), _as_arrays(asked))

    def asked(self, number: int) -> Fingerprint | None:
        """Return a question as it was asked first; None if it never was."""
        for path in (self._path(number), self._asked_path(number)):
            if path.is_file():
                return _asked_of(read_arrays(path), path)
        return None

    def write(self, number: int, asked: Fingerprint, raws: Sequence[Raw]) -> None:
        """Store a question with its answer."""
        answer = {f"raw.{name}": array for name, array in named_arrays(raws).items()}
        write_arrays(self._path(number), _as_arrays(asked) | answer)

    def read(self, number: int) -> list[Raw]:
        """Return the stored answer to question `number`."""
        arrays = read_arrays(self._path(number))
        stored = {k.removeprefix("raw."): a for k, a in arrays.items() if k.startswith("raw.")}
        raws = raws_of(stored)
        asked = _asked_of(arrays, self._path(number))
        if len(raws) != len(asked.workloads):
            raise ConfigError(
                f"{self._path(number)}: answers to {len(raws)} circuits where "
                f"{len(asked.workloads)} were asked"
            )
        return raws

    def check_same(self, number: int, asked: Fingerprint) -> None:
        """Raise ConfigError where question `number` was another one: code or data changed."""
        before = self.asked(number)
        if before is not None and (difference := before.difference(asked)):
            raise ConfigError(
                f"step {self._step}, question {number}: {difference}, which differs from what "
                f"{self._folder} holds: code or data changed since it was asked; begin a new run"
            )

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.npz"

    def _asked_path(self, number: int) -> Path:
        return self._folder / f"{number}.asked.npz"


def _as_arrays(asked: Fingerprint) -> dict[str, NDArray[Any]]:
    said = {"backend": asked.backend, "workloads": asked.workloads}
    rows = {f"parameters.{i}": rows for i, rows in enumerate(asked.parameters)}
    return {"asked": np.array(json.dumps(said)), **rows}


def _asked_of(arrays: dict[str, NDArray[Any]], path: Path) -> Fingerprint:
    try:
        said = json.loads(str(arrays["asked"]))
        rows = [arrays[f"parameters.{i}"] for i in range(len(said["workloads"]))]
        return Fingerprint(said["backend"], said["workloads"], rows)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: not a question and its answer: {error}") from None
