"""Mitigated readings at infinitely many shots, and what they cost in circuits and shots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qrec.backends import noiseless
from qrec.backends.base import Backend
from qrec.backends.mitigation import open_mitigation
from qrec.backends.workload import Reading, Workload
from qrec.experiments.base import Ask
from qrec.experiments.noise.impact.readings import Readings, ask_with_variance
from qrec.experiments.noise.impact.spec import RESCALE


@dataclass(frozen=True, eq=False)
class Mended:
    """Readings with the variance of one shot of each circuit that makes them.

    `n_circuits` take the place of one for each evaluation; `calibration` evaluations are made
    once beside, and their shots count as so many that they add no error.
    """

    readings: Readings
    n_circuits: int
    calibration: int


def mitigated(
    name: str, ask: Ask, backend: Backend, workloads: Sequence[Workload], line: Sequence[Workload]
) -> Mended:
    """Return what a mitigation makes of what `backend`, of exact values, reads of `workloads`.

    `line` are workloads of training pairs: ``rescale`` puts readings on the line that brings
    theirs nearest to the noiseless ones, which need no device.
    """
    if name == RESCALE:
        found = ask_with_variance(ask, backend, workloads)
        noisy = ask_with_variance(ask, backend, line)
        ideal = ask_with_variance(ask, noiseless(), line)
        return Mended(found.on_line(*fitted_line(noisy, ideal)), 1, sum(map(len, line)))
    calibration = 0

    def one_shot(where: Backend, asked: Sequence[Workload]) -> list[Reading]:
        """Answer with the standard error of a single shot, which the mitigation propagates."""
        nonlocal calibration
        found, readings = ask_with_variance(ask, where, asked), []
        for workload, reading, variance in zip(asked, found.readings, found.variances, strict=True):
            fixed = workload.circuit.num_parameters == 0  # it asks of the device, not of a pair
            calibration += len(workload) * fixed
            stderr = np.zeros_like(variance) if fixed else np.sqrt(variance)
            readings.append(Reading(reading.value, stderr, None))
        return readings

    mended = open_mitigation(name).mitigate(backend, workloads, one_shot)
    wanted = sum(map(len, workloads))
    return Mended(
        Readings(mended.readings, [reading.stderr**2 for reading in mended.readings]),
        (mended.evaluations - calibration) // max(1, wanted),
        calibration,
    )


def fitted_line(noisy: Readings, ideal: Readings) -> tuple[float, float]:
    """Return slope and offset that bring the noisy readings nearest to the ideal ones."""
    x, y = (np.concatenate([r.value.ravel() for r in of.readings]) for of in (noisy, ideal))
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(offset)
