"""From an import path to a vendor's backend."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qiskit.providers import BackendV2

from qrec.backends.vendor.device import Vendor, VendorError, said_by

# The packages whose names were looked up; anybody can register the others.
PACKAGES = {
    "iqm": "iqm-client[qiskit]",
    "qiskit_alice_bob_provider": "qiskit-alice-bob-provider",
    "qiskit_aqt_provider": "qiskit-aqt-provider",
    "qiskit_braket_provider": "qiskit-braket-provider",
    "qiskit_ionq": "qiskit-ionq",
}


def open_vendor(
    path: str,
    arguments: dict[str, Any],
    then: dict[str, Any] | None = None,
    file: str | None = None,
) -> Vendor:
    """Return the backend that ``module:attribute`` makes when called with `arguments`.

    `then` names methods of what it made, each called on what the one before returned: with
    keywords where a mapping is given, with values where a list is, with one value, or with None
    without any, an attribute as it is. `file` holds the module where no package does. Raises
    VendorError where what comes out is no `BackendV2`.
    """
    name, attribute = path.split(":")
    module = _module(name, file)
    try:
        make = getattr(module, attribute)
    except AttributeError:
        near = get_close_matches(attribute, dir(module), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise VendorError("config", f"module {name!r} has no {attribute!r}{hint}") from None
    if not callable(make):
        found = type(make).__name__
        raise VendorError("config", f"{path} is a {found}; expected a class or a function")
    where, made = path, [_called(make, arguments, path)]
    for method, given in (then or {}).items():
        made.append(_then(made[-1], method, given, where))
        where = f"{where} then {method}"
    device = made[-1]
    if isinstance(device, BackendV2):
        return Vendor(device, path, tuple(made[:-1]))
    said = f"{where} made a {type(device).__name__}; expected a BackendV2"
    if callable(getattr(device, "get_backend", None)):
        said += "; it has a method get_backend: say then: {get_backend: NAME}"
    raise VendorError("config", said)


def _then(made: object, method: str, given: Any, where: str) -> object:
    """Return what a method of what was made returns, or its attribute."""
    try:
        found = getattr(made, method)
    except Exception as error:
        near = get_close_matches(method, [name for name in dir(made) if name[0] != "_"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        said = f"{where}: a {type(made).__name__} has no {method!r}: {said_by(error)}{hint}"
        raise VendorError("config", said) from None
    if given is None and not callable(found):
        return found
    return _called(found, given, f"{where} then {method}")


def _called(make: Any, given: Any, where: str) -> object:
    if isinstance(given, dict):
        values, keywords = [], given
    else:
        values = given if isinstance(given, list) else [] if given is None else [given]
        keywords = {}
    try:
        return make(*values, **keywords)
    except Exception as error:
        raise VendorError("config", f"{where} called with {given}: {said_by(error)}") from error


def _module(name: str, file: str | None) -> Any:
    top = name.partition(".")[0]
    try:
        return importlib.import_module(name) if file is None else _loaded(name, file)
    except ModuleNotFoundError as error:
        if error.name == top:
            package = PACKAGES.get(top)
            advice = (
                f"put {top}.py beside the file that names it, or install the vendor's package "
                "there under the name that its documentation gives"
            )
            if package is not None:
                advice = f"install the vendor's package there: pip install '{package}'"
            raise VendorError(
                "missing", f"{sys.executable} has no module {top!r}: {advice}"
            ) from None
        if error.name is not None and name.startswith(error.name):
            raise VendorError("config", f"package {top!r} has no module {name!r}") from None
        raise VendorError("missing", f"importing {name!r}: {said_by(error)}") from error
    except Exception as error:
        raise VendorError(
            "missing",
            f"importing {name!r}: {said_by(error)}; where its versions conflict with qrec's, give "
            "it a virtual environment of its own (python: PATH)",
        ) from error


def _loaded(name: str, file: str) -> Any:
    """Return the module of a file; what lies beside it can be imported by it."""
    known = sys.modules.get(name)
    if known is not None:
        if getattr(known, "__file__", None) == file:
            return known
        raise ImportError(f"a module of this name is imported already: rename {file}")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.append(str(Path(file).parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(Path(file).parent))
    return module
