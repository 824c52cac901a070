"""The pages for people, and the code blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import qrec

ROOT = Path(qrec.__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is to be if any, and the text."""

    language: str
    file: str
    text: str


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page or of a part of one."""
    yield from (Block(*found) for found in _BLOCK.findall(text))


def sections(page: Path) -> dict[str, str]:
    """Return the parts of a page by their headings of the second level."""
    parts = re.split(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
