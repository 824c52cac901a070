"""`report.html`: a run in one self-contained page."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader

from qrec.analysis.figures import Figure
from qrec.analysis.table import Table
from qrec.runs.files import write_text
from qrec.runs.record import RunRecord

REPORT = "report.html"


def write_report(
    folder: Path,
    spec: Mapping[str, Any],
    record: RunRecord,
    tables: Sequence[Table],
    figures: Sequence[Figure],
) -> Path:
    """Write the report of a finished run into its folder; return its path.

    `spec` is the resolved experiment, whose "name" and "title" head the page.
    """
    environment = Environment(loader=PackageLoader("qrec.analysis"), autoescape=True)
    page = environment.get_template("report.html.jinja").render(
        title=spec["title"],
        name=spec["name"],
        record=record,
        details=yaml.safe_dump(record.details, sort_keys=False, allow_unicode=True),
        spec=yaml.safe_dump(dict(spec), sort_keys=False, allow_unicode=True, width=100),
        tables=tables,
        figures=[(f.caption, base64.b64encode(f.png).decode()) for f in figures],
    )
    path = folder / REPORT
    write_text(path, page)
    return path
