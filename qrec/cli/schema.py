"""``qrec schema``: the forms of backends.yaml and of experiments, for editors and validators."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qrec.cli._shared import AllowCode, show_json

if TYPE_CHECKING:
    from qrec.backends.base import BackendSpec
    from qrec.config import ExperimentSpec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OWN = {
    "type": "string",
    "pattern": ":",
}  # module:attribute


class Form(StrEnum):
    """What has a form."""

    BACKENDS = "backends"
    EXPERIMENT = "experiment"


def schema(
    form: Annotated[Form, typer.Argument()],
    kind: Annotated[
        str | None, typer.Argument(help="One kind, module:Class for your own; else all.")
    ] = None,
    allow_code: AllowCode = False,
) -> None:
    """Print the JSON Schema of backends.yaml, or of experiments' files.

    An editor completes and checks a file whose first line is
    `# yaml-language-server: $schema=FILE`.
    """
    from qrec.registry import door

    with door(Path.cwd(), allow_code):
        made = backends_schema(kind) if form is Form.BACKENDS else experiment_schema(kind)
    show_json(made)


def experiment_schema(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the files of one kind of experiment, or of all.

    Raises ConfigError for an unknown kind, and for own code that may not run.
    """
    from qrec.config import ExperimentSpec
    from qrec.experiments import EXPERIMENTS, experiment_class

    names = [kind] if kind else EXPERIMENTS.names()
    specs = {name: experiment_class(name, "qrec schema").Spec for name in names}
    parts = _definitions(specs)
    if kind:
        return {"$schema": DRAFT, "title": f"{kind} experiment of qrec"} | _inlined(parts, kind)
    base = ExperimentSpec.model_json_schema()
    made = _any_of(specs)
    made["properties"] = base["properties"] | made["properties"]
    made["required"] = base["required"]
    return {"$schema": DRAFT, "title": "experiment of qrec", **made, "$defs": parts}


def backends_schema(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a backends.yaml, all kinds or one and own code.

    Raises ConfigError for an unknown kind, and for own code that may not run.
    """
    from qrec.backends.kinds import BACKENDS
    from qrec.backends.open import backend_class

    names = [kind] if kind else BACKENDS.names()
    specs = {name: backend_class(name, "qrec schema").Spec for name in names}
    parts = _definitions(specs)
    for name in specs:  # an entry's name is its key
        del parts[name]["properties"]["name"]
        parts[name]["required"] = [key for key in parts[name]["required"] if key != "name"]
    entry = _any_of(specs)
    return {
        "$schema": DRAFT,
        "title": "backends.yaml of qrec",
        "type": "object",
        "required": ["schema_version", "backends"],
        "additionalProperties": False,
        "properties": {
            "schema_version": {"const": 1},
            "backends": {"type": "object", "additionalProperties": entry},
        },
        "$defs": parts,
    }


def _definitions(
    specs: "dict[str, type[ExperimentSpec]] | dict[str, type[BackendSpec]]",
) -> dict[str, Any]:
    """Return what the forms of all kinds are made of, those of the kinds by their names."""
    from pydantic.json_schema import models_json_schema

    wanted: list[tuple[Any, Any]] = [(spec, "validation") for spec in specs.values()]
    places, made = models_json_schema(wanted)
    parts: dict[str, Any] = dict(made.get("$defs", {}))
    origins = {
        name: places[spec, "validation"]["$ref"].rpartition("/")[2] for name, spec in specs.items()
    }
    for name, origin in origins.items():
        form = parts[origin]
        parts[name] = form | {"properties": form["properties"] | {"kind": {"const": name}}}
    refs = json.dumps(parts)
    for origin in set(origins.values()):
        if f'"#/$defs/{origin}"' not in refs:
            del parts[origin]
    return parts


def _inlined(parts: dict[str, Any], name: str) -> dict[str, Any]:
    others = {key: part for key, part in parts.items() if key != name}
    form: dict[str, Any] = parts[name]
    return form | ({"$defs": others} if others else {})


def _any_of(names: Iterable[str]) -> dict[str, Any]:
    """Return that a mapping has the form of its kind; that of other own code may be any."""
    known = [*names]
    cases = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{name}"},
        }
        for name in known
    ]
    return {
        "type": "object",
        "properties": {"kind": {"anyOf": [{"enum": known}, _OWN]}},
        "required": ["kind"],
        "allOf": cases,
    }
