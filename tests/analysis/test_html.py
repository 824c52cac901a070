"""The report page."""

import re
from html.parser import HTMLParser

import pytest

from qrec.runner.run import stored

pytestmark = pytest.mark.usefixtures("runs_dir")


def test_report_stands_alone_and_shows_every_row(small_run):
    page = (small_run.folder.path / "report.html").read_text()
    HTMLParser().feed(page)
    assert not re.findall(r'(?:src|href)="(?!data:)', page), "nothing is fetched from elsewhere"
    assert "data:image/png;base64," in page
    for said in (small_run.id, "Noise floor", "als *", "aer_ideal", "qiskit", "seed: 3"):
        assert said in page


def test_report_is_made_again_from_files_alone(small_run):
    path = small_run.folder.path / "report.html"
    before = path.read_text()
    path.unlink()
    again = stored(small_run.folder.path)
    assert path.read_text() == before
    assert again.rows == small_run.rows


def test_title_of_an_experiment_is_no_markup(small_experiment):
    from qrec.runner.run import run

    small_experiment["title"] = "<script>alert(1)</script>"
    small_experiment["recommenders"] = small_experiment["recommenders"][:1]
    page = (run(small_experiment).folder.path / "report.html").read_text()
    assert "<script>" not in page
