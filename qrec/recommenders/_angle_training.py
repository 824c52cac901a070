"""Training the angles of a circuit through the gradient of its readings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from torch import Tensor

from qrec.backends.base import Backend
from qrec.backends.workload import Workload
from qrec.data.ratings import Ratings
from qrec.recommenders._negatives import Negatives, comparable
from qrec.recommenders._parameter_shift import shift_rule
from qrec.recommenders._roles import Roles
from qrec.recommenders._training import Schedule, code_tensors, train
from qrec.recommenders.quantum import vector_index, vector_name
from qrec.seeds import child_seed
from qrec.threads import one_thread
from qrec.types import Array

Weights = dict[str, Array]
Pairs = tuple[Tensor, Tensor]  # users and items, of one shape
# Of tensors by vector, `(length,)` shared or `(n, length)`, the values `(n,)`, with gradients.
Differentiable = Callable[[Mapping[str, Tensor]], Tensor]


class MeasuredExpectation:
    """A circuit's expectation value on any backend, its gradient by the parameter-shift rule.

    Each call asks the backend one question: one workload that holds the values and, where
    gradients are wanted, all shifted evaluations.
    """

    def __init__(
        self, backend: Backend, circuit: QuantumCircuit, observable: SparseObservable
    ) -> None:
        self.backend, self._observable = backend, observable
        self._parameters = list(circuit.parameters)
        self._rule = shift_rule(circuit)
        self._calls = 0

    def __call__(self, values: Mapping[str, Tensor]) -> Tensor:
        """Return the values `(n,)`."""
        columns = [values[vector_name(p)][..., vector_index(p)] for p in self._parameters]
        rows = torch.stack(torch.broadcast_tensors(*columns), dim=1)
        numbers = rows.detach().numpy().astype(np.float64)
        if not (torch.is_grad_enabled() and rows.requires_grad):
            return torch.from_numpy(self._read(self._rule.angles(numbers))).to(rows)
        readings = self._read(self._rule.shifted(numbers))
        value, jacobian = (
            torch.from_numpy(x).to(rows) for x in self._rule.value_and_jacobian(readings)
        )
        # Zero, but for its gradient.
        return value + ((rows - rows.detach()) * jacobian).sum(1)

    def workload(self, n_rows: int, gradient: bool, key: str = "") -> Workload:
        """Return what a call for `n_rows` asks, at angles of zero."""
        n = n_rows * (self._rule.evaluations_per_row if gradient else 1)
        angles = np.zeros((n, len(self._rule.constant)))
        return Workload(self._rule.circuit, self._observable, angles, key)

    def _read(self, angles: Array) -> Array:
        self._calls += 1  # a key of its own for each call: its shots are independent
        workload = Workload(self._rule.circuit, self._observable, angles, f"train/{self._calls}")
        return self.backend.run([workload])[0].value


@one_thread()
def fit_angles(
    expectation: Differentiable,
    roles: Roles,
    weights: Weights,
    trainable: tuple[str, ...],
    ratings: Ratings,
    validation: Ratings,
    reg: float,
    schedule: Schedule,
    n_negatives: int = 0,
) -> tuple[Weights, Array]:
    """Minimise a loss of the ratings + reg (angles^2 + biases^2 of each one's user and items).

    The loss is the squared error or, with `n_negatives`, how a rated item stands among so many
    drawn ones that the user did not rate: -log(exp(s_i) / sum_j exp(s_j)), the sum over it and
    them. For one it is BPR (Rendle et al., UAI 2009, section 4.1); for more a sampled softmax.

    `expectation` is a function of the vectors that `roles` names. `weights` holds the start:
    ``theta`` (n_weights,), ``u`` (n_users, length), ``v`` (n_items, length), ``user_bias``
    (n_users,), ``item_bias`` (n_items,), ``mean`` and ``gain`` (). Only those named in
    `trainable` change. Returns the weights of the best epoch and, after every epoch, the
    validation RMSE, or the mean loss of the validation ratings among the same drawn items.
    """
    if n_negatives:
        validation = comparable(validation, Negatives(ratings, validation))
        ratings = comparable(ratings, Negatives(ratings))
    tensors = {name: torch.tensor(w, dtype=torch.float32) for name, w in weights.items()}
    for name in trainable:
        tensors[name].requires_grad_()
    scores = _Scores(expectation, roles, tensors, trainable)
    objective = _contrast if n_negatives else _squared_error
    loss, validation_loss = objective(scores, ratings, validation, reg, schedule, n_negatives)
    history = train(
        [tensors[name] for name in trainable], loss, validation_loss, len(ratings), schedule
    )
    return {name: t.detach().numpy().astype(float) for name, t in tensors.items()}, history


@dataclass(frozen=True)
class _Scores:
    """The scores of pairs under the present weights."""

    expectation: Differentiable
    roles: Roles
    tensors: Mapping[str, Tensor]
    trainable: tuple[str, ...]

    def __call__(self, users: Tensor, items: Tensor) -> Tensor:
        tensors = self.tensors
        value = self.expectation(_by_vector(self.roles, tensors, users, items))
        bias = tensors["user_bias"][users] + tensors["item_bias"][items]
        return tensors["mean"] + bias + tensors["gain"] * value

    def squares(self, codes: Tensor, *names: str) -> Tensor:
        """Return the sum of squares of what of `names` is trained, `(n,)`."""
        rows = [self.tensors[name][codes] ** 2 for name in names if name in self.trainable]
        return sum((row.reshape(len(codes), -1).sum(1) for row in rows), torch.zeros(len(codes)))


Losses = tuple[Callable[[NDArray[np.int64]], Tensor], Callable[[], float]]  # training, validation


def _squared_error(
    scores: _Scores, ratings: Ratings, validation: Ratings, reg: float, *_: object
) -> Losses:
    training, held_out = _columns(ratings), _columns(validation)

    def loss(rows: NDArray[np.int64]) -> Tensor:
        users, items, target = (column[rows] for column in training)
        squares = scores.squares(users, "u", "user_bias") + scores.squares(items, "v", "item_bias")
        return ((scores(users, items) - target) ** 2 + reg * squares).mean()

    def validation_rmse() -> float:
        users, items, target = held_out
        with torch.no_grad():
            predicted = scores(users, items).clamp(*ratings.scale)
        return float(((predicted - target) ** 2).mean().sqrt())

    return loss, validation_rmse


def _contrast(
    scores: _Scores, ratings: Ratings, validation: Ratings, reg: float, schedule: Schedule,
    n_negatives: int,
) -> Losses:  # fmt: skip
    rng = np.random.default_rng(child_seed(schedule.random_state, "negatives"))
    unrated = Negatives(ratings)

    def among(users: NDArray[np.int32], items: NDArray[np.int32], drawn: Negatives) -> Pairs:
        """Return users and candidates, `(n, 1 + n_negatives)` each, the rated item first."""
        negatives = drawn.draw(users, n_negatives, rng)
        candidates = torch.from_numpy(np.column_stack([items.astype(np.int64), negatives]))
        return torch.from_numpy(users.astype(np.int64))[:, None].expand_as(candidates), candidates

    def misplaced(users: Tensor, candidates: Tensor) -> Tensor:
        flat = scores(users.reshape(-1), candidates.reshape(-1))
        return -torch.log_softmax(flat.reshape(candidates.shape), dim=1)[:, 0]

    def loss(rows: NDArray[np.int64]) -> Tensor:
        users, candidates = among(ratings.user[rows], ratings.item[rows], unrated)
        squares = scores.squares(users[:, 0], "u")
        squares = squares + scores.squares(candidates.reshape(-1), "v", "item_bias").reshape(
            candidates.shape
        ).mean(1)
        return (misplaced(users, candidates) + reg * squares).mean()

    fixed = among(validation.user, validation.item, Negatives(ratings, validation))

    def validation_loss() -> float:
        with torch.no_grad():
            return float(misplaced(*fixed).mean())

    return loss, validation_loss


def _by_vector(
    roles: Roles, tensors: Mapping[str, Tensor], users: Tensor, items: Tensor
) -> dict[str, Tensor]:
    """Return what the circuit's vectors are for pairs of codes."""
    out = {roles.user: tensors["u"][users], roles.item: tensors["v"][items]}
    return out if roles.weights is None else out | {roles.weights: tensors["theta"]}


def _columns(ratings: Ratings) -> tuple[Tensor, Tensor, Tensor]:
    value = torch.from_numpy(ratings.value.astype(np.float32))
    return *code_tensors(ratings.user, ratings.item), value
