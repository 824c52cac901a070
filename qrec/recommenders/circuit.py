"""Any parameterised circuit as a recommender."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Ge
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector, ParameterVectorElement
from qiskit.quantum_info import SparseObservable

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Asked
from qrec.circuits import build_circuit
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.recommenders._observable import read_observable
from qrec.recommenders._roles import Roles, vector_sizes
from qrec.recommenders.quantum import QuantumRecommender, vector_name
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.types import Array, Codes

if TYPE_CHECKING:
    from qrec.recommenders._angle_training import Differentiable, MeasuredExpectation
    from qrec.recommenders._training import Schedule

Training = Literal["exact", "parameter_shift"]
Loss = Literal["squared", "ranking"]
_START_ANGLE = 0.3  # radians; standard deviation of the untrained angles


class CircuitRecommender(QuantumRecommender):
    """Predict mean + b_u + c_i + gain <O> of a circuit with angles for users and for items.

    `circuit` is a parameterised `QuantumCircuit` without measurements, or what
    `qrec.circuits.build_circuit` makes one of: a name, or ``module:attribute``. Its parameter
    vectors `user` and `item`, of any lengths, are the angles of each user and of each item, and
    `weights` those that all share; None where there are none. A lone `Parameter` counts as a
    vector of one. `observable` is diagonal: ``"Z0"``, ``"Z0 Z1"``, ``"Z0 + 0.5 Z2"``, a Pauli
    label, or a `SparseObservable`.

    Angles, weights, gain, mean and, with `biases`, b and c minimise the mean squared error plus
    `reg` times the squares of the angles and biases of each rating's user and item, by Adam on
    minibatches; the epoch with the best validation RMSE counts, and `patience` epochs without a
    better one end the training, as do `max_iter` steps. `gain` is where the gain starts, in
    units of ratings.

    ``loss="ranking"`` learns which items a user rates and not how: for each rating, `n_negatives`
    items that the user has not rated are drawn, and -log of the softmax share of the rated one
    takes the place of the squared error. One is BPR (Rendle et al., UAI 2009), more a sampled
    softmax. Such a model only orders items, for `recommend`: `predict` gives ``nan``.

    `training` says where gradients come from: "exact" from the exact engine, `training_backend`
    being of kind exact, with a snapshot under that device's noise; "parameter_shift" from
    evaluations on any `training_backend`, one question per step: 1 + 2 g evaluations per rating
    of the minibatch, with g the rotations by a parameter, and one question per epoch for the
    validation RMSE. `backend` is where predictions are evaluated. None is the noiseless one.

    Fitted: `user_angles_` (n_users, length), `item_angles_` (n_items, length), `theta_`
    (n_weights,), `mean_`, `gain_`, `user_bias_`, `item_bias_`, `circuit_`, and `history_`, the
    validation RMSE, or that of the other loss, at the start and after each epoch.

    Raises ConfigError for a circuit whose parameters are not what `user`, `item` and `weights`
    say, an observable that cannot be read from it, and a `training_backend` without gradients.
    """

    circuit_: QuantumCircuit
    user_angles_: Array
    item_angles_: Array
    user_bias_: Array
    item_bias_: Array
    theta_: Array

    def __init__(
        self,
        circuit: QuantumCircuit | str,
        observable: str | SparseObservable = "Z0",
        user: str = "u",
        item: str = "v",
        weights: str | None = "theta",
        biases: bool = True,
        gain: float = 1.0,
        reg: Annotated[float, Ge(0), Range(low=0.001, high=1.0, log=True)] = 0.04,
        learning_rate: Annotated[float, Ge(0), Range(low=0.002, high=0.2, log=True)] = 0.02,
        n_epochs: Annotated[int, Ge(0)] = 20,
        batch_size: Annotated[int, Ge(1)] = 1024,
        patience: Annotated[int, Ge(1)] = 3,
        training: Training = "exact",
        max_iter: Annotated[int, Ge(0)] | None = None,
        loss: Loss = "squared",
        n_negatives: Annotated[int, Ge(1)] = 1,
        backend: Openable = None,
        training_backend: Openable = None,
        random_state: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.circuit = circuit
        self.observable = observable
        self.user = user
        self.item = item
        self.weights = weights
        self.biases = biases
        self.gain = gain
        self.reg = reg
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.patience = patience
        self.training = training
        self.max_iter = max_iter
        self.loss = loss
        self.n_negatives = n_negatives
        self.backend = backend
        self.training_backend = training_backend
        self.random_state = random_state

    def check(self) -> None:
        self.readout()

    def rates(self) -> bool:
        return self.loss == "squared"

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return the most that `fit` asks: its steps, and the validation after each epoch."""
        from qrec.recommenders._training import hold_out

        if self.training == "exact":
            return []
        to_fit, to_stop = hold_out(ratings, validation, self.random_state)
        steps = self._schedule().steps_by_epoch(len(to_fit))
        measured = self._measured()
        each = 1 if self.rates() else 1 + self.n_negatives  # pairs by rating
        n_rows = each * min(self.batch_size, len(to_fit))
        step = measured.workload(n_rows, gradient=True, key="step")
        epoch = measured.workload(each * len(to_stop), gradient=False, key="validation")
        asked = [(step, sum(steps)), (epoch, len(steps) + 1)]
        return [Asked(measured.backend, [workload], times) for workload, times in asked if times]

    def fitted_circuit(self) -> QuantumCircuit:
        theta = [p for p in self.circuit_.parameters if vector_name(p) == self.weights]
        return self.circuit_.assign_parameters({p: self.theta_[p.index] for p in theta})

    def readout(self) -> SparseObservable:
        # What was fitted needs no code of the user's any more.
        circuit = self.circuit_ if hasattr(self, "circuit_") else self._untrained()
        return read_observable(self.observable, circuit.num_qubits)

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders._angle_training import fit_angles
        from qrec.recommenders._training import hold_out

        self.circuit_ = self._untrained()
        to_fit, to_stop = hold_out(ratings, validation, self.random_state)
        trained, self.history_ = fit_angles(
            self._expectation(), self._roles(), self._start(to_fit), self._trained(), to_fit,
            to_stop, self.reg, self._schedule(), 0 if self.rates() else self.n_negatives,
        )  # fmt: skip
        self.theta_ = trained["theta"]
        self.user_angles_, self.item_angles_ = trained["u"], trained["v"]
        self.user_bias_, self.item_bias_ = trained["user_bias"], trained["item_bias"]
        self.mean_, self.gain_ = float(trained["mean"]), float(trained["gain"])

    def _untrained(self) -> QuantumCircuit:
        """Return the circuit, its lone parameters as vectors of one, if its vectors are right."""
        given = self.circuit
        circuit = build_circuit(given) if isinstance(given, str) else given
        lone = [p for p in circuit.parameters if not isinstance(p, ParameterVectorElement)]
        name = circuit.name
        circuit = circuit.assign_parameters({p: ParameterVector(p.name, 1)[0] for p in lone})
        circuit.name = name
        self._roles().check(type(self).__name__, circuit)
        return circuit

    def _roles(self) -> Roles:
        return Roles(self.user, self.item, self.weights)

    def _schedule(self) -> "Schedule":
        from qrec.recommenders._training import Schedule

        return Schedule(
            self.learning_rate, self.n_epochs, self.batch_size, self.patience,
            self.random_state, self.max_iter,
        )  # fmt: skip

    def _trained(self) -> tuple[str, ...]:
        """Return what changes in training."""
        weights = () if self.weights is None else ("theta",)
        biases = ("user_bias", "item_bias") if self.biases else ()
        return (*weights, "mean", "gain", "u", "v", *biases)

    def _start(self, ratings: Ratings) -> dict[str, Array]:
        """Draw small angles: far from each other they start in different minima of the sine."""
        rng = np.random.default_rng(child_seed(self.random_state, "start"))
        size = vector_sizes(self._untrained())
        return self._constants(ratings) | {
            "theta": rng.normal(size=size.get(self.weights or "", 0)),
            "u": rng.normal(scale=_START_ANGLE, size=(ratings.n_users, size[self.user])),
            "v": rng.normal(scale=_START_ANGLE, size=(ratings.n_items, size[self.item])),
        }

    def _constants(self, ratings: Ratings) -> dict[str, Array]:
        return {
            "user_bias": np.zeros(ratings.n_users),
            "item_bias": np.zeros(ratings.n_items),
            "mean": np.array(ratings.value.mean()),
            "gain": np.array(float(self.gain)),
        }

    def _expectation(self) -> "Differentiable":
        """Return the untrained circuit's reading on `training_backend`, with gradients."""
        if self.training == "parameter_shift":
            return self._measured()
        backend = open_backend(self.training_backend)
        expectation = getattr(backend, "expectation", None)  # what the exact engine alone has
        if expectation is None:
            raise ConfigError(
                f"training_backend: found {backend.name!r}, which gives no gradients; expected one "
                "of kind exact, such as exact or exact_noisy, or training: parameter_shift"
            )
        circuit = self._untrained()
        found: Differentiable = expectation(
            circuit, read_observable(self.observable, circuit.num_qubits)
        )
        return found

    def _measured(self) -> "MeasuredExpectation":
        from qrec.recommenders._angle_training import MeasuredExpectation

        circuit = self._untrained()
        observable = read_observable(self.observable, circuit.num_qubits)
        return MeasuredExpectation(open_backend(self.training_backend), circuit, observable)

    def _angles(self, users: Codes, items: Codes) -> Mapping[str, Array]:
        return {self.user: self.user_angles_[users], self.item: self.item_angles_[items]}

    def _rating(self, users: Codes, items: Codes, value: Array) -> Array:
        bias = self.user_bias_[users] + self.item_bias_[items]
        return self.mean_ + bias + self.gain_ * value
