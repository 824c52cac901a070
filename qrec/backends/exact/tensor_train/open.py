"""A train at all shared angles at once, so that a step forward and back needs no new pull.

The table is linear in 1, the cosine and the sine of every shared angle. With an index for these
on the site where the rotation stands, the train is cut once, for all angles alike; at given ones
a core is a sum of constant cores, and its gradient that of a sum.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from qrec.backends.exact.machine.constants import constant
from qrec.backends.exact.machine.memory import check_memory
from qrec.backends.exact.tensor_train.layout import Layout, absorb
from qrec.backends.exact.tensor_train.train import Train


class OpenTrain:
    """Cores by harmonics of the shared angles, as `rows.chain` takes them: from both ends."""

    def __init__(self, train: Train, layout: Layout, open_angles: Sequence[list[int]]) -> None:
        cores, which = absorb(layout.at_factors(train.cores))
        last = Train(cores, train.truncation)
        angles, start = [], 0
        for factor in layout.factors:
            own = open_angles[start : start + len(factor.qubits)]
            start += len(own)
            angles.append([angle for some in own for angle in some])
        n_steps = -(-len(which) // 2)
        left, right = list(range(n_steps)), list(range(len(which) - 1, n_steps - 1, -1))
        self._n_open = max(len(angles[i]) for i in which)
        self.bond = max(core.shape[3] for core in last.cores)
        n_features = max(core.shape[2] for core in last.cores)
        n_variants = 3**self._n_open
        self.shape = (n_steps, 2, self.bond, n_features * self.bond)
        size = float(np.prod(self.shape)) * n_variants
        check_memory(3 * 8 * size, f"a tensor train of bond {self.bond} by {n_variants} harmonics")
        wide = np.zeros((n_steps, 2, n_variants, self.bond, n_features, self.bond))
        self._which: list[list[int | None]] = [[None, None] for _ in range(n_steps)]
        index = np.full((n_steps, 2, self._n_open), -1)
        if len(right) < n_steps:  # an odd number: nothing stands before the last one's other end
            wide[0, 1, 0, 0, 0, 0] = 1.0
            right = [-1, *right]
        for step, places in enumerate(zip(left, right, strict=True)):
            for side, place in enumerate(places):
                if place < 0:
                    continue
                core = last.cores[place].transpose((0, 3, 2, 1) if side == 0 else (0, 1, 2, 3))
                # Angles that a site does not have come first, and stand at 1.
                wide[step, side][tuple(slice(n) for n in core.shape)] = core
                self._which[step][side] = which[place]
                some = angles[which[place]]
                index[step, side, self._n_open - len(some) :] = some
        self._cores = wide.reshape(2 * n_steps, n_variants, -1)
        self._index = index.reshape(2 * n_steps, -1).T.copy()
        self._n_features = n_features

    def cores(self, angles: Tensor) -> Tensor:
        """Return the cores at shared angles."""
        # Behind the last angle stands that of a site which has none: its harmonics are 1, 0, 0.
        cos, sin = pad(torch.cos(angles), (0, 1)), pad(torch.sin(angles), (0, 1))
        harmonics = torch.stack([torch.ones_like(cos), cos, sin], dim=1)
        out = angles.new_ones(len(self._cores), 1)
        for places in self._index:  # the angle that changes fastest comes last
            own = harmonics.index_select(0, constant(places % len(harmonics), angles))
            out = (out[:, :, None] * own[:, None]).reshape(len(out), -1)
        flat = torch.bmm(out[:, None], constant(self._cores, angles))
        return flat.reshape(self.shape)

    def features(self, features: Sequence[Tensor], n_rows: int) -> Tensor:
        """Return the features of the sites, step by step."""
        one = pad(features[0].new_ones(1, n_rows), (0, 0, 0, self._n_features - 1))
        own = [one if i is None else features[i] for step in self._which for i in step]
        full = [
            x if x.shape == one.shape else
            pad(x.expand(-1, n_rows), (0, 0, 0, self._n_features - len(x)))
            for x in own
        ]  # fmt: skip
        return torch.stack(full).reshape(-1, 2, *one.shape)
