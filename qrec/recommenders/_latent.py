"""Rows of numbers compressed to a few, by a quantum autoencoder and by what it is compared with."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from qrec.seeds import child_seed
from qrec.svd.autoencoder import QuantumAutoencoder, principal_axes, unit_rows
from qrec.types import Array

Features = Literal["autoencoder", "measured", "pca", "random", "zero"]


@dataclass(frozen=True)
class Compression:
    """What compresses: rows of 2^`n_qubits` entries to `size` numbers.

    - "autoencoder": the 2^n_latent latent amplitudes of `QuantumAutoencoder` (global cost);
    - "measured": <Z> and <X> of its latent qubits, 2 n_latent numbers, which a device can read;
    - "pca": the 2^n_latent leading coordinates of uncentred PCA, the best there are;
    - "random": 2^n_latent random orthogonal coordinates; "zero": zeros.
    """

    kind: Features
    n_latent: int
    n_qubits: int
    n_layers: int
    n_init: int
    seed: int

    @property
    def size(self) -> int:
        return 2 * self.n_latent if self.kind == "measured" else 2**self.n_latent

    def __call__(self, rows: Array, name: str) -> Array:
        """Return the features of `rows` `(m, 2^n_qubits)`, `(m, size)`; `name` seeds."""
        if self.kind == "zero" or not rows.any():
            return np.zeros((len(rows), self.size))
        if self.kind == "pca":
            return np.asarray(unit_rows(rows) @ principal_axes(rows, self.size))
        seed = child_seed(self.seed, "latent", name)
        if self.kind == "random":
            normal = np.random.default_rng(seed).normal(size=(2**self.n_qubits, self.size))
            return np.asarray(unit_rows(rows) @ np.linalg.qr(normal)[0])
        model = QuantumAutoencoder(
            self.n_latent, self.n_layers, n_init=self.n_init, random_state=seed
        ).fit(rows)
        return model.expectations(rows) if self.kind == "measured" else model.transform(rows)
