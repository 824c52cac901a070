"""Dividing ratings into train, validation and test parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.data.dataset import check_options, option_names
from qrec.data.published import published_rows
from qrec.data.ratings import Ratings
from qrec.errors import ConfigError, DataError
from qrec.registry import check_name
from qrec.seeds import check_seed, child_seed

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of `ratings`, divided into disjoint parts; each part keeps all users and items.

    `support` is what is known of users who are not in the train part when their ratings are
    predicted (see `Recommender.fold_in`); None where no kind of split set any aside.

    Raises DataError if a row is in two parts or the train or test part is empty.
    """

    ratings: Ratings
    train_rows: Rows  # (n_train,) positions in `ratings`, ascending
    validation_rows: Rows  # (n_validation,), empty if no validation part was asked for
    test_rows: Rows  # (n_test,)
    support_rows: Rows = field(  # (n_support,), those of one user in the order they are given in
        default_factory=lambda: np.empty(0, np.int64)
    )

    def __post_init__(self) -> None:
        for part, rows in (("train", self.train_rows), ("test", self.test_rows)):
            if len(rows) == 0:
                raise DataError(
                    f"the {part} part of the split is empty: 0 of {len(self.ratings)} ratings, "
                    "expected at least 1"
                )
        rows = np.concatenate(
            [self.train_rows, self.validation_rows, self.test_rows, self.support_rows]
        )
        uses = np.bincount(rows, minlength=len(self.ratings))
        if uses.max() > 1:
            raise DataError(
                f"row {uses.argmax()} of the ratings is in more than one part of the split, "
                "expected disjoint parts"
            )

    @cached_property
    def train(self) -> Ratings:
        return self.ratings[self.train_rows]

    @property
    def sizes(self) -> dict[str, int]:
        """The number of ratings in each part."""
        rows = {"train": self.train_rows, "validation": self.validation_rows}
        rows |= {"test": self.test_rows}
        rows |= {"support": self.support_rows} if len(self.support_rows) else {}
        return {name: len(part) for name, part in rows.items()}

    @cached_property
    def validation(self) -> Ratings | None:
        return self.ratings[self.validation_rows] if len(self.validation_rows) else None

    @cached_property
    def test(self) -> Ratings:
        return self.ratings[self.test_rows]

    @cached_property
    def support(self) -> Ratings | None:
        return self.ratings[self.support_rows] if len(self.support_rows) else None


def split(
    ratings: Ratings,
    kind: str = "random",
    *,
    seed: int = 0,
    data_dir: str | PathLike[str] | None = None,
    train_share: float = 1.0,
    **options: Any,
) -> Split:
    """Divide `ratings` into train, validation and test parts.

    With a `train_share` below 1 only that share of the training rows is kept, drawn at random;
    the other parts stay as they are, and what a smaller share keeps, a larger one keeps too.

    Kinds and their options, with defaults:

    - ``random``, ``ratios=(0.6, 0.2, 0.2)``: rows drawn at random.
    - ``temporal``, ``ratios=(0.6, 0.2, 0.2)``: the earliest rows train, the latest test.
    - ``leave_last_out``: each user's latest rating tests, the one before validates; users with
      fewer than three ratings only train.
    - ``leave_last``, ``ratios=(0.6, 0.2, 0.2)``: of each user's ratings the latest share tests,
      the share before validates; both rounded down, ratings of equal time in random order.
    - ``kfold``, ``n_folds=5, fold=0, validation_ratio=0.2``: fold number `fold` tests; over
      all folds of one seed each row is tested once.
    - ``cold_users``, ``share=0.2, validation_share=0.1, support=20``: these shares of the users
      who rated more than `support` items are in no training row. Of each, `support` ratings drawn
      at random are `Split.support`, the others validate or test.
    - ``u1`` .. ``u5``, ``ua``, ``ub``, ``validation_ratio=0.2``: MovieLens-100K's own, read
      from `data_dir` as `load_ratings` reads ``ml-100k``.

    `validation_ratio` is the part of the training rows held out for validation. A ratio of 0
    for validation makes `Split.validation` None. Under ``temporal`` and ``leave_last_out`` rows of
    equal time keep their order.

    Raises ConfigError for an unknown kind or option, a value that is not of its option's type,
    an impossible ratio or seed, DataError for an empty part or ratings that lack what the kind
    needs.
    """
    check_name(kind, split_names(), "split")
    check_seed(seed)
    function = _KINDS.get(kind, _published)
    check_options(split, {"train_share": train_share}, f"split {kind!r}")
    check_options(function, options, f"split {kind!r}")
    if "data_dir" in option_names(function):
        options |= {"data_dir": None if data_dir is None else Path(data_dir)}
    if function is _published:
        found = _published(ratings, seed, kind, **options)
    else:
        found = function(ratings, seed, **options)
    return found if train_share == 1 else _thinned(found, train_share, seed)


def split_names() -> list[str]:
    """Return the kinds that `split` takes."""
    return [*_KINDS, *PUBLISHED]


def _random(ratings: Ratings, seed: int, *, ratios: Sequence[float] = (0.6, 0.2, 0.2)) -> Split:
    order = _shuffled(np.arange(len(ratings)), seed, "random")
    return _cut(ratings, order, ratios)


def _temporal(ratings: Ratings, _: int, *, ratios: Sequence[float] = (0.6, 0.2, 0.2)) -> Split:
    return _cut(ratings, np.argsort(_times(ratings, "temporal"), kind="stable"), ratios)


def _leave_last_out(ratings: Ratings, _: int) -> Split:
    order = np.lexsort((_times(ratings, "leave_last_out"), ratings.user))
    counts = np.bincount(ratings.user, minlength=ratings.n_users)
    last = np.cumsum(counts)[counts >= 3] - 1
    train = np.delete(order, np.concatenate([last, last - 1]))
    return Split(ratings, np.sort(train), np.sort(order[last - 1]), np.sort(order[last]))


def _leave_last(ratings: Ratings, seed: int, *, ratios: Sequence[float] = (0.6, 0.2, 0.2)) -> Split:
    _check_ratios(ratios)
    rows = _shuffled(np.arange(len(ratings)), seed, "leave_last")
    # The sort is stable: what has one time stays as it was shuffled.
    order = rows[np.lexsort((_times(ratings, "leave_last")[rows], ratings.user[rows]))]
    counts = np.bincount(ratings.user, minlength=ratings.n_users)
    later = np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(order))  # of the same user
    # The tiny addend: 0.29 * 100 is less than 29.
    n_validation, n_test = (
        np.repeat(np.floor(counts * ratio + 1e-9), counts) for ratio in ratios[1:]
    )
    test, held = later < n_test, later < n_test + n_validation
    return Split(ratings, *(np.sort(order[part]) for part in (~held, held & ~test, test)))


def _kfold(
    ratings: Ratings, seed: int, *, n_folds: int = 5, fold: int = 0, validation_ratio: float = 0.2
) -> Split:
    if n_folds < 2 or not 0 <= fold < n_folds:
        raise ConfigError(
            f"split 'kfold': found fold={fold}, n_folds={n_folds}, "
            "expected at least 2 folds, numbered from 0"
        )
    parts = np.array_split(_shuffled(np.arange(len(ratings)), seed, "kfold"), n_folds)
    rest = np.concatenate([part for i, part in enumerate(parts) if i != fold])
    return _hold_out(ratings, rest, np.sort(parts[fold]), seed, validation_ratio)


def _cold_users(
    ratings: Ratings,
    seed: int,
    *,
    share: float = 0.2,
    validation_share: float = 0.1,
    support: int = 20,
) -> Split:
    if not (share > 0 and validation_share >= 0 and share + validation_share < 1):
        raise ConfigError(
            f"split 'cold_users': found share={share}, validation_share={validation_share}, "
            "expected more than 0 and at least 0, together less than 1"
        )
    if support < 1:
        raise ConfigError(f"split 'cold_users': found support={support}, expected at least 1")
    counts = np.bincount(ratings.user, minlength=ratings.n_users)
    users = _shuffled(np.flatnonzero(counts > support), seed, "cold_users")
    n_test = _count(len(users), share, "test")
    n_validation = _count(len(users), validation_share, "validation")
    part = np.zeros(ratings.n_users, np.int8)  # 0 train, 1 test, 2 validation
    part[users[:n_test]], part[users[n_test : n_test + n_validation]] = 1, 2
    # Drawn over all rows, so that the order of one user's hangs on no other part.
    order = _shuffled(np.arange(len(ratings)), seed, "support")
    order = order[np.argsort(ratings.user[order], kind="stable")]
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    part_of, given = part[ratings.user[order]], place < support
    train, test, validation = (
        np.sort(order[(part_of == number) & (~given | (number == 0))]) for number in range(3)
    )
    return Split(ratings, train, validation, test, order[(part_of > 0) & given])


def _published(
    ratings: Ratings,
    seed: int,
    name: str,
    *,
    validation_ratio: float = 0.2,
    data_dir: Path | None = None,
) -> Split:
    train, test = published_rows(ratings, name, data_dir)
    return _hold_out(ratings, train, test, seed, validation_ratio)


def _hold_out(ratings: Ratings, train: Rows, test: Rows, seed: int, ratio: float) -> Split:
    if not 0 <= ratio < 1:
        raise ConfigError(f"validation_ratio: found {ratio}, expected 0 or more and less than 1")
    order = _shuffled(train, seed, "validation")
    n_validation = _count(len(order), ratio, "validation")
    return Split(ratings, np.sort(order[n_validation:]), np.sort(order[:n_validation]), test)


def _thinned(parts: Split, share: float, seed: int) -> Split:
    """Return the split with this share of its training rows: a smaller one's are among them."""
    if not 0 < share <= 1:
        raise ConfigError(f"train_share: found {share}, expected more than 0 and at most 1")
    order = _shuffled(parts.train_rows, seed, "train_share")
    return replace(parts, train_rows=np.sort(order[: _count(len(order), share, "train")]))


def _check_ratios(ratios: Sequence[float]) -> None:
    if len(ratios) != 3 or min(ratios) < 0 or abs(sum(ratios) - 1) > 1e-9:
        raise ConfigError(
            f"ratios: found {list(ratios)}, expected three for train, validation and test, "
            "none negative, that add up to 1"
        )


def _cut(ratings: Ratings, order: Rows, ratios: Sequence[float]) -> Split:
    _check_ratios(ratios)
    n_validation = _count(len(order), ratios[1], "validation")
    n_test = _count(len(order), ratios[2], "test")
    n_train = len(order) - n_validation - n_test
    train, validation, test = np.split(order, [n_train, n_train + n_validation])
    return Split(ratings, np.sort(train), np.sort(validation), np.sort(test))


def _count(n_rows: int, ratio: float, part: str) -> int:
    count = round(n_rows * ratio)
    if ratio > 0 and count == 0:
        raise DataError(f"the {part} part of the split is empty: {ratio} of {n_rows} ratings")
    return count


def _shuffled(rows: Rows, seed: int, name: str) -> Rows:
    return np.random.default_rng(child_seed(seed, "split", name)).permutation(rows)


def _times(ratings: Ratings, kind: str) -> NDArray[np.int64]:
    if ratings.timestamp is None:
        raise DataError(f"split {kind!r} needs timestamps; these ratings have none")
    return ratings.timestamp


PUBLISHED = ("u1", "u2", "u3", "u4", "u5", "ua", "ub")  # of ml-100k
TIMED = ("temporal", "leave_last_out", "leave_last")  # they need timestamps
_KINDS: dict[str, Callable[..., Split]] = {
    "random": _random,
    "temporal": _temporal,
    "leave_last_out": _leave_last_out,
    "leave_last": _leave_last,
    "kfold": _kfold,
    "cold_users": _cold_users,
}
