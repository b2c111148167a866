"""The cascade: answers that the student is not sure of come from the teacher."""

from __future__ import annotations

import json
import math

import msgspec
import pytest

from adapters.upstreams.replay import Scripted
from domain.records import Arm, Canary, Deployment, Verdict
from domain.settings import CascadeSettings
from gateway import cascade
from gateway.attempt import Received
from gateway.dialects.chat.dialect import ChatDialect

CHAT = ChatDialect()
DEPLOYED = Deployment(task="intent", model="v2", reference_id="", at=1.0, by="", reason="", cascade_threshold=0.8)


def _body(*shares, text="refund"):
    """A completion whose tokens got these probabilities; None: without log-probabilities."""
    tokens = [{"token": "x", "logprob": math.log(share)} for share in shares]
    logprobs = {"content": tokens, "refusal": None} if shares else None
    choice = {"index": 0, "message": {"content": text}, "logprobs": logprobs, "finish_reason": "stop"}
    return json.dumps({"id": "c", "choices": [choice]}).encode()


def _judge(body, least):
    found = cascade.confidence(CHAT, Received(200, (), None, body), CHAT.whole(body))
    return cascade.judge(found, least=least)


@pytest.mark.parametrize(
    ("shares", "least", "reason"),
    [
        ((0.9,), 0.8, ""),
        ((0.8,), 0.8, ""),
        ((0.79,), 0.8, "low_confidence"),
        ((0.9, 0.9), 0.8, ""),
        ((0.9, 0.8), 0.8, "low_confidence"),
        ((), 0.8, "no_logprobs"),
        ((0.1,), 0.0, ""),
        ((1.0,), 1.0, ""),
    ],
)
def test_an_unsure_answer_falls_back(shares, least, reason):
    """The product of the tokens' probabilities counts; an answer without any is one that nobody is sure of."""
    decision = _judge(_body(*shares), least if least != 0.8 else 0.8 - 1e-12)
    assert (decision.reason if decision else "") == reason
    assert decision is None or decision.verdict is Verdict.FALLBACK


def test_the_least_sure_choice_counts():
    """With n > 1 every choice must be sure, and one that tells no probabilities is not."""
    sure = json.loads(_body(0.9))["choices"][0]
    unsure = {**json.loads(_body(0.5))["choices"][0], "index": 1}
    silent = {**json.loads(_body())["choices"][0], "index": 1}
    for second, least, reason in ((unsure, 0.6, "low_confidence"), (unsure, 0.4, ""), (silent, 0.1, "no_logprobs")):
        decision = _judge(json.dumps({"choices": [sure, second]}).encode(), least)
        assert (decision.reason if decision else "") == reason


def test_the_threshold_is_configured_or_deployed():
    """The configuration wins over the manifest; without either, or without a cascade, every answer is served."""
    champion, challenger = Arm.CHAMPION, Arm.CHALLENGER
    challenged = msgspec.structs.replace(DEPLOYED, canary=Canary("v3", 0.1, 0.7))
    assert cascade.threshold(None, DEPLOYED, champion) is None
    assert cascade.threshold(CascadeSettings(), None, champion) is None
    assert cascade.threshold(CascadeSettings(), DEPLOYED, champion) == 0.8
    assert cascade.threshold(CascadeSettings(), challenged, challenger) == 0.7
    assert cascade.threshold(CascadeSettings(threshold=0.3), challenged, challenger) == 0.3
    assert cascade.threshold(CascadeSettings(threshold=0.3), DEPLOYED, Arm.TEACHER) is None


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(("share", "arm"), [(0.95, "champion"), (0.5, "teacher")])
async def test_the_gateway_asks_for_what_it_needs(kit, share, arm, asked):
    """Log-probabilities are asked of the student, told to a client that wants them, and not asked of the teacher."""
    student = Scripted(chunks=(_body(share),))
    async with kit.Gateway(
        student=[student], teacher=[kit.answer("cancel")], policies=kit.checks(), cascade=CascadeSettings(threshold=0.9)
    ) as gateway:
        reply = await gateway.chat(**({"logprobs": True} if asked else {}))
        (exchange,) = await gateway.journalled()
    assert reply.headers["x-preceptor-arm"] == arm
    assert json.loads(gateway.student.requests[0].body)["logprobs"] is True
    if arm == "champion":
        assert (reply.json["choices"][0]["logprobs"] is not None) is asked
        assert exchange.confidence == pytest.approx(share)
    else:
        assert ("logprobs" in json.loads(gateway.teacher.requests[0].body)) is asked
        assert reply.headers["x-preceptor-reason"] == "cascade:low_confidence"
        assert [decision.check for decision in exchange.decisions] == ["cascade"]
        assert exchange.confidence is None  # the answer that the client got is the teacher's


async def test_a_stream_is_held_for_its_confidence(kit):
    """A streamed answer that is not sure never begins: the teacher's does."""
    tokens = {"content": [{"token": "refund", "logprob": math.log(0.5)}]}
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "refund"}, "logprobs": tokens}]}
    student = Scripted(
        headers=((b"content-type", b"text/event-stream"),),
        chunks=(b"data: %b\n\n" % json.dumps(chunk).encode(), b"data: [DONE]\n\n"),
    )
    async with kit.Gateway(
        student=[student],
        teacher=[kit.stream(("cancel",))],
        policies=kit.checks(),
        cascade=CascadeSettings(threshold=0.9),
    ) as gateway:
        reply = await gateway.chat(stream=True)
    assert reply.streamed == "cancel"
