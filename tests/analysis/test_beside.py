"""Two runs on one page."""

import re
from pathlib import Path

import pytest

from qrec.analysis.specs import ABSENT, SpecDifference, spec_differences
from qrec.cli.report import report
from qrec.errors import ConfigError
from qrec.runner.run import run


def test_entries_are_matched_by_label_and_what_is_equal_is_left_out():
    one = {"seed": 1, "split": {"kind": "random"}, "rows": [{"label": "a", "n": 1}]}
    other = {"seed": 1, "split": {"kind": "late"}, "rows": [{"label": "b"}, {"label": "a", "n": 2}]}
    assert spec_differences([one, other]) == [
        SpecDifference("split.kind", ["random", "late"]),
        SpecDifference("rows.a.n", ["1", "2"]),
        SpecDifference("rows.b.label", [ABSENT, "b"]),
    ]
    assert spec_differences([one, one]) == []
    assert spec_differences([one, one, other])[0].values == ["random", "random", "late"]


@pytest.mark.usefixtures("runs_dir")
def test_two_runs_stand_side_by_side(small_run, small_experiment, capsys):
    other = run(small_experiment, overrides={"n_pairs": 30})
    capsys.readouterr()
    report(str(small_run.folder.path), other.id)
    page = Path(capsys.readouterr().out.strip()).read_text()
    assert '<tr class="differs"><td>n_pairs</td><td>40</td><td>30</td></tr>' in page
    assert page.count('class="differs"') == 1
    assert page.count("<section") == 2
    assert page.count("<svg") == 2 * len(other.figures)
    assert page.count("<h1>") == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "each picture has ids of its own"


@pytest.mark.usefixtures("runs_dir")
def test_runs_on_other_ratings_are_refused(small_run, small_experiment):
    other = run(small_experiment, overrides={"dataset.seed": 9})
    with pytest.raises(ConfigError, match="only runs on the same ratings"):
        report(str(small_run.folder.path), other.id)
