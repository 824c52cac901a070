"""MovieLens: real ratings by GroupLens, for research.

Harper and Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015,
DOI 10.1145/2827872.

Files of the archive that lie beside the ratings become their `features`: of users age, gender and
occupation (ml-100k and ml-1m), of films genres and year, that of the release or that in the title.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qrec.data.dataset import Archive, Dataset
from qrec.data.datasets._movielens_features import (
    MOVIES_CSV,
    MOVIES_DAT_1M,
    MOVIES_DAT_10M,
    U_ITEM,
    U_USER,
    USERS_DAT,
    SideFile,
    features_beside,
)
from qrec.data.delimited import read_table
from qrec.data.files import cached, check_sha256, find_file
from qrec.data.ratings import Ratings

LICENCE = (
    "MovieLens, GroupLens Research, University of Minnesota. For research; not to be "
    "redistributed; no commercial use without permission. Cite Harper and Konstan 2015, "
    "DOI 10.1145/2827872. Terms: the README in the archive."
)
U_DATA_SHA256 = "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"

_URL = "https://files.grouplens.org/datasets/movielens/{}.zip"
_ARCHIVES = {
    name: Archive(_URL.format(name), known_hash)
    for name, known_hash in (
        ("ml-100k", "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"),
        ("ml-1m", "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"),
        ("ml-10m", "md5:ce571fd55effeba0271552578f2648bd"),
        ("ml-25m", "md5:6b51fb2759a8657d3bfcbfc42b592ada"),
    )
}


def load_ml_100k(*, data_dir: Path | None = None) -> Ratings:
    """Return MovieLens-100K: 943 users, 1682 items, 100,000 ratings of 1 to 5 stars.

    Raises DataError unless ``u.data`` is the published file, by its sha256.
    """
    path = ml_100k_file("u.data", data_dir)
    check_sha256(path, U_DATA_SHA256)
    return _with_features(path, read_u_file, U_USER, U_ITEM)


def load_ml_1m(*, data_dir: Path | None = None) -> Ratings:
    """Return MovieLens-1M: 6040 users, 3706 items, 1,000,209 ratings of 1 to 5 stars.

    Reads ``ratings.dat`` as published, or else a ``ratings.csv`` with the columns
    user, item and rating, which gives ratings without timestamps.
    """
    path = _find("ml-1m", ["ml-1m/ratings.dat", "ml-1m/ratings.csv"], data_dir)
    parse = _read_dat(1.0) if path.suffix == ".dat" else _read_plain_csv
    return _with_features(path, parse, USERS_DAT, MOVIES_DAT_1M)


def load_ml_10m(*, data_dir: Path | None = None) -> Ratings:
    """Return MovieLens-10M: 69,878 users, 10,677 items, half stars from 0.5 to 5."""
    path = _find("ml-10m", ["ml-10M100K/ratings.dat", "ml-10m/ratings.dat"], data_dir)
    return _with_features(path, _read_dat(0.5), None, MOVIES_DAT_10M)


def load_ml_25m(*, data_dir: Path | None = None) -> Ratings:
    """Return MovieLens-25M: 162,541 users, 59,047 items, half stars from 0.5 to 5."""
    path = _find("ml-25m", ["ml-25m/ratings.csv"], data_dir)
    return _with_features(path, _read_25m, None, MOVIES_CSV)


def _with_features(
    path: Path, parse: Callable[[Path], Ratings], users: SideFile | None, items: SideFile | None
) -> Ratings:
    """Return the ratings, with what the files beside them say of users and films, if they do."""
    folder = path.parent

    def read(path: Path) -> Ratings:
        ratings = parse(path)
        return replace(ratings, features=features_beside(ratings, folder, users, items))

    return cached(path, read, [folder / file.name for file in (users, items) if file])


def ml_100k_file(name: str, data_dir: Path | None) -> Path:
    """Return the path of one file of MovieLens-100K, such as ``u1.base``."""
    return _find("ml-100k", [f"ml-100k/{name}"], data_dir)


def read_u_file(path: Path) -> Ratings:
    """Return the ratings of a file in the form of ``u.data``: four columns between tabs."""
    columns = {"user": 0, "item": 1, "rating": 2, "timestamp": 3}
    return read_table(path, columns, delimiter="\t", scale=(1.0, 5.0), ids="integer")


def _read_dat(lowest: float) -> Callable[[Path], Ratings]:
    # The columns stand between double colons: every second field between single ones is empty.
    columns = {"user": 0, "item": 2, "rating": 4, "timestamp": 6}

    def read(path: Path) -> Ratings:
        return read_table(path, columns, delimiter=":", scale=(lowest, 5.0), ids="integer")

    return read


def _read_25m(path: Path) -> Ratings:
    columns = {"user": "userId", "item": "movieId", "rating": "rating", "timestamp": "timestamp"}
    return read_table(path, columns, delimiter=",", scale=(0.5, 5.0), ids="integer")


def _read_plain_csv(path: Path) -> Ratings:
    columns = {"user": "user", "item": "item", "rating": "rating"}
    return read_table(path, columns, delimiter=",", scale=(1.0, 5.0), ids="integer")


def _find(name: str, candidates: list[str], data_dir: Path | None) -> Path:
    return find_file(name, candidates, data_dir, _ARCHIVES[name], LICENCE)


def _dataset(
    name: str, description: str, load: Callable[..., Ratings], example: dict[str, str]
) -> Dataset:
    return Dataset(name, description, LICENCE, load, _ARCHIVES[name], example)


_STARS_DAT = "1::12::5::978300760\n1::7::3::978302109\n2::12::1::978301968\n"
_HALF_STARS_DAT = "1::12::5::978300760\n1::7::3.5::978302109\n2::12::0.5::978301968\n"
_HALF_STARS_CSV = (
    "userId,movieId,rating,timestamp\n1,12,5.0,1147880044\n1,7,3.5,1147868817\n2,12,0.5,1147\n"
)

_USERS_DAT = "1::F::25::10::48067\n2::M::56::16::70072\n"
_MOVIES_DAT = "7::Sabrina (1995)::Comedy|Romance\n12::Dracula: Dead and Loving It (1995)::Comedy\n"
_MOVIES_CSV = (
    'movieId,title,genres\n7,"Sabrina, or so (1995)",Comedy|Romance\n12,X,(no genres listed)\n'
)

DATASETS = [
    _dataset("ml-100k", "100,000 ratings, 943 users, 1682 films", load_ml_100k, {}),
    _dataset(
        "ml-1m",
        "1,000,209 ratings, 6040 users, 3706 films",
        load_ml_1m,
        {
            "ml-1m/ratings.dat": _STARS_DAT,
            "ml-1m/users.dat": _USERS_DAT,
            "ml-1m/movies.dat": _MOVIES_DAT,
        },
    ),
    _dataset(
        "ml-10m",
        "10,000,054 ratings, 69,878 users, 10,677 films",
        load_ml_10m,
        {"ml-10M100K/ratings.dat": _HALF_STARS_DAT, "ml-10M100K/movies.dat": _MOVIES_DAT},
    ),
    _dataset(
        "ml-25m",
        "25,000,095 ratings, 162,541 users, 59,047 films",
        load_ml_25m,
        {"ml-25m/ratings.csv": _HALF_STARS_CSV, "ml-25m/movies.csv": _MOVIES_CSV},
    ),
]
