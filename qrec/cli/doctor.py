"""``qrec doctor``: does this installation work?"""

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qrec.cli._shared import AsJson, BackendsFile, DataDir, show_json, show_note, show_tables
from qrec.errors import MissingError, QrecError

if TYPE_CHECKING:
    from qrec.backends.base import Backend

Check = dict[str, str | bool]
_ANGLES = (0.5, 2.2, 1.1)  # of the qubits of the circuit that is tried
_MOST_LOST = 0.5  # of a value, to noise


def doctor(
    backend: Annotated[
        list[str] | None,
        typer.Option("-b", help="Try this backend instead of all local ones; may be repeated."),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
) -> None:
    """Check versions, cores, threads, credentials and data sets, and try each backend.

    A backend is tried by a circuit of two registers whose qubits give different values. Of a
    credential only its source is said, never its value.

    What is not free is tried only where it is named with -b, and nothing is run on it: its
    account is tried and its device looked up. Nor is what runs code that ./backends.yaml names.
    """
    from qrec.backends import backend_names

    names = backend or backend_names(backends)
    tried = [_try(name, backends, bool(backend)) for name in names]
    checks = [*_versions(), *_machine(), *_credentials(), *_data(data_dir), *tried]
    if as_json:
        show_json({"rows": checks})
    else:
        from qrec.analysis.table import Table

        body = [[str(c["what"]), "ok" if c["ok"] else "-", str(c["found"])] for c in checks]
        show_tables([Table("qrec doctor", ["what", "", "found"], body, n_text=3)])
    failed = [name for name, check in zip(names, tried, strict=True) if not check["ok"]]
    for advice in _advice():
        show_note(f"to mend: {advice}")
    if failed:
        raise QrecError(f"these backends did not work: {', '.join(failed)}")


def _versions() -> list[Check]:
    import platform

    import qrec
    from qrec.runs.record import package_versions

    versions = {"qrec": qrec.__version__, "python": platform.python_version()} | package_versions()
    return [{"what": name, "ok": True, "found": version} for name, version in versions.items()]


def _machine() -> list[Check]:
    import psutil

    from qrec.threads import thread_state

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory()
    threads = {k: v for k, v in thread_state().items() if v is not None and k != "cores"}
    said = ", ".join(f"{name} {number}" for name, number in threads.items()) or "not limited"
    free = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"
    return [
        {"what": "cores", "ok": True, "found": f"{cores} for this process"},
        {"what": "threads", "ok": True, "found": said},
        {"what": "memory", "ok": True, "found": free},
    ]


def _credentials() -> list[Check]:
    """Say where credentials of IBM Quantum would be taken from; their values are not read."""
    saved = Path.home() / ".qiskit" / "qiskit-ibm.json"
    sources = [name for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE") if os.environ.get(name)]
    if saved.is_file():
        sources.append(str(saved))
    found = ", ".join(sources) or "none; a simulator needs none"
    return [{"what": "account of IBM Quantum", "ok": bool(sources), "found": found}]


def _advice() -> list[str]:
    """Return what would slow or stop qrec here, and how it is mended."""
    from qrec.runs.folder import runs_dir

    found = []
    saved = Path.home() / ".qiskit" / "qiskit-ibm.json"
    if saved.is_file() and saved.stat().st_mode & 0o077:
        found.append(f"{saved} can be read by others: chmod 600 {saved}")
    place = runs_dir() if runs_dir().exists() else runs_dir().resolve().parent
    if not os.access(place, os.W_OK):
        found.append(f"{place.resolve()} cannot be written: set QREC_RUNS_DIR to a folder that can")
    for name, extra in (("optuna", "tune"),):
        if importlib.util.find_spec(name) is None:
            found.append(f"qrec {extra} needs {name}: pip install 'qrec[{extra}]'")
    return found


def _data(data_dir: Path | None) -> list[Check]:
    """Look for the published data sets; one that is not here is no failure."""
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
            found, ok = _asymmetric(opened)
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


def _asymmetric(backend: "Backend") -> tuple[str, bool]:
    """Read <Z> of three qubits in two registers, all different: an order turned round shows.

    Read-out errors and gates may draw a value towards zero by a part of it.
    """
    import numpy as np
    from qiskit import QuantumCircuit, QuantumRegister
    from qiskit.quantum_info import SparseObservable

    from qrec.backends.workload import Workload

    circuit = QuantumCircuit(QuantumRegister(2, "a"), QuantumRegister(1, "b"))
    for qubit, angle in enumerate(_ANGLES):
        circuit.ry(angle, qubit)
    circuit.cx(0, 2)
    labels = ("IIZ", "IZI", "ZII")
    read = [SparseObservable.from_label(label) for label in labels]
    [reading] = backend.run([Workload(circuit, read, np.empty((1, 0)), "doctor")])
    cosines = np.cos(_ANGLES)
    expected = np.array([cosines[0], cosines[1], cosines[0] * cosines[2]])
    found, stderr = np.ravel(reading.value), float(np.max(reading.stderr))
    said = ", ".join(f"{value:.3f}" for value in found)
    right = ", ".join(f"{value:.3f}" for value in expected)
    ok = bool(np.all(np.abs(found - expected) <= _MOST_LOST * np.abs(expected) + 5 * stderr + 1e-6))
    return f"<Z> of qubits 0, 1, 2 = {said} ± {stderr:.3f}; without noise {right}", ok
