"""A hook of mkdocs: tables of keys and of the public API, in the place of `<!-- keys: NAME -->`.

They are made when the pages are built, so that they cannot be others than the program's.
"""

import inspect
import json
import re
from typing import Any

_MARK = re.compile(r"<!-- (keys|api): (\w+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put tables in the place of their marks."""
    return _MARK.sub(lambda mark: {"keys": keys, "api": api}[mark[1]](mark[2]), markdown)


def keys(form: str) -> str:
    """Return the keys of all kinds of backend, or of experiment, a section each."""
    from qrec.backends.kinds import BACKENDS
    from qrec.cli.schema import backends_schema, experiment_schema
    from qrec.experiments import EXPERIMENTS

    made = backends_schema() if form == "backends" else experiment_schema()
    kinds = (BACKENDS if form == "backends" else EXPERIMENTS).names()
    parts = made["$defs"]
    others = [name for name in sorted(parts) if name not in kinds and "properties" in parts[name]]
    sections = [_section(f"kind: {name}", parts[name]) for name in kinds]
    return "\n".join(sections + [_section(name, parts[name]) for name in others])


def api(module: str) -> str:
    """Return the public names of a module of qrec, with the first sentence about each."""
    from importlib import import_module

    found = import_module("qrec" if module == "qrec" else f"qrec.{module}")
    lines = ["| name | what |", "|---|---|"]
    for name in sorted(found.__all__):
        thing = getattr(found, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            said = " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())
            lines.append(f"| `{name}` | {_cell(said)} |")
    return "\n".join(lines)


def _section(heading: str, form: dict[str, Any]) -> str:
    said = inspect.cleandoc(form.get("description", "")).replace("``", "`")
    lines = [f"## {heading}", "", said, "", "| key | what | without it |", "|---|---|---|"]
    for name, field in form["properties"].items():
        must = name in form.get("required", [])
        default = "must be given" if must else f"`{json.dumps(field.get('default'))}`"
        if not must and "default" not in field:
            default = "empty"
        lines.append(f"| `{name}` | {_cell(_words(field))} | {default} |")
    return "\n".join(lines) + "\n"


def _words(field: dict[str, Any]) -> str:
    """Say what may stand there."""
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in field:
            return " or ".join(dict.fromkeys(map(_words, field[several])))
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"a list of {_words(field.get('items', {}))}"
    names = {"integer": "whole number", "string": "text", "object": "mapping", "null": "nothing",
             "boolean": "true or false"}  # fmt: skip
    said = names.get(field.get("type", ""), field.get("type", "anything"))
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {field[key]}" for key, sign in bounds.items() if key in field]
    return " ".join([said, " and ".join(limits)]).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")
