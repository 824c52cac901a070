"""Training the angles of a circuit through the gradient of its readings."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable
from torch import Tensor

from qrec.backends.base import Backend
from qrec.backends.workload import Workload
from qrec.data.ratings import Ratings
from qrec.recommenders._parameter_shift import shift_rule
from qrec.recommenders._roles import Roles
from qrec.recommenders._training import Schedule, code_tensors, train
from qrec.recommenders.quantum import vector_index, vector_name
from qrec.threads import one_thread
from qrec.types import Array

Weights = dict[str, Array]
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
) -> tuple[Weights, Array]:
    """Minimise mean squared error + reg (angles^2 + biases^2 of each rating's user and item).

    `expectation` is a function of the vectors that `roles` names. `weights` holds the start:
    ``theta`` (n_weights,), ``u`` (n_users, length), ``v`` (n_items, length), ``user_bias``
    (n_users,), ``item_bias`` (n_items,), ``mean`` and ``gain`` (). Only those named in
    `trainable` change. Returns the weights of the best epoch and the validation RMSE after
    every epoch.
    """
    tensors = {name: torch.tensor(w, dtype=torch.float32) for name, w in weights.items()}
    for name in trainable:
        tensors[name].requires_grad_()
    training, held_out = _columns(ratings), _columns(validation)

    def rate(users: Tensor, items: Tensor) -> Tensor:
        value = expectation(_by_vector(roles, tensors, users, items))
        bias = tensors["user_bias"][users] + tensors["item_bias"][items]
        return tensors["mean"] + bias + tensors["gain"] * value

    def loss(rows: NDArray[np.int64]) -> Tensor:
        users, items, target = (column[rows] for column in training)
        squares = sum(
            (tensors[name][codes] ** 2).reshape(len(rows), -1).sum(1)
            for name, codes in (("u", users), ("v", items), ("user_bias", users),
                                ("item_bias", items))
            if name in trainable
        )  # fmt: skip
        return ((rate(users, items) - target) ** 2 + reg * squares).mean()

    def validation_rmse() -> float:
        users, items, target = held_out
        with torch.no_grad():
            predicted = rate(users, items).clamp(*ratings.scale)
        return float(((predicted - target) ** 2).mean().sqrt())

    history = train(
        [tensors[name] for name in trainable], loss, validation_rmse, len(ratings), schedule
    )
    return {name: t.detach().numpy().astype(float) for name, t in tensors.items()}, history


def _by_vector(
    roles: Roles, tensors: Mapping[str, Tensor], users: Tensor, items: Tensor
) -> dict[str, Tensor]:
    """Return what the circuit's vectors are for pairs of codes."""
    out = {roles.user: tensors["u"][users], roles.item: tensors["v"][items]}
    return out if roles.weights is None else out | {roles.weights: tensors["theta"]}


def _columns(ratings: Ratings) -> tuple[Tensor, Tensor, Tensor]:
    value = torch.from_numpy(ratings.value.astype(np.float32))
    return *code_tensors(ratings.user, ratings.item), value
