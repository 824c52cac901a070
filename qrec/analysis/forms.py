"""Tables and rows in the forms that other programs read: Markdown, CSV, LaTeX."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from qrec.analysis.table import Table, plain
from qrec.types import Row

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"\(\pm\)",
    "×": r"\(\times\)",
} | {char: f"\\{char}" for char in "&%$#_"}
_HEAD = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{booktabs,graphicx}
\begin{document}
"""


def to_markdown(tables: Sequence[Table]) -> str:
    """Return the tables as Markdown, each under a heading, its notes below it."""
    return "\n".join(map(_markdown, tables))


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows of one type as CSV, unrounded; what is not known is empty, mappings are JSON."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    content = [row.as_dict() for row in rows]
    writer.writerow(content[0])
    writer.writerows([_csv_cell(value) for value in row.values()] for row in content)
    return file.getvalue()


def to_latex(tables: Sequence[Table]) -> str:
    """Return a LaTeX document of the tables, which compiles as it stands.

    One wider than the page is made to fit it. A paper takes the ``table`` environments, and the
    packages booktabs and graphicx.
    """
    return _HEAD + "\n".join(map(_latex, tables)) + "\\end{document}\n"


def _markdown(table: Table) -> str:
    figures = len(table.columns) - table.n_text
    lines = [table.columns, ["---"] * table.n_text + ["---:"] * figures, *table.rows]
    body = [f"| {' | '.join(map(_markdown_cell, line))} |" for line in lines]
    notes = [f"\n{plain(note)}" for note in table.notes]
    return "\n".join([f"## {plain(table.title)}\n", *body, *notes, ""])


def _markdown_cell(text: str) -> str:
    return plain(text).replace("|", "\\|").replace("\n", " ")


def _csv_cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _latex(table: Table) -> str:
    columns = "l" * table.n_text + "r" * (len(table.columns) - table.n_text)
    head, *body = (
        "  " + " & ".join(map(_latex_text, line)) + r" \\" for line in [table.columns, *table.rows]
    )
    caption = " ".join(map(_latex_text, [f"{table.title}.", *table.notes]))
    lines = [
        r"\begin{table}[p]",
        r"\centering",
        rf"\caption{{{caption}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"  \toprule",
        head,
        r"  \midrule",
        *body,
        r"  \bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in plain(text).replace("\n", " "))
