from __future__ import annotations

import msgspec
import pytest

from domain.records import Arm, Decision, Exchange, Signal, SignalKind, Verdict


def test_verdicts_rank_from_harmless_to_final():
    """Verdicts must have a total order, so that the strongest one can win."""
    assert sorted(Verdict, key=lambda verdict: verdict.severity) == ["allow", "flag", "redact", "fallback", "block"]


def test_exchange_survives_the_codec():
    """What the gateway writes the monitors must read, to the last byte of the body."""
    exchange = Exchange(
        id="x",
        task="t",
        at=1.5,
        arm=Arm.CHAMPION,
        model="m",
        draw=0.1,
        journal_rate=1.0,
        request=b'{"a": 1e999}',
        input_text="h\u00e9\x00llo",
        output_text="",
        status=200,
        usable=True,
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(exchange), type=Exchange) == exchange


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
