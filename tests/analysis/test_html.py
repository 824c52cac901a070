"""The report page: what is in it, and that it needs nothing else."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
import yaml
from matplotlib.figure import Figure as Canvas

from qrec.analysis.figures import Figure
from qrec.analysis.html import _code, inline, paragraphs
from qrec.runner.run import run, stored

pytestmark = pytest.mark.usefixtures("runs_dir")


class Page(HTMLParser):
    """The tags of a page in order, with what they say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def every(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def page_of(done) -> str:
    return (done.folder.path / "report.html").read_text()


def test_report_stands_alone_and_shows_every_row(small_run):
    page = page_of(small_run)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page), "nothing is fetched from elsewhere"
    assert not re.findall(r"url\((?!#)|@import", page)
    for said in (small_run.id, "Noise floor", "als *", "aer_ideal", "qiskit", "seed: 3"):
        assert said in page


def test_structure_holds_for_readers_that_see_nothing(small_run):
    page = Page(page_of(small_run))
    assert len(page.every("h1")) == 1
    assert page.every("html") == [{"lang": "en"}]
    assert not page.every("script", "link", "iframe", "object")
    pictures = page.every("svg", "img")
    files = (small_run.folder.path / "figures").glob("*.svg")
    assert len(pictures) == len(list(files)) > len(small_run.figures) > 0
    for picture in pictures:
        assert picture["role"] == "img"
        assert picture["aria-label"]
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert max(ids.values()) == 1
    used = {a["xlink:href"] for a in page.every("use")}
    assert used <= {f"#{name}" for name in ids}, "every mark that is drawn again is there"


def test_order_is_question_answer_tables_pictures_repetition(small_run):
    headings = re.findall(r"<h2>(.*?)</h2>", page_of(small_run))
    expected = ["Answer", "Tables", "Pictures", "To repeat it"]
    assert [name for name in headings if name in expected] == [n for n in expected if n in headings]
    assert {"Tables", "Pictures", "To repeat it"} <= set(headings)
    assert "<details><summary>The resolved experiment" in page_of(small_run), "folded away"


def test_figures_are_files_too(small_run):
    folder = small_run.folder.path / "figures"
    for name in small_run.figures:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (folder / f"{name}.svg").read_bytes()


def test_report_is_made_again_from_files_alone(small_run):
    path = small_run.folder.path / "report.html"
    before = path.read_text()
    path.unlink()
    again = stored(small_run.folder.path)
    assert path.read_text() == before
    assert again.rows == small_run.rows


def test_nothing_that_a_user_names_is_markup(small_experiment):
    evil = "<script>alert(1)</script>"
    small_experiment["title"] = evil
    small_experiment["recommenders"] = small_experiment["recommenders"][:1]
    page = page_of(run(small_experiment))
    assert "<script" not in page
    canvas = Canvas()
    canvas.text(0, 0, evil)
    [(_, picture)] = inline({"one": Figure(f'"{evil}', canvas)})
    assert "<script" not in picture
    assert [a["aria-label"] for a in Page(picture).every("svg")] == [f'"{evil}']


def test_question_is_the_comment_that_heads_the_file(small_experiment, tmp_path):
    small_experiment["recommenders"] = small_experiment["recommenders"][:1]
    text = "# Does it <work>?\n#\n# Cost: none.\n" + yaml.safe_dump(small_experiment)
    (tmp_path / "asked.yaml").write_text(f"{text}# no question\n")
    page = page_of(run(tmp_path / "asked.yaml"))
    assert "<p>Does it &lt;work&gt;?</p>" in page
    assert "<p>Cost: none.</p>" in page
    assert "no question" not in page


def test_paragraphs_of_a_comment():
    comment = "Which one\nis it?\n\nData: here;\n  qrec run a\n  qrec run b\nand there."
    assert paragraphs(comment) == [
        (False, "Which one is it?"),
        (False, "Data: here;"),
        (True, "qrec run a\nqrec run b"),
        (False, "and there."),
    ]


def test_what_stands_between_backticks_is_code_and_nothing_else_becomes_markup():
    assert _code("`a<b`, then `c` and <i>d</i>") == (
        "<code>a&lt;b</code>, then <code>c</code> and &lt;i&gt;d&lt;/i&gt;"
    )
