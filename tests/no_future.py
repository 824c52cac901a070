"""A prediction hangs on nothing that was not yet there: for every model that reads events."""

from copy import copy

import numpy as np
from numpy.testing import assert_array_equal

from qrec.data import Ratings
from qrec.recommenders import Recommender


def assert_no_future(model: Recommender, targets: Ratings, *, ties: bool = False) -> None:
    """Assert that events at a target's second or later do not reach its prediction.

    `model` is fitted and keeps the training ratings that it reads as `events_`, a dict of arrays
    `(n,)` among which is "timestamp": what they were rated, and what a base says of them, is
    replaced by other numbers, and their times by other later times. With `ties` those of the
    same second may reach it, and do. Earlier events must reach it: else nothing is shown.
    """
    assert targets.timestamp is not None
    expected = model.predict(targets)
    times = model.events_["timestamp"]
    earlier_matter, ties_matter = False, False
    for number, cut in enumerate(np.unique(targets.timestamp)):
        rng = np.random.default_rng(number)
        later = times > cut if ties else times >= cut
        found = with_events(model, later, rng).predict(targets)
        here = targets.timestamp <= cut
        assert_array_equal(found[here], expected[here], f"events from {cut} on reach a target")
        earlier_matter |= bool((found[~here] != expected[~here]).any())
        at_once = with_events(model, times == cut, rng).predict(targets)
        now = targets.timestamp == cut
        ties_matter |= bool((at_once[now] != expected[now]).any())
    assert earlier_matter, "no event reaches a later target: nothing was shown"
    assert ties_matter == ties
    turned = targets[np.arange(len(targets))]
    turned.value[:] = sum(targets.scale) - targets.value
    assert_array_equal(model.predict(turned), expected, "the held-out ratings reach predictions")


def with_events(model: Recommender, rows: np.ndarray, rng: np.random.Generator) -> Recommender:
    """Return a copy whose events at `rows` were rated otherwise, and at other times no earlier."""
    events = {name: np.array(column) for name, column in model.events_.items()}
    for column in events.values():
        if np.issubdtype(column.dtype, np.floating):
            column[rows] = rng.normal(3, 2, rows.sum())
    times = events["timestamp"]
    if rows.any() and len(np.unique(times[rows])) > 1:
        times[rows] = rng.permutation(times[rows])
    out = copy(model)
    out.events_ = events
    return out
