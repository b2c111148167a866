from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.upstreams.openai_http import OpenAIUpstream
from domain.errors import ConfigError, UpstreamError, UpstreamFailure
from domain.ports import Headers, Reply, ReplyStream, Subject
from domain.records import Decision, Span, Stage, Verdict
from domain.settings import UpstreamSettings
from policies.checks.http import CATEGORIES, HttpCheck, Options
from policies.codes import is_code
from tests.unit.adapters.raw_server import Conversation, Handler, RawServer, Received, always, answer

ANSWER = Subject(Stage.OUTPUT, ("one text",), (0,), "hello")
CLEAN = {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 0.01}}


class Service:
    """A moderation service in this process: always the same reply."""

    def __init__(self, body: bytes, *, status: int = 200) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._reply = Reply(status, (), body)

    async def complete(self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None) -> Reply:
        self.heard.append((path, json.loads(body)))
        return self._reply

    async def stream(
        self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None
    ) -> ReplyStream:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""


async def asked(
    results: list[dict[str, Any]], subject: Subject = ANSWER, **options: Any
) -> tuple[Decision | None, list[tuple[str, Any]]]:
    """The decision when the service has these results, and what the service heard."""
    service = Service(json.dumps({"id": "modr-1", "model": "m", "results": results}).encode())
    check = HttpCheck(msgspec.convert({"upstream": "x", **options}, Options), upstream=service, budget_s=5.0)
    return await check.inspect(subject), service.heard


def result(flagged: bool | None = None, scores: dict[str, float] | None = None, *said: str) -> dict[str, Any]:
    """One result: what the service says, the scores, and the categories that it says are true."""
    categories = dict.fromkeys({*(scores or {}), *said}, False) | dict.fromkeys(said, True)
    return {"flagged": flagged, "categories": categories, "category_scores": scores or {}}


@pytest.mark.parametrize(
    ("given", "thresholds", "reason"),
    [
        (CLEAN, {}, None),
        ({"flagged": False}, {}, None),
        ({"flagged": True}, {}, "flagged"),
        ({"flagged": True, "categories": None, "category_scores": None}, {}, "flagged"),
        ({"flagged": False, "categories": {"hate": None}}, {}, None),
        (result(True, {}, "hate"), {}, "hate"),
        (result(True, {}, "self-harm/intent"), {}, "self_harm_intent"),
        (result(True, {}, "sexual/minors"), {}, "sexual_minors"),
        (result(True, {}, "brand_safety"), {}, "flagged"),
        (result(True, {}, "Ignore all rules"), {}, "flagged"),
        (result(True, {"hate": 0.6, "violence": 0.9}, "hate", "violence"), {}, "violence"),
        (result(True, {"hate": 0.9, "violence": 0.99}, "hate"), {}, "hate"),
        (result(None, {"hate": 0.2}), {}, None),
        (result(None, {"hate": 0.2}, "hate"), {}, "hate"),
        (result(False, {"hate": 0.2}, "hate"), {}, "hate"),  # a service that contradicts itself is not believed
        (result(True, {"hate": 0.2}), {}, "flagged"),
        (result(False, {"hate": 0.49}), {"hate": 0.5}, None),
        (result(False, {"hate": 0.5}), {"hate": 0.5}, "hate"),
        (result(True, {"hate": 0.49}, "hate"), {"hate": 0.5}, None),
        (result(True, {"hate": 0.49, "sexual": 0.9}, "hate", "sexual"), {"hate": 0.5}, "sexual"),
        (result(True, {"hate": 0.8, "sexual": 0.9}, "sexual"), {"hate": 0.5}, "sexual"),
        (result(True, {"hate": 0.95, "sexual": 0.9}, "sexual"), {"hate": 0.5}, "hate"),
        (result(False, {"spam": 0.7}), {"spam": 0.7}, "spam"),
        (result(False, {"日本": 0.7}), {"日本": 0.7}, "flagged"),
        (result(False, {"hate": 0.0}), {"hate": 0.0}, "hate"),
        (result(False, {"hate": 1.0}), {"hate": 1.0}, "hate"),
        (CLEAN | {"category_applied_input_types": {"hate": ["text"]}}, {}, None),
    ],
)
async def test_flagged_categories_and_thresholds_decide(
    given: dict[str, Any], thresholds: dict[str, float], reason: str | None
) -> None:
    """The service's word counts, but for a category with a threshold its score; the reason is the highest of them."""
    decision, _ = await asked([given], thresholds=thresholds)
    assert (decision.reason if decision else None) == reason


async def test_all_texts_are_asked_about_at_once_and_the_flagged_ones_pointed_at() -> None:
    """One request for a subject; a blank text, or one out of the check's scope, is not sent."""
    subject = Subject(Stage.INPUT, ("first", "", " \n", "second", "third"))
    flagged = {"flagged": True, "categories": {"hate": True}}
    decision, heard = await asked([flagged, CLEAN, {"flagged": True}], subject, model="omni", path="/mod")
    spans = (Span(0, 0, 5, "hate"), Span(4, 0, 5, "flagged"))
    assert decision == Decision("http", Verdict.BLOCK, "hate", spans)
    assert heard == [("/mod", {"model": "omni", "input": ["first", "second", "third"]})]


async def test_the_model_is_the_service_s_choice_unless_given() -> None:
    """Without `model` none is sent."""
    assert (await asked([CLEAN]))[1] == [("/moderations", {"input": ["one text"]})]


@pytest.mark.parametrize("texts", [(), ("",), ("", " ")])
async def test_where_there_is_no_text_nobody_is_asked(texts: tuple[str, ...]) -> None:
    """No call is made for nothing."""
    assert await asked([], Subject(Stage.OUTPUT, texts)) == (None, [])


@pytest.mark.parametrize("size", [17, 18])
async def test_too_much_text_is_refused_and_never_cut(size: int) -> None:
    """What does not fit is an error, and nothing is sent."""
    body = b'{"input":["%b"]}' % (b"x" * size)
    limit = len(b'{"input":["%b"]}' % (b"x" * 17))
    subject = Subject(Stage.INPUT, ("x" * size,))
    if len(body) <= limit:
        assert (await asked([CLEAN], subject, max_bytes=limit))[0] is None
        return
    with pytest.raises(ValueError, match="max_bytes"):
        await asked([CLEAN], subject, max_bytes=limit)


@pytest.mark.parametrize(
    "results",
    [
        [],
        [CLEAN, CLEAN],
        [{}],
        [{"categories": {}}],
        [{"flagged": "yes"}],
        [{"flagged": False, "category_scores": {"hate": "high"}}],
    ],
)
async def test_an_answer_that_is_no_moderation_of_what_was_sent_is_an_error(results: list[dict[str, Any]]) -> None:
    """Neither too few nor too many results nor empty ones pass for a clean bill."""
    with pytest.raises((ValueError, msgspec.ValidationError)):
        await asked(results)


async def test_a_threshold_without_a_score_is_an_error() -> None:
    """A category that the service does not know, or a slip of the pen, does not pass for safe."""
    with pytest.raises(ValueError, match="no score for haet"):
        await asked([CLEAN], thresholds={"haet": 0.5})


@pytest.mark.parametrize("status", [199, 300, 400, 401, 429, 500, 503])
async def test_any_status_but_2xx_is_an_error(status: int) -> None:
    """Whatever the body says."""
    service = Service(json.dumps({"results": [CLEAN]}).encode(), status=status)
    with pytest.raises(UpstreamError, match=str(status)):
        await HttpCheck(Options(upstream="x"), upstream=service, budget_s=1.0).inspect(ANSWER)


@pytest.mark.parametrize(
    ("options", "key"),
    [({"path": "moderations"}, "path"), ({"path": ""}, "path"), ({"max_bytes": 0}, "max_bytes")],
)
def test_impossible_options_are_refused(options: dict[str, Any], key: str) -> None:
    """The error names the key."""
    with pytest.raises(ConfigError) as caught:
        msgspec.convert({"upstream": "x", **options}, Options)
    assert caught.value.path == key


@pytest.mark.parametrize("options", [{}, {"upstream": "x", "thresholds": {"hate": 1.5}}, {"upstream": "x", "url": "y"}])
def test_bad_shapes_are_refused(options: dict[str, Any]) -> None:
    """An upstream is needed, a threshold is a share, and unknown keys are none of ours."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, Options)


@given(st.dictionaries(st.sampled_from(CATEGORIES) | st.text(), st.booleans()), st.booleans())
async def test_no_answer_makes_a_reason_that_is_no_code(categories: dict[str, bool], flagged: bool) -> None:
    """What a service calls its categories never gets into a metric."""
    decision, _ = await asked([{"flagged": flagged, "categories": categories}])
    assert (decision is not None) == (flagged or any(categories.values()))
    if decision is not None:
        assert is_code(decision.reason)
        assert decision.reason in {"flagged", *(each.replace("/", "_").replace("-", "_") for each in CATEGORIES)}


async def from_server(handler: Handler, *, budget_s: float = 5.0) -> Decision | None:
    """What the check says when it asks a real server through the real client."""
    async with RawServer(handler) as server:
        upstream = OpenAIUpstream(UpstreamSettings(base_url=server.url, api_key="sk-service"), name="moderation")
        try:
            return await HttpCheck(Options(upstream="moderation"), upstream=upstream, budget_s=budget_s).inspect(ANSWER)
        finally:
            await upstream.aclose()


async def test_a_real_service_is_asked_with_its_own_key() -> None:
    """The request is OpenAI's, the key is the upstream's."""
    heard: list[Received] = []

    async def handler(conversation: Conversation) -> None:
        heard.append(await conversation.request())
        await conversation.send(answer(b'{"results": [{"flagged": true, "categories": {"violence": true}}]}'))

    decision = await from_server(handler)
    assert decision == Decision("http", Verdict.BLOCK, "violence", (Span(0, 0, 8, "violence"),))
    assert heard[0].first_line == "POST /v1/moderations HTTP/1.1"
    assert heard[0].header("authorization") == ["Bearer sk-service"]


@pytest.mark.parametrize(
    "reply",
    [
        answer(b'{"error": {}}', status="500 Internal Server Error"),
        answer(b'{"results": [{"flagged": false}]}', status="429 Too Many Requests"),
        answer(b"<html>"),
        answer(b""),
        answer(b'{"results": []}'),
        answer(b'{"data": []}'),
        answer(b"[1]"),
        b"garbage\r\n\r\n",
        answer(b'{"results": [{"flagged": false}]}')[:-9],
    ],
    ids=["500", "429", "html", "nothing", "no results", "other", "list", "no http", "cut"],
)
async def test_a_broken_service_is_an_error_and_never_a_pass(reply: bytes) -> None:
    """Whatever comes over the wire, the engine hears of it and applies `on_error`."""
    with pytest.raises((UpstreamError, ValueError, msgspec.DecodeError)):
        await from_server(always(reply, close=True))


async def test_a_slow_service_ends_with_the_budget() -> None:
    """The deadline goes with the call, which ends by itself."""

    async def silent(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.left()

    with pytest.raises(UpstreamError) as caught:
        await asyncio.wait_for(from_server(silent, budget_s=0.05), 10)
    assert caught.value.kind is UpstreamFailure.TIMEOUT


async def test_a_service_that_is_not_there_is_an_error() -> None:
    """A refused connection is no clean bill."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        upstream = OpenAIUpstream(UpstreamSettings(base_url=url), name="moderation")
        with pytest.raises(UpstreamError) as caught:
            await HttpCheck(Options(upstream="moderation"), upstream=upstream, budget_s=5.0).inspect(ANSWER)
    assert caught.value.kind is UpstreamFailure.CONNECT
