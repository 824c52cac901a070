"""Loading ratings by the name of their data set."""

from os import PathLike
from pathlib import Path
from typing import Any

from qrec.data.dataset import DATASETS, check_options, find_dataset, option_names
from qrec.data.files import download
from qrec.data.ratings import Ratings, not_ratings
from qrec.errors import ConfigError, MissingError


def load_ratings(
    name: str = "synthetic", *, data_dir: str | PathLike[str] | None = None, **options: Any
) -> Ratings:
    """Return the ratings of the data set `name`; `dataset_names()` lists them.

    A published data set is read from `data_dir` if that is given. Otherwise it is looked for
    in ``$QREC_DATA_DIR``, then among the downloads; where neither holds it, it is downloaded
    if ``$QREC_DATA_DIR`` is not set. `options` are the data set's own.

    Raises ConfigError for an unknown name or option, MissingError where files are not there,
    DataError where they hold something else than expected.
    """
    if not isinstance(name, str):
        raise ConfigError(not_ratings("load_ratings", name, "the name of a data set"))
    dataset = find_dataset(name)
    check_options(dataset.load, options, f"data set {name!r}")
    if "data_dir" in option_names(dataset.load):
        options["data_dir"] = None if data_dir is None else Path(data_dir)
    return dataset.load(**options)


def fetch_dataset(name: str) -> Path:
    """Download the data set `name`, if it has not been, and return the folder of downloads.

    Raises ConfigError for an unknown name, MissingError for a data set that has no public
    archive or if the download fails, DataError if its checksum is not the published one.
    """
    dataset = find_dataset(name)
    if dataset.archive is None:
        raise MissingError(f"data set {name!r} cannot be downloaded: {dataset.description}")
    return download(dataset.name, dataset.archive, dataset.licence)


def dataset_names() -> list[str]:
    """Return the names that `load_ratings` takes."""
    return DATASETS.names()
