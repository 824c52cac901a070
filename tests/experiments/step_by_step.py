"""The steps of an experiment, done one after another without a run, on data of one's choice."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from qrec.data import Ratings, Split
from qrec.experiments.base import Experiment
from qrec.runs.outcomes import Outcome

ASK = SimpleNamespace(say=lambda _: None, wrap=lambda backend: backend)


def do_steps(experiment: Experiment) -> dict[str, Outcome]:
    """Return what all steps found."""
    found: dict[str, Outcome] = {}
    for step in experiment.steps():
        found[step.name] = step.do(ASK, {name: found[name] for name in step.after})
    return found


def turned(parts: Split, rows: np.ndarray) -> Split:
    """Return the same split of ratings of which these are turned round on the scale."""
    value = parts.ratings.value.copy()
    value[rows] = sum(parts.ratings.scale) - value[rows]
    other: Ratings = replace(parts.ratings, value=value)
    names = ("train_rows", "validation_rows", "test_rows", "support_rows")
    return Split(other, *(getattr(parts, name) for name in names))
