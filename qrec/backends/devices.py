"""Devices by the name that a backend's `snapshot` gives."""

from functools import cache

from qiskit.providers import BackendV2

from qrec.registry import check_name


@cache
def fake_device(snapshot: str) -> BackendV2:
    """Return the fake device that ``fake:NAME`` names, e.g. ``fake:FakeTorino``.

    Raises ConfigError for a name that qiskit-ibm-runtime does not ship.
    """
    from qiskit_ibm_runtime import fake_provider

    name = snapshot.removeprefix("fake:")
    known = [n for n in dir(fake_provider) if n.startswith("Fake") and "Provider" not in n]
    check_name(name, known, "fake device")
    return getattr(fake_provider, name)()
