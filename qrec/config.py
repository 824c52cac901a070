"""The YAML files users write: their fields, and errors that name the file and the key."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from qrec.errors import ConfigError


class Spec(BaseModel):
    """Base of all file forms: unknown keys are refused and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# A device as it was at one time: see `qrec.backends.device.snapshots.open_snapshot`.
SnapshotName = Annotated[str, Field(pattern=r"^(fake:Fake\w+|file:.+|live:\w+)$")]


# Qubits wait in delays, in which they decohere; without it nothing happens to those that wait.
SchedulingMethod = Literal["asap", "alap"]


class ExactSpec(Spec):
    """Exact expectation values, differentiable; or `shots` drawn from the exact distribution.

    Without `snapshot` of the ideal circuit as it is; with it of the circuit transpiled for
    that device, under its noise. The transpiler's settings belong to a snapshot alone, the
    simulator's seed to shots.
    """

    kind: Literal["exact"]
    name: str = "exact"
    dtype: Literal["float32", "float64"] = "float64"
    shots: Annotated[int, Field(ge=1)] | None = None  # None: infinitely many
    seed_simulator: Annotated[int, Field(ge=0)] | None = None
    snapshot: SnapshotName | None = None
    optimization_level: Annotated[int, Field(ge=0, le=3)] | None = None
    seed_transpiler: Annotated[int, Field(ge=0)] | None = None
    scheduling_method: SchedulingMethod | None = None

    @model_validator(mode="after")
    def _settings_go_together(self) -> "ExactSpec":
        for key, owner in (
            ("optimization_level", "snapshot"),
            ("seed_transpiler", "snapshot"),
            ("seed_simulator", "shots"),
        ):
            owned = getattr(self, owner) is not None
            if (getattr(self, key) is not None) != owned:
                wanted = "missing beside" if owned else "has no meaning without"
                raise ValueError(f"{key} {wanted} {owner}")
        _check_scheduling(self.scheduling_method, self.snapshot)
        return self


class SampledSpec(Spec):
    """Settings of backends that take shots; all of them explicit, all of them stored."""

    name: str
    shots: Annotated[int, Field(ge=1)]
    seed_simulator: Annotated[int, Field(ge=0)] | None = None  # where one is obeyed
    optimization_level: Annotated[int, Field(ge=0, le=3)]
    seed_transpiler: Annotated[int, Field(ge=0)]


class UserSamplerSpec(SampledSpec):
    """Settings of a sampler primitive handed over by the user, which keeps a seed of its own."""

    seed_simulator: None = None


class AerSpec(SampledSpec):
    """Shots on Qiskit Aer: ideal, or with the target and noise of the device in `snapshot`.

    That is ``fake:FakeTorino``, ``file:PATH`` or ``live:ibm_fez``.
    """

    kind: Literal["aer"]
    name: str = "aer"
    seed_simulator: Annotated[int, Field(ge=0)]
    snapshot: SnapshotName | None = None
    scheduling_method: SchedulingMethod | None = None

    @model_validator(mode="after")
    def _scheduled_for_a_device(self) -> "AerSpec":
        _check_scheduling(self.scheduling_method, self.snapshot)
        return self


class IbmSpec(Spec):
    """A QPU of IBM Quantum. The account comes from the environment or a saved file.

    Without `resilience_level` shots come back as they were measured. With it values do: at 0
    unmitigated, at 1 with readout errors taken out (TREX), at 2 extrapolated to no noise too
    (ZNE by gate folding). Twirling that is not set is as the level has it, off without one.
    """

    kind: Literal["ibm"]
    name: str = "ibm"
    device: Annotated[str, Field(pattern=r"^\w+$")]  # such as ibm_fez
    shots: Annotated[int, Field(ge=1)]
    optimization_level: Annotated[int, Field(ge=0, le=3)] = 3
    seed_transpiler: Annotated[int, Field(ge=0)]  # the first of `n_transpiler_seeds`
    n_transpiler_seeds: Annotated[int, Field(ge=1)] = 4
    dynamical_decoupling: Literal["XX", "XpXm", "XY4"] | None = None
    resilience_level: Literal[0, 1, 2] | None = None
    twirl_gates: bool | None = None
    twirl_measurements: bool | None = None
    max_qpu_seconds: Annotated[float, Field(gt=0)]  # all jobs in the ledger together

    @model_validator(mode="after")
    def _mitigation_twirls(self) -> "IbmSpec":
        if self.resilience_level and self.twirl_measurements is False:
            raise ValueError(
                f"twirl_measurements is false, but resilience_level {self.resilience_level} takes "
                "readout errors out by twirling measurements"
            )
        return self


def _check_scheduling(method: str | None, snapshot: str | None) -> None:
    if method is not None and snapshot is None:
        raise ValueError("scheduling_method has no meaning without snapshot")


_SECRET = re.compile("token|secret|password|credential|(api|access)_?key", re.IGNORECASE)


class ProviderSpec(SampledSpec):
    """Shots on any vendor's `BackendV2`: what ``module:attribute`` returns when called."""

    kind: Literal["provider"]
    name: str = "provider"
    backend: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")]
    arguments: dict[str, JsonValue] = {}  # of the call
    python: str | None = None  # the interpreter of a virtual environment that the vendor has
    free: bool  # whether running costs nothing: a simulator

    @field_validator("arguments")
    @classmethod
    def _no_secret(cls, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if secret := [name for name in arguments if _SECRET.search(name)]:
            raise ValueError(
                f"{secret[0]!r} looks like a credential, and what stands here is stored with "
                "every run; let the vendor read it from the environment"
            )
        return arguments


class EstimatedSpec(Spec):
    """Settings of an estimator primitive handed over by the user."""

    name: str
    precision: Annotated[float, Field(gt=0)]  # standard error asked of every value


class ExperimentSpec(Spec):
    """The fields of every experiment's YAML file; each kind of experiment adds its own."""

    schema_version: Literal[1]
    kind: str
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    title: str
    seed: Annotated[int, Field(ge=0)] = 0


BackendSpec: TypeAlias = ExactSpec | AerSpec | IbmSpec | ProviderSpec
_BACKEND: TypeAdapter[BackendSpec] = TypeAdapter(
    Annotated[BackendSpec, Field(discriminator="kind")]
)


S = TypeVar("S", bound=Spec)


def parse_fields(spec: type[S], fields: dict[str, Any], where: str) -> S:
    """Build a spec of a known type; `where` says in an error where the fields came from."""
    try:
        return spec.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None


def parse_backend(entry: Any, where: str) -> BackendSpec:
    """Check one backend entry; `where` says in an error which file and key it came from."""
    try:
        return _BACKEND.validate_python(entry)
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file. Raises ConfigError when it is missing or no YAML, with the line."""
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None


def explain(error: ValidationError, where: str) -> str:
    """Say in one line per problem which key is wrong, what was found and what is expected."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(top level)"
        found = "" if problem["type"] == "missing" else f"; found {problem['input']!r}"
        lines.append(f"{where}: {key}: {problem['msg']}{found}")
    return "\n".join(lines)
