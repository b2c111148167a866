from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import codec
from domain.clients import ClientKey, StoredCompletion
from domain.records import (
    Arm,
    Decision,
    Deployment,
    Exchange,
    Pair,
    PairState,
    Reading,
    Signal,
    SignalKind,
    Stage,
    Stratum,
    Verdict,
)
from domain.store import Judged

PAIR = Pair(
    exchange_id="e",
    task="t",
    model="m",
    stratum=Stratum.FLAGGED,
    probability=0.1,
    state=PairState.PENDING,
    opened_at=1.0,
)
READING = Reading(task="t", detector="d", model="m", at=1.0, samples=3, score=0.5, evidence=0.1, alarm=False)
SIGNAL = Signal(
    id="s", task="t", kind=SignalKind.RETRAIN, reason="r", at=1.0, detector="d", model="m", evidence=1.0, samples=3,
    false_alarm_budget="b",
)  # fmt: skip
DEPLOYMENT = Deployment(task="t", model="m", reference_id="r", at=1.0, by="b", reason="because")
KEY = ClientKey(id="k", name="n", sha256="0f", created_at=1.0)
COMPLETION = StoredCompletion(id="c", owner="", task="t", model="t", at=1.0, request=b"{}", body=b"{}")


@given(request=st.binary(), text=st.text(), at=st.floats(allow_nan=False))
def test_an_exchange_comes_back_as_it_was(request, text, at):
    """What the gateway writes the monitors must read, to the last byte of the body."""
    exchange = Exchange(
        id="x", task="t", at=at, arm=Arm.CHAMPION, model="m", draw=0.1, journal_rate=1.0, request=request,
        input_text=text, output_text=text, status=200, usable=True,
    )  # fmt: skip
    assert codec.decode_exchange(codec.encode(exchange)) == exchange


@pytest.mark.parametrize(
    ("record", "decode"),
    [
        (PAIR, codec.decode_pair),
        (READING, codec.decode_reading),
        (SIGNAL, codec.decode_signal),
        (DEPLOYMENT, codec.decode_deployment),
        (KEY, codec.decode_key),
        (COMPLETION, codec.decode_completion),
    ],
)
def test_records_come_back_and_survive_other_releases(record, decode):
    """A record must be equal to itself, without the fields that have defaults, and with one that nobody knows yet."""
    assert decode(codec.encode(record)) == record
    required = {field.name for field in msgspec.structs.fields(record) if field.required}
    values = {
        name: value for name, value in msgspec.to_builtins(record, builtin_types=(bytes,)).items() if name in required
    }
    assert decode(msgspec.msgpack.encode(values | {"of_a_later_release": 1})) == record


def test_what_the_checks_said_is_read_out_of_an_exchange():
    """The part has the names of the whole, so that the texts need not be decoded; an old row has no policy."""
    said = Decision("pii", Verdict.BLOCK, "email", stage=Stage.OUTPUT, shadow=True, arm=Arm.CHAMPION)
    exchange = Exchange(
        id="x", task="t", at=1.0, arm=Arm.CHAMPION, model="m", draw=0.1, journal_rate=1.0, request=b"{}",
        input_text="a", output_text="b", status=200, usable=True, decisions=(said,), policy="p",
    )  # fmt: skip
    assert codec.decode_judged(codec.encode(exchange)) == Judged("x", 1.0, "p", (said,))
    assert codec.decode_judged(msgspec.msgpack.encode({"id": "x", "at": 1.0, "of_a_later_release": 1})).policy == ""
