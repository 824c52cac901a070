"""What `run`, `submit` and `tune` refuse, their dry runs refuse: in the same words."""

import json

import pytest
import yaml

pytestmark = pytest.mark.usefixtures("runs_dir")

SHOTS = {"shots": 50, "optimization_level": 1, "seed_transpiler": 1}
ENTRIES = {
    "paid": {"kind": "provider", "free": False, **SHOTS,
             "backend": "qiskit.providers.basic_provider:BasicSimulator"},
    "gone": {"kind": "aer", "snapshot": "file:gone.json", "seed_simulator": 1, **SHOTS},
    "unknown_device": {"kind": "aer", "snapshot": "fake:FakeNone", "seed_simulator": 1, **SHOTS},
    "tight": {"kind": "ibm", "device": "ibm_fez", "max_qpu_seconds": 0.5, **SHOTS},
}  # fmt: skip
BOTH = {  # refused by `run` and by `submit`: what is asked, and the status
    "unknown key": (["--set", "datset=x"], 2),
    "no value": (["--set", "dataset"], 2),
    "wrong value": (["--set", "n_pairs=-1"], 2),
    "wrong parameter": (["--set", "recommenders.als.params.n_factors=0"], 2),
    "unknown backend": (["-b", "aer_idael"], 2),
    "snapshot that is gone": (["-b", "gone"], 2),
    "unknown device": (["-b", "unknown_device"], 2),
    "data that are not here": (["--set", "dataset={name: csv, path: gone.csv}"], 1),
    "code of nowhere": (["--set", "recommenders.als.recommender=nowhere:Model"], 2),
    "a split that leaves nothing": (["--set", "split.ratios=[1.0, 0.0, 0.0]"], 1),
}
ALONE = {
    "run": {
        "what costs": (["-b", "paid"], 2),
        "no processes": (["--jobs", "0"], 2),
    },
    "submit": {
        "nothing to send": (["-b", "exact"], 2),
        "no budget": (["-b", "aer_ideal", "--max-qpu-seconds", "-1"], 2),
    },
    "tune": {
        "what costs": (["-b", "paid"], 2),
        "unknown entry": (["--only", "asl"], 2),
        "no processes": (["--jobs", "0"], 2),
    },
}
CASES = [
    (verb, name)
    for verb in ALONE
    for name in (*BOTH, *ALONE[verb])
]  # fmt: skip


@pytest.fixture
def backends(tmp_path, monkeypatch):
    path = tmp_path / "backends.yaml"
    path.write_text(yaml.safe_dump({"schema_version": 1, "backends": ENTRIES}))
    monkeypatch.setenv("QREC_BACKENDS", str(path))


@pytest.fixture
def without_account(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE", "QREC_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("backends", "without_account")
@pytest.mark.parametrize(("verb", "case"), CASES, ids=[f"{v}: {c}" for v, c in CASES])
def test_a_dry_run_refuses_in_the_same_words(verb, case, qrec, experiment_file, runs_dir):
    if verb == "tune":
        pytest.importorskip("optuna")
    asked, expected = (BOTH | ALONE[verb])[case]
    status, out, err = qrec(verb, experiment_file, *asked)
    assert (status, out) == (expected, "")
    assert "unforeseen" not in err
    assert qrec(verb, experiment_file, *asked, "--dry-run") == (status, out, err)
    assert not list(runs_dir.glob("[0-9]*"))


@pytest.mark.parametrize("verb", ["run", "submit", "tune"])
def test_a_folder_that_cannot_be_written_stops_a_dry_run_too(
    verb, qrec, experiment_file, tmp_path, monkeypatch
):
    if verb == "tune":
        pytest.importorskip("optuna")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path / "file"))
    for more in ([], ["--dry-run"]):
        status, out, err = qrec(verb, experiment_file, *more)
        assert (status, out) == (1, "")
        assert "set QREC_RUNS_DIR to a folder that can" in err
        assert err.count("\n") == 1


PRICE = ("submit", "--dry-run", "--target", "fake:FakeTorino", "--set", "n_pairs=5")


@pytest.mark.usefixtures("without_account")
def test_a_price_on_a_snapshot_needs_no_account(qrec, experiment_file, runs_dir):
    status, out, err = qrec(*PRICE, experiment_file, "--price", "1.6", "--json")
    assert status == 0, err
    [row] = json.loads(out)["rows"]
    assert (row["backend"], row["executions"], row["account_seconds"]) == ("ibm", 5 * 256, None)
    assert row["qpu_seconds"] > 2
    assert row["money"] == pytest.approx(1.6 * row["qpu_seconds"])
    assert not list(runs_dir.glob("[0-9]*"))
    text = qrec(*PRICE, experiment_file, "--price", "1.6")[1]
    assert "Priced on fake_torino, calibrated 20" in text
    assert f"this round costs {row['money']:.1f}" in text


@pytest.mark.usefixtures("backends", "without_account")
def test_a_price_keeps_to_the_budget_of_its_entry(qrec, experiment_file):
    status, out, err = qrec(*PRICE, experiment_file, "-b", "tight")
    assert (status, "tight" in out) == (2, True)
    assert "what would fit" in err


@pytest.mark.usefixtures("without_account")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--target", "fake:FakeTorino"], "give --dry-run"),
        (["--target", "fake:FakeTorin", "--dry-run"], "did you mean 'FakeTorino'"),
        (["--target", "line:cz", "--dry-run"], "expected a snapshot: fake:FakeTorino"),
        (["--target", "fake:FakeTorino", "--dry-run", "-b", "aer_ideal"], "no backend of kind ibm"),
        (["--target", "fake:FakeTorino", "--dry-run", "--price", "-1"], "--price: found -1.0"),
    ],
)
def test_a_price_that_cannot_be_said_is_one_line(asked, said, qrec, experiment_file):
    status, out, err = qrec("submit", experiment_file, *asked)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_price_is_of_something_new(qrec):
    status, _, err = qrec("submit", "--resume", "latest", "--target", "fake:FakeTorino")
    assert status == 2
    assert "no EXP, -b, --set, --dry-run or --target" in err
