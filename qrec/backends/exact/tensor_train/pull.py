"""The pull of an observable through operations that all rows share, as a tensor train.

In the Heisenberg picture an observable stays near a product operator where gates reach few
qubits: Hartmann, Prior, Clark and Plenio, PRL 102, 057202 (2009) evolve it as a matrix product
operator. Here its letters are Pauli coefficients, gates and channels real transfer matrices, and
operations of one qubit wait for the next that joins it to another, where the train is cut anew.
"""

from collections.abc import Sequence

import numpy as np

from qrec.backends.exact.read.parts import Part, part_of
from qrec.backends.exact.read.pauli import Real
from qrec.backends.exact.read.program import Operation
from qrec.backends.exact.tensor_train.operators import site_operators
from qrec.backends.exact.tensor_train.train import Train


class Pull:
    """Takes a train back through operations, at given shared angles or at all of them at once.

    With `angles` None a rotation by a shared angle keeps it open: its site gets three variants
    in place of each, what stands with 1, with the cosine and with the sine. `open_angles` names
    the angles of each site, the one that changes fastest last.
    """

    def __init__(self, train: Train, place: dict[int, int], angles: Real | None) -> None:
        self.train, self._place, self._angles = train, place, angles
        self.open_angles: list[list[int]] = [[] for _ in train.cores]
        self._waiting: list[list[Part]] = [[] for _ in train.cores]

    def through(self, operations: Sequence[Operation], angle_of: dict[Operation, int]) -> Train:
        """Go back from the last operation to the first, and return the train."""
        for operation in reversed(operations):
            part = part_of(operation, angle_of.get(operation, -1))
            sites = [self._place[q] for q in operation.qubits]
            if len(sites) == 1:
                self._waiting[sites[0]].append(self._at_angles(part))
                continue
            self.train.move(min(sites), max(sites))
            for site in sites:
                self._turn(site)
            order = tuple(int(i) for i in np.argsort(sites))
            self.train.apply(site_operators(part.still, order), sorted(sites))
        for site in range(len(self.train.cores)):
            self._turn(site)
        return self.train

    def _at_angles(self, part: Part) -> Part:
        if part.cos is None or part.sin is None or self._angles is None:
            return part
        angle = self._angles[part.angle]
        return Part(part.still + np.cos(angle) * part.cos + np.sin(angle) * part.sin)

    def _turn(self, site: int) -> None:
        """Apply what waits at a site."""
        core = self.train.cores[site]
        for part in self._waiting[site]:
            if part.cos is None or part.sin is None:
                core = np.matmul(part.still.T, core)
                continue
            turned = [np.matmul(m.T, core) for m in (part.still, part.cos, part.sin)]
            core = np.stack(turned, axis=1).reshape(-1, *core.shape[1:])
            self.open_angles[site].append(part.angle)
        self.train.cores[site] = core
        self._waiting[site] = []
