"""The language that a text is written in, as far as its letters tell."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

NONE = "none"  # no letters, or nothing that is a language
_LONGEST = 500  # characters that are read: more do not make it surer
_NO_LANGUAGE = "zxx"


def language(text: str) -> str:
    """An ISO 639-1 code, or `none`.  Short texts are often taken for a neighbour language: fit for shares, not for one.

    A naive Bayes classifier over byte sequences (Lui & Baldwin 2012).  The first call reads its model, 0.4 s.
    """
    head = text[:_LONGEST]
    if not any(map(str.isalpha, head)):
        return NONE
    code: str = _identifier().classify(head)[0]
    return NONE if code == _NO_LANGUAGE else code


@functools.cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
