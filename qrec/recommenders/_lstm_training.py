"""The network of `LSTMCorrector` and its training."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qrec.data.ratings import Ratings
from qrec.recommenders._training import Schedule, code_tensors, train
from qrec.types import Array, Codes

Covered = tuple[Ratings, Array]  # ratings and the base's predictions for them


class ErrorLSTM(nn.Module):
    """Embeddings of user and item and a prediction -> one LSTM step -> the expected error."""

    def __init__(
        self,
        n_users: int,
        n_items: int,
        embedding_dim: int,
        hidden_dim: int,
        dropout: float,
        seed: int,
    ) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.user = nn.Embedding(n_users, embedding_dim)
            self.item = nn.Embedding(n_items, embedding_dim)
            self.lstm = nn.LSTM(2 * embedding_dim + 1, hidden_dim, batch_first=True)
            self.dropout = nn.Dropout(dropout)
            self.output = nn.Linear(hidden_dim, 1)

    def forward(self, users: Tensor, items: Tensor, base: Tensor) -> Tensor:
        step = torch.cat([self.user(users), self.item(items), base[:, None]], dim=1)
        _, (hidden, _) = self.lstm(step[:, None])
        error: Tensor = self.output(self.dropout(hidden[-1]))
        return error.squeeze(-1)


def fit(
    net: nn.Module, fitted: Covered, stopping: Covered, schedule: Schedule
) -> tuple[dict[str, Array], Array]:
    """Train `net` on the errors of the base; return its weights and the validation RMSEs."""
    codes = code_tensors(fitted[0].user, fitted[0].item)
    columns = *codes, torch.from_numpy(fitted[1].astype(np.float32))
    error = torch.from_numpy((fitted[0].value - fitted[1]).astype(np.float32))
    stop = stopping[0]

    def loss(rows: NDArray[np.int64]) -> Tensor:
        chosen = torch.from_numpy(rows)
        predicted: Tensor = net(*(column[chosen] for column in columns))
        return ((predicted - error[chosen]) ** 2).mean()

    def validation_rmse() -> float:
        expected = expected_error(net, stop.user, stop.item, stopping[1])
        net.train()
        predicted = np.clip(stopping[1] + expected, *stop.scale)
        return float(np.sqrt(np.mean((predicted - stop.value) ** 2)))

    with torch.random.fork_rng():
        torch.manual_seed(schedule.random_state)  # of the dropout
        history = train(list(net.parameters()), loss, validation_rmse, len(error), schedule)
    weights = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    return weights, history


def restore(net: nn.Module, weights: dict[str, Array]) -> nn.Module:
    """Put trained weights into a net of the same shape, in float64.

    In float32 a prediction would depend, in its last digits, on what is predicted beside it.
    """
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return net.double()


def expected_error(net: nn.Module, users: Codes, items: Codes, base: Array) -> Array:
    """Return what the net expects of `rating - base`, `(n,)`, without dropout."""
    net.eval()
    with torch.inference_mode():
        given = torch.from_numpy(base).to(next(net.parameters()).dtype)
        expected = net(*code_tensors(users, items), given)
    return np.asarray(expected.numpy(), dtype=float)
