"""Ratings small enough for slow references."""

import numpy as np
import pytest

from qrec.data import Ratings


@pytest.fixture(scope="session")
def ratings() -> Ratings:
    """Return 40 users' ratings of 25 items: biases, two factors, noise; a third is observed."""
    rng = np.random.default_rng(11)
    users, items = rng.normal(size=(40, 2)), rng.normal(size=(25, 2))
    mean = 3 + rng.normal(scale=0.5, size=(40, 1)) + rng.normal(scale=0.5, size=25)
    full = mean + 0.5 * users @ items.T + rng.normal(scale=0.4, size=(40, 25))
    # The last user and the last item stay unrated.
    user, item = np.nonzero(rng.random((39, 24)) < 0.35)
    order = rng.permutation(len(user))  # files come in any order
    return Ratings(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        value=np.clip(np.round(full[user, item]), 1, 5)[order],
        user_ids=np.arange(40),
        item_ids=np.arange(25),
        scale=(1.0, 5.0),
    )
