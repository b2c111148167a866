"""Durations as people write them: 30s, 15m, 24h, 7d."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """Seconds of a duration.

    Raises:
        ValueError: `text` is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration; write for example 30s, 15m, 24h or 7d")
    return float(match[1]) * _SECONDS[match[2]]
