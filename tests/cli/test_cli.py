"""The command line as a user meets it: output, messages and exit status."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

pytestmark = pytest.mark.usefixtures("runs_dir")


@pytest.fixture
def finished(small_run, monkeypatch):
    """Make the folder that holds the finished run the one in force."""
    monkeypatch.setenv("QREC_RUNS_DIR", str(small_run.folder.path.parent))
    return small_run.id


COLUMNS = {
    "recommender", "backend", "shots", "repeat", "rmse", "mae", "rmse_stderr", "coverage",
    "prediction_min", "prediction_max", "fit_seconds", "predict_seconds", "n_predictions",
    "qubits", "two_qubit_gates", "depth",
}  # fmt: skip


def test_json_is_one_document_with_the_promised_keys(qrec, experiment_file, runs_dir):
    status, out, err = qrec("run", experiment_file, "--json", "--set", "n_pairs=10")
    document = json.loads(out)
    assert status == 0
    assert (runs_dir / document["run"] / "rows.csv").is_file()
    assert all(row.keys() >= COLUMNS for row in document["rows"])
    assert [row["n_predictions"] for row in document["rows"]] == [300, 300, 300, 10]
    assert document["run"] in err


def test_backend_option_replaces_those_of_the_file(qrec, experiment_file):
    _, out, _ = qrec("run", experiment_file, "-b", "exact", "--json")
    assert [row["backend"] for row in json.loads(out)["rows"]] == [None, None, "exact"]


def test_dry_run_shows_what_would_be_done_and_does_nothing(qrec, experiment_file, runs_dir):
    status, out, _ = qrec("run", experiment_file, "--dry-run")
    assert status == 0
    assert "swap.aer_ideal.r0" in out
    assert not runs_dir.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "reprot"], "did you mean 'report'"),
        (["run"], "which experiment"),
        (["run", "report", "--set", "datset=x"], "did you mean 'dataset'"),
        (["run", "report", "--set", "dataset"], "expected key=value"),
        (["run", "report", "-b", "exat"], "did you mean 'exact'"),
        (["run", "--resume", "nothing"], "there is no run"),
        (["run", "report", "--resume", "nothing"], "--resume"),
        (["report", "nothing"], "there is no run"),
        (["compare", "nothing"], "there is no run"),
        (["count", "swap_tets"], "did you mean 'swap_test'"),
        (["count", "swap_test", "--target", "fake:FakeTorin"], "FakeTorino"),
        (["list", "nonsense"], "datasets"),
        (["data", "fetch", "ml-100"], "ml-100k"),
        (["run", "report", "--backends", "none.yaml"], "none.yaml"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_usage_is_one_message_and_status_two(qrec, arguments, said):
    status, out, err = qrec(*arguments)
    assert status == 2
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_finished_run_is_compared_and_reported(qrec, finished):
    status, out, _ = qrec("compare", "latest", "--json")
    assert status == 0
    assert {row["run"] for row in json.loads(out)["rows"]} == {finished}
    status, out, _ = qrec("report", finished)
    assert status == 0
    assert out.strip().endswith(f"{finished}/report.html")
    status, out, _ = qrec("list", "runs", "--json")
    assert json.loads(out)["rows"][0]["state"] == "finished"


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        ("datasets", "ml-100k"), ("recommenders", "als"), ("circuits", "swap_test"),
        ("backends", "aer_noisy"), ("experiments", "report"),
    ],
)  # fmt: skip
def test_list_shows_what_there_is(qrec, kind, member):
    status, out, _ = qrec("list", kind, "--json")
    assert status == 0
    assert member in {row["name"] for row in json.loads(out)["rows"]}
    assert member in qrec("list", kind)[1]


def test_empty_list_of_runs(qrec):
    assert qrec("list", "runs")[0] == 0


def test_count_of_a_circuit_and_of_an_experiment(qrec, experiment_file):
    asked = ["--target", "fake:FakeTorino", "--target", "line:cz"]
    status, out, _ = qrec("count", "swap_test", *asked, "--shots", "1000", "--json")
    rows = json.loads(out)["rows"]
    assert status == 0
    assert [row["stage"] for row in rows] == ["logical", "lowered", "isa", "isa"]
    assert [row["target"] for row in rows] == [None, None, "fake:FakeTorino", "line:cz"]
    assert all(row["qubits"] == 5 for row in rows)
    assert rows[2]["qpu_seconds"] > 1000 * rows[2]["duration"] > 0, "a price without an account"
    _, out, _ = qrec("count", experiment_file, "--json")
    assert {row["circuit"] for row in json.loads(out)["rows"]} == {"swap"}
    assert "swap" in qrec("count", experiment_file)[1]


def test_count_along_sizes_and_its_picture(qrec, tmp_path):
    asked = ["count", "layered_ansatz", "--sweep", "n_layers=1..3", "--plot", tmp_path / "growth"]
    status, out, err = qrec(*asked, "--form", "csv")
    assert status == 0
    assert out.count("n_layers") == 6
    assert "growth.svg" in err
    assert (tmp_path / "growth.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_count_along_a_key_of_an_experiment(qrec, experiment_file):
    key = "recommenders.als.params.n_factors"
    _, out, _ = qrec("count", experiment_file, "--sweep", f"{key}=2,4", "--json")
    rows = [row for row in json.loads(out)["rows"] if row["stage"] == "logical"]
    assert [(row["size"], row["qubits"]) for row in rows] == [({key: 2}, 2), ({key: 4}, 3)]


def test_count_along_a_parameter_of_all_recommenders(qrec, tmp_path, small_experiment):
    small_experiment["recommenders"][1]["grid"] = {"n_factors": [8], "reg": [0.1]}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(small_experiment))
    suite = {key: small_experiment.pop(key) for key in ("schema_version", "name", "title")}
    suite |= {"kind": "suite", "experiments": [{"label": "one", **small_experiment}]}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite))
    for what in (path, tmp_path / "suite.yaml"):
        status, out, err = qrec("count", what, "--sweep", "n_factors=2,4", "--json")
        assert status == 0, err
        rows = [row for row in json.loads(out)["rows"] if row["stage"] == "logical"]
        assert [(row["size"], row["qubits"]) for row in rows] == [
            ({"n_factors": 2}, 2),
            ({"n_factors": 4}, 3),
        ]
    status, out, err = qrec("count", path, "--sweep", "n_factor=2,4")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--sweep n_factor: no recommender of experiment 'small' has it" in err


def test_count_of_a_file_runs_nothing_and_of_own_code_takes_sizes(qrec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pair.qasm").write_text("OPENQASM 3.0;\nqubit[2] q;\nU(0, 0, 0) q[1];\n")
    assert "pair" in qrec("count", "pair.qasm", "--form", "markdown")[1]
    (tmp_path / "counted_circuits.py").write_text(
        "from qiskit import QuantumCircuit\n\n\ndef ladder(n=2):\n"
        "    circuit = QuantumCircuit(n)\n    circuit.cx(0, range(1, n))\n    return circuit\n"
    )
    _, out, _ = qrec("count", "counted_circuits:ladder", "--sweep", "n=2,3", "--json")
    assert [row["two_qubit_gates"] for row in json.loads(out)["rows"]] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["swap_test", "--sweep", "n_factor=2"], "did you mean 'n_factors'"),
        (["swap_test", "--sweep", "n_factors"], "expected key=1..5"),
        (["swap_test", "--sweep", "n_factors=4..2"], "expected whole numbers"),
        (["swap_test", "--sweep", "n_factors=1..9999"], "at most 1000"),
        (["swap_test", "--sweep", "n_factors=[1"], "not valid YAML"),
        (["swap_test", "--plot", "x"], "expected one --sweep"),
        (["swap_test", "--precision", "0"], "--precision"),
        (["swap_test", "--target", "line:zz"], "such as line:cz"),
        (["gate_tables", "--seeds", "2"], "have no place"),
        (["gone.qasm"], "gone.qasm: No such file"),
        (["gone.qpy", "--sweep", "n=1"], "have one size"),
    ],
)
def test_count_refuses_in_one_line(qrec, arguments, said):
    status, out, err = qrec("count", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_gate_tables_stand_beside_the_published_ones(qrec):
    status, out, _ = qrec("count", "gate_tables", "--json")
    rows = json.loads(out)["rows"]
    assert status == 0
    assert [row["matches"] for row in rows] == [True] * 20
    promised = {"table", "n", "layers", "form", "stage", "target", "qubits", "depth"}
    assert promised | {"two_qubit_depth", "gates", "published"} <= set(rows[0])
    assert "10 of 10 rows match" in qrec("count", "gate_tables")[1]


def test_doctor_tries_a_backend(qrec):
    status, out, _ = qrec("doctor", "-b", "exact", "--json")
    checks = {row["what"]: row for row in json.loads(out)["rows"]}
    assert status == 0
    assert checks["backend exact"]["ok"]
    assert checks["qiskit"]["found"]


def test_doctor_fails_on_a_backend_that_does_not_open(qrec, tmp_path):
    path = tmp_path / "backends.yaml"
    path.write_text("schema_version: 1\nbackends: {broken: {kind: aer}}\n")
    status, out, err = qrec("doctor", "--backends", path)
    assert status == 1
    assert "broken" in err
    assert "shots" in out


def test_doctor_tries_vendors_that_are_there_and_free(qrec, tmp_path):
    settings = {"kind": "provider", "shots": 50, "optimization_level": 1, "seed_transpiler": 1}
    simulator = settings | {"backend": "qiskit.providers.basic_provider:BasicSimulator"}
    missing = settings | {"backend": "no_such_vendor:Backend", "free": True}
    entries = {"here": simulator | {"free": True}, "paid": simulator | {"free": False},
               "missing": missing}  # fmt: skip
    path = tmp_path / "backends.yaml"
    path.write_text(yaml.safe_dump({"schema_version": 1, "backends": entries}))
    status, out, _ = qrec("doctor", "--backends", path, "--json")
    found = {row["what"]: row["found"] for row in json.loads(out)["rows"]}
    assert status == 0
    assert "<Z> of qubits" in found["backend here"]
    assert "not tried" in found["backend paid"]
    assert "no_such_vendor" in found["backend missing"]
    assert qrec("list", "backends", "--backends", path)[0] == 0
    assert qrec("doctor", "--backends", path, "-b", "missing")[0] == 1
    paid = qrec("doctor", "--backends", path, "-b", "paid", "--json")[1]
    assert "its self-test runs when jobs are submitted" in paid
    assert "<Z> of qubits" not in paid


def test_doctor_runs_no_code_of_a_strangers_folder(qrec, tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(ran)!r}).touch()\nmake = Kind = print\n"
    (tmp_path / "theirs.py").write_text(code)
    settings = {"kind": "provider", "free": True, "shots": 50, "optimization_level": 1,
                "seed_transpiler": 1}  # fmt: skip
    entries = {
        "shell": settings | {"backend": "os:system", "arguments": {"command": f"touch {ran}"}},
        "module": settings | {"backend": "theirs:make"},
        "apart": settings | {"backend": "theirs:make", "python": sys.executable},
        "kind": {"kind": "theirs:Kind"},
        "exact": {"kind": "exact", "dtype": "float32"},
    }
    text = yaml.safe_dump({"schema_version": 1, "backends": entries})
    (tmp_path / "backends.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qrec.backends.backend_names", lambda _: list(entries))
    rows = json.loads(qrec("list", "backends", "--json")[1])["rows"]
    listed = {row["name"]: row["settings"] for row in rows}
    assert "--backends FILE" in listed["kind"]
    assert "os:system" in listed["shell"]
    assert not ran.exists()
    status, out, _ = qrec("doctor", "--json")
    found = {row["what"]: row["found"] for row in json.loads(out)["rows"]}
    assert (status, ran.exists()) == (0, False)
    assert "say -b shell" in found["backend shell"]
    assert "<Z> of qubits" in found["backend exact"]
    assert qrec("doctor", "-b", "module")[0] == 1
    assert ran.exists()  # so it would have been seen


@pytest.mark.usefixtures("finished")
def test_cancel_of_a_run_whose_folder_is_gone_says_what_ends_its_jobs(qrec):
    for run in ("20260101T000000Z_gone", "gone"):
        status, _, err = qrec("cancel", run)
        assert status == 2
        assert "`qrec cancel --job ID`, or --all" in err


def _nested(start):
    names = [start, *(f"&a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))]
    return f"[{', '.join(names)}]"


WRONG = {
    "ratios": ({"split": {"kind": "random", "ratios": "abc"}}, "ratios 'abc'"),
    "name": ({"name": "a/b"}, "found 'a/b'"),
    "title": ({"title": 1}, "title"),
    "negative": ({"seed": -1}, "seed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_one_line(case, qrec, tmp_path, small_experiment):
    changes, said = WRONG[case]
    _ends_in_one_line(qrec, tmp_path, yaml.safe_dump(small_experiment | changes), said)


def test_an_empty_grid_and_a_base_without_at_are_one_line(qrec, tmp_path, small_experiment):
    _, als, swap = small_experiment["recommenders"]
    als["grid"] = {"x": []}
    _ends_in_one_line(qrec, tmp_path, yaml.safe_dump(small_experiment), "non-empty")
    als["grid"], swap["params"]["base"] = {"reg": [0.1]}, "als"
    _ends_in_one_line(qrec, tmp_path, yaml.safe_dump(small_experiment), "base is 'als'")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (_nested("&a0 [x]"), "its aliases repeat"),
        ("&a [*a]", "inside of what it names"),
        (_nested("&a0 {k: 1}").replace(" [", " {<<: [").replace("],", "]},")[:-2] + "]}]",
         "its aliases repeat"),
    ],
    ids=["lists", "itself", "merged"],
)  # fmt: skip
def test_a_yaml_bomb_is_one_line(value, said, qrec, tmp_path, small_experiment):
    del small_experiment["split"]
    text = yaml.safe_dump(small_experiment) + f"split: {{kind: random, ratios: {value}}}\n"
    _ends_in_one_line(qrec, tmp_path, text, said)
    status, _, err = qrec("run", "report", "--dry-run", "--set", f"split={value}")
    assert (status, said in err) == (2, True)


def _ends_in_one_line(qrec, tmp_path, text, said):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    status, out, err = qrec("run", path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert "unforeseen" not in err


@pytest.mark.parametrize("seconds", ["-5", "nan", "inf"])
def test_a_budget_that_is_no_amount_is_one_line(seconds, qrec, experiment_file):
    changes = ("--set", "n_pairs=4", "--max-qpu-seconds", seconds)
    for more in ([], ["--dry-run"]):
        status, _, err = qrec("submit", experiment_file, "-b", "aer_ideal", *changes, *more)
        assert status == 2
        assert f"--max-qpu-seconds: found {float(seconds)}" in err.splitlines()[-1]
        assert "unforeseen" not in err


def test_interrupted_run_says_how_to_go_on_and_goes_on(tmp_path, small_experiment):
    """The real command: Ctrl-C ends it with status 3; its last word finishes the run."""
    small_experiment["repeats"] = 200
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small_experiment))
    environment = os.environ | {"QREC_RUNS_DIR": str(tmp_path / "runs"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "qrec", "run"]
    running = subprocess.Popen(
        [*command, tmp_path / "small.yaml"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores Ctrl-C, and all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while len(list(tmp_path.glob("runs/*/outcomes/*"))) < 3:  # the last may be half written
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 3
    [folder] = (tmp_path / "runs").iterdir()
    assert f"qrec run --resume {folder.name}" in err
    assert "Traceback" not in err

    done = len(list((folder / "outcomes").iterdir()))
    assert 0 < done < 1400
    spec = yaml.safe_load((folder / "spec.yaml").read_text())
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec | {"repeats": 1}))
    resumed = subprocess.run([*command, "--resume", "latest"], env=environment, check=False)
    assert resumed.returncode == 0
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize("where", ["unknown key", "in a mapping"])
def test_the_value_of_a_key_that_has_no_place_is_not_printed(where, qrec, tmp_path):
    entry = {"kind": "ibm", "device": "ibm_x", "shots": 1, "seed_transpiler": 1,
             "max_qpu_seconds": 1, "token": "SECRET123"}  # fmt: skip
    if where == "in a mapping":
        entry = {"kind": "provider", "backend": "a:B", "free": True, "shots": 1,
                 "optimization_level": 1, "seed_transpiler": 1,
                 "arguments": {"token": "SECRET123"}}  # fmt: skip
    path = tmp_path / "backends.yaml"
    path.write_text(yaml.safe_dump({"schema_version": 1, "backends": {"mine": entry}}))
    status, out, err = qrec("run", "vqsvd_noise", "-b", "mine", "--backends", path)
    assert status == 2
    assert "token" in err
    assert "SECRET123" not in out + err


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"[" * 5000, b"- 1", b""])
def test_a_file_that_is_no_experiment_is_one_line(content, qrec, tmp_path):
    path = tmp_path / "odd.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    status, out, err = qrec("run", path)
    assert (status, out) == (2, "")
    assert "odd.yaml" in err
    assert "Traceback" not in err


def test_runs_that_cannot_be_written_are_one_line(qrec, experiment_file, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path / "file"))
    status, _, err = qrec("run", experiment_file)
    assert status == 1
    assert "file" in err
    assert "Traceback" not in err


def test_unknown_backend_is_said_by_a_dry_run(qrec, experiment_file):
    status, _, err = qrec("run", experiment_file, "-b", "nope", "--dry-run")
    assert status == 2
    assert "unknown backend" in err
    assert "'nope'" in err
