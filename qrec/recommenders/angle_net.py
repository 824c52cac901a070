"""The report's angle-encoded variational net, as it was and as good as it gets."""

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qrec.backends.open import Openable, open_backend
from qrec.circuits.angle_net import Entangler, angle_net
from qrec.circuits.encodings import features_to_angles
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.recommenders._roles import vector_sizes
from qrec.recommenders.circuit import CircuitRecommender, Loss, Training
from qrec.recommenders.spaces import Range
from qrec.recommenders.truncated_svd import TruncatedSVDRecommender
from qrec.seeds import child_seed
from qrec.types import Array

if TYPE_CHECKING:
    from qiskit_machine_learning.neural_networks import EstimatorQNN

_FORMS: dict[str, tuple[int, Entangler]] = {"report": (2, "pairs"), "learned": (3, "chain")}


class AngleNet(CircuitRecommender):
    """Predict offset + gain <Z_0> of the `angle_net` circuit on 2 `n_factors` qubits.

    ``features="report"`` is the net of "Integrating Quantum SVD & LSTM for Improved
    Recommender Accuracy": fixed angles, pi times the latent vectors that scikit-learn's
    TruncatedSVD finds in the zero-filled matrix; theta, gain and one number as offset are
    trained with Adam. Users' latent vectors are so long that pi times them wraps around the
    circle many times, items' so short that they hardly turn, and with paired CNOTs only one
    angle of each reaches qubit 0: the prediction ends near the mean.

    ``features="learned"`` (default, beyond the report) keeps the circuit family and trains the
    angles of every user and item as well, with a chain of CNOTs through which all of them reach
    qubit 0, and with mean + b_u + c_i as the offset, all in one loss: mean squared error plus
    `reg` times the squares of the angles and biases of each rating's user and item.

    `n_layers`, `entangler` and `reuploading` are those of `qrec.circuits.angle_net`; None takes
    2 layers and pairs for the report's features, 3 layers and the chain for learned ones.
    Training is that of `CircuitRecommender`, in float32, as are `training`, `max_iter`, `loss`,
    the backends and what is fitted.

    With ``training="exact"`` a snapshot means the circuit transpiled once for the device, its
    parameters free. A noisy circuit has gradients while Z_0 pulled back through
    it stays within 2^18 Pauli strings: any on up to 9 qubits, so `n_factors` up to 4 where the
    device routes without more; beyond, those with paired CNOTs or one layer. `reuploading`
    under noise takes 16^n_factors numbers per row: practical up to 3.

    ``training="gibbs"`` draws from the posterior of learned angles instead; take a fixed `gain`
    of 2 to 3 with chains: where it is sampled it wanders off, and shots cost as much more.

    Raises ConfigError for a `training_backend` that has no gradients, or none of this net, and
    for Gibbs sampling with the report's features or with `reuploading`.
    """

    def __init__(
        self,
        n_factors: Annotated[int, Ge(1)] = 4,
        n_layers: Annotated[int, Ge(1)] | None = None,
        entangler: Entangler | None = None,
        features: Literal["report", "learned"] = "learned",
        reuploading: bool = False,
        reg: Annotated[float, Ge(0), Range(low=0.001, high=1.0, log=True)] = 0.04,
        learning_rate: Annotated[float, Ge(0), Range(low=0.002, high=0.2, log=True)] = 0.02,
        n_epochs: Annotated[int, Ge(0)] = 20,
        batch_size: Annotated[int, Ge(1)] = 1024,
        patience: Annotated[int, Ge(1)] = 3,
        training: Training = "exact",
        max_iter: Annotated[int, Ge(0)] | None = None,
        loss: Loss = "squared",
        n_negatives: Annotated[int, Ge(1)] = 1,
        gain: float = 1.0,
        n_samples: Annotated[int, Ge(1)] = 100,
        n_burn_in: Annotated[int, Ge(0)] = 50,
        implicit: bool = True,
        side_data: bool = True,
        sample_gain: bool = False,
        n_evaluated: Annotated[int, Ge(1)] | None = None,
        backend: Openable = None,
        training_backend: Openable = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        super().__init__(
            "angle_net", reg=reg, learning_rate=learning_rate, n_epochs=n_epochs,
            batch_size=batch_size, patience=patience, training=training, max_iter=max_iter,
            loss=loss, n_negatives=n_negatives,
            gain=gain, n_samples=n_samples, n_burn_in=n_burn_in, implicit=implicit,
            side_data=side_data, sample_gain=sample_gain, n_evaluated=n_evaluated,
            backend=backend, training_backend=training_backend, random_state=random_state,
        )  # fmt: skip
        self.n_factors = n_factors
        self.n_layers = n_layers
        self.entangler = entangler
        self.features = features
        self.reuploading = reuploading

    def check(self) -> None:
        super().check()
        if self.training == "gibbs" and self.features == "report":
            raise ConfigError(
                "AngleNet: features is 'report'; expected 'learned' with training: gibbs, which "
                "draws the angles that those features fix"
            )

    def to_qnn(self) -> "EstimatorQNN":
        """Return the fitted net as a qiskit-machine-learning `EstimatorQNN` on `backend`.

        Inputs are the angles ``u`` then ``v`` of a pair, weights are ``theta`` (start from
        `theta_`), the output is <Z_0>. Gradients by the parameter-shift rule, of the inputs
        too, as `TorchConnector` needs them. The precision asked of the estimator is that of
        the backend's shots.
        """
        from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
        from qiskit_machine_learning.neural_networks import EstimatorQNN

        backend = open_backend(self.backend)
        circuit, observable = self._untrained(), self.readout().as_paulis()
        estimator, transpiler = backend.estimator(), backend.pass_manager()
        return EstimatorQNN(
            circuit=circuit,
            estimator=estimator,
            observables=SparsePauliOp.from_sparse_observable(observable),
            input_params=[p for p in circuit.parameters if p.vector.name != "theta"],
            weight_params=[p for p in circuit.parameters if p.vector.name == "theta"],
            gradient=ParamShiftEstimatorGradient(estimator, pass_manager=transpiler),
            input_gradients=True,
            default_precision=0.0 if backend.shots is None else backend.shots**-0.5,
            pass_manager=transpiler,
        )

    def _untrained(self) -> QuantumCircuit:
        n_layers, entangler = _FORMS[self.features]
        n_layers = n_layers if self.n_layers is None else self.n_layers
        return angle_net(self.n_factors, n_layers, self.entangler or entangler, self.reuploading)

    def _trained(self) -> tuple[str, ...]:
        every = super()._trained()
        return every if self.features == "learned" else ("theta", "mean", "gain")

    def _start(self, ratings: Ratings) -> dict[str, Array]:
        if self.features == "learned":
            return super()._start(ratings)
        rng = np.random.default_rng(child_seed(self.random_state, "start"))
        svd = TruncatedSVDRecommender(self.n_factors, "none", self.random_state).fit(ratings)
        # Back from U sqrt(S), V sqrt(S) to the U S and V that scikit-learn's TruncatedSVD gives.
        root = np.linalg.norm(svd.item_factors_, axis=0)
        return self._constants(ratings) | {
            "theta": rng.uniform(0, 2 * np.pi, vector_sizes(self._untrained())["theta"]),
            "u": features_to_angles(svd.user_factors_ * root),
            "v": features_to_angles(svd.item_factors_ / root),
        }
