"""The metadata that a client gives a stored completion, and OpenAI's limits of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_PAIRS, _LONGEST_KEY, _LONGEST_VALUE = 16, 64, 512


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Keep to OpenAI's limits: 16 pairs, keys of 64 characters, values of 512 (API reference, `metadata`).

    Raises:
        ApiError: 400.
    """
    if len(metadata) > _MOST_PAIRS:
        problem = f"metadata has {len(metadata)} pairs; at most {_MOST_PAIRS} are allowed"
        raise ApiError(400, problem, code="object_above_max_properties", param="metadata")
    for key, value in metadata.items():
        for what, text, most in (("key", key, _LONGEST_KEY), ("value", value, _LONGEST_VALUE)):
            if len(text) > most:
                problem = f"metadata has a {what} of {len(text)} characters; at most {most} are allowed"
                raise ApiError(400, problem, code="string_above_max_length", param="metadata")
