"""``qrec doctor``: does this installation work?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import AsJson, BackendsFile, DataDir, show_json, show_tables
from qrec.errors import MissingError, QrecError

if TYPE_CHECKING:
    from qrec.backends.base import Backend

Check = dict[str, str | bool]


def doctor(
    backend: Annotated[
        list[str] | None,
        typer.Option("-b", help="Try this backend instead of all local ones; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
) -> None:
    """Show versions and data sets found, and run a Bell circuit on each backend.

    What is not free is tried only where it is named with -b, and nothing is run on it: its
    account is tried and its device looked up. Nor is what runs code that ./backends.yaml names.
    """
    from qrec.backends import backend_names

    names = backend or backend_names(backends)
    tried = [_try(name, backends, bool(backend)) for name in names]
    checks = [*_versions(), *_data(data_dir), *tried]
    if as_json:
        show_json({"rows": checks})
    else:
        from qrec.analysis.table import Table

        body = [[str(c["what"]), "ok" if c["ok"] else "-", str(c["found"])] for c in checks]
        show_tables([Table("qrec doctor", ["what", "", "found"], body, n_text=3)])
    failed = [name for name, check in zip(names, tried, strict=True) if not check["ok"]]
    if failed:
        raise QrecError(f"these backends did not work: {', '.join(failed)}")


def _versions() -> list[Check]:
    import platform

    import qrec
    from qrec.runs.record import package_versions

    versions = {"qrec": qrec.__version__, "python": platform.python_version()} | package_versions()
    return [{"what": name, "ok": True, "found": version} for name, version in versions.items()]


def _data(data_dir: Path | None) -> list[Check]:
    """Look for the published data sets; one that is not here is no failure."""
    import os

    from qrec.data.dataset import DATASETS, find_dataset
    from qrec.data.files import cache_dir

    first = data_dir or Path(os.environ.get("QREC_DATA_DIR", "."))
    places = [place for place in (first, cache_dir() / "downloads") if place.is_dir()]
    rows: list[Check] = []
    for name in DATASETS.names():
        entry = find_dataset(name)
        if entry.archive is None:
            continue  # nothing to be fetched
        # An archive's folder may carry more in its name: ml-10m unpacks into ml-10M100K.
        here = [f for p in places for f in p.iterdir() if f.name.lower().startswith(name)]
        found = str(here[0]) if here else f"not here; `qrec data fetch {name}` gets it"
        rows.append({"what": f"data set {name}", "ok": bool(here), "found": found})
    return rows


def _try(name: str, file: Path | None, named: bool) -> Check:
    from qrec.backends import open_backend
    from qrec.backends.open import names_code

    if not named and names_code(name, file):
        found = f"not tried: it names code; if you trust ./backends.yaml, say -b {name}"
        return {"what": f"backend {name}", "ok": True, "found": found}
    try:
        opened, ok = open_backend(name, file=file), True
        if opened.costs and not named:
            found = "not free: not tried without -b"
        elif opened.costs:
            found = _look_up(opened)
        else:
            found, ok = _bell(opened)
    except MissingError as error:
        found, ok = str(error), False
        if not named:  # an extra that nobody asked for
            found, ok = f"not tried: {error}", True
    except QrecError as error:
        found, ok = str(error), False
    return {"what": f"backend {name}", "ok": ok, "found": found}


def _look_up(backend: "Backend") -> str:
    target = backend.target
    n = None if target is None else target.num_qubits
    rest = "the account is accepted"
    if backend.self_test_executions:  # a vendor's, whose account is the vendor's affair
        rest = "not free: its self-test runs when jobs are submitted"
    return f"{'any number of' if n is None else n} qubits; {rest}"


def _bell(backend: "Backend") -> tuple[str, bool]:
    """Read ZZ of a Bell pair, 1 where nothing disturbs it; readout errors may take it below 0.8."""
    import numpy as np
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparseObservable

    from qrec.backends.workload import Workload

    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    zz = SparseObservable.from_label("ZZ")
    [reading] = backend.run([Workload(circuit, zz, np.empty((1, 0)), "bell")])
    value, stderr = float(reading.value[0]), float(reading.stderr[0])
    return f"Bell pair <ZZ> = {value:.3f} ± {stderr:.3f}", value > 0.5
