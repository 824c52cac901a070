"""Expectation values by a tensor train: the pulled-back observable times the rows' features.

A dense table has 3^n numbers for n encoded qubits. Where the suffix that all rows share reaches
few qubits at a time, as a chain, a ladder or bricks of a few layers do, the train's bond does not
grow with n: each layer of a chain of CNOTs multiplies it by 4 at most, and device noise, which is
local, adds little. See `pull` and `train` for the sources.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from qrec.backends.exact.heisenberg.front import Front, factors_of
from qrec.backends.exact.heisenberg.partition import partition
from qrec.backends.exact.read.angles import Angles
from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.pauli import Real, local
from qrec.backends.exact.read.program import Operation, Rotation
from qrec.backends.exact.read.question import ObservedProgram
from qrec.backends.exact.tensor_train.layout import Layout, absorb
from qrec.backends.exact.tensor_train.open import OpenTrain
from qrec.backends.exact.tensor_train.pull import Pull
from qrec.backends.exact.tensor_train.rows import RowKernel, chain
from qrec.backends.exact.tensor_train.train import (
    BondError,
    Train,
    Truncation,
    train_of_strings,
)
from qrec.errors import ConfigError


class TensorTrain:
    """A program and an observable, planned for parameters that are shared or differ by row.

    Values are exact to `truncation.eps` of the table's norm; `error` estimates what was dropped,
    the root mean square of the values' error over features of random rows. Raises ConfigError
    where data encoding joins too many qubits, and BondError where the train does not compress.
    """

    def __init__(
        self,
        observed: ObservedProgram,
        row_columns: Sequence[bool],
        truncation: Truncation | None = None,
    ) -> None:
        self.truncation = truncation or Truncation()
        seen, kept = light_cone(observed.program, observed.codes)
        if not kept:  # nothing but the identity is read: one idle qubit stands for it
            seen, kept = replace(seen, n_qubits=1), (0,)
        self._codes, self._coefficients = local(observed.codes, kept), observed.coefficients
        parts = partition(seen, row_columns)
        factors = factors_of(parts, row_columns)
        self.suffix, self.n_qubits = parts.suffix, seen.n_qubits
        self.layout = Layout(factors, parts.suffix)
        rotations = [op for op in parts.suffix if isinstance(op, Rotation) and op.columns]
        self._angle_of: dict[Operation, int] = {op: i for i, op in enumerate(rotations)}
        self._angles = Angles(rotations, row_columns)
        self._front = Front(self.layout.factors, row_columns)
        # Bonds hang on angles at special ones alone: any others say what rows will cost.
        generic = np.random.default_rng(0).uniform(0, 2 * np.pi, len(rotations))
        self._planned = self._closed(generic)
        self._last = generic, self._planned  # a fitted net is asked again and again

    @property
    def cores(self) -> list[Real]:
        """What rows meet, `(1, left, n_features, right)`, at generic shared angles."""
        return self._planned[0]

    @property
    def bond(self) -> int:
        return int(max(core.shape[3] for core in self.cores))

    @property
    def widest(self) -> int:
        """The widest bond on the way back."""
        return self._planned[2].widest

    @property
    def error(self) -> float:
        """The estimated error of a value: the root of the weight that was dropped."""
        return float(np.sqrt(self._planned[2].dropped))

    @cached_property
    def open(self) -> OpenTrain:
        """The train at all shared angles at once, for gradients in them."""
        try:
            pull = Pull(self._start(), self.layout.place, None)
            train = pull.through(self.suffix, self._angle_of)
            return OpenTrain(train, self.layout, pull.open_angles)
        except BondError as error:
            raise ConfigError(
                f"no gradient through a tensor train of bond {error.bond} with its angles open, "
                f"at most {error.limit}; expected fewer layers"
            ) from None

    def __call__(self, shared: Tensor, rows: Tensor) -> Tensor:
        """Return the expectation values `(n_rows,)`, with gradients where they are asked for."""
        if not torch.is_grad_enabled() or not (shared.requires_grad or rows.requires_grad):
            return self.fix(shared)(rows)
        cores = self.open.cores(self._shared_angles(shared))
        features = self._front(shared, rows)
        values = chain(cores, self.open.features(features, rows.shape[1]))
        # Where nothing is left of the parameters their gradient is 0, and not missing.
        return values if values.requires_grad else values + 0.0 * (shared.sum() + rows.sum())

    def fix(self, shared: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function of the rows `(n_row_parameters, n_rows)` at shared parameters.

        It has no gradients.
        """
        angles = np.asarray(self._shared_angles(shared).detach().cpu().double().numpy())
        before, closed = self._last
        if not np.array_equal(before, angles):
            closed = self._closed(angles)
            self._last = angles, closed
        cores, which, _ = closed
        kernel = RowKernel([torch.from_numpy(core[0]).to(shared) for core in cores])

        def evaluate(rows: Tensor) -> Tensor:
            features = self._front(shared, rows)
            return kernel([features[i] for i in which], rows.shape[1])

        return evaluate

    def _shared_angles(self, shared: Tensor) -> Tensor:
        return self._angles(shared, shared[:, None])[:, 0]

    def numbers_per_row(self) -> int:
        """Return how many real numbers a row takes."""
        widest = max(core.shape[1] * core.shape[2] for core in self.cores)
        return int(2 * widest) + sum(factor.n_features for factor in self.layout.factors)

    def cost_per_row(self) -> float:
        """Return what one row costs, see `method`."""
        return float(sum(core.size for core in self._planned[0])) + self._front.cost_per_row()

    def _start(self) -> Train:
        letters = [local(self._codes, (qubit,)).astype(np.int64) for qubit in self.layout.qubits]
        digits = np.array(letters).reshape(len(letters), -1).T
        return train_of_strings(digits, self._coefficients, self.truncation)

    def _closed(self, angles: Real) -> tuple[list[Real], list[int], Train]:
        """Return the cores at given angles, the factors they stand for, and the train."""
        train = Pull(self._start(), self.layout.place, angles).through(self.suffix, self._angle_of)
        cores, which = absorb(self.layout.at_factors(train.cores))
        last = Train(cores, self.truncation)
        train.dropped += last.dropped
        return last.cores, which, train
