"""The schemas fit what the program reads: every packaged file, and own kinds."""

import json
from pathlib import Path

import pytest
import yaml

from qrec.backends.kinds import BACKENDS
from qrec.cli.schema import DRAFT, backends_schema, experiment_schema
from qrec.errors import ConfigError
from qrec.experiments import EXPERIMENTS
from qrec.registry import PACKAGED, door

FILES = sorted((PACKAGED / "experiments").rglob("*.yaml"))
OWN_KIND = """
from qrec.config import ExperimentSpec
from qrec.experiments import Experiment

class MineSpec(ExperimentSpec):
    qubits: list[int]

class Mine(Experiment):
    Spec = MineSpec
"""


def content(path):
    return yaml.safe_load(path.read_text())


def faults(schema, found):
    """Return what a validator says; without one nothing but keys is looked at."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        form = schema.get("$defs", {}).get(found.get("kind"), schema)
        known = form["properties"]
        return [*(set(found) - set(known)), *(set(form["required"]) - set(found))]
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(found)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_experiment_has_its_form(path):
    found = content(path)
    for schema in (experiment_schema(), experiment_schema(found["kind"])):
        assert schema["$schema"] == DRAFT
        assert not faults(schema, found)
        assert faults(schema, found | {"n_pears": 3})
        assert faults(schema, {key: found[key] for key in found if key != "title"})


def test_the_packaged_backends_have_their_form():
    schema, found = backends_schema(), content(PACKAGED / "backends.yaml")
    assert not faults(schema, found)
    assert set(schema["$defs"]) >= set(BACKENDS.names())
    for entry in found["backends"].values():
        form = schema["$defs"][entry["kind"]]
        assert set(form["required"]) <= set(entry) <= set(form["properties"])


def test_a_validator_finds_what_is_wrong():
    pytest.importorskip("jsonschema")
    found = content(PACKAGED / "backends.yaml")
    for key, value in (("shots", "many"), ("kind", "quantum"), ("shotz", 3), ("shots", 0)):
        entry = found["backends"]["aer_ideal"] | {key: value}
        assert faults(backends_schema(), found | {"backends": {"mine": entry}})
    own = {"mine": {"kind": "my_backend:Mine", "anything": 3}}
    assert not faults(backends_schema(), found | {"backends": own})
    report = content(PACKAGED / "experiments" / "report.yaml")
    assert faults(experiment_schema(), report | {"kind": "compare"})
    assert faults(experiment_schema(), report | {"seed": -1})
    assert not faults(experiment_schema(), report | {"kind": "my_kind:Mine", "qubits": [2]})


def test_all_kinds_are_there_and_refer_to_what_is_there():
    for schema in (experiment_schema(), backends_schema()):
        for ref in _refs(schema):
            assert ref.removeprefix("#/$defs/") in schema["$defs"]
    assert set(experiment_schema()["$defs"]) >= set(EXPERIMENTS.names())


def _refs(part):
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from _refs(each)


def test_a_kind_of_the_users_own(tmp_path):
    (tmp_path / "schema_kind.py").write_text(OWN_KIND)
    with door(tmp_path):
        schema = experiment_schema("schema_kind:Mine")
    assert schema["properties"]["kind"] == {"const": "schema_kind:Mine"}
    assert "qubits" in schema["required"]
    found = {"schema_version": 1, "kind": "schema_kind:Mine", "name": "a", "title": "b"}
    assert not faults(schema, found | {"qubits": [2]})
    assert faults(schema, found)


def test_an_unknown_kind_is_named():
    with pytest.raises(ConfigError, match=r"unknown kind .*'compare'; did you mean 'comp"):
        experiment_schema("compare")
    with pytest.raises(ConfigError, match=r"unknown kind of backend .*'qpu'"):
        backends_schema("qpu")


def test_the_command_prints_one_document(tmp_path):
    import subprocess
    import sys

    words = [sys.executable, "-m", "qrec", "schema", "backends"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert json.loads(done.stdout) == backends_schema()
    assert not list(Path(tmp_path).iterdir())
