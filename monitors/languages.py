"""The language that a text is written in, as far as its letters tell."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

NONE = "none"  # no letters, or nothing that is a language
_LONGEST = 500  # characters that are read: more do not make it surer
_LEAST_BYTES = 24  # below it the answer is mostly wrong
_NO_LANGUAGE = "zxx"


def language(text: str) -> str:
    """An ISO 639-1 code, or `none`: for what is too short to tell, too.  Fit for shares, not for a single text.

    A naive Bayes classifier over byte sequences (Lui & Baldwin 2012).  The first call reads its model, 0.4 s.
    """
    head = text[:_LONGEST]
    if not _enough(head):
        return NONE
    code: str = _identifier().classify(head)[0]
    return NONE if code == _NO_LANGUAGE else code


def _enough(text: str) -> bool:
    """Whether its letters are as many bytes as it takes; most texts tell after a few words."""
    found = 0
    for letter in text:
        if letter.isalpha():
            found += len(letter.encode())
            if found >= _LEAST_BYTES:
                return True
    return False


@functools.cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
