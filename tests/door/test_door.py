"""Whose code runs: that of one's own folder, what --allow-code lets in, and nothing else."""

import json
import os
import shutil
import sys
from copy import deepcopy

import pytest
import yaml

from qrec import registry
from qrec.cli import main
from qrec.data import load_ratings
from qrec.errors import ConfigError
from qrec.recommenders import SwapTest, load_recommender

CODE = """
from pathlib import Path

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.backends.kinds.aer import AerBackend
from qrec.recommenders.global_mean import GlobalMean

Path("{marker}").touch()


class Mean(GlobalMean):
    pass


def vendor():
    raise RuntimeError("called")


circuit = QuantumCircuit(1)
circuit.ry(ParameterVector("u", 1)[0] + ParameterVector("v", 1)[0], 0)
"""
EXPERIMENT = {
    "schema_version": 1,
    "kind": "comparison",
    "name": "own",
    "title": "own code",
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "recommenders": [
        {"label": "mean", "recommender": "own_code:Mean"},
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
    ],
}
SWAP = {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}}
VENDOR = {
    "kind": "provider", "name": "vendor", "backend": "own_code:vendor", "arguments": {},
    "python": None, "free": True, "shots": 10, "seed_simulator": None, "optimization_level": 1,
    "seed_transpiler": 7,
}  # fmt: skip


@pytest.fixture
def marker(tmp_path):
    """Return the file that the own code makes when it runs."""
    return tmp_path / "it-ran"


@pytest.fixture
def home(tmp_path, marker, monkeypatch):
    """Return the user's folder with an experiment and own code, and work from there."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "own_code.py").write_text(CODE.format(marker=marker))
    (folder / "own.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("QREC_RUNS_DIR", "runs")
    return folder


@pytest.fixture
def qrec(capsys, marker, monkeypatch):
    """Return a function that runs a command as in a process of its own."""

    def call(*arguments):
        monkeypatch.setattr(registry, "_loaded", {})
        sys.modules.pop("own_code", None)
        marker.unlink(missing_ok=True)
        monkeypatch.setattr(sys, "argv", ["qrec", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        return status, *capsys.readouterr()

    yield call
    sys.modules.pop("own_code", None)


def changed(path, change):
    """Change the content of an experiment, or of a JSON file."""
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(json.dumps(content))  # which is YAML too


def refused(found, marker):
    """Return whether a command ended with status 2, one line, and nothing run."""
    status, _, err = found
    said = [line for line in err.splitlines() if line.startswith("qrec: ")]
    assert status == 2, err
    assert len(said) == 1
    assert "Traceback" not in err
    assert not marker.exists()
    return said[0]


def newest(runs):
    return sorted(runs.glob("[0-9]*"))[-1]


def unfinish(run, step):
    """Take a run back to before a step, as if it had been stopped."""
    (run / "rows.csv").unlink()
    for path in run.glob(f"outcomes/{step}*.npz"):
        path.unlink()


@pytest.mark.usefixtures("home")
def test_code_beside_the_experiment_runs(qrec, marker):
    status, _, err = qrec("run", "own.yaml")
    assert status == 0, err
    assert marker.exists()


def test_code_of_another_user_does_not(qrec, home, marker, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: home.stat().st_uid + 1)
    assert "belongs to another user" in refused(qrec("run", "own.yaml"), marker)
    assert qrec("run", "own.yaml", "--allow-code")[0] == 0


def test_code_elsewhere_runs_only_where_it_is_allowed(qrec, home, marker, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (home / "own.yaml").rename(other / "own.yaml")
    monkeypatch.syspath_prepend(home)  # Python could import it
    assert "--allow-code" in refused(qrec("run", other / "own.yaml"), marker)
    assert qrec("run", other / "own.yaml", "--allow-code")[0] == 0


CALLED = "os:system"
WAYS_IN = {
    "kind": lambda e: e.update(kind=CALLED),
    "dataset": lambda e: e.update(dataset={"name": CALLED}),
    "suite": lambda e: [
        e.update(kind="suite", experiments=[{"label": "a", "kind": CALLED}]),
        *(e.pop(key) for key in ("dataset", "split", "recommenders")),
    ],
    "metric": lambda e: e.update(metrics=["rmse", CALLED]),
    "recommender": lambda e: e["recommenders"][0].update(recommender=CALLED),
    "circuit": lambda e: e["recommenders"].append(
        {"label": "circuit", "recommender": "circuit", "params": {"circuit": CALLED}}
    ),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_experiment_that_names_other_code_runs_nothing(way, qrec, home, marker):
    changed(home / "own.yaml", lambda e: e["recommenders"].pop(0))
    changed(home / "own.yaml", WAYS_IN[way])
    assert "--allow-code" in refused(qrec("run", "own.yaml"), marker)
    assert not (home / "runs").exists()


@pytest.mark.parametrize("place", ["params", "grid"])
def test_backend_of_a_model_is_an_entry_and_nothing_else(place, qrec, home, marker):
    given = VENDOR if place == "params" else [VENDOR]
    entry = deepcopy(SWAP)
    entry.setdefault(place, {})["backend"] = given
    changed(home / "own.yaml", lambda e: e["recommenders"].__setitem__(0, e["recommenders"][1]))
    changed(home / "own.yaml", lambda e: e["recommenders"].__setitem__(1, entry))
    said = refused(qrec("run", "own.yaml"), marker)
    assert "expected the name of an entry of backends.yaml" in said


def test_kind_of_backend_lies_beside_its_backends_yaml(qrec, home, marker, tmp_path):
    entry = {"kind": "own_code:AerBackend", "shots": 10}
    text = yaml.safe_dump({"schema_version": 1, "backends": {"mine": entry}})
    (home / "backends.yaml").write_text(text)
    assert qrec("doctor", "-b", "mine")[0] == 1  # its settings are not those of the kind
    assert marker.exists()
    other = tmp_path / "backends.yaml"
    other.write_text(text)
    status, out, _ = qrec("doctor", "-b", "mine", "--backends", other)
    assert status == 1
    assert "own_code.py" in out
    assert not marker.exists()


def test_vendor_in_the_backends_yaml_of_another_user_is_not_opened(qrec, home, marker, monkeypatch):
    entry = {k: v for k, v in VENDOR.items() if k not in ("name", "seed_simulator")}
    text = yaml.safe_dump({"schema_version": 1, "backends": {"vendor": entry}})
    (home / "backends.yaml").write_text(text)
    monkeypatch.syspath_prepend(home)
    monkeypatch.setattr(os, "getuid", lambda: home.stat().st_uid + 1)
    status, out, _ = qrec("doctor", "-b", "vendor")
    assert (status, marker.exists()) == (1, False)
    assert "another user" in " ".join(out.split())
    named = ("doctor", "-b", "vendor", "--backends", "backends.yaml")  # it is trusted then,
    status, out, _ = qrec(*named)
    assert (status, marker.exists()) == (1, False)  # but no module of theirs beside it
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir()
    (home / "own_code.py").rename(elsewhere / "own_code.py")
    monkeypatch.syspath_prepend(elsewhere)
    qrec(*named)
    assert marker.exists()


@pytest.fixture
def own_run(qrec, home):
    """Return the folder of a finished run with own code."""
    assert qrec("run", "own.yaml")[0] == 0
    return newest(home / "runs")


def test_own_run_is_taken_up_again_wherever_one_stands(
    qrec, own_run, marker, tmp_path, monkeypatch
):
    runs = own_run.parent.resolve()
    unfinish(own_run, "mean")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QREC_RUNS_DIR", str(runs))
    status, _, err = qrec("run", "--resume", "latest")
    assert status == 0, err
    assert marker.exists()


def test_own_run_whose_code_is_gone_runs_its_copy_when_allowed(qrec, home, own_run, marker):
    (home / "own_code.py").rename(home / "renamed.py")
    assert "own_code.py" in refused(qrec("show", "latest"), marker)
    runs, elsewhere = own_run.parent.resolve(), home.with_name("moved")
    home.rename(elsewhere)
    os.chdir(elsewhere)
    assert runs != elsewhere / "runs"
    assert qrec("show", "latest", "--allow-code")[0] == 0
    assert marker.exists()


def test_look_at_a_submission_leaves_no_trust_behind(qrec, home):
    changed(
        home / "own.yaml", lambda e: e["recommenders"].append({**SWAP, "backends": ["aer_ideal"]})
    )
    assert qrec("submit", "own.yaml", "--dry-run")[0] == 0
    assert not (home / "runs" / "begun").exists()


VERBS = [
    ("run", "--resume"), ("replay",), ("show",), ("report",), ("compare",), ("fetch",),
]  # fmt: skip


@pytest.mark.parametrize("whole", [False, True], ids=["run", "all runs"])
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_run_from_elsewhere_runs_nothing(verb, whole, qrec, own_run, marker, tmp_path, monkeypatch):
    """Not even where it brings along what notes the trust in it, and its code."""
    if verb[0] == "run":
        unfinish(own_run, "mean")
    runs = tmp_path / "copied"
    if whole:
        shutil.copytree(own_run.parent, runs)
    else:
        shutil.copytree(own_run, runs / own_run.name)
    monkeypatch.setenv("QREC_RUNS_DIR", str(runs))
    assert "--allow-code" in refused(qrec(*verb, own_run.name), marker)
    status, out, _ = qrec("list", "runs")
    assert (status, own_run.name in out, marker.exists()) == (0, True, False)


def test_run_from_elsewhere_runs_its_copy_of_the_code_when_allowed(
    qrec, own_run, marker, tmp_path, monkeypatch
):
    shutil.copytree(own_run, tmp_path / "copied" / own_run.name)
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path / "copied"))
    shutil.rmtree(own_run.parent.parent)
    assert qrec("show", "latest", "--allow-code")[0] == 0
    assert marker.exists()


@pytest.fixture
def plain_run(qrec, home, monkeypatch):
    """Return the folder of a run without own code, stopped before a row that asks a model."""

    def change(content):
        content["recommenders"] = [
            content["recommenders"][1],
            {**SWAP, "backends": ["aer_ideal"]},
            {"label": "hybrid", "recommender": "lstm",
             "params": {"base": "@swap", "prefit": True, "n_epochs": 1}},
        ]  # fmt: skip

    changed(home / "own.yaml", change)
    status, _, err = qrec("run", "own.yaml", "--set", "n_pairs=5")
    assert status == 0, err
    run = newest(home / "runs")
    unfinish(run, "hybrid")
    monkeypatch.syspath_prepend(home)  # whatever asks Python for own_code gets it
    return run


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.update(VENDOR),
        lambda entry: entry.update(VENDOR, name="aer_ideal"),
        lambda entry: entry.update(kind="own_code:AerBackend"),
    ],
    ids=["unknown entry", "other kind", "own kind"],
)
def test_record_from_elsewhere_imports_nothing(change, qrec, plain_run, marker):
    path = plain_run / "record.json"
    changed(path, lambda record: change(record["details"]["backends"]["aer_ideal"]["spec"]))
    assert "--allow-code" in refused(qrec("run", "--resume", "latest"), marker)


def test_own_run_on_a_vendors_backend_is_shown_without_its_backends_yaml(qrec, home):
    """The record is what was written when the run began here, so it is believed."""
    entry = {k: v for k, v in VENDOR.items() if k not in ("name", "seed_simulator")}
    entry["backend"] = "qiskit.providers.basic_provider:BasicSimulator"
    text = yaml.safe_dump({"schema_version": 1, "backends": {"vendor": entry}})
    (home / "mine.yaml").write_text(text)
    changed(
        home / "own.yaml",
        lambda e: e["recommenders"].append({**SWAP, "backends": ["vendor"]}),
    )
    status, _, err = qrec("run", "own.yaml", "--backends", "mine.yaml", "--set", "n_pairs=2")
    assert status == 0, err
    (home / "mine.yaml").unlink()
    assert qrec("show", "latest")[0] == 0


def test_record_does_not_make_a_paid_backend_free(qrec, home, plain_run, marker):
    mine = {k: v for k, v in VENDOR.items() if k not in ("name", "seed_simulator")} | {
        "free": False
    }
    backends = {"schema_version": 1, "backends": {"vendor": mine}}
    (home / "backends.yaml").write_text(yaml.safe_dump(backends))
    path = plain_run / "record.json"
    changed(path, lambda record: record["details"]["backends"]["aer_ideal"]["spec"].update(VENDOR))
    said = refused(qrec("run", "--resume", "latest"), marker)
    assert "free" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda model: model.update(recommender="own_code:Mean"), "--allow-code"),
        (lambda model: model.update(recommender=CALLED), "--allow-code"),
        (lambda model: model["params"].update(backend=VENDOR), "none of the experiment's"),
        (lambda model: model["params"].update(backend={"$backend": VENDOR}), "none of the"),
    ],
    ids=["class", "function", "settings", "marked settings"],
)
def test_tampered_model_imports_nothing(change, said, qrec, plain_run, marker):
    changed(plain_run / "models" / "swap.r0.fit" / "model.json", change)
    found = qrec("run", "--resume", "latest")
    assert said in refused(found, marker)


@pytest.mark.parametrize("settings", [VENDOR, {"$backend": VENDOR}], ids=["plain", "marked"])
@pytest.mark.usefixtures("home")
def test_model_read_by_hand_imports_nothing(settings, tmp_path):
    ratings = load_ratings("synthetic", n_users=60, n_items=80, n_ratings=1500)
    SwapTest().fit(ratings).save(tmp_path / "model")
    changed(tmp_path / "model" / "model.json", lambda m: m["params"].update(backend=settings))
    with pytest.raises(ConfigError, match="there is none here"):
        load_recommender(tmp_path / "model")


def test_command_line_names_code_of_the_current_folder(qrec, home, marker, tmp_path, monkeypatch):
    for verb in ("count", "explain"):
        status, out, err = qrec(verb, "own_code:circuit")
        assert status == 0, err
        assert out
    monkeypatch.chdir(tmp_path)
    assert "--allow-code" in refused(qrec("count", "own_code:circuit"), marker)
    monkeypatch.syspath_prepend(home)
    assert qrec("count", "own_code:circuit", "--allow-code")[0] == 0
