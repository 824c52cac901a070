"""Kinds of experiment, one per file, found by the `kind` that an experiment's YAML names.

A module here defines `SPEC`, the class of its YAML file (an `ExperimentSpec`), and `EXPERIMENT`,
the class of what is done with it (a `BaseExperiment`, see `qrec.experiments._base`).
"""

from qrec.experiments._load import load_experiment, restore_experiment
from qrec.experiments._run import Run, resume, run

__all__ = ["Run", "load_experiment", "restore_experiment", "resume", "run"]
