"""A model's folder is data: whatever stands in it, nothing of it is run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qrec.backends import open_backend
from qrec.backends.base import Backend
from qrec.errors import ConfigError
from qrec.recommenders import ALS, SwapTest, load_recommender, recommender_name
from qrec.registry import door


@pytest.fixture
def saved(ratings, tmp_path: Path) -> Path:
    SwapTest(ALS(n_factors=2)).fit(ratings).save(tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, **fields: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_class_is_named_as_the_registry_names_it(saved: Path) -> None:
    record = json.loads((saved / "model.json").read_text())
    assert record["recommender"] == "swap_test"
    assert not {"module", "class"} & set(record)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"module": "os", "class": "system"}, "module: "),
        ({"recommender": "os:system"}, "'os' is code of your own"),
        ({"recommender": "swap_tset"}, "unknown recommender.*'swap_tset'; did you mean"),
        ({"recommender": 3}, "recommender: "),
        ({"schema_version": 1}, "schema_version 1; this qrec reads 2"),
        ({"params": {"estimate": "signed", "command": "ls"}}, "unknown parameter.*'command'"),
        ({"params": {"estimate": "cosine"}}, "estimate is 'cosine'; expected 'signed'"),
        ({"params": {"base": {"$recommender": "../elsewhere"}}}, "'../elsewhere' is nothing in"),
        ({"params": {"base": {"$recommender": "."}}}, "'.' is nothing in"),
        ({"params": {"base": {"$circuit": "../x"}}}, r"'../x.qpy' is nothing in"),
        ({"params": {"base": {"$call": "ls"}}}, r"\{'\$call': 'ls'\} stands for nothing"),
        ({"fitted": {"__class__": 3}}, "'__class__' is no fitted attribute"),
        ({"fitted": {"predict": 3}}, "'predict' is no fitted attribute"),
        ({"fitted": {"scale_": {"$array": "none"}}}, "stands for nothing that was saved"),
        ({"fitted": {"scale_": {"$observable": 3}}}, "cannot be read back"),
    ],
)
def test_a_record_that_was_tampered_with(saved: Path, fields: dict, said: str) -> None:
    (saved.parent / "x.qpy").touch()
    (saved.parent / "elsewhere").mkdir()
    change(saved, **fields)
    with pytest.raises(ConfigError, match=said) as raised:
        load_recommender(saved)
    assert "model.json" in str(raised.value)


def test_files_that_are_damaged(saved: Path) -> None:
    (saved / "arrays.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match=r"arrays\.npz: cannot be read"):
        load_recommender(saved)
    (saved / "model.json").write_text("{")
    with pytest.raises(ConfigError, match=r"model\.json: not valid JSON"):
        load_recommender(saved)


def test_own_classes_come_through_the_door_alone(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nload = print\n")
    change(saved, recommender="evil:load")
    with pytest.raises(ConfigError, match="'evil' is code of your own"):
        load_recommender(saved)
    assert not (tmp_path / "ran").exists()
    with door(tmp_path), pytest.raises(ConfigError, match="expected a Recommender class"):
        load_recommender(saved)


OWN = """
import numpy as np
from qrec.recommenders import Recommender, load_recommender

class Two(Recommender):
    def __init__(self, n: int = 2):
        self.n = n
    def _fit(self, ratings, validation):
        self.two_ = self.n
    def _predict(self, users, items):
        return np.full(len(users), float(self.two_))
"""


def test_a_class_of_ones_own_is_saved_and_loaded(tmp_path: Path) -> None:
    (tmp_path / "mymodel.py").write_text(OWN)
    code = """
import pathlib, numpy as np
from qrec.data import load_ratings
from qrec.recommenders import load_recommender, recommender_class
from qrec.registry import door
with door(pathlib.Path(".")):
    ratings = load_ratings(n_users=60, n_items=80, n_ratings=1500)
    recommender_class("mymodel:Two")(n=3).fit(ratings).save("model")
    assert load_recommender("model").predict(np.array([[0, ratings.item[0]]])) == [3.0]
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "model/model.json").read_text())["recommender"] == "mymodel:Two"


def test_a_class_without_a_place_has_no_name() -> None:
    class Local(ALS):
        pass

    with pytest.raises(ConfigError, match="Local: found a class inside another block"):
        recommender_name(Local)


def test_backends_are_opened_by_whom_is_asked_to(ratings, tmp_path: Path) -> None:
    backend = open_backend("aer_ideal")
    model = SwapTest(ALS(n_factors=2), backend=backend).fit(ratings)
    model.save(tmp_path)
    handed: list[dict] = []

    def opened(spec: dict) -> Backend:
        handed.append(spec)
        return backend

    assert load_recommender(tmp_path, opened).backend is backend
    assert handed == [backend.spec.model_dump(mode="json")]
    loaded = load_recommender(tmp_path)
    pairs = ratings.pairs[:5]
    np.testing.assert_array_equal(loaded.predict(pairs), model.predict(pairs))


def test_what_cannot_be_read_back_is_not_written(ratings, tmp_path: Path) -> None:
    model = ALS(n_factors=2).fit(ratings)
    model.extra_ = object()
    with pytest.raises(ConfigError, match=r"fitted\.extra_ is a object, which cannot be saved"):
        model.save(tmp_path)
