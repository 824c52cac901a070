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
from qrec.config import Spec
from qrec.errors import ConfigError
from qrec.runs.files import read_arrays, stored, understood, write_arrays

# Rows computed again may differ in the last bits on another machine; the answer stays good.
_TOLERANCE = 1e-9


class _AskedWorkload(Spec):
    key: str
    circuit: str


class _Asked(Spec):
    """What a question's file says in words."""

    backend: str
    workloads: list[_AskedWorkload]


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
        return self.path(number).is_file()

    def write_asked(self, number: int, asked: Fingerprint) -> None:
        """Store a question that waits for its answer."""
        write_arrays(self._asked_path(number), _as_arrays(asked))

    @stored()
    def asked(self, number: int) -> Fingerprint | None:
        """Return a question as it was asked first; None if it never was."""
        for path in (self.path(number), self._asked_path(number)):
            if path.is_file():
                return _asked_of(read_arrays(path), path)
        return None

    def write(self, number: int, asked: Fingerprint, raws: Sequence[Raw]) -> None:
        """Store a question with its answer."""
        answer = {f"raw.{name}": array for name, array in named_arrays(raws).items()}
        write_arrays(self.path(number), _as_arrays(asked) | answer)

    @stored()
    def read(self, number: int) -> list[Raw]:
        """Return the stored answer to question `number`."""
        path = self.path(number)
        arrays = read_arrays(path)
        stored = {k.removeprefix("raw."): a for k, a in arrays.items() if k.startswith("raw.")}
        with understood(path, "a question and its answer"):
            raws = raws_of(stored)
        asked = _asked_of(arrays, path)
        if len(raws) != len(asked.workloads):
            raise ConfigError(
                f"{path}: answers to {len(raws)} circuits where {len(asked.workloads)} were asked"
            )
        for place, (raw, rows) in enumerate(zip(raws, asked.parameters, strict=True)):
            _check_raw(raw, len(rows), f"{path}: circuit {place}")
        return raws

    @stored()
    def check_same(self, number: int, asked: Fingerprint) -> None:
        """Raise ConfigError where question `number` was another one: code or data changed."""
        before = self.asked(number)
        if before is not None and (difference := before.difference(asked)):
            raise ConfigError(
                f"step {self._step}, question {number}: {difference}, which differs from what "
                f"{self._folder} holds: code or data changed since it was asked; begin a new run"
            )

    def path(self, number: int) -> Path:
        """Return the file of question `number` and its answer."""
        return self._folder / f"{number}.npz"

    def _asked_path(self, number: int) -> Path:
        return self._folder / f"{number}.asked.npz"


def _as_arrays(asked: Fingerprint) -> dict[str, NDArray[Any]]:
    said = {"backend": asked.backend, "workloads": asked.workloads}
    rows = {f"parameters.{i}": rows for i, rows in enumerate(asked.parameters)}
    return {"asked": np.array(json.dumps(said)), **rows}


def _asked_of(arrays: dict[str, NDArray[Any]], path: Path) -> Fingerprint:
    with understood(path, "a question and its answer"):
        said = _Asked.model_validate_json(str(arrays["asked"]))
        rows = [arrays[f"parameters.{i}"] for i in range(len(said.workloads))]
    for place, array in enumerate(rows):
        if array.dtype.kind != "f" or array.ndim != 2:
            raise ConfigError(
                f"{path}: parameters of circuit {place}: found {array.dtype} of shape "
                f"{array.shape}, expected numbers, a row for each evaluation"
            )
    return Fingerprint(said.backend, [w.model_dump() for w in said.workloads], rows)


# What a backend may return for a circuit (see `backends.readings.read`): field -> kind of number
# and its numbers of axes.
_FORMS = (
    {"value": ("f", (1, 2)), "stderr": ("f", (1, 2))},
    {"bits": ("u", (3,))},
    {"counts": ("iuf", (2,))},
)


def _check_raw(raw: Raw, n_rows: int, where: str) -> None:
    """Raise ConfigError where an answer has not the form of one to `n_rows` evaluations."""
    fields = {name: array for name, array in raw.items() if name != "route"}
    form = next((form for form in _FORMS if form.keys() == fields.keys()), None)
    if form is None:
        expected = " or ".join(" and ".join(form) for form in _FORMS)
        raise ConfigError(f"{where}: found {sorted(fields)}, expected {expected}")
    for name, (kinds, axes) in form.items():
        array = fields[name]
        if array.dtype.kind not in kinds or array.ndim not in axes or len(array) != n_rows:
            raise ConfigError(
                f"{where}: {name}: found {array.dtype} of shape {array.shape}, which is no answer "
                f"to {n_rows} evaluations"
            )
    counts = fields.get("counts")
    if counts is not None and n_rows and ((counts < 0).any() or np.ptp(counts.sum(axis=1))):
        raise ConfigError(f"{where}: counts: expected as many shots in every row")
