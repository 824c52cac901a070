"""A device as it was at one time: what is transpiled for, simulated, paid for and recorded.

Its file is one JSON document that qrec writes into every run folder. Whoever names that file
as the `snapshot` of a backend simulates the noise of the day of that run.
"""

import fnmatch
import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from qrec.backends.device.target import Device, read_target
from qrec.config import Spec, parse_fields
from qrec.errors import ConfigError
from qrec.registry import check_name

SNAPSHOT = r"^(fake:Fake\w+|file:.+|live:\w+)$"
SnapshotName = Annotated[str, Field(pattern=SNAPSHOT)]


class Snapshot(Spec):
    """Configuration and properties of a device, as plain JSON, and the sha256 of both.

    Two snapshots are equal if these are; a noise model is built from them, never stored.
    """

    schema_version: Literal[1] = 1
    name: str
    date: str  # of the calibration, ISO 8601
    sha256: str  # of configuration and properties: see `checksum`
    configuration: dict[str, Any]
    properties: dict[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    @property
    def device(self) -> Device:
        """The device as a `BackendV2`. Raises ConfigError where no device can be read."""
        return _device(self)

    @property
    def rep_delay(self) -> float:
        """Seconds between two executions; the service gives microseconds."""
        return float(self.configuration["default_rep_delay"]) * 1e-6

    @property
    def file(self) -> str:
        """Where a run folder holds it."""
        return f"snapshots/{self.sha256[:12]}.json"

    def text(self) -> str:
        """Return the content of its file."""
        return json.dumps(self.model_dump()) + "\n"

    def summary(self) -> dict[str, str]:
        """Return what a run's record says of it."""
        return {"name": self.name, "date": self.date, "sha256": self.sha256, "file": self.file}


def make_snapshot(
    configuration: dict[str, Any], properties: dict[str, Any], where: str
) -> Snapshot:
    """Take what a service gives for a device; `where` says in an error where it came from.

    Raises ConfigError for a missing key.
    """
    for what, content, key in [
        ("configuration", configuration, "backend_name"),
        ("properties", properties, "last_update_date"),
    ]:
        if key not in content:
            raise ConfigError(f"{where}: {what}: expected the key {key!r}; found {sorted(content)}")
    content = {
        "name": configuration["backend_name"],
        "date": properties["last_update_date"],
        "sha256": checksum(configuration, properties),
        "configuration": configuration,
        "properties": properties,
    }
    return parse_fields(Snapshot, content, where)


def checksum(configuration: dict[str, Any], properties: dict[str, Any]) -> str:
    """Return the sha256 of both as one JSON document: keys sorted, no space, ASCII."""
    content = {"configuration": configuration, "properties": properties}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def open_snapshot(source: str) -> Snapshot:
    """Return the snapshot that a backend's `snapshot` names.

    ``fake:NAME`` is one that qiskit-ibm-runtime ships, e.g. ``fake:FakeTorino``; ``file:PATH``
    a file out of a run folder, relative to the working directory; ``live:NAME`` a device of
    IBM Quantum as it is now, asked for once until `forget_live`.

    Raises ConfigError for an unknown name, and for a file that is not what qrec wrote; for
    ``live:`` what `IbmService` raises.
    """
    kind, _, name = source.partition(":")
    if kind == "file":
        return read_snapshot(Path(name))
    return _fake(name) if kind == "fake" else _live(name)


def forget_live() -> None:
    """Have ``live:`` ask again, as every run does when it begins."""
    _live.cache_clear()


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot's file. Raises ConfigError that says what is wrong with it."""
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        expected = "runs/RUN/snapshots/FILE.json"
        raise ConfigError(f"{path}: {error.strerror}; expected a file such as {expected}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a snapshot's keys; found {type(content).__name__}")
    snapshot = parse_fields(Snapshot, content, str(path))
    found = make_snapshot(snapshot.configuration, snapshot.properties, str(path))
    for key in ("sha256", "name", "date"):
        said, computed = getattr(snapshot, key), getattr(found, key)
        if said != computed:
            raise ConfigError(
                f"{path}: {key}: the file says {said}, its content gives {computed}: it was edited "
                "after qrec wrote it"
            )
    return snapshot


@cache
def _device(snapshot: Snapshot) -> Device:
    return Device(snapshot.name, read_target(snapshot.configuration, snapshot.properties))


@dataclass(frozen=True)
class FakeDevice:
    """A device that qiskit-ibm-runtime ships, its qubits and when it was calibrated."""

    source: str  # ``fake:NAME``, for a backend's `snapshot`
    n_qubits: int
    date: str  # ISO 8601


def fake_devices(pattern: str = "fake:*", min_qubits: int = 1) -> list[FakeDevice]:
    """Return the shipped devices whose ``fake:NAME`` matches, with qubits enough; by name.

    `pattern` is a shell's, such as ``fake:FakeT*``. Raises ConfigError where none is left.
    """
    found = []
    for name in fnmatch.filter(_shipped(), pattern.removeprefix("fake:")):
        snapshot = _fake(name)
        n_qubits = snapshot.configuration["n_qubits"]
        if n_qubits >= min_qubits:
            found.append(FakeDevice(f"fake:{name}", n_qubits, snapshot.date))
    if not found or not pattern.startswith("fake:"):
        raise ConfigError(
            f"devices {pattern!r}: none with {min_qubits} qubits or more; expected a pattern such "
            "as fake:* or fake:FakeT*, of the devices in qiskit_ibm_runtime.fake_provider"
        )
    return found


def _shipped() -> list[str]:
    from qiskit_ibm_runtime import fake_provider

    return [n for n in dir(fake_provider) if n.startswith("Fake") and "Provider" not in n]


@cache
def _fake(name: str) -> Snapshot:
    from qiskit_ibm_runtime import fake_provider

    check_name(name, _shipped(), "fake device")
    shipped = getattr(fake_provider, name)
    files = (Path(shipped.dirname) / f for f in (shipped.conf_filename, shipped.props_filename))
    configuration, properties = (json.loads(file.read_text()) for file in files)
    configuration["backend_name"] = shipped.backend_name
    return make_snapshot(configuration, properties, f"fake:{name}")


@cache
def _live(name: str) -> Snapshot:
    from qrec.backends.ibm.versions import check_client

    check_client()
    from qrec.backends.ibm.service import IbmService

    return make_snapshot(**IbmService(name).calibration(), where=f"live:{name}")
