r"""Phrases as RE2 patterns over normalised text.

A phrase is written in lower case with single blanks, `{NAME}` for a list of words, and in any language as it is spelt:
it is normalised like the text, so that accents and look-alikes do not matter.  A blank stands for whatever lies between
two words, `\w` for a letter or digit.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.normalise import normalise
from policies.patterns import Pattern
from policies.signatures.languages import FOREIGN
from policies.signatures.phrases import PHRASES
from policies.signatures.words import WORDS

FAMILIES = tuple(PHRASES)
_WORDED = ("override", "role_play", "prompt_leak")  # the others rest on punctuation, or mean too little without blanks
_GAP, _GLUE = "(?:[^a-z0-9]+)", "(?:[^a-z0-9]*)"


def separate(families: tuple[str, ...] = FAMILIES) -> Iterator[Pattern]:
    """The signatures of some families."""
    for family in families:
        for phrase in (*PHRASES[family], *(FOREIGN if family == "override" else ())):
            yield Pattern(family, _expanded(phrase, _GAP))


def glued(families: tuple[str, ...] = FAMILIES) -> Iterator[Pattern]:
    """Those of them that can be told in a text whose words are not separated."""
    for family in families:
        for phrase in PHRASES[family] if family in _WORDED else ():
            yield Pattern(family, _expanded(phrase.replace(r"\b", ""), _GLUE))


def _expanded(phrase: str, gap: str) -> str:
    for name, words in WORDS.items():
        phrase = phrase.replace(f"{{{name}}}", words)
    return normalise(phrase).replace("{{", "{").replace("}}", "}").replace(r"\w", "[a-z0-9]").replace(" ", gap)
