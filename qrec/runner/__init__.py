"""The life of a run, once for all kinds of experiment: load, run, submit, fetch, replay."""

from qrec.runner.load import load
from qrec.runner.run import Run, resume, run

__all__ = ["Run", "load", "resume", "run"]
