"""The angle net on compressed rows of ratings: does a quantum autoencoder help it?"""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from qiskit import QuantumCircuit

from qrec.backends.open import Openable
from qrec.circuits.angle_net import angle_net
from qrec.circuits.encodings import features_to_angles
from qrec.data.ratings import Ratings
from qrec.recommenders._latent import Compression, Features
from qrec.recommenders._roles import vector_sizes
from qrec.recommenders.circuit import CircuitRecommender, Gradients
from qrec.recommenders.latent_ridge import active_rows
from qrec.recommenders.parameters import check_at_most
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.types import Array


class LatentNet(CircuitRecommender):
    """Predict mean + b_u + c_i + gain <Z_0> of `angle_net` with features as fixed angles.

    The angles are pi times what `features` makes of what the biases leave of a user's ratings of
    the 2^`encoder_qubits` most rated items, and of an item's by the most active users:
    "autoencoder" (Romero, Olson, Aspuru-Guzik, arXiv:1612.02806, with `encoder_layers` layers,
    trained by linear algebra from `n_init` starts), "measured", what a device reads of its
    latent qubits, "pca", uncentred PCA of the same size, "random" and "zero"; see
    `qrec.recommenders._latent.Compression`. `AngleNet` learns the angles instead, and is far
    better.

    Weights, gain, mean and biases are trained as those of `CircuitRecommender`, with chained
    CNOTs and `n_layers` layers; so are the other parameters and what is fitted.
    """

    def __init__(
        self,
        features: Features = "autoencoder",
        n_latent: Annotated[int, Ge(1)] = 2,
        encoder_qubits: Annotated[int, Ge(2)] = 6,
        encoder_layers: Annotated[int, Ge(1)] = 4,
        n_init: Annotated[int, Ge(1)] = 1,
        n_layers: Annotated[int, Ge(1)] = 3,
        reg: Annotated[float, Ge(0), Range(low=0.001, high=1.0, log=True)] = 0.04,
        learning_rate: Annotated[float, Ge(0), Range(low=0.002, high=0.2, log=True)] = 0.02,
        n_epochs: Annotated[int, Ge(0)] = 20,
        batch_size: Annotated[int, Ge(1)] = 1024,
        patience: Annotated[int, Ge(1)] = 3,
        training: Gradients = "exact",
        max_iter: Annotated[int, Ge(0)] | None = None,
        backend: Openable = None,
        training_backend: Openable = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        super().__init__(
            "angle_net", reg=reg, learning_rate=learning_rate, n_epochs=n_epochs,
            batch_size=batch_size, patience=patience, training=training, max_iter=max_iter,
            backend=backend, training_backend=training_backend, random_state=random_state,
        )  # fmt: skip
        self.features = features
        self.n_latent = n_latent
        self.encoder_qubits = encoder_qubits
        self.encoder_layers = encoder_layers
        self.n_init = n_init
        self.n_layers = n_layers

    def check(self) -> None:
        check_at_most(self, "n_latent", self.encoder_qubits - 1, "below encoder_qubits")
        super().check()

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        self.check()
        super()._fit(ratings, validation)

    def _compression(self) -> Compression:
        return Compression(
            self.features, self.n_latent, self.encoder_qubits, self.encoder_layers, self.n_init,
            self.random_state,
        )  # fmt: skip

    def _untrained(self) -> QuantumCircuit:
        return angle_net(self._compression().size, self.n_layers, "chain")

    def _trained(self) -> tuple[str, ...]:
        return ("theta", "mean", "gain", "user_bias", "item_bias")

    def _start(self, ratings: Ratings) -> dict[str, Array]:
        rng = np.random.default_rng(child_seed(self.random_state, "start"))
        compress = self._compression()
        users, items = active_rows(ratings, self.encoder_qubits)
        return self._constants(ratings) | {
            "theta": rng.normal(size=vector_sizes(self._untrained())["theta"]),
            "u": features_to_angles(compress(users, "users")),
            "v": features_to_angles(compress(items, "items")),
        }
