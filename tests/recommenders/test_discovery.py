"""Recommenders are found by their file's name and imported when first used."""

import subprocess
import sys

import pytest

import qrec.recommenders
from qrec.errors import ConfigError
from qrec.recommenders import load_recommender, recommender_class, recommender_names


def test_a_module_name_gives_its_class() -> None:
    from qrec.recommenders.als import ALS

    assert recommender_class("als") is ALS
    assert qrec.recommenders.ALS is ALS


def test_every_recommender_can_be_imported_from_the_package() -> None:
    for name in recommender_names():
        cls = recommender_class(name)
        assert cls.__name__ in qrec.recommenders.__all__
        assert getattr(qrec.recommenders, cls.__name__) is cls


def test_the_bases_can_be_imported_from_the_package() -> None:
    from qrec.recommenders import CircuitRecommender, QuantumRecommender, Recommender

    assert issubclass(CircuitRecommender, QuantumRecommender)
    assert issubclass(QuantumRecommender, Recommender)
    assert {"Recommender", "QuantumRecommender"} <= set(dir(qrec.recommenders))
    assert not {"base", "quantum", "parameters"} & set(recommender_names())


def test_unknown_names() -> None:
    with pytest.raises(ConfigError, match="unknown recommender 'alss'; did you mean 'als'"):
        recommender_class("alss")
    with pytest.raises(AttributeError, match="'Nothing'"):
        _ = qrec.recommenders.Nothing


def test_a_folder_without_a_recommender(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match="no saved recommender here"):
        load_recommender(str(tmp_path))


def test_names_are_found_without_importing_a_model() -> None:
    code = (
        "import sys, qrec.recommenders as r; assert r.recommender_names(); "
        "print([m for m in ('sklearn', 'torch', 'qiskit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
