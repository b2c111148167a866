"""Codes: lower-case identifiers of bounded length.  They may be metric labels; what a user wrote may not."""

from __future__ import annotations

LONGEST = 40  # characters


def is_code(text: object) -> bool:
    """Whether `text` is a code."""
    return (
        isinstance(text, str)
        and len(text) <= LONGEST
        and text.isascii()
        and text.isidentifier()
        and text == text.lower()
    )


def code(name: str, *, otherwise: str) -> str:
    """The code of a name that others gave, such as `guardrails/Ban-List`: its letters and digits, joined by `_`.

    `otherwise` when there is nothing to make a code of.
    """
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in name.lower()).split()
    made = "_".join(words)[:LONGEST].rstrip("_")
    return made if is_code(made) else otherwise
