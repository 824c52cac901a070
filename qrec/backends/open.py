"""From a name, a mapping or a Qiskit object to a backend."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2

from qrec.backends.base import Backend, BackendSpec
from qrec.backends.device.snapshots import SNAPSHOT
from qrec.backends.kinds import BACKENDS
from qrec.config import parse_fields, read_yaml
from qrec.errors import ConfigError, PaidError
from qrec.registry import PACKAGED, beside, check_name, check_owner

_LOCAL = Path("backends.yaml")  # of the working directory
_ON_DEVICE = {"kind": "exact", "optimization_level": 3, "seed_transpiler": 7}
Openable: TypeAlias = (
    str | Mapping[str, Any] | Backend | BackendV2 | BaseSamplerV2 | BaseEstimatorV2 | None
)


def open_backend(
    source: Openable = None, *, file: Path | str | None = None, **fields: Any
) -> Backend:
    """Open a backend.

    `source` is a name in backends.yaml, a mapping with the same fields as an entry there, or a
    Qiskit `BackendV2`, `BaseSamplerV2` or `BaseEstimatorV2`; None is `noiseless`. A device's
    snapshot by itself (``fake:FakeTorino``, ``file:PATH``, ``live:ibm_fez``) is the exact engine
    under its noise, transpiled as the packaged ``exact_noisy`` is. `fields`
    replace fields of an entry; a `BackendV2` or a sampler needs ``shots``,
    ``optimization_level`` and ``seed_transpiler``, an estimator ``precision``. A backend that
    is open already is returned as it is. `file` is the backends.yaml to read; without it
    ``$QREC_BACKENDS`` and ``./backends.yaml`` are tried in this order. Its entries are added to
    the packaged ones, and replace those of the same name.

    A `BackendV2` goes the way of an entry of ``kind: provider``: once per process, before its
    first shots, it runs a self-test of seven circuits with 100 shots each, and is refused with
    a RejectedError where it measures wrongly. It takes ``seed_simulator`` where it obeys one:
    the same seed gives the same shots, which is tried too. A sampler keeps its own seed; it and
    an estimator run the self-test as well.

    An object that is not known to compute in this process (what Qiskit, Aer and the fake devices
    of the runtime client make is) counts as one that costs, and is refused with a PaidError
    unless ``free=True`` says that it does not.

    Raises ConfigError for an unknown name, key or value, and for a QPU of IBM Quantum, or a
    primitive on one, which is to be an entry of ``kind: ibm``.
    """
    if isinstance(source, Backend):
        return source
    if isinstance(source, BackendV2 | BaseSamplerV2 | BaseEstimatorV2):
        return _from_object(source, fields)
    if isinstance(source, str):
        made_by, spec = _parse_named(source, file, fields)
    else:
        given = {"kind": "exact"} if source is None else source
        made_by, spec = parse_backend({**given, **fields}, "open_backend")
    return made_by(spec)


def open_recorded(recorded: Mapping[str, Any], file: Path | str | None = None) -> Backend:
    """Open a backend with the settings that a run's record holds.

    Where backends.yaml has an entry of that name and kind, code that lies beside it counts.
    """
    name = str(recorded.get("name"))
    known = _entries(file).get(name)
    if known is not None and known[1].get("kind") == recorded.get("kind"):
        made_by, spec = _parse_named(name, file, recorded)
    else:
        made_by, spec = parse_backend(recorded, f"settings of {name!r}")
    return made_by(spec)


def noiseless() -> Backend:
    """Return the backend of exact values: float64, without shots, without noise.

    Whatever a user's backends.yaml calls "exact".
    """
    return open_backend(None)


def backend_spec(name: str, file: Path | str | None = None, **fields: Any) -> BackendSpec:
    """Return the checked entry `name` of backends.yaml without opening the backend."""
    return _parse_named(name, file, fields)[1]


def check_recorded(recorded: Mapping[str, Any], where: str, file: Path | str | None = None) -> None:
    """Raise ConfigError where stored settings import what no entry here names, or at another cost.

    `where` says in it what they were stored with. Such settings may have come from elsewhere,
    and what a vendor's import path names would be run.
    """
    if recorded.get("kind") != "provider":
        return
    name = str(recorded.get("name"))
    own = backend_spec(name, file).model_dump() if name in backend_names(file) else {}
    for key in ("kind", "backend", "arguments", "python", "free", "max_executions", "then"):
        if own.get(key) != recorded.get(key):
            here = f"the one here has {own.get(key)!r}" if own else "there is none here"
            raise ConfigError(
                f"{where}: backend {name!r} has {key} {recorded.get(key)!r}, but in backends.yaml "
                f"{here}; if you trust it, say --allow-code, or give the entry that name"
            )


def names_code(name: str, file: Path | str | None = None, listing: bool = False) -> bool:
    """Return whether opening an entry runs code that ./backends.yaml names, which nobody asked for.

    That file is whoever's the folder is; one that `file` or ``$QREC_BACKENDS`` names is wanted.
    With `listing`, whether reading its settings does.
    """
    path, entry = _entries(file)[name]
    kind = str(entry.get("kind"))
    runs = ":" in kind or (kind == "provider" and not listing)
    return runs and _unasked(path, file)


def backend_names(file: Path | str | None = None) -> list[str]:
    """Return the names of all entries: the packaged ones, then those that the user adds."""
    return list(_entries(file))


def parse_backend(entry: Mapping[str, Any], where: str) -> tuple[type[Backend], BackendSpec]:
    """Return the class of an entry's kind and the checked settings.

    `where` says in an error which file and key the entry came from. Raises ConfigError for an
    unknown kind, key or value.
    """
    found = backend_class(entry.get("kind"), where)
    return found, parse_fields(found.Spec, dict(entry), where)


def backend_class(kind: Any, where: str) -> type[Backend]:
    """Return the class of a kind of backend. Raises ConfigError for what is none."""
    if not isinstance(kind, str):
        raise ConfigError(
            f"{where}: kind: found {kind!r}; expected one of {', '.join(BACKENDS.names())}"
        )
    found = BACKENDS.find(kind, f" ({where})")
    if not (isinstance(found, type) and issubclass(found, Backend) and hasattr(found, "Spec")):
        raise ConfigError(
            f"{where}: kind: {kind!r} is {found!r}; expected a subclass of "
            "qrec.backends.Backend that says what its settings are: Spec = ..."
        )
    return found


def _parse_named(
    name: str, file: Path | str | None, fields: Mapping[str, Any]
) -> tuple[type[Backend], BackendSpec]:
    """Return class and settings of an entry, some of its fields replaced.

    A kind of the user's own lies beside the backends.yaml that names it.
    """
    entries = _entries(file)
    if re.fullmatch(SNAPSHOT, name) and name not in entries:
        return parse_backend({"name": name, "snapshot": name, **_ON_DEVICE, **fields}, name)
    places = " and ".join(dict.fromkeys(str(path) for path in _files(file)))
    check_name(name, sorted(entries), f"backend (in {places})")
    path, entry = entries[name]
    if _unasked(path, file) and entry.get("kind") == "provider":
        check_owner(path, name)  # what a vendor's import path names is run
    with beside(path):
        return parse_backend({"name": name, **entry, **fields}, f"{path}: {name}")


def _unasked(path: Path, file: Path | str | None) -> bool:
    return path == _LOCAL and file is None and "QREC_BACKENDS" not in os.environ


def _files(file: Path | str | None) -> list[Path]:
    """Return the packaged backends.yaml, and the user's if there is one: see `open_backend`."""
    packaged = PACKAGED / "backends.yaml"
    if file is not None:
        return [packaged, Path(file)]
    if "QREC_BACKENDS" in os.environ:
        return [packaged, Path(os.environ["QREC_BACKENDS"])]
    return [packaged, _LOCAL] if _LOCAL.is_file() else [packaged]


def _entries(file: Path | str | None) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Return name -> file and entry; of two entries of a name the later file's."""
    return {name: (path, entry) for path in _files(file) for name, entry in _read(path).items()}


def _read(path: Path) -> dict[str, dict[str, Any]]:
    content = read_yaml(path)
    if not isinstance(content, dict) or set(content) != {"schema_version", "backends"}:
        raise ConfigError(f"{path}: expected the keys schema_version and backends")
    if content["schema_version"] != 1:
        raise ConfigError(
            f"{path}: schema_version: found {content['schema_version']!r}, expected 1"
        )
    if not isinstance(content["backends"], dict):
        raise ConfigError(f"{path}: backends: expected a mapping from names to entries")
    for name, entry in content["backends"].items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}: {name}: expected a mapping with `kind`")
    return content["backends"]


def _from_object(
    given: BackendV2 | BaseSamplerV2 | BaseEstimatorV2, fields: dict[str, Any]
) -> Backend:
    from qrec.backends.vendor.device import is_ibm_qpu

    name = type(given).__name__
    # Qiskit's primitives and the runtime client's keep their device under this name.
    if is_ibm_qpu(given if isinstance(given, BackendV2) else getattr(given, "_backend", None)):
        raise ConfigError(
            f"open_backend: a {name} of IBM Quantum costs; write an entry of kind ibm into "
            "backends.yaml instead: `qrec submit` shows what would be sent to it, and asks first"
        )
    fields = _without_free(given, fields)
    if isinstance(given, BackendV2):
        from qrec.backends.vendor.backend import UserDeviceBackend, VendorSpec

        fields = {"name": given.name or name} | fields
        return UserDeviceBackend(parse_fields(VendorSpec, fields, "open_backend"), given)
    if isinstance(given, BaseSamplerV2):
        from qrec.backends.handed import UserSamplerBackend, UserSamplerSpec

        fields = {"name": name} | fields
        return UserSamplerBackend(parse_fields(UserSamplerSpec, fields, "open_backend"), given)
    from qrec.backends.handed import EstimatedBackend, EstimatedSpec

    fields = {"name": name} | fields
    return EstimatedBackend(parse_fields(EstimatedSpec, fields, "open_backend"), given)


def _without_free(
    given: BackendV2 | BaseSamplerV2 | BaseEstimatorV2, fields: dict[str, Any]
) -> dict[str, Any]:
    """Return the other fields. Raises PaidError unless `free`, said or known, is true."""
    rest = dict(fields)
    if rest.pop("free", _computes_here(given)) is True:
        return rest
    raise PaidError(
        f"open_backend: a {type(given).__name__} may cost: nothing here knows that it computes in "
        "this process; if it is free, say open_backend(..., free=True), else write an entry of "
        "kind provider into backends.yaml: `qrec submit` shows what would be sent, and asks first"
    )


# By module and not by base class: what derives from theirs may send its circuits anywhere.
_DEVICES = ("qiskit.providers.", "qiskit_aer.", "qiskit_ibm_runtime.fake_provider.")
_SIMULATORS = ("qiskit.primitives.statevector_", "qiskit_aer.")
_PRIMITIVES = ("qiskit.primitives.backend_", "qiskit_ibm_runtime.")  # as free as what they are on


def _computes_here(given: object) -> bool:
    """Return whether an object is known to compute in this process."""
    made_by = type(given).__module__
    if isinstance(given, BackendV2):
        return made_by.startswith(_DEVICES)
    if made_by.startswith(_PRIMITIVES):
        return _computes_here(getattr(given, "_backend", None))
    return made_by.startswith(_SIMULATORS)
