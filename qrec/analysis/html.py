"""`report.html`: a run in one self-contained page."""

import base64
from collections.abc import Sequence
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader

from qrec.analysis.table import Figure, Table
from qrec.runs.files import write_text
from qrec.runs.folder import RunFolder

REPORT = "report.html"


def write_report(folder: RunFolder, tables: Sequence[Table], figures: Sequence[Figure]) -> Path:
    """Write the report of a finished run from what its folder holds; return its path."""
    environment = Environment(loader=PackageLoader("qrec.analysis"), autoescape=True)
    spec = folder.spec()
    page = environment.get_template("report.html.jinja").render(
        title=spec["title"],
        name=spec["name"],
        record=folder.record(),
        details=yaml.safe_dump(folder.record().details, sort_keys=False, allow_unicode=True),
        spec=yaml.safe_dump(spec, sort_keys=False, allow_unicode=True, width=100),
        tables=tables,
        figures=[(f.caption, base64.b64encode(f.png).decode()) for f in figures],
    )
    path = folder.path / REPORT
    write_text(path, page)
    return path
