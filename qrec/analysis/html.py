"""`report.html`: a run in one self-contained page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from qrec.analysis.figures import Figure, in_page
from qrec.analysis.run_circuits import RunCircuits
from qrec.analysis.table import Table
from qrec.runs.files import write_text
from qrec.runs.record import RunRecord

REPORT = "report.html"


@dataclass(frozen=True, eq=False)
class Found:
    """What of a run its page shows: `answer` are the sentences that stand before the tables."""

    answer: Sequence[str]
    tables: Sequence[Table]
    figures: Mapping[str, Figure]
    circuits: RunCircuits | None = None  # of a run that asked any


def write_report(folder: Path, spec: Mapping[str, Any], record: RunRecord, found: Found) -> Path:
    """Write the report of a finished run into its folder; return its path.

    `spec` is the resolved experiment, whose "name" and "title" head the page.
    """
    details = {name: value for name, value in record.details.items() if name != "question"}
    page = render(
        "report.html.jinja",
        title=spec["title"],
        name=spec["name"],
        question=paragraphs(record.details.get("question", "")),
        record=record,
        seed=spec.get("seed"),
        details=as_yaml(details),
        spec=as_yaml(spec),
        found=found,
        figures=inline(found.figures),
        circuits=found.circuits,
        drawings=inline(found.circuits.figures if found.circuits else {}),
    )
    path = folder / REPORT
    write_text(path, page)
    return path


def render(template: str, **content: Any) -> str:
    """Return a page; whatever is no Markup is escaped."""
    environment = Environment(
        loader=PackageLoader("qrec.analysis"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = _code
    return environment.get_template(template).render(**content)


def _code(text: str) -> Markup:
    """Return a text in which what stands between backticks is set as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text)))


def as_yaml(content: Mapping[str, Any]) -> str:
    """Return a mapping as YAML, its keys in their order."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=100)


def inline(figures: Mapping[str, Figure], prefix: str = "") -> list[tuple[str, Markup]]:
    """Return caption and picture of each figure, the picture to stand within a page.

    The ids of a picture are made its own, as a page may hold each only once.
    """
    return [
        (figure.caption, _svg(figure, re.sub(r"[^\w-]", "-", f"{prefix}{name}-")))
        for name, figure in figures.items()
    ]


def paragraphs(comment: str) -> list[tuple[bool, str]]:
    """Return a comment as paragraphs, and of each whether it is a command, set in by two spaces.

    One ends at an empty line, and where a line begins with a word and a colon.
    """
    found: list[tuple[bool, str]] = []
    open_ = False
    for line in comment.splitlines():
        code = line.startswith("  ")
        joins = open_ and line.strip() and found[-1][0] == code and not re.match(r"[A-Z]\w*:", line)
        if joins:
            found[-1] = code, f"{found[-1][1]}{chr(10) if code else ' '}{line.strip()}"
        elif line.strip():
            found.append((code, line.strip()))
        open_ = bool(line.strip())
    return found


def _svg(figure: Figure, prefix: str) -> Markup:
    text = in_page(figure.svg.decode())
    text = text[text.index("<svg") :]  # what stands before is of a file, not of a page
    text = re.sub(r' id="(?=[^"])', f' id="{prefix}', text)
    text = re.sub(r'(href="|url\()#', rf"\1#{prefix}", text)
    width = re.search(r'width="([\d.]+pt)"', text)
    assert width is not None  # matplotlib's first line says it
    own = f'style="--drawn: {width[1]}"'
    said = f'<svg role="img" aria-label="{escape(figure.caption)}" {own} '
    return Markup(said + text.removeprefix("<svg "))  # matplotlib escapes its texts
