from __future__ import annotations

import json

import pytest

from monitors.instructions import instructions

SYSTEM = {"role": "system", "content": "Be brief."}
PARTS = {"role": "developer", "content": [{"type": "text", "text": "One."}, {"type": "image_url"}, {"text": "Two."}]}
USER = {"role": "user", "content": "Hello"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"messages": [SYSTEM, USER]}, "Be brief."),
        ({"messages": [USER, PARTS, SYSTEM]}, "One.\nTwo.\nBe brief."),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, ""),
        ({"messages": [{"role": "system", "content": None}]}, ""),
        ({"instructions": "Be kind.", "input": "Hello"}, "Be kind."),
        ({"instructions": None, "input": [PARTS, USER, {"type": "item_reference", "id": "i"}]}, "One.\nTwo."),
        ({"instructions": "Be kind.", "input": [SYSTEM]}, "Be kind.\nBe brief."),
        ({"prompt": "Once upon a time"}, ""),
        ({"messages": "odd"}, ""),
        ([], ""),
    ],
)
def test_system_and_developer_messages_are_found_in_every_dialect(request_, expected):
    """In order, whole, and nothing of the user's; a body of another shape has none."""
    assert instructions(json.dumps(request_).encode()) == expected


def test_a_body_that_is_no_json_has_none():
    """It was journalled as it came."""
    assert instructions(b"{") == ""
