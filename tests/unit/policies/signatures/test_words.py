from __future__ import annotations

import pytest
import re2

from policies.signatures.phrases import PHRASES
from policies.signatures.words import WORDS


@pytest.mark.parametrize("name", WORDS)
def test_every_list_is_used_and_can_be_compiled(name: str) -> None:
    """A list that no phrase asks for is dead, and none may hold the empty word."""
    assert any(f"{{{name}}}" in phrase for phrases in PHRASES.values() for phrase in phrases)
    assert re2.compile(f"(?:{WORDS[name]})").fullmatch("") is None
    assert WORDS[name] == WORDS[name].lower()
