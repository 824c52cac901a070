"""The walk: all that is unknown drawn in turn, given the rest and the ratings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qrec.data.ratings import Ratings
from qrec.recommenders._gibbs.conditional import draw_angles
from qrec.recommenders._gibbs.forms import Fixed, Form
from qrec.recommenders._gibbs.shifted import coefficients
from qrec.types import AnyCodes, Array

# Of the current vectors (angles, bias) `(n, k + 1)`: prior means, `(k + 1,)` or by row, and the
# precision `(k + 1, k + 1)`, drawn anew.
Prior = Callable[[np.random.Generator, Array], tuple[Array, Array]]
_NUMBERS_AT_ONCE = 2**19


@dataclass(frozen=True, eq=False)
class Grouped:
    """Ratings in the order of one side's codes."""

    me: AnyCodes
    other: AnyCodes
    order: NDArray[np.intp]  # of these ratings among those given
    starts: NDArray[np.intp]  # where each row's ratings begin, and the end, `(n_rows + 1,)`

    def blocks(self, numbers_per_rating: int) -> Iterator[tuple[int, int]]:
        """Yield rows from, to: no more at once than fit a cache, a single row excepted."""
        most, n_rows = max(1, _NUMBERS_AT_ONCE // numbers_per_rating), len(self.starts) - 1
        begin = 0
        while begin < n_rows:
            end = int(np.searchsorted(self.starts, self.starts[begin] + most, "right")) - 1
            end = min(max(end, begin + 1), n_rows)
            yield begin, end
            begin = end


def grouped(me: AnyCodes, other: AnyCodes, n_rows: int) -> Grouped:
    """Return pairs of codes in the order of the first."""
    order = np.lexsort((other, me))
    counts = np.bincount(me, minlength=n_rows)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Grouped(me[order].astype(np.intp), other[order].astype(np.intp), order, starts)


@dataclass(eq=False)
class State:
    """All that is drawn. Vectors are (angles, bias)."""

    users: Array  # (n_users, length + 1)
    items: Array
    weights: Array
    gain: float
    noise_precision: float = 1.0


class Sampler:
    """Draws from the posterior of value = mean + b_u + c_i + gain f(u, v, weights) + noise.

    f is a `Form`. The priors of (u, b) and (v, c) are given; weights are uniform on the circle,
    the noise's precision is Gamma(1, 1), and the gain, where `draws_gain`, Gaussian about where
    it starts with variance 1. Given the rest, each of these is drawn exactly.
    """

    def __init__(
        self,
        form: Form,
        ratings: Ratings,
        priors: tuple[Prior, Prior],
        start: State,
        mean: float,
        rng: np.random.Generator,
        weights_every: int = 5,
        draws_gain: bool = False,
    ) -> None:
        self._form, self._priors, self._rng = form, priors, rng
        self.state, self._gain = start, start.gain
        self._by_user = grouped(ratings.user, ratings.item, ratings.n_users)
        self._by_item = grouped(self._by_user.other, self._by_user.me, ratings.n_items)
        self._fixed = form.fix(start.weights)
        self._every, self._draws_gain, self._sweeps = weights_every, draws_gain, 0
        self._mean = mean
        given = self._by_user
        self._error = ratings.value[given.order] - self.predict(given.me, given.other)

    def sweep(self) -> None:
        """Draw everything once; weights at every `weights_every`-th sweep."""
        rate = 1 + self._error @ self._error / 2
        shape = 1 + len(self._error) / 2
        self.state.noise_precision = float(self._rng.gamma(shape, 1 / rate))
        self.draw_sides()
        if len(self.state.weights) and self._sweeps % self._every == 0:
            self.draw_weights()
        if self._draws_gain:
            self.draw_gain()
        self._sweeps += 1

    def draw_sides(self) -> None:
        """Draw the users' prior, biases and angles, then the items'."""
        state, error, rng = self.state, self._error, self._rng
        prior = self._priors[0](rng, state.users)
        self._draw_rows(state.users, state.items, self._by_user, self._fixed, error, prior)
        turned, prior = error[self._by_item.order], self._priors[1](rng, state.items)
        mirrored = self._fixed.mirrored()
        self._draw_rows(state.items, state.users, self._by_item, mirrored, turned, prior)
        error[self._by_item.order] = turned

    def predict(self, users: AnyCodes, items: AnyCodes) -> Array:
        """Return the ratings of pairs `(n,)` as things stand."""
        biases = self.state.users[users, -1] + self.state.items[items, -1]
        found: Array = self._mean + biases + self.state.gain * self._values(users, items)
        return found

    def _values(self, users: AnyCodes, items: AnyCodes) -> Array:
        angles = self.state.users[:, :-1], self.state.items[:, :-1]
        return self._fixed.values(*angles, users, items)

    def _fitted(self) -> Array:
        return self._values(self._by_user.me, self._by_user.other)

    def _draw_rows(
        self,
        rows: Array,
        others: Array,
        pairs: Grouped,
        fixed: Fixed,
        error: Array,
        prior: tuple[Array, Array],
    ) -> None:
        """Draw one side's biases and angles; `rows` and `error` are brought up to date."""
        mean, precision = np.broadcast_to(prior[0], rows.shape), prior[1]
        seen = fixed.seen(others[:, :-1])
        for begin, end in pairs.blocks(fixed.numbers_per_rating):
            some = slice(int(pairs.starts[begin]), int(pairs.starts[end]))
            block = _Block(
                self._rng, self.state.noise_precision, self.state.gain, rows[begin:end],
                error[some], pairs.me[some] - begin, pairs.starts[begin : end + 1] - some.start,
                mean[begin:end], precision,
            )  # fmt: skip
            block.draw_bias()
            fixed.visit(rows[begin:end, :-1], seen, block.me, pairs.other[some], block.draw)

    def draw_weights(self) -> None:
        """Draw the weights one by one, in an order drawn as well."""
        state, alpha = self.state, self.state.noise_precision
        value = self._fitted()
        for j in self._rng.permutation(len(state.weights)):
            turned = []
            for turn in (np.pi / 2, np.pi):
                weights = state.weights.copy()
                weights[j] += turn
                self._fixed = self._form.fix(weights)
                turned.append(self._fitted())
            quarter, half = turned
            constant, in_cos, in_sin = coefficients(value, quarter, half, state.weights[j])
            left = self._error + state.gain * (value - constant)
            b, c = state.gain * in_cos, state.gain * in_sin
            sums = np.array([[left @ b, left @ c, b @ b, c @ c, b @ c]])
            state.weights[[j]] = draw_angles(
                self._rng, _likelihood(alpha, *sums.T), state.weights[[j]], np.zeros(1), 0.0
            )
            angle = state.weights[j]
            value = constant + in_cos * np.cos(angle) + in_sin * np.sin(angle)
            self._error = left - state.gain * (value - constant)
        self._fixed = self._form.fix(state.weights)

    def draw_gain(self) -> None:
        """Draw the gain from its Gaussian."""
        state, value = self.state, self._fitted()
        target = self._error + state.gain * value
        precision = 1 + state.noise_precision * value @ value
        mean = (self._gain + state.noise_precision * value @ target) / precision
        state.gain = float(mean + self._rng.normal() / np.sqrt(precision))
        self._error = target - state.gain * value


@dataclass(frozen=True, eq=False)
class _Block:
    """Some users (or items) with all of their ratings: given the rest they are independent."""

    rng: np.random.Generator
    noise_precision: float
    gain: float
    rows: Array  # (n, k + 1), drawn in place
    error: Array  # of their ratings, brought up to date
    me: AnyCodes  # whose each rating is
    starts: NDArray[np.intp]
    mean: Array  # (n, k + 1)
    precision: Array  # (k + 1, k + 1)

    def draw_bias(self) -> None:
        alpha, precision = self.noise_precision, self.precision[-1, -1]
        count, bias = np.diff(self.starts), self.rows[:, -1].copy()
        total = self._sum(self.error) + count * bias
        after = alpha * count + precision
        middle = (alpha * total + precision * self._prior_mean(-1)) / after
        self.rows[:, -1] = middle + self.rng.normal(size=len(count)) / np.sqrt(after)
        self.error[:] -= (self.rows[:, -1] - bias)[self.me]

    def draw(self, j: int, in_cos: Array | None, in_sin: Array | None) -> tuple[Array, Array]:
        """Draw the j-th angle of all; see `qrec.recommenders._gibbs.patterns.Draw`."""
        old = self.rows[:, j].copy()
        cos, sin = np.cos(old), np.sin(old)
        b, c = (None if x is None else self.gain * x for x in (in_cos, in_sin))
        bb, bc, cc = self._product(b, b), self._product(b, c), self._product(c, c)
        # The error without this angle is error + b cos + c sin.
        eb = self._product(self.error, b) + cos * bb + sin * bc
        ec = self._product(self.error, c) + cos * bc + sin * cc
        likelihood = _likelihood(self.noise_precision, eb, ec, bb, cc, bc)
        mean, precision = self._prior_mean(j), float(self.precision[j, j])
        self.rows[:, j] = draw_angles(self.rng, likelihood, old, mean, precision)
        new_cos, new_sin = np.cos(self.rows[:, j]), np.sin(self.rows[:, j])
        if b is not None:
            self.error[:] -= b * (new_cos - cos)[self.me]
        if c is not None:
            self.error[:] -= c * (new_sin - sin)[self.me]
        return new_cos[self.me], new_sin[self.me]

    def _prior_mean(self, j: int) -> Array:
        """Return the prior mean of the j-th number given the row's others."""
        away = self.rows - self.mean
        pull = away @ self.precision[:, j] - away[:, j] * self.precision[j, j]
        found: Array = self.mean[:, j] - pull / self.precision[j, j]
        return found

    def _product(self, one: Array | None, other: Array | None) -> Array:
        if one is None or other is None:
            return np.zeros(len(self.rows))
        return self._sum(one * other)

    def _sum(self, values: Array) -> Array:
        """Return each row's sum over its ratings."""
        out = np.zeros(len(self.rows))
        rated = np.flatnonzero(np.diff(self.starts))
        if len(rated):
            out[rated] = np.add.reduceat(values, self.starts[rated])
        return out


def _likelihood(alpha: float, eb: Array, ec: Array, bb: Array, cc: Array, bc: Array) -> Array:
    """Return the log-likelihood of an angle in its first two harmonics, `(n, 4)`.

    -alpha/2 sum (e - B cos - C sin)^2 by the sums of e B, e C, B B, C C and B C.
    """
    return alpha * np.column_stack([eb, ec, (cc - bb) / 4, -bc / 2])
