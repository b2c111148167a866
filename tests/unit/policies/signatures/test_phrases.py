from __future__ import annotations

import re

import pytest

from policies.signatures.phrases import PHRASES
from policies.signatures.words import WORDS


@pytest.mark.parametrize("family", PHRASES)
def test_phrases_name_only_lists_that_exist(family: str) -> None:
    """A misspelt list would be looked for as it stands, and never be found; a phrase written twice is one too many."""
    for phrase in PHRASES[family]:
        assert set(re.findall(r"(?<!\{)\{([A-Z]+)\}", phrase)) <= set(WORDS)
        assert not re.search(r"(?<!\\)[A-Z]", re.sub(r"\{[A-Z]+\}", "", phrase))
    assert len(set(PHRASES[family])) == len(PHRASES[family])
