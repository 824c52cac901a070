"""Neural correctors: cells, targets, losses, masks, sequences without a future, clean stacking."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from no_future import assert_no_future
from numpy.testing import assert_allclose, assert_array_equal
from timed_ratings import timed_ratings
from torch import nn

from qrec.data import Ratings, Split, load_ratings, split
from qrec.errors import ConfigError, DataError
from qrec.recommenders import (
    GlobalMean,
    LSTMCorrector,
    NeuralCorrector,
    UserItemBias,
    UserMean,
    load_recommender,
)
from qrec.recommenders import _corrector_training as training
from qrec.recommenders._corrector_inputs import sequences
from qrec.recommenders._corrector_net import CorrectorNet, NetShape, Steps

CELLS = ["lstm", "gru", "transformer"]
SMALL = {"embedding_dim": 4, "hidden_dim": 8, "n_heads": 2, "n_epochs": 2}


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


def fitted(seed: int = 0, **params: object) -> tuple[NeuralCorrector, Ratings]:
    every = timed_ratings(seed, n_users=40, n_items=30, n_seconds=12)
    held = np.arange(0, len(every), 4)
    model = NeuralCorrector(UserItemBias(), **SMALL | params)
    return model.fit(every[np.delete(np.arange(len(every)), held)], validation=every[held]), every[
        held
    ]


def test_the_report_s_lstm_by_hand(parts: Split) -> None:
    """One step of an LSTM (Hochreiter and Schmidhuber 1997) from a state of zeros."""
    model = LSTMCorrector(UserItemBias(), n_epochs=1).fit(parts.train, validation=parts.validation)
    weights = {name: value.astype(float) for name, value in model.weights_.items()}
    base = model.base_.predict(parts.test)
    step = np.column_stack(
        [weights["user.weight"][parts.test.user], weights["item.weight"][parts.test.item], base]
    )
    gates = step @ weights["cell.layer.weight_ih_l0"].T
    gates += weights["cell.layer.bias_ih_l0"] + weights["cell.layer.bias_hh_l0"]
    entry, _, memory, exit_ = np.split(gates, 4, axis=1)
    hidden = np.tanh(np.tanh(memory) / (1 + np.exp(-entry))) / (1 + np.exp(-exit_))
    error = hidden @ weights["output.weight"][0] + weights["output.bias"]
    assert step.shape[1] == 2 * 32 + 1
    assert hidden.shape[1] == 64
    assert_allclose(model.predict(parts.test), np.clip(base + error, 1, 5), rtol=1e-9)


def test_the_published_form_is_one_of_the_forms(parts: Split) -> None:
    lstm = LSTMCorrector(n_epochs=2).fit(parts.train, validation=parts.validation)
    same = NeuralCorrector(
        cell="lstm", embedding_dim=32, learning_rate=1e-4, batch_size=256, n_epochs=2
    ).fit(parts.train, validation=parts.validation)
    assert_array_equal(lstm.predict(parts.test), same.predict(parts.test))


@pytest.mark.parametrize("sequence_length", [0, 3])
def test_around_a_constant_both_targets_are_one(parts: Split, sequence_length: int) -> None:
    one, other = (
        NeuralCorrector(GlobalMean(), target=target, sequence_length=sequence_length, **SMALL).fit(
            parts.train, validation=parts.validation
        )
        for target in ("error", "rating")
    )
    assert_array_equal(one.predict(parts.test), other.predict(parts.test))


def test_a_rating_target_does_not_add_the_base(parts: Split) -> None:
    one, other = (
        NeuralCorrector(UserItemBias(), target=target, learning_rate=0.0, **SMALL).fit(
            parts.train, validation=parts.validation
        )
        for target in ("error", "rating")
    )
    pairs = parts.test.user, parts.test.item
    difference = one.base_.predict(parts.test) - parts.train.value.mean()
    assert_allclose(one._predict(*pairs) - other._predict(*pairs), difference, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "value", "gradient"),
    [
        ("mse", (0.25 + 4 + 9) / 3, [1.0 / 3, -4.0 / 3, 6.0 / 3]),
        ("mae", (0.5 + 2 + 3) / 3, [1 / 3, -1 / 3, 1 / 3]),
        ("huber", (0.125 + 1.5 + 2.5) / 3, [0.5 / 3, -1 / 3, 1 / 3]),
    ],
)
def test_losses_and_their_gradients(loss: str, value: float, gradient: list[float]) -> None:
    difference = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    found = training.LOSSES[loss](difference)
    found.backward()
    assert found.item() == pytest.approx(value)
    assert_allclose(difference.grad, gradient)


def test_each_loss_stops_on_itself_and_keeps_its_best_epoch(parts: Split) -> None:
    def measured(loss: str, error: np.ndarray) -> float:
        if loss == "mse":
            return float(np.sqrt((error**2).mean()))
        size = abs(error)
        return float(
            (size if loss == "mae" else np.where(size < 1, size**2 / 2, size - 0.5)).mean()
        )

    for loss in ("mse", "mae", "huber"):
        model = NeuralCorrector(loss=loss, learning_rate=5e-3, **SMALL | {"n_epochs": 6}).fit(
            parts.train, validation=parts.validation
        )
        error = model.predict(parts.validation) - parts.validation.value
        assert measured(loss, error[~np.isnan(error)]) == pytest.approx(
            model.history_.min(), abs=1e-5
        )


def net_and_steps(cell: str) -> tuple[CorrectorNet, Steps]:
    rng = np.random.default_rng(3)
    net = CorrectorNet(NetShape(5, 7, cell, 4, 8, 2, 0.3, 4), 1).double().eval()
    steps = Steps(
        torch.from_numpy(rng.integers(0, 5, 4)), torch.from_numpy(rng.integers(0, 7, (4, 5))),
        torch.from_numpy(rng.normal(size=(4, 5, 3))), torch.tensor([1, 3, 4, 5]),
    )  # fmt: skip
    return net, steps


@pytest.mark.parametrize("cell", CELLS)
def test_padding_does_not_reach_the_output_and_every_step_does(cell: str) -> None:
    net, steps = net_and_steps(cell)
    with torch.inference_mode():
        expected = net(steps)
        for row in range(4):
            for place in range(5):
                items, numbers = steps.item.clone(), steps.numbers.clone()
                items[row, place] = (items[row, place] + 1) % 7
                numbers[row, place] += 1
                changed = net(steps._replace(item=items, numbers=numbers)) != expected
                assert changed.tolist() == [
                    n == row and place < int(steps.length[row]) for n in range(4)
                ]
            short = [column[row : row + 1] for column in steps]
            cut = int(steps.length[row])
            alone = net(Steps(short[0], short[1][:, :cut], short[2][:, :cut], short[3]))
            assert_allclose(alone, expected[row : row + 1], rtol=1e-12)


def test_the_transformer_is_torch_s_encoder_block_read_at_the_target() -> None:
    net, steps = net_and_steps("transformer")
    cell = net.cell
    block = nn.TransformerEncoderLayer(
        8, 2, 32, activation="gelu", batch_first=True, norm_first=True
    ).double()
    block.self_attn.load_state_dict(cell.attention.state_dict())
    block.norm1.load_state_dict(cell.before_attention.state_dict())
    block.norm2.load_state_dict(cell.before_dense.state_dict())
    block.linear1.load_state_dict(cell.dense[0].state_dict())
    block.linear2.load_state_dict(cell.dense[3].state_dict())
    block.eval()
    back = steps.length[:, None] - 1 - torch.arange(5)
    user = net.user(steps.user)[:, None].expand(-1, 5, -1)
    read = torch.cat([user, net.item(steps.item), steps.numbers], dim=2)
    states = cell.project(read) + cell.place(back.clamp(min=0))
    whole = block(states, src_key_padding_mask=back < 0)
    expected = net.output(whole[torch.arange(4), steps.length - 1]).squeeze(-1)
    assert_allclose(net(steps).detach(), expected.detach(), rtol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n_folds", [0, 3])
def test_nothing_later_reaches_a_prediction(cell: str, n_folds: int) -> None:
    for seed in range(3):
        assert_no_future(*fitted(seed, cell=cell, n_folds=n_folds, sequence_length=4))


def test_a_sequence_by_hand() -> None:
    times = np.array([100, 200, 200, 300, 50])
    train = Ratings(
        user=np.array([0, 0, 0, 0, 1], np.int32), item=np.array([3, 1, 2, 0, 3], np.int32),
        value=np.array([5.0, 1, 2, 4, 3]), user_ids=np.arange(2), item_ids=np.arange(4),
        scale=(1.0, 5.0), timestamp=times,
    )  # fmt: skip
    model = NeuralCorrector(sequence_length=3, **SMALL).fit(train, validation=train)
    asked = replace(train[[3, 1, 4]], timestamp=np.array([301, 200, 50]))
    inputs = model._inputs(asked, model.base_.predict(asked))
    items, numbers, length = sequences(inputs, model._past())
    assert_array_equal(length, [4, 2, 1])
    assert_array_equal(items[0], [1, 2, 0, 0])  # the last three earlier, then the target, item 0
    assert_array_equal(items[1, :2], [3, 1])
    assert_array_equal(items[2, :1], [3])
    assert_allclose(numbers[0, :, 0], 3)  # the mean, by the base
    assert_allclose(numbers[0, :, 1], [-2, -1, 1, 0])
    assert_allclose(numbers[0, :, 2], [*np.log1p([101, 101, 1]) / 10, 0])
    assert (numbers[2, 1:] == 0).all()
    now = model._inputs(asked.pairs, model.base_.predict(asked))
    assert_array_equal((now.events >= 0).sum(axis=1), [3, 3, 1])


@pytest.mark.parametrize("n_folds", [0, 3])
def test_a_rating_reaches_no_input_of_its_own_fold(
    parts: Split, n_folds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turn the ratings of one fold: its inputs stay, those of the others change."""
    seen = []
    fit = training.fit

    def watched(net: nn.Module, known: training.Part, stop: training.Part, pasts: tuple, *args):
        seen.append((known, sequences(known.inputs, pasts[0])))
        return fit(net, known, stop, pasts, *args)

    monkeypatch.setattr(training, "fit", watched)
    model = NeuralCorrector(UserMean(), n_folds=n_folds, sequence_length=5, **SMALL)
    rows = model._folds(parts.train)[1] if n_folds else np.arange(len(parts.train)) % 3 == 0
    turned = parts.train[np.arange(len(parts.train))]
    turned.value[rows] = 6 - turned.value[rows]
    for ratings in (parts.train, turned):
        model.fit(ratings, validation=parts.validation)
    (first, before), (second, after) = seen
    assert_array_equal(before[2], after[2])
    same = (before[1] == after[1]).all(axis=(1, 2))
    assert (first.value[rows] != second.value[rows]).any()
    assert same[rows].all() == bool(n_folds)
    assert same[~rows].mean() < 0.1
    if n_folds:  # nor is a rating of the fold among the events
        mine = set(map(tuple, parts.train.pairs[rows].tolist()))
        for row in np.flatnonzero(rows)[:300]:
            items = before[0][row, : before[2][row] - 1].tolist()
            assert not mine & {(int(parts.train.user[row]), item) for item in items}


def test_what_does_not_go_together_is_said(ratings: Ratings) -> None:
    with pytest.raises(DataError, match="sequence_length is 5, and a sequence needs timestamps"):
        NeuralCorrector(sequence_length=5).fit(ratings)
    with pytest.raises(ConfigError, match="n_folds is 1; expected 0, or 2 and more"):
        NeuralCorrector(n_folds=1).check()
    with pytest.raises(ConfigError, match=r"hidden_dim is 10; expected a multiple of n_heads.*4"):
        NeuralCorrector(cell="transformer", hidden_dim=10).fit(ratings)
    NeuralCorrector(hidden_dim=10, n_heads=4).check()


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_model_saved_and_loaded_and_asked_in_parts(cell: str, tmp_path: Path) -> None:
    model, test = fitted(cell=cell, sequence_length=4, n_folds=2)
    expected = model.predict(test)
    model.save(tmp_path)
    loaded = load_recommender(tmp_path)
    assert_array_equal(loaded.predict(test), expected)
    assert_array_equal(loaded.predict(test.pairs), model.predict(test.pairs))
    assert_allclose(np.concatenate([loaded.predict(test[i]) for i in (slice(9), slice(9, None))]),
                    expected, rtol=1e-12)  # fmt: skip


def test_predicting_in_blocks_is_predicting_at_once(
    parts: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LSTMCorrector(UserItemBias(), n_epochs=1).fit(parts.train, validation=parts.validation)
    expected = model.predict(parts.test)
    monkeypatch.setattr(training, "_STEPS_AT_ONCE", 64)
    assert_allclose(model.predict(parts.test), expected, rtol=1e-13)


def test_a_gru_reads_what_came_before() -> None:
    """A user's mood: ratings follow the residual of the rating before; only a sequence sees it."""
    rng = np.random.default_rng(0)
    n_users, n_each = 60, 40
    mood = np.empty((n_users, n_each))
    mood[:, 0] = rng.normal(size=n_users)
    for place in range(1, n_each):
        mood[:, place] = 0.9 * mood[:, place - 1] + 0.44 * rng.normal(size=n_users)
    every = Ratings(
        user=np.repeat(np.arange(n_users), n_each).astype(np.int32),
        item=rng.permuted(np.tile(np.arange(50), (n_users, 1)), axis=1)[:, :n_each].ravel(),
        value=np.clip(3 + mood.ravel(), 1, 5), user_ids=np.arange(n_users), item_ids=np.arange(50),
        scale=(1.0, 5.0), timestamp=np.tile(np.arange(n_each) * 60, n_users),
    )  # fmt: skip
    own = split(every, seed=0)
    rmse = {
        size: -NeuralCorrector(
            UserItemBias(), sequence_length=size, hidden_dim=16, embedding_dim=2,
            learning_rate=5e-3, batch_size=64,
        ).fit(own.train, validation=own.validation).score(own.test)
        for size in (0, 4)
    }  # fmt: skip
    assert rmse[4] < 0.85 * rmse[0]
