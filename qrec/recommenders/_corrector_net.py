"""The networks of correctors: a user's earlier ratings, then the target, step by step."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from qrec.recommenders._corrector_inputs import N_NUMBERS, Cell, Inputs, Past, sequences


class Steps(NamedTuple):
    """What a net reads, a row per target: `length` steps, of which the last is the target.

    What stands behind them is padding.
    """

    user: Tensor  # (n,)
    item: Tensor  # (n, n_steps)
    numbers: Tensor  # (n, n_steps, N_NUMBERS), or (n, 1, 1), the base prediction, without history
    length: Tensor  # (n,) of 1 to n_steps


def read(inputs: Inputs, past: Past | None, dtype: torch.dtype) -> Steps:
    """Return what a net reads of some targets; without a `past` of these alone."""
    if past is None:
        items, numbers = inputs.item[:, None].astype(np.int64), inputs.base[:, None, None]
        length = np.ones(len(inputs), np.int64)
    else:
        items, numbers, length = sequences(inputs, past)
    return Steps(
        torch.from_numpy(inputs.user.astype(np.int64)),
        torch.from_numpy(items),
        torch.from_numpy(numbers).to(dtype),
        torch.from_numpy(length),
    )


@dataclass(frozen=True)
class NetShape:
    """How large a `CorrectorNet` is."""

    n_users: int
    n_items: int
    cell: Cell
    embedding_dim: int
    hidden_dim: int
    n_heads: int  # of a transformer
    dropout: float
    sequence_length: int


class CorrectorNet(nn.Module):
    """Embeddings of user and item and numbers at each step -> a cell -> one number per target."""

    def __init__(self, shape: NetShape, seed: int) -> None:
        super().__init__()
        width = 2 * shape.embedding_dim + (N_NUMBERS if shape.sequence_length else 1)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.user = nn.Embedding(shape.n_users, shape.embedding_dim)
            self.item = nn.Embedding(shape.n_items, shape.embedding_dim)
            self.cell = _cell(shape, width)
            self.dropout = nn.Dropout(shape.dropout)
            self.output = nn.Linear(shape.hidden_dim, 1)

    def forward(self, steps: Steps) -> Tensor:
        user = self.user(steps.user)[:, None].expand(-1, steps.item.shape[1], -1)
        step = torch.cat([user, self.item(steps.item), steps.numbers], dim=2)
        out: Tensor = self.output(self.dropout(self.cell(step, steps.length)))
        return out.squeeze(-1)


class _Recurrent(nn.Module):
    """An LSTM or a GRU; its state after the target. Padding follows and so is never met."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], width: int, hidden_dim: int) -> None:
        super().__init__()
        self.layer = kind(width, hidden_dim, batch_first=True)

    def forward(self, steps: Tensor, length: Tensor) -> Tensor:
        states, _ = self.layer(steps)
        return _at_target(states, length)


class _Transformer(nn.Module):
    """One block of a transformer's encoder, normalised first, with learned positions.

    Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020) for the order. Only
    the target's place is read, and with one block nothing else need be computed of it.
    """

    def __init__(self, shape: NetShape, width: int) -> None:
        super().__init__()
        dim = shape.hidden_dim
        self.project = nn.Linear(width, dim)
        self.place = nn.Embedding(shape.sequence_length + 1, dim)  # counted back from the target
        self.before_attention, self.before_dense = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(
            dim, shape.n_heads, dropout=shape.dropout, batch_first=True
        )
        self.dense = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(shape.dropout), nn.Linear(4 * dim, dim)
        )

    def forward(self, steps: Tensor, length: Tensor) -> Tensor:
        back = length[:, None] - 1 - torch.arange(steps.shape[1])
        padding = back < 0
        states = self.project(steps) + self.place(back.clamp(min=0))
        keys = self.before_attention(states)
        query = _at_target(keys, length)[:, None]
        found, _ = self.attention(query, keys, keys, key_padding_mask=padding, need_weights=False)
        out = _at_target(states, length) + found[:, 0]
        summed: Tensor = out + self.dense(self.before_dense(out))
        return summed


def _cell(shape: NetShape, width: int) -> nn.Module:
    if shape.cell == "transformer":
        return _Transformer(shape, width)
    return _Recurrent(nn.LSTM if shape.cell == "lstm" else nn.GRU, width, shape.hidden_dim)


def _at_target(states: Tensor, length: Tensor) -> Tensor:
    return states[torch.arange(len(states)), length - 1]
