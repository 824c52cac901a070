"""Ratings: the data sets they come from and the parts they are split into."""

from qrec.data.dataset import Archive, Dataset
from qrec.data.features import Features
from qrec.data.load import dataset_names, fetch_dataset, load_ratings
from qrec.data.ratings import Ratings
from qrec.data.splits import Split, split

__all__ = [
    "Archive",
    "Dataset",
    "Features",
    "Ratings",
    "Split",
    "dataset_names",
    "fetch_dataset",
    "load_ratings",
    "split",
]
