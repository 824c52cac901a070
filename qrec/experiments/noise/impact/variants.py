"""The ways in which predictions are made: without noise, and under parts of a device's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qrec.backends.base import Backend
from qrec.backends.device.sources import scheduling
from qrec.backends.kinds.aer import AerSpec
from qrec.backends.kinds.exact import ExactSpec
from qrec.experiments.noise.impact.spec import ALL, NONE, SOURCES, NoiseImpactSpec

CLASSICAL, SOURCE, STRENGTH = "classical", "source", "strength"
SHOTS, MITIGATION, DEVICE, BACKEND = "shots", "mitigation", "device", "backend"
EXACT = "exact"  # the variant without noise and shots, and how its backend is called
UNMITIGATED = "all-x1"  # the whole noise of the device at its own strength


@dataclass(frozen=True)
class Variant:
    """One way to predict: on a backend, perhaps the experiment's device with fields replaced."""

    name: str  # of the step, behind the recommender's
    section: str
    source: str
    scale: float
    backend: str  # as the run calls it; `EXACT` is that without noise
    mitigation: str = NONE
    device: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)  # of the device's entry


CLASSICALLY = Variant(CLASSICAL, CLASSICAL, NONE, 0.0, EXACT)


def variants(spec: NoiseImpactSpec, devices: Sequence[str]) -> list[Variant]:
    """Return all of them, that without noise first; `devices` are the snapshots to run across."""
    found = [Variant(EXACT, SOURCE, NONE, 0.0, EXACT)]
    found += [_noisy(spec, SOURCE, source, 1.0) for source in (*spec.sources, ALL)]
    found += [_noisy(spec, STRENGTH, ALL, scale) for scale in spec.scales if scale != 1]
    found += [
        Variant(name.replace("+", "."), MITIGATION, ALL, 1.0, _called(spec, UNMITIGATED), name)
        for name in spec.mitigations
    ]
    for source in devices:
        name = device_label(source)
        backend = _called(spec, name)
        fields = {"snapshot": source, "noise": {"only": list(SOURCES), "scale": 1.0}}
        found.append(Variant(name, DEVICE, ALL, 1.0, backend, device=name, fields=fields))
    return found + [Variant(name, BACKEND, ALL, 1.0, name, device=name) for name in spec.backends]


def device_label(source: str) -> str:
    """Return what a run calls the device of a snapshot: a name that a file can have."""
    name = source.partition(":")[2].rpartition("/")[2].removesuffix(".json")
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name)


def noise_of(backend: Backend) -> tuple[str, float]:
    """Return what of its device's noise a backend has, and how strong, as far as it says."""
    if backend.pinned is None:
        return NONE, 0.0
    spec = backend.spec
    if not isinstance(spec, AerSpec | ExactSpec):  # no simulator: it has what it has
        return ALL, 1.0
    noise = spec.noise
    waits = scheduling(noise, spec.scheduling_method) is not None
    there = [
        source
        for source in SOURCES
        if (noise is None or noise.has(source)) and (source != "idle" or waits)
    ]
    name = ALL if len(there) == len(SOURCES) else "+".join(there) or NONE
    return name, 1.0 if noise is None else noise.scale


def _noisy(spec: NoiseImpactSpec, section: str, source: str, scale: float) -> Variant:
    name = f"{source}-x{scale:g}"
    only = list(SOURCES) if source == ALL else [source]
    fields = {"noise": {"only": only, "scale": scale}}
    return Variant(name, section, source, scale, _called(spec, name), fields=fields)


def _called(spec: NoiseImpactSpec, name: str) -> str:
    return f"{spec.device}@{name}"
