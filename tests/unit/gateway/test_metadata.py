"""Metadata: OpenAI's limits."""

from __future__ import annotations

import pytest

from gateway.errors import ApiError
from gateway.metadata import check_metadata


@pytest.mark.parametrize(
    "metadata", [{}, {f"k{n}": "v" for n in range(16)}, {"k" * 64: "v" * 512}, {"\U0001f600" * 64: ""}]
)
def test_what_openai_takes_is_taken(metadata):
    """Up to the limits, which count characters, not bytes."""
    check_metadata(metadata)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({f"k{n}": "v" for n in range(17)}, "object_above_max_properties"),
        ({"k" * 65: "v"}, "string_above_max_length"),
        ({"fine": "fine", "k": "v" * 513}, "string_above_max_length"),
    ],
)
def test_what_openai_refuses_is_refused(metadata, code):
    """One more pair or character is 400, with the field named."""
    with pytest.raises(ApiError) as refused:
        check_metadata(metadata)
    assert refused.value.status == 400
    assert f'"param":"metadata","code":"{code}"'.encode() in refused.value.body
