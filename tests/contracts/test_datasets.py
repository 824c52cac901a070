"""What every data set keeps; one found in qrec/data/datasets is tested without a line here."""

from pathlib import Path

import numpy as np
import pytest

from qrec.data import dataset_names, fetch_dataset, load_ratings, split
from qrec.data.dataset import find_dataset, option_names
from qrec.data.features import Features
from qrec.errors import ConfigError, MissingError, QrecError

NAMES = dataset_names()
FILES = [name for name in NAMES if "data_dir" in option_names(find_dataset(name).load)]


@pytest.fixture(params=NAMES, scope="module")
def dataset(request):
    return find_dataset(request.param)


@pytest.fixture(scope="module")
def folder(dataset, request, tmp_path_factory) -> Path:
    """The data set's example, or the real files where only those will do."""
    if dataset.archive and not dataset.example:
        return request.getfixturevalue("data_dir")
    folder = tmp_path_factory.mktemp(dataset.name)
    for name, text in dataset.example.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def ratings(dataset, folder):
    return load_ratings(dataset.name, data_dir=folder)


def test_columns_have_the_types_and_shapes_of_ratings(ratings):
    assert (ratings.user.dtype, ratings.item.dtype) == (np.int32, np.int32)
    assert ratings.value.dtype == np.float64
    for name, dtype in (("timestamp", np.int64), ("oracle_mean", float)):
        column = getattr(ratings, name)
        assert column is None or (column.dtype == dtype and column.shape == ratings.shape)


def test_codes_use_the_whole_of_sorted_id_tables(ratings):
    for codes, ids in ((ratings.user, ratings.user_ids), (ratings.item, ratings.item_ids)):
        assert ids.dtype.kind in "iU"
        np.testing.assert_array_equal(np.unique(ids), ids)
        np.testing.assert_array_equal(np.unique(codes), np.arange(len(ids)))


def test_values_are_on_the_scale(ratings):
    low, high = ratings.scale
    assert low < high
    assert np.all((ratings.value >= low) & (ratings.value <= high))


def test_no_pair_is_rated_twice(ratings):
    assert len(np.unique(ratings.pairs, axis=0)) == len(ratings)


def test_loading_again_gives_the_same(dataset, folder, ratings):
    again = load_ratings(dataset.name, data_dir=folder)
    for name, column in vars(ratings).items():
        if column is None:
            assert getattr(again, name) is None
        elif isinstance(column, Features):
            for side, columns in column.sides().items():
                assert list(getattr(again.features, side)) == list(columns)
                for feature, entries in columns.items():
                    np.testing.assert_array_equal(getattr(again.features, side)[feature], entries)
        else:
            np.testing.assert_array_equal(getattr(again, name), column)


@pytest.mark.usefixtures("ratings")
def test_loading_writes_nothing_into_the_data_folder(dataset, folder):
    if dataset.example:
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert files == set(dataset.example)


def test_it_can_be_split(ratings):
    parts = split(ratings, ratios=(0.5, 0.0, 0.5))
    assert len(parts.train) + len(parts.test) == len(ratings)
    assert parts.train.features is parts.test.features is ratings.features


def test_it_says_what_it_is_and_its_licence(dataset):
    for text in (dataset.description, dataset.licence):
        assert text
        assert "\n" not in text


def test_an_unknown_option_is_named(dataset):
    with pytest.raises(ConfigError, match=f"{dataset.name}.* no option 'n_films'; its options:"):
        load_ratings(dataset.name, n_films=3)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_without_the_files_is_named(name, tmp_path):
    with pytest.raises(QrecError) as caught:
        load_ratings(name, data_dir=tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_only_an_archive_can_be_fetched(dataset):
    if dataset.archive is None:
        with pytest.raises(MissingError, match=f"{dataset.name}.* cannot be downloaded"):
            fetch_dataset(dataset.name)
    else:
        assert dataset.archive.url.startswith("https://")
        assert dataset.archive.known_hash.split(":")[0] in ("md5", "sha256")


def test_an_unknown_data_set_is_named():
    with pytest.raises(ConfigError, match=r"unknown data set 'ml-100'; did you mean 'ml-10.*'"):
        load_ratings("ml-100")
