"""The run folder: made once, found by name, locked by one process."""

import json
import threading

import pytest

from qrec.config import ExperimentSpec
from qrec.errors import ConfigError, QrecError
from qrec.runs.claims import locked
from qrec.runs.files import write_folder
from qrec.runs.folder import create_run, find_run, planning_place, publish, run_ids
from qrec.runs.locks import last_worker, one_worker, only_worker
from qrec.runs.record import git_state

pytestmark = pytest.mark.usefixtures("runs_dir")

SPEC = ExperimentSpec(schema_version=1, kind="k", name="name", title="title", seed=1)


def test_run_is_found_by_id_path_and_latest():
    first, second = create_run(SPEC, {"a": 1}), create_run(SPEC, {"a": 2})
    assert first.id != second.id, "two runs within a second must not share a folder"
    assert run_ids() == sorted([first.id, second.id])
    for name in (first.id, str(first.path), first.path):
        assert find_run(name).id == first.id
    assert find_run("latest").id == second.id
    assert find_run("latest").record().details == {"a": 2}


def test_a_run_that_another_process_began_meanwhile_stays(monkeypatch):
    theirs = []

    def overtaken(path, fill):
        monkeypatch.setattr("qrec.runs.folder.write_folder", write_folder)
        path.mkdir(parents=True)
        (path / "spec.yaml").write_text("theirs")
        theirs.append(path)
        write_folder(path, fill)

    monkeypatch.setattr("qrec.runs.folder.write_folder", overtaken)
    ours = create_run(SPEC, {})
    assert ours.path != theirs[0]
    assert (theirs[0] / "spec.yaml").read_text() == "theirs"
    assert ours.record().id == ours.id


def test_a_run_is_planned_apart_from_all_others_until_it_is_published():
    with planning_place() as place:
        assert place.is_dir()
    place.mkdir()
    (place / "half").write_text("")  # as a killed process leaves it
    with planning_place() as place:
        assert list(place.iterdir()) == []
        made = create_run(SPEC, {}, place)
        assert run_ids() == []
        assert publish(made).path == find_run(made.id).path
        create_run(SPEC, {}, place)
    assert not place.exists()
    assert run_ids() == [made.id]


def test_a_file_in_the_place_of_the_runs_is_said(runs_dir):
    runs_dir.write_text("")
    with pytest.raises(OSError, match="runs"):
        create_run(SPEC, {})


def test_same_experiment_has_the_same_hash_in_its_name():
    other = SPEC.model_copy(update={"seed": 2})
    names = [create_run(spec, {}).id.rsplit("_", 1)[1] for spec in (SPEC, SPEC, other)]
    assert names[0] == names[1] != names[2]


def test_record_names_versions_and_holds_no_host_name():
    import platform

    text = (create_run(SPEC, {}).path / "record.json").read_text()
    record = json.loads(text)
    assert {"qiskit", "numpy", "torch"} <= set(record["packages"])
    assert record["schema_version"] == 2
    assert record["threads"]["cores"] >= 1
    assert platform.node() not in text


@pytest.mark.parametrize("name", ["nonsense", "latest"])
def test_no_such_run_is_a_usage_error(name):
    with pytest.raises(ConfigError, match="there is no run"):
        find_run(name)


def test_a_unique_part_of_an_id_is_enough():
    first, second = create_run(SPEC, {}), create_run(SPEC.model_copy(update={"seed": 2}), {})
    for run in (first, second):
        assert find_run(run.id[-8:]).id == run.id
    with pytest.raises(ConfigError, match=f"part of 2 ids: {first.id}, {second.id}"):
        find_run("_name_")


def test_wrong_run_names_the_nearest():
    run = create_run(SPEC, {})
    with pytest.raises(ConfigError, match=f"did you mean '{run.id}'"):
        find_run(run.id[:-1] + "x")


def test_two_workers_cannot_share_a_run():
    run = create_run(SPEC, {})
    with (
        only_worker(run),
        pytest.raises(QrecError, match="another process"),
        only_worker(find_run(run.id)),
    ):
        pass
    with only_worker(run):
        pass


def test_package_outside_a_repository_has_no_git_state(tmp_path):
    (tmp_path / "__init__.py").write_text("")
    assert git_state(tmp_path) is None


def test_workers_share_a_run_and_who_works_alone_keeps_them_out():
    run = create_run(SPEC, {})
    half = run.path / ".unfinished-1-rows.csv"
    half.write_text("")
    with one_worker(run) as first, one_worker(run) as second:
        assert (first, second) == (True, False)
        assert not half.exists(), "whoever left it is dead: the first worker was alone"
        half.write_text("")
        with pytest.raises(QrecError, match="another process"), only_worker(run):
            pass
        with one_worker(run):
            assert half.exists(), "another worker may be writing it"
    with last_worker(run):
        assert not half.exists()
        with locked(run.path / "lock", shared=True) as handle:
            assert handle is None


def test_the_last_worker_waits_for_the_others():
    run, order = create_run(SPEC, {}), []

    def last():
        with last_worker(run):
            order.append("last")

    with one_worker(run):
        thread = threading.Thread(target=last)
        thread.start()
        thread.join(0.2)
        order.append("other")
    thread.join()
    assert order == ["other", "last"]
