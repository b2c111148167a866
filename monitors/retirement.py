"""When a provider ends a model, as its answers tell: in the fields of a model, or in the headers of a reply.  Pure."""

from __future__ import annotations

import datetime as dt
import email.utils
import math
from collections.abc import Mapping
from typing import Any

import msgspec

# As providers spell the end, plainest first.  What is called a deprecation counts as the end where nothing else does:
# some mean it so, and a warning that comes early does less harm than one that comes late.
_ENDS = (
    "shutdown_date", "shutdown_at", "shutdown", "retirement_date", "retires_at", "retired_at", "retirement",
    "sunset_date", "sunset_at", "sunset", "expiration_date", "expires_at", "end_of_life_date", "end_of_life",
    "eol_date", "deprecation_date", "deprecation", "deprecated_at", "deprecated",
)  # fmt: skip
_INSIDE = ("inference", "date")  # of one of these, where it has parts
_STATES = ("lifecycle_status", "status")
_ENDING = frozenset({"deprecated", "deprecating", "retired", "retiring", "legacy", "sunset"})
_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0  # 2000 and 2100: another number is no time
_MILLISECONDS = 1e11  # seconds of the year 5138


class Notice(msgspec.Struct, frozen=True):
    """A model ends."""

    ends_at: float | None  # None: nobody said when
    source: str  # the field or header that says so


def in_model(fields: Mapping[str, Any]) -> Notice | None:
    """What the description of a model in `/v1/models` says; None when it says nothing of an end."""
    for name in _ENDS:
        value = fields.get(name)
        if isinstance(value, dict):
            value = next((value[part] for part in _INSIDE if part in value), None)
        found = _value(value)
        if found is not None:
            return Notice(None if math.isinf(found) else found, name)
    for name in _STATES:
        state = fields.get(name)
        if isinstance(state, str) and state.casefold() in _ENDING:
            return Notice(None, name)
    return None


def in_headers(headers: Mapping[str, str]) -> Notice | None:
    """What a reply's headers say: `sunset` (RFC 8594) is the end, `deprecation` (RFC 9745) comes before it."""
    sunset = _text(headers.get("sunset", ""))
    if sunset is not None:
        return Notice(sunset, "header sunset")
    deprecation = headers.get("deprecation", "").strip()
    given = deprecation.startswith("@") or deprecation.casefold() == "true" or _text(deprecation) is not None
    return Notice(None, "header deprecation") if given else None


def sooner(one: Notice | None, other: Notice | None) -> Notice | None:
    """The notice of the earlier end; one without a time only where there is no other."""
    notices = [notice for notice in (one, other) if notice is not None]
    return min(notices, key=lambda notice: math.inf if notice.ends_at is None else notice.ends_at, default=None)


def _value(value: object) -> float | None:
    """Seconds since the epoch; infinity for an end without a time, None for no end."""
    if isinstance(value, bool):
        return math.inf if value else None
    if isinstance(value, int | float):
        return _seconds(float(value))
    if isinstance(value, str):
        return math.inf if value.strip().casefold() == "true" else _text(value)
    return None


def _seconds(number: float) -> float | None:
    at = number / 1000 if number > _MILLISECONDS else number
    return at if _EARLIEST <= at <= _LATEST else None


def _text(text: str) -> float | None:
    """A time in ISO 8601, as an HTTP date or in digits; a day is its first second, UTC."""
    plain = text.strip()
    if plain.isdecimal():
        return _seconds(float(plain[:20]))
    for parse in (dt.datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            at = parse(plain)
        except (ValueError, TypeError, IndexError):
            continue
        return _seconds((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp())
    return None
