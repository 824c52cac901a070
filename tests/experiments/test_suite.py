"""Several experiments in one run: what they share, and what is said where one is wrong."""

import csv

import pytest
import yaml

from qrec.errors import ConfigError
from qrec.experiments.base import Places
from qrec.runner.compare import compare_runs
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.svd.objectives import KINDS

OBJECTIVE = {"label": "original", "objective": "original", "form": "direct"}
LINEAR = {
    "label": "linear",
    "kind": "vqsvd_objective",
    "n_qubits": 1,
    "rank": 1,
    "n_layers": 1,
    "n_matrices": 2,
    "n_starts": 2,
}


@pytest.fixture
def suite(small_experiment):
    return {
        "schema_version": 1,
        "kind": "suite",
        "name": "several",
        "title": "three at once",
        "seed": 3,
        "experiments": [
            {"label": "rows"} | small_experiment,
            {"label": "values", "kind": "vqsvd_device", "objectives": [OBJECTIVE]},
            LINEAR,
        ],
    }


def untimed(rows):
    return [
        {k: v for k, v in row.items() if k != "experiment" and not k.endswith("_seconds")}
        for row in rows
    ]


@pytest.mark.usefixtures("runs_dir")
def test_a_member_finds_what_it_finds_alone(suite, small_run):
    done = run(suite)
    own = {
        label: [row for row in done.rows if row["experiment"] == label]
        for label in ("rows", "values", "linear")
    }
    assert untimed(own["rows"]) == untimed(small_run.rows)
    assert own["values"][0]["value"] == pytest.approx(own["values"][0]["exact"], abs=1e-9)
    assert [row["objective"] for row in own["linear"]] == [*KINDS]
    drawn = {path.name for path in (done.folder.path / "figures").iterdir()}
    assert drawn >= {
        f"{name}.{suffix}"
        for name in ("rows.differences", "rows.predictions", "linear.objective_and_mse")
        for suffix in ("png", "svg")
    }  # fmt: skip
    with done.folder.rows_path.open() as file:
        assert [row["experiment"] for row in csv.DictReader(file)] == [
            row["experiment"] for row in done.rows
        ]
    assert set(done.folder.record().details["experiments"]["rows"]) >= {"dataset", "seeds"}
    found = compare_runs([done.id, done.id])
    rows, tables = found.rows, found.tables
    assert len(tables) > 2  # predictions pair by pair, and the others row by row
    assert {row.as_dict().get("key", {}).get("experiment") for row in rows} == {
        None, "values", "linear",
    }  # fmt: skip


def test_members_ask_the_same_backends(suite):
    experiment = load(suite, backends=["aer_ideal"])
    assert list(experiment.backends()) == ["aer_ideal"]
    for label in ("rows", "values"):
        member = experiment.members[label]
        assert member.backend("aer_ideal") is experiment.backend("aer_ideal")
    assert experiment.members["linear"].backend_names() == []
    with pytest.raises(ConfigError, match="asks no backend"):
        load(suite | {"experiments": [LINEAR]}, backends=["aer_ideal"])


def test_keys_of_members_are_changed_through_their_labels(suite):
    changed = load(suite, {"experiments.rows.n_pairs": 20, "experiments.linear.seed": 9})
    assert changed.members["rows"].spec.n_pairs == 20
    assert [changed.members[label].spec.seed for label in ("values", "linear")] == [3, 9]
    [pairs, evaluations] = load(suite, backends=["aer_ideal"]).sizes()
    assert (pairs.key, evaluations.key) == (
        "experiments.rows.n_pairs", "experiments.values.n_evaluations",
    )  # fmt: skip
    assert "rows.swap.aer_ideal.r0" in pairs.steps


def test_a_member_may_be_named_and_changed(suite, tmp_path):
    (tmp_path / "linear.yaml").write_text(
        yaml.safe_dump({k: v for k, v in LINEAR.items() if k != "label"}
                       | {"schema_version": 1, "name": "mine", "title": "a file"})
    )  # fmt: skip
    members = [
        {"label": "packaged", "experiment": "vqsvd_objective", "n_starts": 2},
        {"label": "beside", "experiment": "linear.yaml"},
    ]
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite | {"experiments": members}))
    experiment = load(tmp_path / "suite.yaml")
    specs = {label: member.spec for label, member in experiment.members.items()}
    assert (specs["packaged"].n_starts, specs["packaged"].n_matrices) == (2, 10)
    assert (specs["beside"].name, specs["beside"].n_starts) == ("mine", 2)
    again = load(experiment.spec.model_dump(mode="json"))
    assert again.spec == experiment.spec, "the run's own spec.yaml needs no other file"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"experiments.rows.n_pairs": 1}, r"experiments\.rows: n_pairs.*found 1"),
        ({"experiments.rows.recommenders.als.params.ref": 1}, r"experiments\.rows: "
         r".*recommenders\.als.*did you mean 'reg'"),
        ({"experiments.linear.kind": "vqsvd_objectiv"}, "experiments.2.*with a label"),
        ({"experiments.linear.label": "rows"}, "two experiments have the label 'rows'"),
        ({"experiments.linear.label": 3}, "experiments.2.*mapping with a label"),
        ({"experiments.linear.label": "../../a"}, "experiments.2.*letters"),
        ({"experiments.linear.label": "rows.als"}, "experiments.2.*letters"),
        ({"experiments.linear.experiment": "hardwar"}, "did you mean 'hardware'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_option_member_and_key(suite, tmp_path, changes, said):
    path = tmp_path / "several.yaml"
    path.write_text(yaml.safe_dump(suite))
    with pytest.raises(ConfigError, match=rf"(?s)--set experiments\..*{said}"):
        load(path, changes)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("vqsvd_objectiv", "experiments.linear.*did you mean 'vqsvd_objective'"),
        ("suite", "experiments.linear: .*holds no other suite"),
    ],
)
def test_wrong_kind_of_a_member_is_said(suite, kind, said):
    with pytest.raises(ConfigError, match=said):
        load(suite | {"experiments": [LINEAR | {"kind": kind}]})


def test_hardware_is_one_suite():
    experiment = load("hardware", backends=["aer_ideal"])
    assert list(experiment.members) == ["recommenders", "objectives"]
    assert "objectives.modified_cheap.aer_ideal" in [step.name for step in experiment.steps()]


def test_one_name_cannot_mean_two_backends(suite, tmp_path):
    noise = {"label": "noise", "kind": "vqsvd_noise", "forms": ["direct"], "n_starts": 1,
             "problems": [{"n_qubits": 1, "n_layers": 1, "n_matrices": 1}],
             "backends": [{"name": "sh", "shots": 30}]}  # fmt: skip
    device = {"label": "device", "kind": "vqsvd_device", "backends": ["sh-30"],
              "objectives": [{"label": "o", "objective": "original", "rank": 1}]}  # fmt: skip
    shots = {"kind": "aer", "shots": 10, "seed_simulator": 1, "optimization_level": 1,
             "seed_transpiler": 1}  # fmt: skip
    entries = {"sh": shots, "sh-30": {"kind": "exact"}}
    file = tmp_path / "backends.yaml"
    file.write_text(yaml.safe_dump({"schema_version": 1, "backends": entries}))
    experiment = load(suite | {"experiments": [noise, device]}, places=Places(backends_file=file))
    with pytest.raises(ConfigError, match="mean different backends by 'sh-30'"):
        experiment.backends()
