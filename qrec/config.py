"""The YAML files users write: their fields, and errors that name the file and the key."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qrec.errors import ConfigError, NoBackendError


class Spec(BaseModel):
    """Base of all file forms: unknown keys are refused and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExperimentSpec(Spec):
    """The fields of every experiment's YAML file; each kind of experiment adds its own."""

    schema_version: Literal[1]
    kind: str
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    title: str
    seed: Annotated[int, Field(ge=0)] = 0

    def with_backends(self, names: list[str]) -> Self:
        """Return the same experiment with other backends for its circuits."""
        raise NoBackendError(
            f"experiment {self.name!r} asks no backend: {names} have no place in it"
        )


S = TypeVar("S", bound=Spec)


def parse_fields(spec: type[S], fields: dict[str, Any], where: str) -> S:
    """Build a spec of a known type; `where` says in an error where the fields came from."""
    try:
        return spec.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(explain(error, where)) from None
    except ConfigError as error:  # of a validator, which knows the key but not the file
        raise type(error)(f"{where}: {error}") from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file. Raises ConfigError when it is missing or no YAML, with the line."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from None


def explain(error: ValidationError, where: str) -> str:
    """Say in one line per problem which key is wrong, what was found and what is expected.

    The value of a key that should not be there may be a secret, and so may what a mapping holds.
    """
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(top level)"
        hidden = problem["type"] in ("missing", "extra_forbidden")
        hidden = hidden or isinstance(problem["input"], dict | list)
        found = "" if hidden else f"; found {problem['input']!r}"
        lines.append(f"{where}: {key}: {problem['msg']}{found}")
    return "\n".join(lines)
