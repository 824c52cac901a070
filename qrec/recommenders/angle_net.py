"""The report's angle-encoded variational net, as it was and as good as it gets."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qrec.backends.open import Openable, open_backend
from qrec.circuits.angle_net import Entangler, angle_net
from qrec.circuits.encodings import features_to_angles
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.recommenders._checks import check_params
from qrec.recommenders.quantum import Array, Codes, QuantumRecommender, read_z
from qrec.recommenders.truncated_svd import TruncatedSVDRecommender
from qrec.seeds import child_seed

if TYPE_CHECKING:
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    from qrec.backends.exact.expectation import Expectation

_TRAINED = {
    "report": ("theta", "mean", "gain"),
    "learned": ("theta", "mean", "gain", "u", "v", "user_bias", "item_bias"),
}
_FORMS: dict[str, tuple[int, Entangler]] = {"report": (2, "pairs"), "learned": (3, "chain")}
_START_ANGLE = 0.3  # radians; standard deviation of the untrained angles


class AngleNet(QuantumRecommender):
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
    Training runs on the exact gradient in float32 and stops early on the validation RMSE.

    `training_backend`, of kind exact, is where it runs; with a snapshot that is the circuit
    transpiled once for the device, its parameters free, under the device's noise. `backend` is
    where predictions are evaluated. A noisy circuit has gradients while Z_0 pulled back through
    it stays within 2^18 Pauli strings: any on up to 9 qubits, so `n_factors` up to 4 where the
    device routes without more; beyond, those with paired CNOTs or one layer. `reuploading`
    under noise takes 16^n_factors numbers per row: practical up to 3.

    Raises ConfigError for a `training_backend` that has no gradients, or none of this net.
    """

    def __init__(
        self,
        n_factors: int = 4,
        n_layers: int | None = None,
        entangler: Entangler | None = None,
        features: str = "learned",
        reuploading: bool = False,
        reg: float = 0.04,
        learning_rate: float = 0.02,
        n_epochs: int = 20,
        batch_size: int = 1024,
        patience: int = 3,
        backend: Openable = "exact",
        training_backend: Openable = "exact",
        random_state: int = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_layers = n_layers
        self.entangler = entangler
        self.features = features
        self.reuploading = reuploading
        self.reg = reg
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.backend = backend
        self.training_backend = training_backend
        self.random_state = random_state

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        check_params(
            self, n_factors=1, features=tuple(_TRAINED), reg=0.0, learning_rate=0.0,
            n_epochs=0, batch_size=1, patience=1,
        )  # fmt: skip
        from qrec.recommenders._angle_training import fit_angles
        from qrec.recommenders._training import Schedule, hold_out

        to_fit, to_stop = hold_out(ratings, validation, self.random_state)
        start = self._report_start(to_fit) if self.features == "report" else self._start(to_fit)
        schedule = Schedule(
            self.learning_rate, self.n_epochs, self.batch_size, self.patience, self.random_state
        )
        trained, self.history_ = fit_angles(
            self._expectation(), start, _TRAINED[self.features], to_fit, to_stop, self.reg,
            schedule,
        )  # fmt: skip
        self.theta_ = trained["theta"]
        self.user_angles_, self.item_angles_ = trained["u"], trained["v"]
        self.user_bias_, self.item_bias_ = trained["user_bias"], trained["item_bias"]
        self.mean_, self.gain_ = float(trained["mean"]), float(trained["gain"])

    def circuit(self) -> QuantumCircuit:
        circuit = self._untrained()
        theta = [p for p in circuit.parameters if p.vector.name == "theta"]
        return circuit.assign_parameters({p: self.theta_[p.index] for p in theta})

    def observable(self) -> SparseObservable:
        return read_z(2 * self.n_factors, 0)

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
        circuit, observable = self._untrained(), self.observable().as_paulis()
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

    def _expectation(self) -> "Expectation":
        from qrec.backends.kinds.exact import ExactBackend

        backend = open_backend(self.training_backend)
        if not isinstance(backend, ExactBackend):
            raise ConfigError(
                f"training_backend: found {backend.name!r}, which gives no gradients; expected one "
                "of kind exact, such as exact or exact_noisy"
            )
        return backend.expectation(self._untrained(), self.observable())

    def _untrained(self) -> QuantumCircuit:
        n_layers, entangler = _FORMS[self.features]
        n_layers = n_layers if self.n_layers is None else self.n_layers
        return angle_net(self.n_factors, n_layers, self.entangler or entangler, self.reuploading)

    def _n_theta(self) -> int:
        return sum(p.vector.name == "theta" for p in self._untrained().parameters)

    def _start(self, ratings: Ratings) -> dict[str, Array]:
        """Draw small angles: far from each other they start in different minima of the sine."""
        rng = np.random.default_rng(child_seed(self.random_state, "start"))
        return self._constants(ratings) | {
            "theta": rng.normal(size=self._n_theta()),
            "u": rng.normal(scale=_START_ANGLE, size=(ratings.n_users, self.n_factors)),
            "v": rng.normal(scale=_START_ANGLE, size=(ratings.n_items, self.n_factors)),
        }

    def _report_start(self, ratings: Ratings) -> dict[str, Array]:
        rng = np.random.default_rng(child_seed(self.random_state, "start"))
        svd = TruncatedSVDRecommender(self.n_factors, "none", self.random_state).fit(ratings)
        # Back from U sqrt(S), V sqrt(S) to the U S and V that scikit-learn's TruncatedSVD gives.
        root = np.linalg.norm(svd.item_factors_, axis=0)
        return self._constants(ratings) | {
            "theta": rng.uniform(0, 2 * np.pi, self._n_theta()),
            "u": features_to_angles(svd.user_factors_ * root),
            "v": features_to_angles(svd.item_factors_ / root),
        }

    def _constants(self, ratings: Ratings) -> dict[str, Array]:
        return {
            "user_bias": np.zeros(ratings.n_users),
            "item_bias": np.zeros(ratings.n_items),
            "mean": np.array(ratings.value.mean()),
            "gain": np.array(1.0),
        }

    def _angles(self, users: Codes, items: Codes) -> Mapping[str, Array]:
        return {"u": self.user_angles_[users], "v": self.item_angles_[items]}

    def _rating(self, users: Codes, items: Codes, value: Array) -> Array:
        bias = self.user_bias_[users] + self.item_bias_[items]
        return self.mean_ + bias + self.gain_ * value
