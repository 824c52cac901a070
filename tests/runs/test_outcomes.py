"""What steps found, and what takes its place when it is made again."""

from pathlib import Path

import numpy as np
import pytest

from qrec.runs.outcomes import Outcome, Outcomes, Redone


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
