"""From a name, a mapping or a Qiskit object to a backend."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2

from qrec.backends.base import Backend
from qrec.config import (
    BackendSpec,
    EstimatedSpec,
    ExactSpec,
    IbmSpec,
    ProviderSpec,
    SampledSpec,
    UserSamplerSpec,
    parse_backend,
    parse_fields,
    read_yaml,
)
from qrec.errors import ConfigError
from qrec.registry import PACKAGED, check_name

Openable: TypeAlias = (
    str | Mapping[str, Any] | Backend | BackendV2 | BaseSamplerV2 | BaseEstimatorV2
)


def open_backend(
    source: Openable = "exact", *, file: Path | str | None = None, **fields: Any
) -> Backend:
    """Open a backend.

    `source` is a name in backends.yaml, a mapping with the same fields as an entry there, or a
    Qiskit `BackendV2`, `BaseSamplerV2` or `BaseEstimatorV2`. `fields` replace fields of an
    entry; a `BackendV2` or a sampler needs ``shots``, ``optimization_level`` and
    ``seed_transpiler``, an estimator ``precision``. A backend that is open already is returned
    as it is. `file` is the backends.yaml to read; without it ``$QREC_BACKENDS``,
    ``./backends.yaml`` and the packaged copy are tried in this order.

    A `BackendV2` goes the way of an entry of ``kind: provider``: once per process, before its
    first shots, it runs a self-test of seven circuits with 100 shots each, and is refused with
    a RejectedError where it measures wrongly. It takes ``seed_simulator`` where it obeys one:
    the same seed gives the same shots, which is tried too. A sampler keeps its own seed.

    Raises ConfigError for an unknown name, key or value.
    """
    if isinstance(source, Backend):
        return source
    if isinstance(source, BackendV2):
        return _user_device(source, fields)
    if isinstance(source, BaseSamplerV2):
        return _user_sampler(source, fields)
    if isinstance(source, BaseEstimatorV2):
        return _user_estimator(source, fields)
    if isinstance(source, str):
        return _from_spec(backend_spec(source, file, **fields))
    return _from_spec(parse_backend(dict(source) | fields, "open_backend"))


def backend_spec(name: str, file: Path | str | None = None, **fields: Any) -> BackendSpec:
    """Return the checked entry `name` of backends.yaml without opening the backend."""
    path = backends_file(file)
    entries = _entries(path)
    check_name(name, sorted(entries), f"backend (in {path})")
    return parse_backend({"name": name} | dict(entries[name]) | fields, f"{path}: {name}")


def backends_file(file: Path | str | None = None) -> Path:
    """Return the backends.yaml that counts here: see `open_backend`."""
    if file is not None:
        return Path(file)
    if "QREC_BACKENDS" in os.environ:
        return Path(os.environ["QREC_BACKENDS"])
    local = Path("backends.yaml")
    return local if local.is_file() else PACKAGED / "backends.yaml"


def backend_names(file: Path | str | None = None) -> list[str]:
    """Return the names of the entries of backends.yaml, in the file's order."""
    return list(_entries(backends_file(file)))


def _entries(path: Path) -> dict[str, Any]:
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
            raise ConfigError(f"{path}: {name}: expected a mapping with `kind`; found {entry!r}")
    return content["backends"]


def _from_spec(spec: BackendSpec) -> Backend:
    if isinstance(spec, ExactSpec):
        from qrec.backends.kinds.exact import ExactBackend

        return ExactBackend(spec)
    if isinstance(spec, IbmSpec):
        from qrec.backends.kinds.ibm import IbmBackend

        return IbmBackend(spec)
    if isinstance(spec, ProviderSpec):
        from qrec.backends.kinds.provider import ProviderBackend

        return ProviderBackend(spec)
    from qrec.backends.kinds.aer import AerBackend, NoisyAerBackend

    return AerBackend(spec) if spec.snapshot is None else NoisyAerBackend(spec, spec.snapshot)


def _user_device(device: BackendV2, fields: dict[str, Any]) -> Backend:
    from qrec.backends.vendor.backend import UserDeviceBackend

    name = device.name or type(device).__name__
    spec = parse_fields(SampledSpec, {"name": name} | fields, "open_backend")
    return UserDeviceBackend(spec, device)


def _user_sampler(sampler: BaseSamplerV2, fields: dict[str, Any]) -> Backend:
    from qrec.backends.sampled import UserSamplerBackend

    name = type(sampler).__name__
    spec = parse_fields(UserSamplerSpec, {"name": name} | fields, "open_backend")
    return UserSamplerBackend(spec, sampler)


def _user_estimator(estimator: BaseEstimatorV2, fields: dict[str, Any]) -> Backend:
    from qrec.backends.estimated import EstimatedBackend

    spec = parse_fields(EstimatedSpec, {"name": type(estimator).__name__} | fields, "open_backend")
    return EstimatedBackend(spec, estimator)
