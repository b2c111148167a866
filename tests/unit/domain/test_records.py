from __future__ import annotations

import msgspec
import pytest

from domain.records import Decision, Signal, SignalKind, Verdict


def test_verdicts_rank_from_harmless_to_final():
    """Verdicts must have a total order, so that the strongest one can win."""
    assert sorted(Verdict, key=lambda verdict: verdict.severity) == ["allow", "flag", "redact", "fallback", "block"]


def test_an_older_record_is_still_read():
    """A field that was added later must have a default, so that stored rows of an earlier release stay readable."""
    old = {
        "id": "s",
        "task": "t",
        "kind": "retrain",
        "reason": "agreement",
        "at": 1.0,
        "detector": "agreement",
        "model": "m",
        "evidence": 1.2,
        "samples": 9,
        "false_alarm_budget": "b",
    }
    assert msgspec.convert(old, Signal).kind is SignalKind.RETRAIN


def test_records_cannot_be_changed():
    """Records cross threads and processes, so they must be immutable."""
    decision = Decision("pii", Verdict.FLAG, "email")
    with pytest.raises(AttributeError):
        decision.reason = "other"
