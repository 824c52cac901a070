"""The YAML form of a noise impact: recommenders, a device, and what is varied of its noise."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, field_validator, model_validator

from qrec.backends.mitigation import MITIGATIONS
from qrec.config import parse_fields
from qrec.errors import ConfigError
from qrec.experiments.labels import Label
from qrec.experiments.members import MembersSpec
from qrec.registry import check_name

Source = Literal["readout", "one_qubit", "two_qubit", "idle"]
SOURCES: tuple[Source, ...] = get_args(Source)
ALL, NONE = "all", "none"  # of the sources; of sources and of mitigations
RESCALE = "rescale"  # the mitigation that any other must beat

DeviceName = Annotated[str, Field(pattern=r"^(fake:[\w*?]+|file:.+|live:\w+)$")]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class NoiseImpactSpec(MembersSpec):
    """Recommenders whose readings are taken without noise, and under parts of a device's noise.

    `device` is an entry of kind exact with a snapshot and without shots; qubits that wait do so
    in delays (``scheduling_method: alap`` where it names none). `against` is the classical entry
    that a quantum row may fall behind. All rows are on the same `n_pairs` test pairs. `shots`
    are those at which the error is shown, `wanted_loss` is in rating units. `mitigations` are
    those of `qrec.backends.mitigation`, and ``rescale``: a line, fitted on `n_calibration`
    training pairs. `devices` are snapshots, ``fake:*`` or another pattern standing for all fake
    devices that are wide enough; `backends` are further entries, with shots or QPUs, as they are.
    """

    kind: Literal["noise_impact"]
    against: Label = "bias"
    n_pairs: Annotated[int, Field(ge=2)] = 2000
    device: Label = "exact_noisy"
    sources: list[Source] = list(get_args(Source))  # noqa: RUF012
    scales: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2)] = [  # noqa: RUF012
        0.0, 0.5, 1.0, 2.0, 4.0,
    ]  # fmt: skip
    shots: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = [  # noqa: RUF012
        16, 64, 256, 1024, 4096, 16384,
    ]  # fmt: skip
    wanted_loss: Annotated[float, Field(gt=0)] = 0.01
    mitigations: list[str] = [  # noqa: RUF012
        RESCALE, "readout", "zne_exponential", "readout+zne_exponential", "twirling", "decoupling",
    ]  # fmt: skip
    n_calibration: Annotated[int, Field(ge=2)] = 200  # training pairs that a line is fitted on
    devices: Annotated[list[DeviceName], BeforeValidator(_listed)] = Field(default_factory=list)
    backends: list[Label] = Field(default_factory=list)

    @field_validator("scales", "shots")
    @classmethod
    def _ascending(cls, values: list[float]) -> list[float]:
        if any(b <= a for a, b in pairwise(values)):
            raise ValueError(f"found {values}, expected each once and in ascending order")
        return values

    @field_validator("sources", "mitigations", "devices", "backends")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name!r} stands twice")
        return names

    @field_validator("mitigations")
    @classmethod
    def _known_mitigations(cls, names: list[str]) -> list[str]:
        for part in (part for name in names if name != RESCALE for part in name.split("+")):
            check_name(part, [RESCALE, *MITIGATIONS], "mitigation (in mitigations)")
            if part == RESCALE:
                raise ConfigError(f"mitigations: found {RESCALE!r} in a stack; expected it alone")
        return names

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.scales[0] != 0 or 1.0 not in self.scales:
            raise ConfigError(
                f"scales: found {self.scales}, expected 0 and 1 among them: without noise, and "
                "that of the device"
            )
        classical = [e.label for e in self.recommenders if not self.is_quantum(e.label)]
        check_name(self.against, classical, "classical entry (in against)")
        if not any(entry.is_quantum for entry in self.recommenders):
            raise ConfigError("recommenders: found no quantum one; noise would have no impact")
        return self

    def with_backends(self, names: list[str]) -> Self:
        """Return the same experiment on other devices (``fake:``, ``file:``), on other backends."""
        devices = [name for name in names if ":" in name]
        backends = [name for name in names if ":" not in name]
        changed = {"devices": devices} if devices else {}
        changed |= {"backends": backends} if backends else {}
        return parse_fields(type(self), self.model_dump() | changed, "-b")
