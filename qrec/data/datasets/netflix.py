"""The Netflix Prize: 100 million ratings, in files that have to be fetched by hand.

Bennett and Lanning, The Netflix Prize, KDD Cup and Workshop 2007.
"""

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qrec.data.dataset import Dataset
from qrec.data.files import cached
from qrec.data.ratings import Ratings
from qrec.data.table import ratings_from_columns
from qrec.errors import DataError, MissingError

DESCRIPTION = (
    "the Netflix Prize: 100,480,507 ratings; its files combined_data_1.txt to "
    "combined_data_4.txt are at https://www.kaggle.com/datasets/netflix-inc/netflix-prize-data"
)
_BLOCK_BYTES = 1 << 26
_DATE = re.compile(r"[0-9]{4}-(0[0-9]|1[012])-([012][0-9]|3[01])")
_HEADING = re.compile(r"[1-9][0-9]{0,17}:")
_RATING = re.compile(rf"[1-9][0-9]{{0,17}},[0-9]+,{_DATE.pattern}")

Numbers = NDArray[Any]


def load(*, data_dir: Path | None = None) -> Ratings:
    """Return the ratings of ``netflix/combined_data_*.txt``, as many files as there are.

    A line ``<item>:`` precedes the lines ``<user>,<rating>,<date>`` of its ratings.

    Raises MissingError, saying where to get them, if there are no such files.
    """
    folder = data_dir or Path(os.environ.get("QREC_DATA_DIR", "."))
    paths = sorted(folder.glob("netflix/combined_data_*.txt"))
    if not paths:
        raise MissingError(
            f"netflix: no file netflix/combined_data_*.txt in {folder}; {DESCRIPTION}"
        )
    parts = [cached(path, _read) for path in paths]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _read(path: Path) -> Ratings:
    """Parse one file block by block: as text it is much larger than its numbers."""
    blocks: list[dict[str, Numbers]] = []
    line, item = 1, 0
    for block in _blocks(path):
        columns, n_lines, item = _parse(block, path, line, item)
        blocks.append(columns)
        line += n_lines
    if not blocks:
        raise DataError(f"{path}: no ratings, expected at least one")
    joined: dict[str, Any] = {
        name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]
    }
    return ratings_from_columns(**joined, scale=(1.0, 5.0), ids="integer", source=str(path))


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the file in blocks that end at a line's end."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block + file.readline()


def _parse(
    block: bytes, path: Path, first_line: int, item: int
) -> tuple[dict[str, Numbers], int, int]:
    """Return the columns of a block, how many lines it has and the item that it ends with.

    `item` is the one that the block before ended with, 0 if there is none.
    """
    import pandas as pd

    if _misleads_pandas(block):
        raise _wrong_line(block, path, first_line)
    try:
        frame = pd.read_csv(
            BytesIO(block.replace(b":", b",")),  # a heading becomes an id with no rating
            index_col=False,
            names=["user", "rating", "date"],
            dtype={"user": "int64", "rating": "float64", "date": "category"},
            skip_blank_lines=False,
            keep_default_na=False,
            na_values={"rating": [""], "date": [""]},
        )
        dates = frame["date"].cat
        if not all(_DATE.fullmatch(str(date)) for date in dates.categories):
            raise _wrong_line(block, path, first_line)
        seconds = dates.categories.to_numpy().astype("datetime64[s]").astype(np.int64)
    except (ValueError, OverflowError) as error:
        raise _wrong_line(block, path, first_line) from error
    user = frame["user"].to_numpy()
    rated = ~(frame["date"].isna() & frame["rating"].isna()).to_numpy()
    day = dates.codes.to_numpy()[rated]
    last_heading = np.maximum.accumulate(np.where(rated, -1, np.arange(len(user))))
    unheaded = last_heading[0] < 0 and item == 0
    if unheaded or (~rated).sum() != block.count(b":") or (day < 0).any():
        raise _wrong_line(block, path, first_line)
    items = np.where(last_heading < 0, item, user[last_heading])
    columns = {
        "user": user[rated],
        "item": items[rated],
        "rating": frame["rating"].to_numpy()[rated],
        "timestamp": seconds[day],
        "lines": first_line + np.flatnonzero(rated),
    }
    return columns, len(user), int(items[-1])


def _misleads_pandas(block: bytes) -> bool:
    """Return whether pandas would read what is no rating: 4.5, 007, a line of four fields."""
    n_lines = block.count(b"\n") + (not block.endswith(b"\n"))
    n_commas = 2 * (n_lines - block.count(b":"))
    other = block.translate(None, b"0123456789:,-\r\n")
    lines = b"\n" + block
    return bool(other) or b"\n0" in lines or b"\n-" in lines or block.count(b",") != n_commas


def _wrong_line(block: bytes, path: Path, first_line: int) -> DataError:
    """Return the error for the first line of `block` that is not as it should be."""
    expected = "<item>: or, after one, <user>,<rating>,<YYYY-MM-DD>"
    headed = first_line > 1
    for line, text in enumerate(block.decode(errors="replace").splitlines(), first_line):
        headed |= bool(_HEADING.fullmatch(text))
        if not (headed and (_HEADING.fullmatch(text) or _RATING.fullmatch(text))):
            return DataError(f"{path}, line {line}: found {text!r}, expected {expected}")
    return DataError(f"{path}, from line {first_line}: found a date that does not exist")


def _joined(parts: list[Ratings]) -> Ratings:
    user_ids = np.unique(np.concatenate([part.user_ids for part in parts]))
    all_items = np.concatenate([part.item_ids for part in parts])
    item_ids, count = np.unique(all_items, return_counts=True)
    if count.max() > 1:
        raise DataError(
            f"netflix: found item {item_ids[count.argmax()]} in more than one of the files "
            "combined_data_*.txt, expected each in one"
        )
    user = [np.searchsorted(user_ids, part.user_ids).astype(np.int32)[part.user] for part in parts]
    item = [np.searchsorted(item_ids, part.item_ids).astype(np.int32)[part.item] for part in parts]
    return Ratings(
        user=np.concatenate(user),
        item=np.concatenate(item),
        value=np.concatenate([part.value for part in parts]),
        user_ids=user_ids,
        item_ids=item_ids,
        scale=parts[0].scale,
        timestamp=np.concatenate([cast(Numbers, part.timestamp) for part in parts]),
    )


DATASETS = [
    Dataset(
        name="netflix",
        description=DESCRIPTION,
        licence="Netflix Prize rules: for research; not to be redistributed",
        load=load,
        example={
            "netflix/combined_data_1.txt": "1:\n30,4,2005-09-06\n2:\n7,5,2005-01-01\n",
            "netflix/combined_data_2.txt": "3:\n30,2,2003-12-31\n8,3,2005-05-05\n",
        },
    )
]
