"""The jobs of a run on disk: what each holds, one file per round of questions."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from qrec.config import explain
from qrec.errors import ConfigError
from qrec.runs.files import FileName, read_json, write_json
from qrec.runs.folder import RunFolder
from qrec.runs.ledger import JobRecord, new_uid

Key = tuple[str, int]  # step, number of the question


Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Part:
    """Rows `start` to `stop` of one circuit of a question, one PUB of a job."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    step: FileName
    question: Count
    circuit: Count
    start: Count
    stop: Count

    @property
    def key(self) -> Key:
        """The question that this belongs to."""
        return self.step, self.question


@dataclass(frozen=True)
class PlannedJob:
    """What one job holds: enough to build it, and to put its result in place."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    uid: FileName
    backend: str  # as the run calls it
    entry: str  # its name in backends.yaml
    device: str  # what that entry asks, by which the ledger counts and budgets hold
    parts: tuple[Part, ...]
    executions: Count
    qpu_seconds: float

    def renewed(self, longer: bool = False) -> "PlannedJob":
        """Return the same work under a uid of its own, to be sent after a failure.

        `longer`: its limit of time ended it, so it is thought to take twice as long as before;
        its limit grows with that, and so does what the budget counts.
        """
        seconds = self.qpu_seconds * (2.0 if longer else 1.0)
        return replace(self, uid=new_uid(), qpu_seconds=seconds)


_ROUND = TypeAdapter(list[PlannedJob])


def write_round(folder: RunFolder, number: int, jobs: Sequence[PlannedJob]) -> None:
    """Store the jobs of a round."""
    write_json(folder.path / "jobs" / f"{number:04}.json", [asdict(job) for job in jobs])


def read_rounds(folder: RunFolder) -> list[list[PlannedJob]]:
    """Return the jobs of all rounds; nothing where the run was never submitted.

    Raises ConfigError for a file that holds something else.
    """
    rounds = []
    for path in sorted((folder.path / "jobs").glob("[0-9]*.json")):
        try:
            # JSON has no tuples, which `strict` takes for what they are only where it reads it.
            rounds.append(_ROUND.validate_json(json.dumps(read_json(path)), strict=True))
        except ValidationError as error:
            raise ConfigError(explain(error, str(path))) from None
    return rounds


def read_jobs(folder: RunFolder) -> list[PlannedJob]:
    """Return the jobs of all rounds in one list."""
    return [job for jobs in read_rounds(folder) for job in jobs]


def records(run: str, jobs: Sequence[PlannedJob]) -> list[JobRecord]:
    """Return how jobs enter the ledger."""
    return [
        JobRecord(
            job.uid, run, job.entry, job.device, "PLANNED", None, job.executions, job.qpu_seconds
        )
        for job in jobs
    ]
