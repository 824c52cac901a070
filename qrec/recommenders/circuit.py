"""Any parameterised circuit as a recommender."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Literal, cast

import numpy as np
from annotated_types import Ge
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector, ParameterVectorElement
from qiskit.quantum_info import SparseObservable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from qrec.backends.open import Openable, open_backend
from qrec.backends.workload import Asked, Reading, Workload
from qrec.circuits import build_circuit
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError
from qrec.recommenders._observable import read_observable
from qrec.recommenders._roles import Roles, vector_sizes
from qrec.recommenders.base import Pairs
from qrec.recommenders.quantum import QuantumRecommender, vector_name
from qrec.recommenders.spaces import Range
from qrec.seeds import child_seed
from qrec.types import Array, Codes

if TYPE_CHECKING:
    from qrec.recommenders._angle_training import Differentiable, MeasuredExpectation
    from qrec.recommenders._gibbs.forms import Exact
    from qrec.recommenders._gibbs.posterior import Posterior
    from qrec.recommenders._training import Schedule

Loss = Literal["squared", "ranking"]
Gradients = Literal["exact", "parameter_shift"]
Training = Literal["exact", "parameter_shift", "gibbs"]
_START_ANGLE = 0.3  # radians; standard deviation of the untrained angles

_OF_GRADIENTS = (
    "reg",
    "learning_rate",
    "n_epochs",
    "batch_size",
    "patience",
    "max_iter",
    "n_negatives",
)
_OF_GIBBS = ("n_samples", "n_burn_in", "implicit", "side_data", "sample_gain", "n_evaluated")


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

    ``training="gibbs"`` minimises nothing: it draws from the posterior, see docs/results/gibbs.md.
    Every angle must enter one RX, RY or RZ, times 1 or -1; given all else its distribution is
    then known and drawn from, without step size or tuning. The prior of (angles, bias) is that
    of `BayesianMF`, with its `implicit` and `side_data`; the gain stays as it is unless
    `sample_gain`; conditionals are those of `training_backend`. `n_burn_in` sweeps are thrown
    away and `n_samples` kept. The prediction is the mean of theirs, `predict_std` their spread.
    `reg` and what steps Adam takes do not count. A backend is asked one evaluation of each pair
    by each sample, or by `n_evaluated` of them: with few shots each, such as 64 samples of 16
    shots, averaging over the posterior costs no shot more than one sample at 1024.

    Fitted: `user_angles_` (n_users, length), `item_angles_` (n_items, length), `theta_`
    (n_weights,), `mean_`, `gain_`, `user_bias_`, `item_bias_`, `circuit_`, and `history_`, the
    validation RMSE, or that of the other loss, at the start and after each epoch. By Gibbs
    sampling `history_` has the RMSE after each sweep, of the sample and, once they are kept, of
    the mean so far (nothing without validation ratings); `user_samples_` and `item_samples_`,
    `(n_samples, n, length + 1)`, hold angles and bias, `theta_samples_` and `gain_samples_` the
    rest, and the names above the last.

    Raises ConfigError for a circuit whose parameters are not what `user`, `item` and `weights`
    say, an observable that cannot be read from it, a `training_backend` without gradients, and,
    for Gibbs sampling, an angle in more than one gate.
    """

    circuit_: QuantumCircuit
    user_angles_: Array
    item_angles_: Array
    user_bias_: Array
    item_bias_: Array
    theta_: Array
    user_samples_: Array
    item_samples_: Array
    theta_samples_: Array
    gain_samples_: Array

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
        self.n_samples = n_samples
        self.n_burn_in = n_burn_in
        self.implicit = implicit
        self.side_data = side_data
        self.sample_gain = sample_gain
        self.n_evaluated = n_evaluated
        self.backend = backend
        self.training_backend = training_backend
        self.random_state = random_state

    def check(self) -> None:
        self.readout()
        if self.training == "gibbs":
            from qrec.recommenders._gibbs.angles import check_angles_enter_once

            check_angles_enter_once(self._untrained())
            if not self.biases:
                raise ConfigError(
                    f"{type(self).__name__}: biases is False; expected True with training: gibbs, "
                    "which draws them with the angles"
                )
            if not self.rates():
                raise ConfigError(
                    f"{type(self).__name__}: loss is {self.loss!r}; expected 'squared' with "
                    "training: gibbs, whose likelihood is that of the ratings"
                )

    def ignored(self) -> dict[str, str]:
        names = _OF_GRADIENTS if self.training == "gibbs" else _OF_GIBBS
        return dict.fromkeys(names, f"training: {self.training}")

    def rates(self) -> bool:
        return self.loss == "squared"

    def questions(self, ratings: Ratings, validation: Ratings | None = None) -> list[Asked]:
        """Return the most that `fit` asks: its steps, and the validation after each epoch."""
        from qrec.recommenders._training import hold_out

        if self.training != "parameter_shift":
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
        return self._read(circuit)

    @available_if(lambda self: self.training == "gibbs")  # type: ignore[untyped-decorator]
    def predict_std(self, pairs: Pairs) -> Array:
        """Return the posterior standard deviation of the expected rating `(n,)`, in stars.

        It is that of mean + b_u + c_i + gain <O> without noise or shots, over all kept samples;
        ``nan`` where the model cannot score. Only models trained by Gibbs sampling have it.
        """
        check_is_fitted(self)
        users, items = self._split_pairs(pairs)
        out, known = np.full(len(users), np.nan), self._can_score(users, items)
        if known.any():
            out[known] = self._by_samples(users[known], items[known])[1]
        return out

    def _fit(self, ratings: Ratings, validation: Ratings | None) -> None:
        if self.training == "gibbs":
            self._sample(ratings, validation)
        else:
            self._train(ratings, validation)

    def _sample(self, ratings: Ratings, validation: Ratings | None) -> None:
        from qrec.recommenders._gibbs.fit import Settings, form_of, sample

        self.check()
        self.circuit_ = circuit = self._untrained()
        roles, sizes = self._roles(), vector_sizes(circuit)
        form = form_of(self._exact(), circuit, self._read(circuit), roles)
        lengths = sizes[roles.user], sizes[roles.item], sizes.get(roles.weights or "", 0)
        settings = Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})
        posterior, self.history_ = sample(form, lengths, ratings, validation, settings)
        self.mean_ = posterior.mean
        self.user_samples_, self.item_samples_ = posterior.users, posterior.items
        self.theta_samples_, self.gain_samples_ = posterior.weights, posterior.gains
        users, items = posterior.users[-1].astype(float), posterior.items[-1].astype(float)
        self.user_angles_, self.user_bias_ = users[:, :-1], users[:, -1]
        self.item_angles_, self.item_bias_ = items[:, :-1], items[:, -1]
        self.theta_, self.gain_ = posterior.weights[-1], float(posterior.gains[-1])

    def _train(self, ratings: Ratings, validation: Ratings | None) -> None:
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
        circuit = self._untrained()
        return self._exact().expectation(circuit, self._read(circuit))

    def _exact(self) -> "Exact":
        """Return `training_backend` if it has gradients, which the exact engine alone has."""
        backend = open_backend(self.training_backend)
        if not hasattr(backend, "expectation"):
            raise ConfigError(
                f"training_backend: found {backend.name!r}, which gives no gradients; expected one "
                "of kind exact, such as exact or exact_noisy, or training: parameter_shift"
            )
        return cast("Exact", backend)

    def _read(self, circuit: QuantumCircuit) -> SparseObservable:
        return read_observable(self.observable, circuit.num_qubits)

    def _measured(self) -> "MeasuredExpectation":
        from qrec.recommenders._angle_training import MeasuredExpectation

        circuit = self._untrained()
        backend = open_backend(self.training_backend)
        return MeasuredExpectation(backend, circuit, self._read(circuit))

    def _angles(self, users: Codes, items: Codes) -> Mapping[str, Array]:
        return {self.user: self.user_angles_[users], self.item: self.item_angles_[items]}

    def _rating(self, users: Codes, items: Codes, value: Array) -> Array:
        bias = self.user_bias_[users] + self.item_bias_[items]
        return self.mean_ + bias + self.gain_ * value

    def _workloads(self, users: Codes, items: Codes, key: str) -> list[Workload]:
        if self.training != "gibbs":
            return super()._workloads(users, items, key)
        from qrec.recommenders._gibbs.posterior import circuit_workloads

        roles, circuit = self._roles(), self.circuit_
        posterior = self._posterior().some(self.n_evaluated)
        return circuit_workloads(posterior, circuit, self._read(circuit), roles, users, items, key)

    def _ratings(self, users: Codes, items: Codes, readings: Sequence[Reading]) -> Array:
        if self.training != "gibbs":
            return super()._ratings(users, items, readings)
        posterior = self._posterior().some(self.n_evaluated)
        value = np.concatenate([reading.value for reading in readings])
        if value.shape != (len(posterior) * len(users),):
            raise ConfigError(
                f"{type(self).__name__}: readings of {len(value)} evaluations; expected "
                f"{len(posterior)} samples of {len(users)} pairs that can be scored"
            )
        return posterior.average(users, items, value.reshape(len(posterior), len(users)))

    def _predict(self, users: Codes, items: Codes) -> Array:
        if self.training == "gibbs" and self.backend is None and self.n_evaluated is None:
            return self._by_samples(users, items)[0]
        return super()._predict(users, items)

    def _by_samples(self, users: Codes, items: Codes) -> tuple[Array, Array]:
        """Return mean and standard deviation over all samples, without noise or shots."""
        from qrec.recommenders._gibbs.fit import form_of

        ideal = cast("Exact", open_backend(None))
        form = form_of(ideal, self.circuit_, self._read(self.circuit_), self._roles())
        return self._posterior().mean_and_std(form, users, items)

    def _posterior(self) -> "Posterior":
        from qrec.recommenders._gibbs.posterior import Posterior

        return Posterior(
            self.user_samples_, self.item_samples_, self.theta_samples_, self.gain_samples_,
            self.mean_,
        )  # fmt: skip
