"""Random ratings of which many share a second, for what must not look ahead."""

import numpy as np

from qrec.data import Ratings


def timed_ratings(
    seed: int, n_users: int = 12, n_items: int = 15, n_seconds: int = 10, part: float = 0.6
) -> Ratings:
    """Return ratings in few seconds, in any order; the last user and the last item have none."""
    rng = np.random.default_rng(seed)
    user, item = np.nonzero(rng.random((n_users - 1, n_items - 1)) < part)
    order = rng.permutation(len(user))
    return Ratings(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        value=rng.integers(1, 6, len(user)).astype(float),
        user_ids=np.arange(n_users),
        item_ids=np.arange(n_items),
        scale=(1.0, 5.0),
        timestamp=900_000_000 + 3600 * rng.integers(0, n_seconds, len(user)),
    )
