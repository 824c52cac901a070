"""The angles of rotations as one matrix product of the parameters."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.read.program import Rotation


class Angles:
    """constant + K_shared shared + K_row rows, for a list of rotations.

    `row_columns` says of each circuit parameter whether it differs by row; shared parameters
    `(n_shared,)` and rows `(n_row_parameters, n_rows)` keep the circuit's order among them.
    """

    def __init__(self, rotations: Sequence[Rotation], row_columns: Sequence[bool]) -> None:
        full = np.zeros((len(rotations), len(row_columns)))
        for place, rotation in enumerate(rotations):
            np.add.at(full[place], list(rotation.columns), rotation.coefficients)
        row = np.asarray(row_columns, bool)
        self._constant = np.array([r.constant for r in rotations], float)
        self._shared, self._row = full[:, ~row], full[:, row]
        self._uses_shared, self._uses_row = bool(full[:, ~row].any()), bool(full[:, row].any())

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the angles, `(n_rotations, n_rows)` or `(n_rotations, 1)` if no row counts."""
        out = constant(self._constant, rows)
        if self._uses_shared:
            out = out + constant(self._shared, rows) @ shared
        out = out[:, None]
        return out + constant(self._row, rows) @ rows if self._uses_row else out
