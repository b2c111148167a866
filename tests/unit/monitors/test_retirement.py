from __future__ import annotations

import datetime as dt

import pytest

from monitors.retirement import Notice, in_headers, in_model, sooner

END = dt.datetime(2027, 1, 5, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    "fields",
    [
        {"shutdown_date": "2027-01-05"},
        {"shutdown_date": "2027-01-05T00:00:00Z", "deprecation": "2026-10-01"},
        {"shutdown_date": None, "retirement_date": "2027-01-05T01:00:00+01:00"},
        {"expiration_date": "2027-01-05"},
        {"deprecation": "2027-01-05T00:00:00+00:00", "deprecated": True},
        {"deprecation": {"fine_tune": 1_700_000_000, "inference": END}},
        {"deprecation": {"fineTune": "2026-01-01", "inference": "2027-01-05T00:00:00Z"}},
        {"retirement": {"date": "2027-01-05"}},
        {"deprecation_date": int(END)},
        {"sunset": END * 1000},
        {"end_of_life": str(int(END))},
        {"deprecated": "Tue, 05 Jan 2027 00:00:00 GMT"},
    ],
)
def test_the_end_of_a_model_is_read_in_any_spelling(fields):
    """A day, a moment, seconds or milliseconds, of a field or of a part of it; the plainest word comes first."""
    found = in_model({"id": "gpt-4o", "object": "model", "created": 1_715_367_049} | fields)
    assert found.ends_at == END
    assert found.source in fields


@pytest.mark.parametrize("fields", [{"deprecated": True}, {"deprecation": "true"}, {"lifecycle_status": "Deprecated"}])
def test_a_model_may_end_without_a_date(fields):
    """It is deprecated; nobody said until when."""
    assert in_model(fields) == Notice(None, next(iter(fields)))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "gpt-4o", "created": 1_715_367_049, "date": "2024-05-13", "owned_by": "system"},
        {"shutdown_date": None, "deprecated": False, "deprecation": None},
        {"deprecated": "false", "sunset": "", "retirement_date": "unknown"},
        {"deprecation": {"fine_tune": 1_700_000_000}},
        {"deprecation": {}, "retirement": [], "sunset_date": 0, "eol_date": 17, "expires_at": -1},
        {"expires_at": float("nan"), "sunset_at": float("inf"), "shutdown_at": "9" * 400},
        {"lifecycle_status": "generally-available", "status": None},
    ],
)
def test_what_says_nothing_of_an_end_is_no_notice(fields):
    """Whatever a server puts there: no warning, no error."""
    assert in_model(fields) is None


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"sunset": "Tue, 05 Jan 2027 00:00:00 GMT"}, Notice(END, "header sunset")),
        ({"sunset": "Tue, 05 Jan 2027 00:00:00 GMT", "deprecation": "@1688169599"}, Notice(END, "header sunset")),
        ({"deprecation": "@1688169599"}, Notice(None, "header deprecation")),
        ({"deprecation": "true"}, Notice(None, "header deprecation")),
        ({"deprecation": "Sun, 11 Nov 2018 23:59:59 GMT"}, Notice(None, "header deprecation")),
        ({"deprecation": "false"}, None),
        ({"sunset": "soon"}, None),
        ({"content-type": "application/json"}, None),
    ],
)
def test_the_headers_of_a_reply_are_read(headers, found):
    """RFC 8594 tells the end; RFC 9745 that there will be one."""
    assert in_headers(headers) == found


def test_of_two_notices_the_sooner_end_counts():
    """One without a time says less than one with a time; none is none."""
    undated, early, late = Notice(None, "a"), Notice(5.0, "b"), Notice(6.0, "c")
    assert sooner(early, late) is sooner(late, early) is early
    assert sooner(undated, late) is sooner(late, undated) is late
    assert sooner(undated, None) is sooner(None, undated) is undated
    assert sooner(None, None) is None
