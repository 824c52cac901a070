"""Links within the repository lead somewhere, anchors too; so do paths in YAML comments."""

import re
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT

FILES = [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))]
YAML = [*sorted((ROOT / "experiments").rglob("*.yaml")), ROOT / "backends.yaml"]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"\b((?:docs|qrec|experiments|tests)/[\w./-]+\.\w+)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return what mkdocs and GitHub call the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings]
    return {re.sub(r"\s+", "-", heading) for heading in plain}


def broken(link: str, page: Path) -> bool:
    """Return whether a relative link leads nowhere."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_lead_somewhere(page):
    links = _LINK.findall(_FENCE.sub("", page.read_text()))
    assert not [link for link in links if not link.startswith("http") and broken(link, page)]


@pytest.mark.parametrize("page", YAML, ids=lambda page: page.stem)
def test_files_that_yaml_speaks_of_are_there(page):
    comments = "\n".join(re.findall(r"#(.*)$", page.read_text(), re.MULTILINE))
    assert not [path for path in _PATH.findall(comments) if not (ROOT / path).exists()]


def test_a_broken_link_is_seen():
    page = ROOT / "README.md"
    assert broken("docs/nowhere.md", page)
    assert broken("docs/architecture.md#no-such-heading", page)
    assert not broken("docs/architecture.md#the-folder-of-a-run", page)
