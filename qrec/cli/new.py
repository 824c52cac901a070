"""``qrec new``: files to start from."""

import keyword
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from qrec.cli._shared import show_note
from qrec.errors import ConfigError

_TEMPLATES = Path(__file__).parent / "templates"
_FILES = {"py": "{name}.py", "test": "test_{name}.py", "yaml": "{name}.yaml"}


class New(StrEnum):
    """What there are files to start from for."""

    RECOMMENDER = "recommender"
    EXPERIMENT = "experiment"
    CIRCUIT = "circuit"


def new(
    what: Annotated[New, typer.Argument()],
    name: Annotated[str, typer.Argument(help="A name for Python: lower case, digits and _.")],
) -> None:
    """Write NAME.py, its test and an experiment that uses it into this folder."""
    if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
        raise ConfigError(
            f"{name!r} is no name for a module: expected lower-case letters, digits and _"
        )
    paths = {kind: Path(form.format(name=name)) for kind, form in _FILES.items()}
    for path in paths.values():
        if path.exists():
            raise ConfigError(f"{path}: is there already; nothing was written")
    words = {"name": name, "Name": "".join(part.capitalize() for part in name.split("_"))}
    for kind, path in paths.items():
        text = (_TEMPLATES / f"{what}.{kind}.txt").read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(words), encoding="utf-8")
        print(path)
    show_note(f"try it with: qrec run {paths['yaml']}; pytest {paths['test']}")
