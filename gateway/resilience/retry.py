"""Whether and when a call is tried again.  Pure: the failure, the time left and a random number in, a pause out."""

from __future__ import annotations

import email.utils
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain.errors import UpstreamError
from gateway.resilience.outcome import is_failure

if TYPE_CHECKING:
    from gateway.resilience.outcome import Outcome

_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FIRST_S = 0.1
_MOST_S = 2.0
PATIENCE_S = 5.0  # a client that is told to wait knows better than we whether it can


def pause_s(
    failed: UpstreamError | Outcome,
    *,
    number: int,
    left_s: float,
    uniform: float,
    wall_s: float,
    patience_s: float = PATIENCE_S,
) -> float | None:
    """Seconds to wait before retry `number` (from 0), or None when the failure is the answer.

    What `Retry-After` asks for, and on top of it exponential backoff with full jitter, so that calls that failed
    together do not come back together.  `uniform` is in [0, 1), `wall_s` is the time that dates are compared with.
    Who asks for more than `patience_s` is not asked again.
    """
    if not retriable(failed):
        return None
    asked = 0.0 if isinstance(failed, UpstreamError) else asked_s(dict(failed.headers), wall_s=wall_s)
    pause = asked + uniform * min(_MOST_S, _FIRST_S * 2**number)
    return pause if asked <= patience_s and pause < left_s else None


def retriable(failed: UpstreamError | Outcome) -> bool:
    """Whether another attempt may succeed; `x-should-retry` says so as the openai SDK reads it."""
    if isinstance(failed, UpstreamError):
        return is_failure(failed.kind)
    if failed.status < 400:
        return False
    said = dict(failed.headers).get(b"x-should-retry")
    if said in (b"true", b"false"):
        return said == b"true"
    return failed.status in _STATUSES


def asked_s(headers: Mapping[bytes, bytes], *, wall_s: float) -> float:
    """Seconds that `retry-after-ms`, or else `retry-after` in seconds or as a date, asks for (RFC 9110, 10.2.3).

    What cannot be read asks for nothing.
    """
    for name, per_s in ((b"retry-after-ms", 1000.0), (b"retry-after", 1.0)):
        number = _number(headers.get(name, b""))
        if number is not None:
            return max(0.0, number / per_s)
    return max(0.0, _date(headers.get(b"retry-after", b""), default=wall_s) - wall_s)


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _date(value: bytes, *, default: float) -> float:
    try:
        parsed = email.utils.parsedate_tz(value.decode("latin-1"))
        return default if parsed is None else email.utils.mktime_tz((*parsed[:9], parsed[9] or 0))
    except (ValueError, OverflowError):
        return default
