"""Token counts: read as servers write them, written as the SDK reads them."""

from __future__ import annotations

import msgspec
import pytest
from openai.types import CompletionUsage

from domain.records import Usage
from gateway.dialects import tokens


def test_what_is_written_is_read():
    """A record must come back as it was, and the SDK must accept what is written."""
    written = tokens.written(Usage(7, 3))
    assert msgspec.convert(written, tokens.Tokens).usage() == Usage(7, 3)
    assert CompletionUsage.model_validate(written).total_tokens == 10


@pytest.mark.parametrize("count", [-1, 2**60, 1.5, "7"])
def test_impossible_counts_are_refused(count):
    """A count that no store could keep belongs to no answer."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"prompt_tokens": count}, tokens.Tokens)
