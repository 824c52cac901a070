"""Tuning: equal trials, chosen on validation ratings alone, whoever is killed on the way."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from qrec.errors import ConfigError, QrecError
from qrec.experiments.base import Places
from qrec.recommenders import recommender_class, recommender_names
from qrec.recommenders.spaces import Range, check_holds, checked_range, default_of, default_space
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.runner.tune import begin_study, check, open_study
from qrec.runner.tune_parallel import work_parallel
from qrec.runner.tuned import tuned_rows, tuned_table, write_tuned
from qrec.runs.progress import silent

pytest.importorskip("optuna")
pytestmark = pytest.mark.usefixtures("runs_dir")

TRIALS = 8  # five at random, then TPE


@pytest.fixture
def experiment(small_experiment):
    mean, als, swap = small_experiment["recommenders"]
    del als["grid"]
    small_experiment["recommenders"] = [als, mean, swap]
    small_experiment["tune"] = {"trials": TRIALS}
    return small_experiment


def studied(experiment, upto=None):
    """Return the study of an experiment after as many trials, or all."""
    study = begin_study(load(experiment), "qrec tune small.yaml")
    if upto is None:
        study.work(silent)
    for _ in range(upto or 0):
        study._one_of(study.left(), silent)
    return study


def found(study):
    """Return what was tried, with its RMSE, by entry and slot."""
    return {
        label: {slot: (one.params, one.rmse) for slot, one in sorted(trials.done().items())}
        for label, trials in study.trials.items()
    }


@pytest.mark.parametrize("name", recommender_names())
def test_what_is_tried_by_default_can_be_and_holds_the_default(name):
    cls = recommender_class(name)
    for parameter, values in default_space(cls).items():
        if isinstance(values, Range):
            values = checked_range(cls, parameter, values)
        check_holds(parameter, values, default_of(cls, parameter))


def test_the_default_comes_first_and_the_best_is_never_worse(experiment):
    study = studied(experiment)
    assert {label: len(trials) for label, trials in found(study).items()} == {
        "als": TRIALS, "mean": 1, "swap": 1,
    }  # fmt: skip
    assert found(study)["als"][0][0] == {"reg": 0.15, "centre": "none"}  # n_factors is fixed
    rows = {row.recommender: row for row in tuned_rows(study)}
    assert rows["als"].best < rows["als"].default
    assert rows["swap"].default == pytest.approx(rows["als"].best)  # it is built on the winner


def test_the_winners_are_an_experiment_that_scores_as_the_study_said(experiment):
    study = studied(experiment)
    [row, *_] = write_tuned(study)
    path = study.folder.path / "tuned.yaml"
    text = path.read_text()
    assert f"study {study.folder.id}" in text
    assert "qrec tune small.yaml" in text
    assert f"als: {row.default:.4f} -> {row.best:.4f} in {TRIALS} trials" in text
    content = yaml.safe_load(text)
    assert content["recommenders"][0]["params"] == {"n_factors": 2} | row.params
    assert not content.keys() & {"tune"}
    # As a grid of one candidate it is scored on the same validation part.
    content["recommenders"][0]["grid"] = {"reg": [row.params["reg"]]}
    [als, *_] = run(content).typed_rows
    assert als.validation_rmse == pytest.approx(row.best, abs=1e-12)
    lines = (study.folder.path / "trials.csv").read_text().splitlines()
    assert len(lines) == 1 + TRIALS + 2


def test_no_test_rating_is_read(experiment, monkeypatch):
    """Test ratings that any use would betray: the trials are the same, to the last bit."""
    expected = found(studied(experiment))
    loaded = load(experiment)
    parts = loaded._split(0)
    parts.ratings.value[parts.test_rows] = 1e6
    vars(parts).pop("train", None)

    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError(f"the test part was asked for its {name}")

    monkeypatch.setitem(vars(parts), "test", Untouchable())
    study = begin_study(load(experiment), "")
    monkeypatch.setattr(study.experiment, "_split", lambda _: parts)
    study.work(silent)
    assert found(study) == expected


def test_a_study_is_the_same_twice_and_whether_or_not_it_was_stopped(experiment):
    expected = found(studied(experiment))
    stopped = studied(experiment, upto=6)
    trials = stopped.trials["als"]
    trials.suggest(6)  # and then it was killed
    with (stopped.folder.path / "tune.log").open("a") as journal:
        journal.write('{"half')  # in the middle of a line
    resumed = open_study(stopped.folder.id, Places())
    assert len(resumed.left()) == TRIALS - 6 + 2
    resumed.work(silent)
    assert found(resumed) == expected
    resumed.work(silent)  # nothing is left to do
    assert found(resumed) == expected


def test_processes_that_share_a_study_make_as_many_trials(experiment):
    experiment["recommenders"][0]["params"]["n_epochs"] = 300  # so that they meet
    study = begin_study(load(experiment), "")
    work_parallel(study, 2, silent)
    assert sorted(found(study)["als"]) == list(range(TRIALS))
    runners = [t for t in study.trials["als"]._study.get_trials() if t.state.name == "COMPLETE"]
    assert len(runners) == TRIALS
    assert not list((study.folder.path / "claims").iterdir())


def _join(path):
    open_study(path, Places()).work(silent)


def test_of_two_processes_one_is_killed_and_the_other_does_its_trial(experiment):
    experiment["recommenders"][0]["params"]["n_epochs"] = 1000
    study = begin_study(load(experiment), "")
    context = multiprocessing.get_context("spawn")
    path = str(study.folder.path)
    victim, other = (context.Process(target=_join, args=(path,)) for _ in range(2))
    victim.start()
    while not found(study)["als"]:  # it is at its second trial
        time.sleep(0.01)
    os.kill(victim.pid, signal.SIGKILL)
    other.start()
    other.join()
    assert other.exitcode == 0
    assert sorted(found(study)["als"]) == list(range(TRIALS))


def test_processes_that_all_die_are_an_error(experiment, monkeypatch):
    study = begin_study(load(experiment), "")
    monkeypatch.setattr("qrec.runner.tune_parallel._serve", _die)
    with pytest.raises(QrecError, match=r"its processes died .*qrec tune --resume"):
        work_parallel(study, 2, silent)


def _die(*_):
    os._exit(9)


def test_what_fails_is_a_trial_that_says_why_and_cannot_win(experiment, monkeypatch):
    study = begin_study(load(experiment), "")
    score = study.experiment.validation_rmse

    def fails(label, chosen):
        if label == "als" and chosen["als"]["centre"] == "bias":
            raise ConfigError("these do not go together")
        return float("nan") if chosen.get(label, {}).get("reg", 1) < 0.1 else score(label, chosen)

    monkeypatch.setattr(study.experiment, "validation_rmse", fails)
    study.work(silent)
    problems = {one.problem for one in study.trials["als"].done().values()}
    assert problems == {None, "these do not go together", "its predictions are no numbers"}
    assert len(found(study)["als"]) == TRIALS
    assert study.trials["als"].best().problem is None
    write_tuned(study)  # infinity is no JSON


def test_a_default_that_fails_ends_the_study(experiment, monkeypatch):
    study = begin_study(load(experiment), "")
    monkeypatch.setattr(study.experiment, "validation_rmse", lambda *_: float("nan"))
    with pytest.raises(QrecError, match=r"recommenders.als: as it is"):
        study.work(silent)


def test_a_grid_is_what_is_tried(experiment):
    experiment["recommenders"][0]["grid"] = {"reg": [0.1, 0.15, 0.2]}
    study = studied(experiment, upto=4)
    assert {params["reg"] for params, _ in found(study)["als"].values()} <= {0.1, 0.15, 0.2}


def test_a_winner_at_the_edge_is_said(experiment, monkeypatch):
    experiment["recommenders"][0]["space"] = {"reg": {"low": 0.01, "high": 0.155, "log": True}}
    experiment["tune"]["only"] = ["als"]
    study = begin_study(load(experiment), "")
    inverse = lambda _, chosen: 1 / chosen["als"]["reg"]  # noqa: E731
    monkeypatch.setattr(study.experiment, "validation_rmse", inverse)
    study.work(silent)
    [row] = tuned_rows(study)
    assert row.at_edge == ["reg"]
    assert "widen it by `space`" in tuned_table([row], "small").notes[-1]


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"rge": [1]}, "did you mean 'reg'"),
        ({"reg": [1]}, "does not hold 0.15"),
        ({"reg": {"low": 0.2, "high": 1.0}}, "does not hold 0.15"),
        ({"reg": {"low": -1.0, "high": 1.0}}, "reg is -1.0"),
        ({"reg": {"low": 1.0, "high": 0.1}}, "expected less than high"),
        ({"reg": {"low": 0, "high": 1, "log": True}}, "more than 0"),
        ({"n_factors": {"low": 1.5, "high": 4}}, "expected an integer"),
        ({"centre": ["none", "median"]}, "centre is 'median'"),
        ({"reg": {"low": 0.1, "hihg": 1.0}}, "did you mean 'high'"),
    ],
)
def test_a_space_that_cannot_be_is_one_error(space, said, experiment):
    experiment["recommenders"][0]["space"] = space
    with pytest.raises(ConfigError, match=said):
        load(experiment)


def test_only_a_comparison_with_validation_ratings_can_be_tuned(experiment):
    with pytest.raises(ConfigError, match="kind 'vqsvd_random'"):
        check(load("vqsvd_random"))
    experiment["split"]["ratios"] = [0.8, 0.0, 0.2]
    with pytest.raises(ConfigError, match="leaves none"):
        check(load(experiment))


def test_an_entry_that_is_no_entry_cannot_be_tuned(experiment):
    experiment["tune"]["only"] = ["asl"]
    with pytest.raises(ConfigError, match="did you mean 'als'"):
        load(experiment)


@pytest.mark.slow
def test_real_ratings_are_predicted_better_by_tuned_als(data_dir, small_experiment):
    small_experiment["dataset"] = {"name": "ml-100k"}
    small_experiment["recommenders"] = [{"label": "als", "recommender": "als"}]
    small_experiment |= {"seed": 0, "tune": {"trials": 20}}
    study = begin_study(load(small_experiment, places=Places(data_dir=data_dir)), "")
    study.work(silent)
    [row] = tuned_rows(study)
    assert row.best < row.default - 0.003


def test_the_command_line_tunes_and_runs_what_was_found(experiment, tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(experiment))

    def call(*arguments, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "qrec", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done

    planned = json.loads(call("tune", path, "--dry-run", "--json").stdout)["rows"]
    assert [row["trials"] for row in planned] == [str(TRIALS), "1", "1"]
    done = call("tune", path, "--trials", 2, "--only", "als", "--json")
    document = json.loads(done.stdout)
    assert [row["recommender"] for row in document["rows"]] == ["als"]
    tuned = done.stderr.strip().rpartition("qrec run ")[2]
    assert call("run", tuned).stdout
    again = call("tune", "--resume", document["study"])
    assert max(map(len, again.stdout.splitlines())) <= 80
    assert "--trials" in call("tune", path, "--resume", "latest", status=2).stderr
    assert "unknown study" in call("tune", "--resume", "nothing", status=2).stderr


def test_without_optuna_the_extra_is_named(experiment, monkeypatch):
    from qrec.errors import MissingError

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingError, match=r"pip install 'qrec\[tune\]'") as error:
        check(load(experiment))
    assert error.value.exit_status == 4


def test_an_interrupt_says_how_to_go_on(experiment, tmp_path):
    experiment["tune"]["trials"] = 500
    experiment["recommenders"][0]["params"]["n_epochs"] = 300
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(experiment))
    running = subprocess.Popen(
        [sys.executable, "-m", "qrec", "tune", path],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list((tmp_path / "runs").glob("studies/*/tune.log")):
        assert running.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    [folder] = (tmp_path / "runs" / "studies").iterdir()
    assert running.returncode == 3
    assert err.splitlines()[-1].endswith(f"qrec tune --resume {folder.name}")
    assert "Traceback" not in err


def test_a_fair_comparison_is_tuned_on_its_first_trial():
    from qrec.experiments.fair.comparison import FairComparison

    fair = dict(FairComparison.example) | {
        "schema_version": 1, "kind": "fair_comparison", "name": "fair", "title": "fair",
        "tune": {"trials": 3, "only": ["als", "swap"]},
    }  # fmt: skip
    study = begin_study(load(fair), "")
    study.work(silent)
    assert {label: len(trials) for label, trials in found(study).items()} == {"als": 3, "swap": 1}
    assert tuned_rows(study)[1].default == pytest.approx(tuned_rows(study)[0].best)
    write_tuned(study)
    tuned = load(study.folder.path / "tuned.yaml").spec
    assert tuned.entry("als").params["reg"] == tuned_rows(study)[0].params["reg"]
    fair["tune"] = {"only": ["asl"]}
    with pytest.raises(ConfigError, match="did you mean 'als'"):
        load(fair)
