"""The ratings type that every data set, split and recommender speaks."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qrec.data.features import Features
from qrec.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# The fields that have one entry per rating; the last three may be None.
ROW_FIELDS = ("user", "item", "value", "timestamp", "oracle_mean", "oracle_variance")


@dataclass(frozen=True, eq=False)
class Ratings:
    """Observed ratings as coordinate lists, with the tables that turn codes into ids.

    Indexing by an array of rows keeps the id tables and the features, so that every part of a
    split speaks of the same users and items. `shape` is that of the list, `(n,)`, as
    scikit-learn's splitters and `cross_val_score` need it; the size of the rating matrix is
    `n_users`, `n_items`.
    """

    user: NDArray[np.int32]  # (n,) code, a position in user_ids
    item: NDArray[np.int32]  # (n,) code, a position in item_ids
    value: NDArray[np.float64]  # (n,) in units of `scale`
    user_ids: NDArray[Any]  # (n_users,) ids as the source spells them
    item_ids: NDArray[Any]  # (n_items,)
    scale: tuple[float, float]  # lowest and highest rating possible
    timestamp: NDArray[np.int64] | None = None  # (n,) seconds since 1970
    # Generated ratings know the mean and the variance of the distribution that each was drawn
    # from, given the latents of its user and item: what no recommender can do better than.
    oracle_mean: NDArray[np.float64] | None = None  # (n,) in units of `scale`
    oracle_variance: NDArray[np.float64] | None = None  # (n,) in squared units of `scale`
    features: Features | None = None  # what is known of all users and items beside ratings

    @classmethod
    def from_pandas(
        cls,
        frame: Any,
        *,
        user: str = "user",
        item: str = "item",
        rating: str = "rating",
        time: str | None = None,
        scale: Sequence[float] | None = None,
    ) -> "Ratings":
        """Return the ratings in a frame of pandas or polars, or any other table: `qrec.ratings`.

        `user` .. `time` name its columns; without a `scale` it is from the lowest rating that is
        there to the highest. Raises DataError for a wrong or missing entry, with its row and
        column.
        """
        from qrec.data.frames import ratings

        return ratings(
            frame, user=user, item=item, rating=rating, timestamp=time, scale=scale, source="frame"
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row per rating: user's and item's id, rating, timestamp if there is one.

        `from_pandas` with the same scale makes the same ratings of it, but for users and items
        that have none, for features, and for what generated ratings know of their own noise.
        """
        from qrec.data.frames import to_frame

        return to_frame(self)

    def __post_init__(self) -> None:
        if self.features is not None:
            self.features.check_sizes(self.n_users, self.n_items)

    def __len__(self) -> int:
        return len(self.value)

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @property
    def noise_floor(self) -> float | None:
        """RMSE of the best possible prediction of these rows; None where nobody knows it."""
        if self.oracle_variance is None:
            return None
        return float(np.sqrt(self.oracle_variance.mean()))

    @property
    def pairs(self) -> NDArray[np.int32]:
        """User and item codes, `(n, 2)`: what `Recommender.predict` takes."""
        return np.column_stack([self.user, self.item])

    def __getitem__(self, rows: Any) -> "Ratings":
        if isinstance(rows, tuple):  # scikit-learn asks for (rows, ...)
            rows = rows[0]
        rows = np.atleast_1d(rows) if not isinstance(rows, slice) else rows
        columns = {name: getattr(self, name) for name in ROW_FIELDS}
        return replace(self, **{k: v[rows] for k, v in columns.items() if v is not None})

    def encode(self, users: Sequence[Any], items: Sequence[Any]) -> NDArray[np.int32]:
        """Turn ids into pairs of codes, `(n, 2)`.

        Raises DataError for lists of unequal length, for ids of another kind than the table's
        (text, or whole numbers) and for an id that the table does not hold.
        """
        codes = [
            _codes(users, self.user_ids, "user"),
            _codes(items, self.item_ids, "item"),
        ]
        if len(codes[0]) != len(codes[1]):
            raise DataError(
                f"found {len(codes[0])} user ids and {len(codes[1])} item ids, expected as many"
            )
        return np.column_stack(codes)


def _codes(ids: Sequence[Any] | NDArray[Any], table: NDArray[Any], kind: str) -> NDArray[np.int32]:
    known = {identifier: code for code, identifier in enumerate(table.tolist())}
    codes = []
    for identifier in unmasked(ids) if isinstance(ids, np.ndarray) else ids:
        code = known.get(identifier) if isinstance(identifier, Hashable) else None
        if code is None:
            like = "text" if table.dtype.kind == "U" else "whole numbers"
            raise DataError(
                f"{kind} id {identifier!r} is not among the {len(table)} {kind}s, whose ids are "
                f"{like} such as {table[0].item()!r}"
            )
        codes.append(code)
    return np.array(codes, dtype=np.int32)


def not_ratings(where: str, given: object, expected: str = "Ratings") -> str:
    """Say that something else was given where ratings, or their name, are needed."""
    return (
        f"{where}: found a {type(given).__name__}, expected {expected}; a table becomes Ratings by "
        "qrec.ratings(table, user=..., item=..., rating=...)"
    )


def unmasked(entries: ArrayLike) -> NDArray[Any]:
    """Return entries as an array, in which those that were masked are None."""
    array = np.asarray(entries)
    if isinstance(entries, np.ma.MaskedArray) and entries.mask.any():
        array = array.astype(object)
        array[entries.mask] = None
    return array
