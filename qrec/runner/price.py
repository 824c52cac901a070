"""What an experiment would cost on a device that a snapshot describes; no account is asked."""

from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from qrec.backends.device.snapshots import SnapshotName, open_snapshot
from qrec.backends.kinds.ibm import IbmBackend
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment
from qrec.runner.asking import ByJobs
from qrec.runner.budget import Round
from qrec.runner.drive import Work
from qrec.runner.run import begin
from qrec.runner.submit import check_asks, next_round
from qrec.runs.progress import Report


def price_round(experiment: Experiment, target: str, parent: Path, report: Report) -> Round:
    """Plan the first round of a new run as if the QPU were the device of a snapshot.

    `target` is ``fake:NAME``, ``file:PATH`` or ``live:NAME``; `parent` is a folder that the caller
    throws away. Shots, mitigation and budget are those of the experiment's own backend of kind
    ibm. Raises ConfigError where it has none, and as `dry_round` does.
    """
    check_asks(experiment)
    try:
        snapshot = open_snapshot(TypeAdapter(SnapshotName).validate_python(target))
    except ValidationError:
        raise ConfigError(
            f"--target {target}: expected a snapshot: fake:FakeTorino, file:PATH or live:ibm_fez"
        ) from None
    paid = [b for b in experiment.backends().values() if isinstance(b, IbmBackend)]
    if not paid:
        raise ConfigError(
            f"--target {target}: experiment {experiment.spec.name!r} asks no backend of kind ibm: "
            f"{', '.join(experiment.backends())}; name one with -b"
        )
    for backend in paid:
        backend.pin(snapshot)
    work = Work(experiment, begin(experiment, parent), ByJobs())
    return replace(next_round(work, {}, report).round, priced_on=snapshot)
