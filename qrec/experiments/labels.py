"""Labels of what an experiment's file lists."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from qrec.errors import ConfigError

PATTERN = r"^[A-Za-z0-9_-]+$"
Label = Annotated[str, Field(pattern=PATTERN)]  # becomes part of a file's name


def check_labels(labels: Iterable[str], of: str = "entries") -> None:
    """Raise ConfigError where two have one label."""
    twice = [label for label, n in Counter(labels).items() if n > 1]
    if twice:
        raise ConfigError(f"two {of} have the label {twice[0]!r}")
