"""The YAML files users write: their fields, and errors that name the file and the key."""

from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from qrec.errors import ConfigError, NoBackendError

_MOST_REPEATED = 100_000  # values that stand in a YAML file by aliases alone


class Spec(BaseModel):
    """Base of all file forms: unknown keys are refused and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _as_given(cls, given: Any, make: ModelWrapValidatorHandler[Self]) -> Self:
        """Refuse what pydantic would convert: yes for 1, "40" for 40, 3 for a time in 1970."""
        made = make(given)
        for name, value in given.items() if isinstance(given, dict) else ():
            if name in cls.model_fields:
                _check_as_given(value, getattr(made, name), name)
        return made


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


def _check_as_given(given: Any, made: Any, key: str) -> None:
    if isinstance(given, dict) and isinstance(made, dict):
        for name in given.keys() & made.keys():
            _check_as_given(given[name], made[name], f"{key}.{name}")
    elif isinstance(given, list) and isinstance(made, list | tuple):
        for place, pair in enumerate(zip(given, made, strict=False)):
            _check_as_given(*pair, f"{key}.{place}")
    elif (
        (isinstance(given, bool) and type(made) in (int, float))
        or (isinstance(given, str) and type(made) is int)
        or (isinstance(given, int | float) and isinstance(made, bool) and given is not made)
        or (isinstance(given, int | float) and isinstance(made, datetime))
    ):
        expected = "a time" if isinstance(made, datetime) else "a number"
        expected = "true or false" if isinstance(made, bool) else expected
        raise ValueError(f"{key}: found {given!r}, expected {expected}")


S = TypeVar("S", bound=Spec)


def parse_fields(spec: type[S], fields: dict[str, Any], where: str) -> S:
    """Build a spec of a known type; `where` says in an error where the fields came from."""
    try:
        return spec.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(explain(error, where, spec)) from None
    except ConfigError as error:  # of a validator, which knows the key but not the file
        raise type(error)(f"{where}: {error}") from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file. Raises ConfigError when it is missing or no YAML, with the line."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def parse_yaml(text: str) -> Any:
    """Return what a YAML text holds.

    Raises YAMLError for what is no YAML, also for aliases that name themselves or stand for more
    values than anybody writes, and RecursionError for too deep a nesting.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        sizes: dict[int, int] = {}
        repeated = _size(node, sizes) - len(sizes)
        if repeated > _MOST_REPEATED:
            raise yaml.YAMLError(
                f"its aliases repeat {repeated} values; expected at most {_MOST_REPEATED}"
            )
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_keys(node: yaml.Node) -> None:
    """Raise YAMLError for a key that stands twice in a mapping, whose first value would be lost."""
    known: set[str] = set()
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value in known:
            raise yaml.YAMLError(
                f"line {key.start_mark.line + 1}: the key {key.value!r} stands twice in one mapping"
            )
        known.add(str(key.value))


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return how many values a node stands for, each alias in full; `sizes` are those known."""
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise yaml.YAMLError("an alias stands inside of what it names")
        return sizes[id(node)]
    sizes[id(node)] = 0  # until all that it holds is known
    _check_keys(node)
    inner = [] if isinstance(node, yaml.ScalarNode) else node.value
    parts = [each for part in inner for each in (part if isinstance(part, tuple) else (part,))]
    sizes[id(node)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(node)]


def explain(error: ValidationError, where: str, spec: type[BaseModel] | None = None) -> str:
    """Say in one line per problem which key is wrong, what was found and what is expected.

    The value of a key that should not be there may be a secret, and so may what a mapping holds.
    With `spec`, which was not kept, an unknown key is told the nearest ones.
    """
    lines = []
    for problem in error.errors():
        # What stands in brackets is a validator's name, not the user's key.
        path = [str(part) for part in problem["loc"] if "[" not in str(part)]
        key = ".".join(path) or "(top level)"
        if problem["type"] == "extra_forbidden" and spec is not None:
            lines.append(f"{where}: {unknown(key, path[-1], _keys_at(spec, path[:-1]))}")
            continue
        hidden = problem["type"] == "missing" or isinstance(problem["input"], dict | list)
        found = "" if hidden else f"; found {problem['input']!r}"
        lines.append(f"{where}: {key}: {problem['msg']}{found}")
    return "\n".join(lines)


def unknown(key: str, name: str, known: list[str]) -> str:
    """Say that there is no key of this name, and which one may have been meant."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{key}: no such key; {hint}known: {', '.join(known)}"


def _keys_at(spec: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys that a mapping at this place of a file may have."""
    models = [spec]
    for part in path:
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        models = [found for field in fields for found in _models(field.annotation)] or models
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _models(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [model for part in get_args(hint) for model in _models(part)]
