"""What is kept of the walk, and what it predicts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends.workload import Workload
from qrec.data.ratings import Ratings
from qrec.recommenders._gibbs.forms import Form
from qrec.recommenders._gibbs.sampler import Prior, Sampler, State
from qrec.recommenders._roles import Roles
from qrec.recommenders.quantum import parameter_rows
from qrec.types import AnyCodes, Array

_MOST_NUMBERS = 2**27  # kept, half a gigabyte; of longer walks through more rows every t-th sample


@dataclass(frozen=True, eq=False)
class Posterior:
    """Samples of all that predicts. Vectors are (angles, bias), in float32."""

    users: Array  # (n_samples, n_users, length + 1)
    items: Array
    weights: Array  # (n_samples, n_weights)
    gains: Array  # (n_samples,)
    mean: float

    def __len__(self) -> int:
        return len(self.gains)

    def some(self, n: int | None) -> "Posterior":
        """Return `n` of the samples, evenly spread and the last among them; None takes all."""
        if n is None or n >= len(self):
            return self
        at = (np.arange(1, n + 1) * len(self)) // n - 1
        return Posterior(self.users[at], self.items[at], self.weights[at], self.gains[at],
                         self.mean)  # fmt: skip

    def offsets(self, users: AnyCodes, items: AnyCodes) -> Array:
        """Return mean + b_u + c_i by each sample, `(n_samples, n)`."""
        biases = self.users[:, users, -1].astype(float) + self.items[:, items, -1]
        return np.asarray(self.mean + biases)

    def average(self, users: AnyCodes, items: AnyCodes, values: Array) -> Array:
        """Return the mean rating `(n,)`, given what each sample reads `(n_samples, n)`."""
        found: Array = (self.offsets(users, items) + self.gains[:, None] * values).mean(axis=0)
        return found

    def ratings(self, form: Form, users: AnyCodes, items: AnyCodes) -> Iterator[Array]:
        """Yield each sample's ratings `(n,)`."""
        fixed = None
        for s, gain in enumerate(self.gains):
            if fixed is None or self.weights.shape[1]:
                fixed = form.fix(self.weights[s])
            mine, others = (side[s].astype(float) for side in (self.users, self.items))
            value = fixed.values(mine[:, :-1], others[:, :-1], users, items)
            yield self.mean + mine[users, -1] + others[items, -1] + gain * value

    def mean_and_std(self, form: Form, users: AnyCodes, items: AnyCodes) -> tuple[Array, Array]:
        """Return mean and standard deviation over the samples, `(n,)` each."""
        mean, squares = np.zeros(len(users)), np.zeros(len(users))
        for count, rating in enumerate(self.ratings(form, users, items), start=1):
            away = rating - mean
            mean += away / count
            squares += away * (rating - mean)
        return mean, np.sqrt(squares / len(self))


def circuit_workloads(
    posterior: Posterior,
    circuit: QuantumCircuit,
    observable: SparseObservable,
    roles: Roles,
    users: AnyCodes,
    items: AnyCodes,
    key: str,
) -> list[Workload]:
    """Return one evaluation of each pair by each sample, pairs within samples.

    Without weights all stand in one workload. With them each sample has one, all of one circuit,
    whose weights are parameters too: an exact backend is fast where rows share them.
    """
    rows = []
    for s in range(len(posterior)):
        angles = {roles.user: posterior.users[s, users, :-1].astype(float),
                  roles.item: posterior.items[s, items, :-1].astype(float)}  # fmt: skip
        if roles.weights is not None:
            angles[roles.weights] = np.tile(posterior.weights[s], (len(users), 1))
        rows.append(parameter_rows(circuit.parameters, angles))
    if roles.weights is None:
        return [Workload(circuit, observable, np.concatenate(rows), key)]
    return [Workload(circuit, observable, row, f"{key}/{s}") for s, row in enumerate(rows)]


def walk(
    form: Form,
    ratings: Ratings,
    validation: Ratings | None,
    priors: tuple[Prior, Prior],
    start: State,
    n_samples: int,
    n_burn_in: int,
    draws_gain: bool,
    rng: np.random.Generator,
) -> tuple[Posterior, Array]:
    """Return the samples, and the validation RMSE after each sweep.

    That is of the sweep's own draw until samples are kept, and from there on of their mean so
    far; without validation ratings there is none.
    """
    mean = float(ratings.value.mean())
    sampler = Sampler(form, ratings, priors, start, mean, rng, draws_gain=draws_gain)
    state, history = sampler.state, []
    total = np.zeros(0 if validation is None else len(validation))
    step = _step(state, n_samples)
    kept: dict[str, list[Array]] = {"users": [], "items": [], "weights": [], "gains": []}
    for sweep in range(1 - n_burn_in, n_samples + 1):
        sampler.sweep()
        if validation is not None:
            own = sampler.predict(validation.user, validation.item)
            total = total + own if sweep > 1 else own
            error = np.clip(total / max(sweep, 1), *ratings.scale) - validation.value
            history.append(float(np.sqrt(np.mean(error**2))))
        if sweep >= 1 and (n_samples - sweep) % step == 0:
            kept["users"].append(state.users.astype(np.float32))
            kept["items"].append(state.items.astype(np.float32))
            kept["weights"].append(state.weights.copy())
            kept["gains"].append(np.array(state.gain))
    return Posterior(**{k: np.stack(v) for k, v in kept.items()}, mean=mean), np.array(history)


def _step(state: State, n_samples: int) -> int:
    """Return every how many samples one is kept."""
    return -(-n_samples * (state.users.size + state.items.size) // _MOST_NUMBERS)
