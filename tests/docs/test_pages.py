"""Pages say what is so: rooms and pages are named, links lead somewhere, code runs."""

import re

import pytest
import yaml
from docs_pages import PAGES, ROOT, blocks

import qrec
from qrec.backends.open import parse_backend
from qrec.cli import app
from qrec.recommenders import check_parameters, recommender_class

DOCS = ROOT / "docs"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_architecture_names_every_room():
    text = (DOCS / "architecture.md").read_text()
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "qrec").rglob("*.py")}
    for folder in sorted(folders - {(ROOT / "qrec").relative_to(ROOT)}):
        assert f"`{folder}`" in text, f"docs/architecture.md does not say what {folder} is"


def test_architecture_names_every_module_at_the_top():
    text = (DOCS / "architecture.md").read_text()
    for path in (ROOT / "qrec").glob("[!_]*.py"):
        assert path.name in text


def test_index_has_a_line_for_every_page():
    text = (DOCS / "index.md").read_text()
    for page in sorted(DOCS.rglob("*.md")):
        if page.name != "index.md":
            assert f"({page.relative_to(DOCS)})" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in _LINK.findall(page.read_text()):
        if not link.startswith(("http", "#")):
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_readme_is_short_and_keeps_the_commands_that_ci_runs():
    text = (ROOT / "README.md").read_text()
    assert 6000 < len(text) < 8000
    script = (ROOT / ".ci" / "run").read_text()
    commands = [line for line in script.splitlines() if line.startswith("pip install")]
    assert len(commands) == 2
    assert all(f"{command}\n" in text for command in commands)


PYTHON = [
    (page, number, block.text)
    for page in PAGES
    for number, block in enumerate(blocks(page.read_text()))
    if block.language == "python" and not block.file
]


@pytest.mark.parametrize(
    ("page", "number", "code"), PYTHON, ids=[f"{p.relative_to(ROOT)}-{n}" for p, n, _ in PYTHON]
)
def test_python_of_pages_is_python(page, number, code):
    compile(code, f"{page}, block {number}", "exec")


def test_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    """On fewer ratings, without the packaged comparison, which takes minutes."""
    files = blocks((ROOT / "README.md").read_text())
    circuits = next(block.text for block in files if block.file == "my_circuits.py")
    (tmp_path / "my_circuits.py").write_text(circuits)
    monkeypatch.syspath_prepend(tmp_path)
    small = qrec.load_ratings("synthetic", n_users=60, n_items=80, n_ratings=1500)
    monkeypatch.setattr(qrec, "load_ratings", {"synthetic": small}.get)
    monkeypatch.setattr(qrec, "run", lambda name, overrides: (name, overrides))
    scope: dict[str, object] = {}
    for page, _, code in PYTHON:
        if page.name == "README.md":
            exec(code, scope)
    assert "('report'" in capsys.readouterr().out
    assert {"als", "swap", "mine"} <= set(scope)


YAML = [
    (page, number, block.text)
    for page in PAGES
    for number, block in enumerate(blocks(page.read_text()))
    if block.language == "yaml" and not block.file
]


@pytest.mark.parametrize(
    ("page", "number", "text"), YAML, ids=[f"{p.relative_to(ROOT)}-{n}" for p, n, _ in YAML]
)
def test_entries_on_pages_are_right(page, number, text):
    """Entries of backends.yaml, and of a comparison's recommenders."""
    content = yaml.safe_load(text)
    for name, entry in content.items() if isinstance(content, dict) else ():
        parse_backend({"name": name, **entry}, f"{page}, block {number}")
    for entry in content if isinstance(content, list) else ():
        check_parameters(recommender_class(entry["recommender"]), entry["params"])


COMMANDS = re.compile(r"`qrec ([a-z]+)[^`]*`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_pages_exist(page):
    known = {command.name for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert set(COMMANDS.findall(page.read_text())) <= known


def test_every_command_is_on_the_page_of_commands():
    text = (DOCS / "how-to" / "command-line.md").read_text()
    known = {command.name for command in app.registered_commands}
    assert known <= set(re.findall(r"`qrec ([a-z]+)", text))
