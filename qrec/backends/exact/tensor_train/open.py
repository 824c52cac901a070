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
    """Cores by harmonics of the shared angles, all sites as wide as the widest."""

    def __init__(self, train: Train, layout: Layout, open_angles: Sequence[list[int]]) -> None:
        cores, self._which = absorb(layout.at_factors(train.cores))
        last = Train(cores, train.truncation)
        self.dropped = train.dropped + last.dropped
        angles, start = [], 0
        for factor in layout.factors:
            own = open_angles[start : start + len(factor.qubits)]
            start += len(own)
            angles.append([angle for some in own for angle in some])
        own_angles = [angles[i] for i in self._which]
        self.n_open = max(map(len, own_angles))
        self.bond = max(max(core.shape[1], core.shape[3]) for core in last.cores)
        self.n_features = max(core.shape[2] for core in last.cores)
        self.shape = (len(cores), self.bond, self.n_features, self.bond)
        n_variants = 3**self.n_open
        size = np.prod(self.shape, dtype=float) * n_variants
        check_memory(3 * 8 * size, f"a tensor train of bond {self.bond} by {n_variants} harmonics")
        self._cores = np.zeros((len(cores), n_variants, *self.shape[1:]))
        for place, core in enumerate(last.cores):
            # Angles that a site does not have come first, and stand at 1.
            self._cores[place][tuple(slice(n) for n in core.shape)] = core
        self._cores = self._cores.reshape(len(cores), n_variants, -1)
        n_angles = 1 + max((a for some in own_angles for a in some), default=-1)
        index = np.full((len(cores), self.n_open), n_angles)
        for place, some in enumerate(own_angles):
            if some:
                index[place, self.n_open - len(some) :] = some
        self._index = index.T.copy()

    def cores(self, angles: Tensor) -> Tensor:
        """Return the cores `(n_sites, bond, n_features, bond)` at shared angles."""
        cos, sin = pad(torch.cos(angles), (0, 1)), pad(torch.sin(angles), (0, 1))
        harmonics = torch.stack([torch.ones_like(cos), cos, sin])
        out = angles.new_ones(self.shape[0], 1)
        for column in self._index:  # the angle that changes fastest comes last
            own = harmonics.index_select(1, constant(column, angles))
            out = (out[:, :, None] * own.T[:, None]).reshape(len(out), -1)
        flat = torch.bmm(out[:, None], constant(self._cores, angles))
        return flat.reshape(self.shape)

    def features(self, features: Sequence[Tensor], n_rows: int) -> Tensor:
        """Return the features `(n_sites, n_features, n_rows)` of the sites."""
        own = [features[i].expand(-1, n_rows) for i in self._which]
        return torch.stack([pad(x, (0, 0, 0, self.n_features - len(x))) for x in own])
