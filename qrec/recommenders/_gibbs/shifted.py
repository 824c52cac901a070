"""The coefficients of any circuit, from two more evaluations for each angle and pair."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from qrec.recommenders._angle_training import Differentiable
from qrec.recommenders._gibbs.forms import Fixed, Form
from qrec.recommenders._gibbs.patterns import Draw
from qrec.recommenders._roles import Roles
from qrec.types import AnyCodes, Array


def coefficients(
    value: Array, quarter: Array, half: Array, angle: Array | float
) -> tuple[Array, Array, Array]:
    """Return A, B and C of A + B cos phi + C sin phi, read at phi, phi + pi/2 and phi + pi.

    Ostaszewski, Grant, Benedetti, Quantum 5, 391 (2021), equation 6 and appendix A.
    """
    constant = (value + half) / 2
    along, across = (value - half) / 2, quarter - constant
    cos, sin = np.cos(angle), np.sin(angle)
    return constant, along * cos - across * sin, along * sin + across * cos


@dataclass(frozen=True, eq=False)
class ShiftedForm(Form):
    """A circuit evaluated by the exact engine wherever it is asked."""

    expectation: Differentiable
    roles: Roles

    def fix(self, weights: Array) -> "Shifted":
        named = {} if self.roles.weights is None else {self.roles.weights: weights}
        return Shifted(self.expectation, self.roles.user, self.roles.item, named)


@dataclass(frozen=True, eq=False)
class Shifted(Fixed):
    """A `ShiftedForm` at fixed weights."""

    expectation: Differentiable
    own: str
    theirs: str
    weights: dict[str, Array]
    numbers_per_rating = 64

    def mirrored(self) -> "Shifted":
        return replace(self, own=self.theirs, theirs=self.own)

    def values(self, mine: Array, others: Array, me: AnyCodes, other: AnyCodes) -> Array:
        return self._values(mine[me], others[other])

    def seen(self, others: Array) -> Array:
        return others

    def visit(self, mine: Array, seen: Array, me: AnyCodes, other: AnyCodes, draw: Draw) -> None:
        rows, theirs = mine[me], seen[other]
        value = self._values(rows, theirs)
        for j in range(mine.shape[1]):
            turned = []
            for turn in (np.pi / 2, np.pi):
                moved = rows.copy()
                moved[:, j] += turn
                turned.append(self._values(moved, theirs))
            quarter, half = turned
            constant, in_cos, in_sin = coefficients(value, quarter, half, rows[:, j])
            cos, sin = draw(j, in_cos, in_sin)
            rows[:, j] = np.arctan2(sin, cos)
            value = constant + in_cos * cos + in_sin * sin

    def _values(self, mine: Array, theirs: Array) -> Array:
        given = {self.own: mine, self.theirs: theirs, **self.weights}
        with torch.no_grad():
            value = self.expectation({k: torch.from_numpy(x) for k, x in given.items()})
        return np.broadcast_to(value.numpy(), len(mine))
