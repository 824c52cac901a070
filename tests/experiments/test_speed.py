"""`kind: speed` in its quick form: rows, tables, and taking up a stopped run."""

import pytest

from qrec.analysis.table import Table, to_text
from qrec.errors import ConfigError
from qrec.experiments.speed.race import RaceRow
from qrec.experiments.speed.races import races
from qrec.experiments.speed.tables import goal_table, limit_table, race_table
from qrec.runner.load import load
from qrec.runner.run import resume, run

RACES = ["predictions-8q-l2-pairs", "training-8q-l2-pairs-16", "pairs-8q-l3-all", "swap-k4-shots"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QREC_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        changes = {"quick": True, "rounds": 1, "races": RACES}
        yield run("speed", overrides=changes)


def raced_rows(done):
    """Return the rows of races, and those of the machine."""
    raced = [row for row in done.typed_rows if isinstance(row, RaceRow)]
    return raced, [row for row in done.typed_rows if not isinstance(row, RaceRow)]


def test_every_contender_has_a_row(quick):
    expected = [
        (name, contender.who) for name in RACES for contender in races(quick=True)[name].contenders
    ]
    raced = [row for row in quick.rows if "race" in row]
    assert sorted((row["race"], row["who"]) for row in raced) == sorted(expected)
    for row in raced:
        assert row["per_second"] > 0 if not row["missing"] else "qrec[bench]" in row["missing"]
        counted = "pairs" in row["race"] and "training" not in row["race"]
        assert (row["giga"] is not None) == (row["who"].startswith("qrec") and counted)
    assert len([row for row in quick.rows if "what" in row]) == 10


def test_tables_fit_a_terminal(quick):
    raced, rates = raced_rows(quick)
    tables = [race_table([row for row in raced if row.race == name]) for name in RACES]
    tables += [goal_table(raced), limit_table(raced, rates)]
    for table in tables:
        bare, empty = (Table("", table.columns, rows) for rows in (table.rows, []))
        folded = len(to_text(bare).splitlines()) - len(to_text(empty).splitlines())
        assert folded == len(table.rows), table.title
    assert "quick" in quick.table().splitlines()[0]
    assert max(map(len, quick.table().splitlines())) <= 80


def test_goals_say_whether_they_are_met(quick):
    for race, who, found, goal, met in goal_table(raced_rows(quick)[0]).rows:
        number = [float(x.removesuffix("/s").removesuffix("x").replace(",", ""))
                  for x in (found, goal)]  # fmt: skip
        if abs(number[0] / number[1] - 1) > 0.1:  # the printed ratio is rounded
            assert met == ("yes" if number[0] >= number[1] else "no"), (race, who)


def test_a_stopped_run_goes_on_with_the_race_it_had_not_run(quick, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(quick.folder.path.parent))
    (quick.folder.path / "outcomes" / "swap-k4-shots.npz").unlink()
    (quick.folder.path / "rows.csv").unlink()
    again = resume(quick.id)
    kept = [row for row in quick.rows if row.get("race") != "swap-k4-shots"]
    assert [row for row in again.rows if row.get("race") != "swap-k4-shots"] == kept
    assert len(again.rows) == len(quick.rows)


@pytest.mark.slow
def test_all_races_run(tmp_path, monkeypatch):
    monkeypatch.setenv("QREC_RUNS_DIR", str(tmp_path))
    rows = run("speed", overrides={"quick": True, "rounds": 1}).rows
    assert {row["race"] for row in rows if "race" in row} == set(races(quick=True))


def test_no_race_is_timed_beside_another():
    steps = load("speed").steps()
    assert [step.after for step in steps[1:]] == [(step.name,) for step in steps[:-1]]


def test_wrong_race_and_backend_are_refused():
    with pytest.raises(ConfigError, match=r"race .*did you mean 'swap-k4-shots'"):
        load("speed", {"races": ["swap-k4-shot"]})
    with pytest.raises(ConfigError, match="no backend"):
        load("speed", backends=["aer_ideal"])
