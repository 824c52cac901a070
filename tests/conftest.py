"""Fixtures of general use: where real data is, and a cache that is not the user's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("qrec", deadline=None)  # two busy cores make any deadline flaky
settings.load_profile("qrec")


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what the tests cache in a folder of their own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder with the real MovieLens-100K, or skip."""
    folder = os.environ.get("QREC_DATA_DIR")
    if not folder:
        pytest.skip("needs real data: QREC_DATA_DIR is not set")
    if not (Path(folder) / "ml-100k" / "u.data").is_file():
        pytest.skip(f"needs real data: no ml-100k/u.data in QREC_DATA_DIR={folder}")
    return Path(folder)
