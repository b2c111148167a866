"""What becomes of a call: failures, refusals and rulings, as values."""

from __future__ import annotations

import json

import pytest

from domain.errors import UpstreamError, UpstreamFailure
from domain.records import Arm, Decision, Verdict
from gateway import served
from gateway.attempt import Received
from gateway.dialect import Head
from gateway.dialects.chat.dialect import ChatDialect
from gateway.routing import Step
from gateway.served import ALLOWED, Ruling, Served

CHAT = ChatDialect()
STEP = Step(Arm.CHAMPION, "s", "m")
BODY = b'{"choices":[{"index":0,"message":{"content":"SECRET"},"logprobs":{"content":[]},"finish_reason":"stop"}]}'
WHOLE = Received(200, (), CHAT.whole(BODY), BODY)
FOUND = Decision("length", Verdict.BLOCK, "too_long")


def _call(**fields):
    return CHAT.decode(json.dumps({"model": "m", "messages": [{"role": "user"}], **fields}).encode())


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [
        (UpstreamFailure.CONNECT, 502, False),
        (UpstreamFailure.DISCONNECT, 502, False),
        (UpstreamFailure.PROTOCOL, 502, False),
        (UpstreamFailure.TIMEOUT, 504, False),
        (UpstreamFailure.OVERLOADED, 503, True),
    ],
)
def test_a_failure_has_its_status(kind, status, retry_after):
    """A client can tell a slow model from a broken or a busy one, and is told when to come back to a busy one."""
    found = served.failed(STEP, UpstreamError(kind, "upstream at 10.0.0.1"))
    assert (found.received.status, found.failure, found.falls_back) == (status, kind, True)
    assert (b"retry-after" in dict(found.received.headers)) is retry_after
    assert b"10.0.0.1" not in found.received.body
    assert json.loads(found.received.body)["error"]["type"] == "api_error"


@pytest.mark.parametrize(
    ("status", "body", "falls_back", "kept"),
    [
        (400, b'{"error":{"message":"a"}}', False, True),
        (422, b'{"error":{"message":"a"}}', False, True),
        (429, b'{"error":{"message":"a"}}', True, True),
        (404, b'{"error":{"message":"a"}}', True, True),
        (500, b"<html>", True, False),
        (400, b"", False, False),
    ],
)
def test_an_upstreams_own_error_stays_its_own(status, body, falls_back, kept):
    """What only the client can mend is final; a page that is no JSON becomes an error object."""
    headers = ((b"content-type", b"text/html"), (b"retry-after", b"7"))
    found = served.refused(STEP, Received(status, headers, None, body))
    assert (found.received.status, found.falls_back) == (status, falls_back)
    assert (found.received.body == body) is kept
    assert "error" in json.loads(found.received.body)
    assert (b"retry-after", b"7") in found.received.headers


def test_the_strongest_ruling_is_told():
    """What was ruled before counts unless the answer's own ruling is stronger, and all decisions are kept."""
    flagged = Ruling(Verdict.FLAG, "pii:email")
    own = Served(step=STEP, received=WHOLE, ruling=Ruling(Verdict.BLOCK, "length:too_long"), decisions=(FOUND,))
    before = Decision("pii", Verdict.FLAG, "email")
    assert own.final(flagged, (before,)).ruling.reason == "length:too_long"
    assert own.final(flagged, (before,)).decisions == (before, FOUND)
    assert Served(step=STEP, received=WHOLE).final(flagged, (before,)).ruling == flagged
    plain = Served(step=STEP, received=WHOLE)
    assert plain.final(ALLOWED, ()) is plain


def test_a_fallback_that_leads_nowhere_blocks():
    """With no model left to ask, an answer that must not be served is withheld."""
    unsure = Served(step=STEP, received=WHOLE, ruling=Ruling(Verdict.FALLBACK, "label:not_in_taxonomy"))
    last = unsure.final(ALLOWED, ())
    assert last.ruling == Ruling(Verdict.BLOCK, "label:not_in_taxonomy")
    silent = served.withheld(_call(), last, Head("i", 1, "m"))
    assert b"SECRET" not in silent.received.body
    assert silent.received.answer.choices[0].content == ""
    assert served.withheld(_call(), Served(step=STEP, received=WHOLE), Head("i", 1, "m")).received is WHOLE


def test_why_a_call_went_on_is_told_once():
    """The first cause stays when a model fails after a policy has already ruled."""
    failed = served.failed(STEP, UpstreamError(UpstreamFailure.CONNECT, "x"))
    assert served.fallen(ALLOWED, failed).reason == "upstream:connect"
    ruled = Ruling(Verdict.FALLBACK, "label:x")
    assert served.fallen(ruled, failed) == ruled
    assert served.fallen(ALLOWED, Served(step=STEP, received=WHOLE, ruling=ruled)) == ruled


def test_logprobs_nobody_asked_for_are_taken_out():
    """They were the cascade's; a client that wants them keeps them."""
    assert b'"logprobs":null' in served.without_logprobs(_call(), WHOLE).body
    assert served.without_logprobs(_call(logprobs=True), WHOLE) is WHOLE
    events = Received(200, (), WHOLE.answer, events=(BODY,))
    assert b'"logprobs":null' in served.without_logprobs(_call(), events).events[0]


@pytest.mark.parametrize(
    ("arm", "verdict", "status", "usable"),
    [
        (Arm.CHAMPION, Verdict.ALLOW, 200, True),
        (Arm.CHALLENGER, Verdict.FLAG, 200, True),
        (Arm.TEACHER, Verdict.ALLOW, 200, False),
        (Arm.CHAMPION, Verdict.REDACT, 200, False),
        (Arm.CHAMPION, Verdict.ALLOW, 500, False),
    ],
)
def test_only_a_students_own_words_can_become_a_pair(arm, verdict, status, usable):
    """Redacted, failed and teacher's answers say nothing about what the student answers."""
    received = Received(status, (), None)
    assert Served(step=Step(arm, "s", "m"), received=received, ruling=Ruling(verdict)).usable is usable
