"""What a service says, made fit to be shown and stored."""

import re

MOST_CHARACTERS = 300
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
)
# C0 and C1, line and paragraph separators, and what turns the direction of writing about.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_TOKENS = re.compile(
    r"(?i:\b(bearer|apikey)\s+)[^\s\"',;]+"  # an Authorization header
    r"|\beyJ[\w-]{4,}(?:\.[\w-]+){1,2}"  # a JSON web token, wherever it stands
)


def said(text: object, most: int = MOST_CHARACTERS) -> str:
    """Return a foreign text as one line without control characters, tokens or excess length.

    Of a text longer than `most` characters the first are kept.
    """
    plain = _CONTROLS.sub(" ", _ESCAPES.sub("", str(text))).strip()
    plain = _TOKENS.sub(lambda found: f"{found[1] or ''} ***".lstrip(), plain)
    return plain if len(plain) <= most else f"{plain[:most]}..."
