import hashlib
import logging
import os
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from qrec.data import fetch_dataset, load_ratings
from qrec.data.dataset import Archive
from qrec.data.datasets import movielens
from qrec.errors import DataError, MissingError

RATINGS = "1::12::5::978300760\n1::7::3::978302109\n2::12::1::978301968\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QREC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("QREC_DATA_DIR", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """An ml-1m.zip of invented ratings on a local server; yields its path and its Archive."""
    path = tmp_path / "site" / "ml-1m.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml-1m/ratings.dat", RATINGS)
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = partial(handler, directory=str(path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        archive = Archive(f"http://127.0.0.1:{server.server_port}/ml-1m.zip", f"sha256:{digest}")
        serve(monkeypatch, archive)
        yield path, archive
        server.shutdown()


def serve(monkeypatch, archive):
    monkeypatch.setitem(movielens._ARCHIVES, "ml-1m", archive)


def test_a_missing_data_set_is_downloaded_once_and_its_licence_shown(served, caplog):
    with caplog.at_level(logging.WARNING):
        ratings = load_ratings("ml-1m")
    assert "no commercial use without permission" in caplog.text
    assert ratings.value.tolist() == [5.0, 3.0, 1.0]
    served[0].unlink()
    assert load_ratings("ml-1m").timestamp.tolist() == ratings.timestamp.tolist()


def test_another_archive_than_the_published_one_is_refused(served, monkeypatch, own_cache):
    serve(monkeypatch, Archive(served[1].url, "md5:" + "0" * 32))
    with pytest.raises(DataError, match=r"ml-1m: http.* is not the published file"):
        load_ratings("ml-1m")
    assert not list(own_cache.rglob("ratings.dat"))


def test_a_failing_download_says_so(served, monkeypatch):
    serve(monkeypatch, Archive(served[1].url.replace("ml-1m", "gone"), "md5:" + "0" * 32))
    with pytest.raises(MissingError, match=r"ml-1m: cannot download http.*404"):
        load_ratings("ml-1m")


def test_fetch_downloads_what_load_then_finds(served, monkeypatch, tmp_path):
    archive = served[1]
    entry = movielens._dataset("ml-1m", "", movielens.load_ml_1m, {})
    monkeypatch.setattr(movielens, "DATASETS", [entry])
    assert entry.archive == archive
    folder = fetch_dataset("ml-1m")
    assert (folder / "ml-1m" / "ratings.dat").read_text() == RATINGS
    monkeypatch.setenv("QREC_DATA_DIR", str(tmp_path))
    assert len(load_ratings("ml-1m")) == 3


def test_a_data_folder_keeps_from_downloading(monkeypatch, tmp_path):
    monkeypatch.setenv("QREC_DATA_DIR", str(tmp_path))
    with pytest.raises(MissingError, match=r"no file ml-1m/ratings\.dat .*qrec data fetch ml-1m"):
        load_ratings("ml-1m")


def write(folder, text, name="ml-1m/ratings.dat"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_the_data_folder_of_the_environment_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv("QREC_DATA_DIR", str(tmp_path))
    write(tmp_path, RATINGS)
    assert len(load_ratings("ml-1m")) == 3


def test_ml_1m_is_parsed_once_until_the_file_changes(monkeypatch, tmp_path):
    path = write(tmp_path, RATINGS)
    first = load_ratings("ml-1m", data_dir=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(movielens, "read_table", lambda *_, **__: pytest.fail("parsed again"))
        again = load_ratings("ml-1m", data_dir=tmp_path)
    np.testing.assert_array_equal(again.pairs, first.pairs)
    assert again.scale == first.scale
    path.write_text(RATINGS.replace("::5::", "::4::"))
    os.utime(path, (0, 0))
    assert load_ratings("ml-1m", data_dir=tmp_path).value.tolist() == [4.0, 3.0, 1.0]


def test_a_bad_file_is_not_cached(tmp_path):
    write(tmp_path, RATINGS + "2::9::7::1\n")
    for _ in range(2):
        with pytest.raises(DataError, match=r"ratings.dat, line 4: found rating 7.*from 1 to 5"):
            load_ratings("ml-1m", data_dir=tmp_path)


def test_ml_1m_without_timestamps(tmp_path):
    write(tmp_path, "user,item,rating\n1,12,5\n2,12,1\n", "ml-1m/ratings.csv")
    ratings = load_ratings("ml-1m", data_dir=tmp_path)
    assert ratings.timestamp is None
    assert ratings.item_ids.tolist() == [12]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    write(tmp_path, RATINGS)
    monkeypatch.setenv("QREC_CACHE_DIR", str(write(tmp_path, "a file", "occupied/file")))
    with pytest.raises(DataError, match=r"cannot write the cache.*QREC_CACHE_DIR"):
        load_ratings("ml-1m", data_dir=tmp_path)


def test_ml_100k_is_the_published_file(data_dir):
    ratings = load_ratings("ml-100k", data_dir=data_dir)
    assert (len(ratings), ratings.n_users, ratings.n_items) == (100_000, 943, 1682)
    assert ratings.value.mean() == pytest.approx(3.52986)
    assert ratings.noise_floor is None


def test_another_ml_100k_is_refused(tmp_path):
    write(tmp_path, "1\t2\t3\t881250949\n", "ml-100k/u.data")
    with pytest.raises(DataError, match=r"u\.data: sha256 is .*expected 06416e59"):
        load_ratings("ml-100k", data_dir=tmp_path)
