"""What steps found, and what takes its place when it is made again."""

import errno
from pathlib import Path

import numpy as np
import pytest

from qrec.errors import ConfigError
from qrec.runs.outcomes import Outcome, Outcomes, Problem, Redone


class Text:
    """A model that is one file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, folder: Path) -> None:
        (folder / "text").write_text(self.text)


def load(folder: Path) -> str:
    return (folder / "text").read_text()


def outcome(number: int) -> Outcome:
    return Outcome(arrays={"number": np.array(number)}, model=Text(f"model {number}"))


def found(outcomes: Outcomes, step: str) -> tuple[int, str]:
    read = outcomes.read(step, load)
    return int(read.arrays["number"]), read.model


@pytest.fixture
def base(tmp_path: Path) -> Outcomes:
    """Return the outcomes of two steps, each with a model."""
    outcomes = Outcomes(tmp_path / "run", [])
    for number, step in enumerate(("kept", "again")):
        outcomes.write(step, outcome(number))
    return outcomes


def test_what_is_made_again_takes_its_place_when_all_has_ended(base, tmp_path):
    redone = Redone(base, tmp_path / "place", ["again"])
    assert (redone.has("kept"), redone.has("again")) == (True, False)
    redone.write("again", outcome(7))
    assert found(redone, "again") == (7, "model 7")
    assert found(base, "again") == (1, "model 1"), "not before"
    redone.take_place()
    assert found(base, "again") == (7, "model 7")
    assert found(base, "kept") == (0, "model 0")


def test_a_step_that_is_not_made_again_is_written_where_the_others_are(base, tmp_path):
    redone = Redone(base, tmp_path / "place", ["again"])
    redone.write("late", outcome(3))
    assert found(base, "late") == found(redone, "late") == (3, "model 3")
    assert not (tmp_path / "place").exists()


def test_a_model_of_a_step_that_was_killed_is_forgotten(base):
    base.write("again", outcome(8))
    assert found(base, "again") == (8, "model 8")


def test_of_two_that_do_the_same_step_the_first_model_stays(base):
    """As where locks do not reach all machines: both find the same."""

    class Overtaken(Text):
        def save(self, folder: Path) -> None:
            super().save(folder)
            base.write("new", outcome(5))

    base.write("new", Outcome(arrays={"number": np.array(5)}, model=Overtaken("model 5")))
    assert found(base, "new") == (5, "model 5")
    assert not list(base._folder.rglob(".unfinished-*"))


def test_a_disk_that_is_full_is_no_other_process(base):
    class Full(Text):
        def save(self, folder: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        base.write("new", Outcome(model=Full("")))
    assert not base.has("new")


def test_a_step_that_could_not_be_done_says_why_until_it_is_forgotten(base):
    base.fail("bad", Problem(problem="too large"))
    assert (base.done(), base.failed()) == ({"kept", "again"}, {"bad"})
    assert base.problem("bad") == "too large"
    assert not base.has("bad")
    base.forget_failed()
    assert base.failed() == set()


def test_why_a_step_could_not_be_done_is_read_with_care(base):
    base.fail("bad", Problem(problem="too large"))
    base._failed_path("bad").write_text('{"problem": 7}')
    with pytest.raises(ConfigError, match=r"bad\.failed\.json.*problem"):
        base.problem("bad")


def test_half_written_outcomes_are_none(base):
    (base._folder / "outcomes" / ".unfinished-7-half.npz").write_text("")
    assert base.done() == {"kept", "again"}
