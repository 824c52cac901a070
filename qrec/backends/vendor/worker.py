"""A vendor's backend served to another process: the script that a vendor's interpreter runs.

It needs qiskit and the vendor's package, and of qrec the modules of this folder that it imports.
It answers every line of JSON on stdin with one on stdout; circuits travel as QPY on one plain
register of qubits, bits as NPY.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

if __name__ == "__main__":  # importable as in qrec, the rest of which may not be here
    _FOLDER = str(Path(__file__).resolve().parent)
    sys.path.remove(_FOLDER)  # a script's folder is imported from first; this one is qrec's
    for _name, _path in (("qrec", []), ("qrec.backends", []), ("qrec.backends.vendor", [_FOLDER])):
        sys.modules[_name] = ModuleType(_name)
        sys.modules[_name].__path__ = list[str](_path)

from qiskit import qpy

from qrec.backends.vendor.device import Vendor, VendorError, said_by
from qrec.backends.vendor.opening import open_vendor
from qrec.backends.vendor.wire import dump_array, dump_circuits, load_array, load_circuits


def _serve() -> None:
    """Answer requests until stdin ends: the first opens the backend, the others use it."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a vendor prints must not come between the answers
    vendor: Vendor | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if vendor is None:
                vendor = open_vendor(**request)
                answer = {"description": vendor.description, "qpy": qpy.QPY_VERSION}
            else:
                answer = _answer(vendor, **request)
        except VendorError as error:
            answer = {"error": [error.kind, str(error)]}
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # a panic in Rust is no Exception
            answer = {"error": ["failed", said_by(error)]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(vendor: Vendor, call: str, **given: Any) -> dict[str, Any]:
    if call == "transpile":
        isa = vendor.transpile(load_circuits(given["circuits"]), given["level"], given["seed"])
        return {"circuits": dump_circuits(isa, given["qpy"])}
    if call in ("run", "send"):
        rows = [load_array(text) for text in given.pop("rows")]
        circuits = load_circuits(given.pop("circuits"))
        pubs = list(zip(circuits, given.pop("names"), rows))  # noqa: B905
        if call == "send":
            return {"job_id": vendor.send(pubs, **given)}
        found = vendor.run(pubs, **given)
        return {"bits": [{name: dump_array(a) for name, a in bits.items()} for bits in found]}
    return {"found": getattr(vendor, call)(given["job_id"])}  # state, counts, cancel


if __name__ == "__main__":
    _serve()
