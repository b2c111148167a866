"""Keys and stored completions are values."""

from __future__ import annotations

import msgspec
import pytest

from domain.clients import ClientKey, StoredCompletion


def test_an_older_row_is_still_read():
    """A field that comes later must have a default, so that rows of an earlier release stay readable."""
    key = msgspec.convert({"id": "k", "name": "n", "sha256": "", "created_at": 1.0}, ClientKey)
    assert (key.revoked_at, key.tasks, key.requests_per_minute) == (None, (), 0)


def test_they_cannot_be_changed():
    """They cross threads, so they must be immutable."""
    completion = StoredCompletion(id="c", owner="", task="t", model="t", at=1.0, metadata={}, request=b"{}", body=b"{}")
    with pytest.raises(AttributeError):
        completion.owner = "other"
