"""The LSTM that reads a transpiled circuit as text, time step by time step."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from qrec.experiments.fidelity.labels import Labelled
from qrec.seeds import child_seed
from qrec.threads import one_thread
from qrec.types import Array

_WORD_DIM, _HIDDEN = 24, 64
_BATCH, _LEARNING_RATE, _PATIENCE = 64, 3e-3, 6


class _Reader(nn.Module):
    """Words of all qubits -> their sum -> LSTM -> a number per target.

    A word says its qubits, so that nothing is lost in the sum.
    """

    def __init__(self, n_words: int, n_targets: int) -> None:
        super().__init__()
        self.word = nn.Embedding(n_words, _WORD_DIM, padding_idx=0)
        self.lstm = nn.LSTM(_WORD_DIM, _HIDDEN, batch_first=True)
        self.output = nn.Linear(_HIDDEN, n_targets)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        steps = self.word(words).sum(dim=2)
        packed = pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        out: Tensor = self.output(hidden[-1])
        return out


def read(
    train: Labelled, validation: Labelled, tests: list[Labelled], n_words: int, n_epochs: int,
    seed: int,
) -> list[Array]:  # fmt: skip
    """Train on `train`, stop on `validation`; return what is predicted for each of `tests`.

    As in Mao, Shresthamali and Kondo (arXiv:2303.17523), whose layer sizes are not published:
    embeddings of 24 numbers, 64 hidden units, Adam on the squared error of the scaled labels.
    """
    middle, spread = train.labels.mean(axis=0), train.labels.std(axis=0) + 1e-9
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(child_seed(seed, "start"))
        net = _Reader(n_words, train.labels.shape[1])
        _train(net, train, validation, (middle, spread), n_epochs, seed)
        return [_predict(net, test) * spread + middle for test in tests]


def _train(
    net: _Reader, train: Labelled, validation: Labelled, scale: tuple[Array, Array],
    n_epochs: int, seed: int,
) -> None:  # fmt: skip
    """Leave the epoch of the lowest validation error in `net`."""
    rng = np.random.default_rng(child_seed(seed, "batches"))
    optimizer = torch.optim.Adam(net.parameters(), lr=_LEARNING_RATE)
    wanted, aim = ((part.labels - scale[0]) / scale[1] for part in (train, validation))
    lowest, since, best = np.inf, 0, net.state_dict()
    for _ in range(n_epochs):
        batches = list(_batches(train, rng))
        for place in rng.permutation(len(batches)):
            rows = batches[place]
            optimizer.zero_grad()
            error = net(*_padded(train[rows])) - torch.from_numpy(wanted[rows]).float()
            (error**2).mean().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        found = float(np.mean((_predict(net, validation) - aim) ** 2))
        if found < lowest:
            lowest, since = found, 0
            best = {name: value.clone() for name, value in net.state_dict().items()}
        elif (since := since + 1) == _PATIENCE:
            break
    net.load_state_dict(best)


def _batches(data: Labelled, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield rows of about equal length, since the others of a batch wait for its longest."""
    order = np.argsort(data.lengths + rng.uniform(0, 8, len(data.lengths)), kind="stable")
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]


def _padded(data: Labelled) -> tuple[Tensor, Tensor]:
    n_qubits = data.words.shape[1]
    out = np.zeros((len(data.lengths), data.lengths.max(), n_qubits), np.int64)
    out[np.arange(out.shape[1]) < data.lengths[:, None]] = data.words
    return torch.from_numpy(out), torch.from_numpy(data.lengths)


def _predict(net: _Reader, data: Labelled) -> Array:
    out = np.empty((len(data.lengths), net.output.out_features))
    order = np.argsort(data.lengths, kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), 4 * _BATCH):
            rows = order[start : start + 4 * _BATCH]
            out[rows] = net(*_padded(data[rows])).numpy()
    return out
