"""``qrec count``: what does the circuit cost?"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qrec.cli._shared import (
    AllowCode,
    AsJson,
    BackendsFile,
    DataDir,
    show_json,
    show_note,
    show_tables,
)
from qrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qrec.analysis.count import CircuitCost
    from qrec.analysis.count.places import Place
    from qrec.analysis.table import Table
    from qrec.types import Row


GATE_TABLES = "gate_tables"
KP_RESOURCES = "kp_resources"


class Form(StrEnum):
    """How tables are written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    CSV = "csv"
    LATEX = "latex"
    JSON = "json"


def count(
    what: Annotated[
        str, typer.Argument(metavar="EXP|CIRCUIT|MODULE:CIRCUIT|FILE|gate_tables|kp_resources")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            help="A backend's name, a snapshot such as fake:FakeTorino, or connected qubits: "
            "all-to-all:cz, line:cz, grid:cz, heavy-hex:cz.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Transpiler seeds: best, median and worst of them.")
    ] = 1,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            help="Sizes: n_layers=1..5 or n_factors=2,4,8, of a circuit or of an experiment's "
            "recommenders, or a key of the experiment."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="With one --sweep: draw to PLOT.svg and PLOT.png.")
    ] = None,
    precision: Annotated[
        float, typer.Option(help="Of each rotation in Clifford gates and T.")
    ] = 1e-10,
    shots: Annotated[
        int | None, typer.Option(min=1, help="Say how many QPU seconds so many shots take.")
    ] = None,
    form: Annotated[Form, typer.Option(help="How tables are written.")] = Form.TEXT,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Count qubits, gates, depth, time, errors and T gates of circuits.

    MODULE:CIRCUIT is one of your own, in MODULE.py in this folder: a `QuantumCircuit`, or a
    function that returns one; FILE is OpenQASM (.qasm) or .qpy. `gate_tables` counts those of
    the variational SVD beside the published numbers; `kp_resources` those of the quantum
    recommendation system at real sizes.
    """
    from qrec.analysis.count import count_rows, count_tables
    from qrec.runner.circuits import parse_sweep, sized_circuits
    from qrec.runner.run import make_places

    form = Form.JSON if as_json else form
    sizes = dict(map(parse_sweep, sweep or []))
    if not 0 < precision < 1:
        raise ConfigError(f"--precision {precision}: expected more than 0 and less than 1")
    if what in (GATE_TABLES, KP_RESOURCES) and (seeds > 1 or sizes or plot):
        raise ConfigError(f"{what}: --seeds, --sweep and --plot have no place in it")
    if plot is not None and len(sizes) != 1:
        raise ConfigError(f"--plot {plot}: expected one --sweep, along which costs are drawn")
    places = [_place(name, backends) for name in target or []]
    if what == GATE_TABLES:
        _show(form, *_gate_tables(places))
    elif what == KP_RESOURCES:
        _show(form, *_kp_resources())
    else:
        known = make_places(data_dir, backends, allow_code)
        circuits = sized_circuits(what, known, sizes, besides=[GATE_TABLES, KP_RESOURCES])
        rows = count_rows(circuits, places, seeds, precision, shots)
        if plot is not None:
            _draw(rows, sizes, plot)
        _show(form, rows, count_tables(rows))


def _show(form: Form, rows: "Sequence[Row]", tables: "Sequence[Table]") -> None:
    from qrec.analysis.forms import to_csv, to_latex, to_markdown

    if form is Form.TEXT:
        show_tables(tables)
    elif form is Form.JSON:
        show_json({"rows": [row.as_dict() for row in rows]})
    elif form is Form.CSV:
        print(to_csv(rows), end="")
    else:
        print(to_latex(tables) if form is Form.LATEX else to_markdown(tables), end="")


def _draw(rows: "Sequence[CircuitCost]", sizes: "Mapping[str, Any]", plot: Path) -> None:
    from qrec.analysis.count.growth import draw_growth
    from qrec.analysis.figures import to_png, to_svg

    [key] = sizes
    canvas = draw_growth(rows, key)
    try:
        for suffix, content in ((".svg", to_svg(canvas)), (".png", to_png(canvas))):
            path = plot.with_name(plot.name + suffix)
            path.write_bytes(content)
            show_note(f"wrote {path}")
    except OSError as error:
        raise ConfigError(f"--plot {plot}: {error.strerror}") from None


def _gate_tables(places: "Sequence[Place]") -> "tuple[Sequence[Row], Sequence[Table]]":
    from qrec.analysis.gate_tables import as_tables, table_rows, table_size
    from qrec.runs.progress import progress

    transpilers = {place.name: place for place in places if place.level is not None}
    rows = []
    with progress() as report:
        for row in table_rows(transpilers):
            rows.append(row)
            report(f"{row.form} n={row.n} L={row.layers}", len(rows), table_size(len(transpilers)))
    return rows, as_tables(rows)


def _kp_resources() -> "tuple[Sequence[Row], Sequence[Table]]":
    from qrec.analysis.kp_resources import SIZES, resource_rows, resource_table
    from qrec.runs.progress import progress

    rows = []
    with progress() as report:
        for done, size in enumerate(SIZES):
            report(f"svds of {size[0]} x {size[1]}", done, len(SIZES))
            rows += resource_rows(*size)
    return rows, [resource_table(rows)]


def _place(name: str, file: Path | None) -> "Place":
    from qrec.analysis.count.places import BackendPlace, is_lattice, lattice
    from qrec.backends import open_backend

    if is_lattice(name):
        return lattice(name)
    snapshot = name.startswith(("fake:", "file:", "live:"))
    return BackendPlace(
        open_backend(name, file=file, **({"seed_transpiler": 0} if snapshot else {}))
    )
