"""What every kind of experiment must keep; a kind comes along with a small spec of it here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from qrec.backends.base import Backend
from qrec.backends.kinds.aer import AerBackend
from qrec.errors import ConfigError, PaidError
from qrec.experiments import EXPERIMENTS
from qrec.runner import drive
from qrec.runner.compare import compare_runs
from qrec.runner.fetch import fetch
from qrec.runner.load import load, restore
from qrec.runner.replay import replay
from qrec.runner.run import Run, begin, finish, make_places, run
from qrec.runner.submit import submit
from qrec.runs.progress import silent

DATA = {
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
}
OBJECTIVE = {"label": "original", "objective": "original", "form": "direct", "rank": 1}
COMPARISON = DATA | {
    "n_pairs": 5,
    "recommenders": [
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"},
         "backends": ["cheap"]},
    ],
}  # fmt: skip
SMALL: dict[str, dict[str, Any]] = {
    "comparison": COMPARISON,
    "noise_training": DATA | {
        "backend": "exact_noisy", "n_layers": [1], "n_starts": 2,
        "params": {"n_factors": 1, "n_epochs": 2, "patience": 2, "batch_size": 256},
    },
    "speed": {"quick": True, "rounds": 1, "races": ["pairs-8q-l2-pairs", "pairs-8q-l3-all"]},
    "suite": {
        "experiments": [
            {"label": "rows", "kind": "comparison"} | COMPARISON,
            {"label": "values", "kind": "vqsvd_device", "objectives": [OBJECTIVE],
             "backends": ["cheap"]},
        ]
    },
    "vqsvd_device": {
        "objectives": [OBJECTIVE, OBJECTIVE | {"label": "modified", "objective": "modified"}],
        "backends": ["cheap"],
    },
    "vqsvd_digits": {"objectives": ["original"], "layers": [1], "n_starts": 1, "picture_rank": 2},
    "vqsvd_noise": {
        "forms": ["encoding", "direct"], "backends": ["cheap", {"name": "cheap", "shots": 30}],
        "problems": [{"n_qubits": 1, "n_layers": 1, "n_matrices": 2}], "n_starts": 2,
    },
    "vqsvd_objective": {"n_qubits": 1, "rank": 1, "n_layers": 1, "n_matrices": 2, "n_starts": 2},
    "vqsvd_random": {
        "n_matrices": 2, "n_starts": 2, "lowest": [-1.0],
        "sizes": [{"n_qubits": 1, "layers": [1, 2]}],
    },
    "vqsvd_training": {
        "objectives": ["modified"], "optimizers": {"adam": 2, "bfgs": 1}, "backends": ["cheap"],
        "form": "direct", "n_starts": 2,
    },
}  # fmt: skip
CHEAP = {"kind": "aer", "snapshot": "fake:FakeManilaV2", "shots": 20, "seed_simulator": 7,
         "optimization_level": 1, "seed_transpiler": 7}  # fmt: skip
TIMED = {"rate", "per_second", "ratio", "ratio_same_bits", "epoch_seconds", "giga"}


def small(kind: str) -> dict[str, Any]:
    small = SMALL.get(kind) or dict(EXPERIMENTS.find(kind).example)
    if not small:
        pytest.fail(f"kind {kind!r} has no small experiment: give the class an `example`")
    return {"schema_version": 1, "kind": kind, "name": kind, "title": "small"} | small


def asks_shots(kind: str) -> bool:
    """Return whether a small experiment asks a backend with shots."""
    return "cheap" in str(SMALL.get(kind) or EXPERIMENTS.find(kind).example)


KINDS = EXPERIMENTS.names()
ASKING = [kind for kind in KINDS if asks_shots(kind)]


def rows(done: Run) -> list[dict[str, Any]]:
    """Return what a run found, but for times."""
    return [
        {k: v for k, v in row.items() if k not in TIMED and not k.endswith("_seconds")}
        for row in done.rows
    ]


def assert_same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert len(one) == len(other)
    for row, again in zip(one, other, strict=True):
        assert list(row) == list(again)
        for name, value in row.items():
            numeric = isinstance(value, float)
            expected = pytest.approx(value, rel=1e-9, abs=1e-12) if numeric else value
            assert again[name] == expected, name


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    _done.clear()  # workers that take over each other's tests may come here twice
    place = tmp_path_factory.mktemp("kinds")
    content = {"schema_version": 1, "backends": {"cheap": CHEAP}}
    (place / "backends.yaml").write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(place / "runs"))
        patch.setenv("QREC_BACKENDS", str(place / "backends.yaml"))
        patch.setattr("qrec.runner.run.write_report", lambda *_: None)  # takes seconds
        yield


_done: dict[str, Run] = {}


def plain(kind: str) -> Run:
    """Return the run of a small experiment that nothing disturbed."""
    if kind not in _done:
        _done[kind] = run(small(kind))
    return _done[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_tables_and_keys(kind: str) -> None:
    done = plain(kind)
    assert done.rows
    assert all(table.rows for table in done.tables)
    for cls in {type(row) for row in done.typed_rows}:
        assert cls.KEY, f"{cls.__name__}: KEY says which row it is, for `qrec compare`"
        assert cls.VALUES, f"{cls.__name__}: VALUES are what `qrec compare` lays side by side"


@pytest.mark.parametrize("kind", KINDS)
def test_killed_after_every_step_and_resumed_finds_the_same(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(load(small(kind) | {"title": "killed"}))
    do, kills = drive.Work.do, 0

    def do_and_die(work: drive.Work, *arguments: Any) -> None:
        do(work, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(drive.Work, "do", do_and_die)
        while True:
            try:
                done = finish(folder, restore(folder), silent)
                break
            except KeyboardInterrupt:
                kills += 1
    assert kills == len(load(small(kind)).steps())
    assert_same(rows(done), rows(plain(kind)))
    compared = compare_runs([plain(kind).id, done.id])
    keys = {one.key: one.values for one in compared.specs}
    assert keys.pop("title") == ["small", "killed"]
    assert all(key.endswith(".title") for key in keys), "those of a suite's members"
    assert compared.rows
    assert compared.tables


@pytest.mark.parametrize("kind", KINDS)
def test_runs_that_have_nothing_in_common_are_not_compared(kind: str) -> None:
    other = "speed" if kind != "speed" else "comparison"
    with pytest.raises(ConfigError, match="only runs of the same kind of experiment") as refused:
        compare_runs([plain(kind).id, plain(other).id])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_say_what_they_show(kind: str) -> None:
    done = plain(kind)
    for name, figure in done.figures.items():
        assert len(figure.caption) > 40, f"{name}: a caption is its alternative text"
        assert figure.caption.endswith("."), name
        assert b"<text" in figure.svg or b"<image" in figure.svg, name


def test_two_processes_find_the_same() -> None:
    """All kinds at once: their steps are those of one suite."""
    kinds = [kind for kind in KINDS if kind != "suite"]
    members = [small(kind) | {"label": kind} for kind in kinds]
    done = run(small("suite") | {"experiments": members}, jobs=2)
    for kind in kinds:
        found = [row for row in rows(done) if row.pop("experiment") == kind]
        assert_same(found, rows(plain(kind)))


@pytest.mark.parametrize("kind", ASKING)
def test_submitted_fetched_and_replayed_without_a_backend_finds_the_same(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = submit(load(small(kind)), lambda _: None, None, silent).work.folder
    fetched = fetch(sent.id, make_places(None, None), silent)
    assert_same(rows(fetched), rows(plain(kind)))
    assert list((Path(fetched.folder.path) / "raw" / "jobs").iterdir())
    for name in ("prepare", "send"):
        monkeypatch.setattr(AerBackend, name, None)
    again = replay(sent.id, make_places(None, None), silent)
    assert_same(rows(again), rows(fetched))


@pytest.mark.parametrize("kind", ASKING)
def test_nothing_that_costs_is_sent_unasked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def note(backend: Backend, *_: Any) -> str:
        sent.append(backend.name)
        return "job"

    monkeypatch.setattr(AerBackend, "_send", note)
    monkeypatch.setattr(AerBackend, "costs", property(lambda _: True))
    with pytest.raises(PaidError, match="qrec submit"):
        run(small(kind))
    experiment = load(small(kind))
    with pytest.raises(PaidError, match="qrec submit"):
        finish(begin(experiment), experiment, silent)  # as if nobody had looked before
    assert not sent
