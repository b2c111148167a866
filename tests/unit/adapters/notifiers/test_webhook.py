from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json

import pytest

from adapters.notifiers.webhook import SIGNATURE_HEADER, WebhookNotifier, cloud_event, sign, verify
from domain.errors import ConfigError, UpstreamError, UpstreamFailure
from domain.follow_up import SignalEvent, SignalState
from domain.records import Agreement, Signal, SignalKind
from domain.settings import NotifierSettings
from tests.unit.adapters.raw_server import Conversation, RawServer, Received, always, answer

SIGNAL = Signal(
    id="sig-1",
    task="intent",
    kind=SignalKind.RETRAIN,
    reason="agreement",
    at=1_700_000_000.25,
    detector="agreement",
    model="intent-v1",
    evidence=1.2,
    samples=180,
    false_alarm_budget="one in 30 days",
    agreement=Agreement(0.8, 0.7, 0.9, 180),
    drift_scores={"novelty": 0.4},
    example_ids=("ex-1",),
    pairs_used=180,
    pairs_cost_usd=0.5,
)


async def delivered(secret: str = "", *, path: str = "/hook") -> Received:
    """What a receiver hears of one signal."""
    heard: list[Received] = []

    async def handler(conversation: Conversation) -> None:
        heard.append(await conversation.request())
        await conversation.send(answer(b"", status="202 Accepted"))

    async with RawServer(handler) as server:
        url = server.url.removesuffix("/v1") + path
        notifier = WebhookNotifier(NotifierSettings(webhook=url, secret=secret), name="ops")
        await notifier.notify(SIGNAL)
        await notifier.aclose()
    return heard[0]


async def test_a_signal_goes_out_as_a_structured_cloud_event() -> None:
    """The body holds the required attributes of CloudEvents 1.0 and the signal as its data."""
    heard = await delivered()
    assert heard.first_line == "POST /hook HTTP/1.1"
    assert heard.header("content-type") == ["application/cloudevents+json"]
    event = json.loads(heard.body)
    assert {name: event[name] for name in event if name != "data"} == {
        "specversion": "1.0",
        "id": "sig-1",
        "source": "preceptor/intent",
        "type": "dev.preceptor.retraining.requested",
        "subject": "intent",
        "time": "2023-11-14T22:13:20.250000Z",
        "datacontenttype": "application/json",
    }
    assert event["data"]["agreement"]["lower"] == 0.7
    assert event["data"]["example_ids"] == ["ex-1"]


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (SignalKind.RETRAIN, "dev.preceptor.retraining.requested"),
        (SignalKind.WARNING, "dev.preceptor.drift.warned"),
    ],
)
def test_the_type_tells_a_decision_from_a_warning(kind: SignalKind, named: str) -> None:
    """A receiver that retrains must be able to ignore warnings by type."""
    fields = {name: getattr(SIGNAL, name) for name in SIGNAL.__struct_fields__}
    assert cloud_event(Signal(**fields | {"kind": kind}))["type"] == named


def test_what_followed_a_signal_is_an_event_of_its_own() -> None:
    """Its id is its own, and it says which signal it is about, who said what and when."""
    state = SignalState.ACKNOWLEDGED
    followed = SignalEvent(
        id="e1", task="intent", signal_id="sig-1", state=state, at=1_700_000_000.0, by="ada", note="n"
    )
    event = cloud_event(followed)
    assert (event["id"], event["type"], event["subject"]) == ("e1", "dev.preceptor.signal.updated", "intent")
    assert event["data"] == {
        "id": "e1", "task": "intent", "signal_id": "sig-1", "state": "acknowledged", "at": 1_700_000_000.0,
        "by": "ada", "note": "n",
    }  # fmt: skip


@pytest.mark.parametrize("at", [0.0, 1_700_000_000.0, 1_700_000_000.123456])
def test_the_time_is_rfc_3339_in_utc(at: float) -> None:
    """Any parser of RFC 3339 reads back the moment of the signal."""
    fields = {name: getattr(SIGNAL, name) for name in SIGNAL.__struct_fields__}
    written = str(cloud_event(Signal(**fields | {"at": at}))["time"])
    assert written.endswith("Z")
    assert dt.datetime.fromisoformat(written).timestamp() == pytest.approx(at, abs=1e-6)


async def test_a_body_is_signed_when_there_is_a_secret() -> None:
    """The signature is the HMAC-SHA256 of exactly the bytes sent."""
    heard = await delivered("s3cret")
    wanted = "sha256=" + hmac.new(b"s3cret", heard.body, hashlib.sha256).hexdigest()
    assert heard.header(SIGNATURE_HEADER) == [wanted]
    assert verify(heard.body, wanted, "s3cret")


async def test_nothing_is_signed_without_a_secret() -> None:
    """An empty secret makes no signature that looks like one."""
    assert (await delivered()).header(SIGNATURE_HEADER) == []


@pytest.mark.parametrize(
    ("body", "signature", "secret"),
    [
        (b"other", sign(b"body", "secret"), "secret"),
        (b"body", sign(b"body", "other"), "secret"),
        (b"body", sign(b"body", "secret").removeprefix("sha256="), "secret"),
        (b"body", "", "secret"),
        (b"body", "sha256=\u00e9", "secret"),
    ],
)
def test_a_wrong_signature_does_not_verify(body: bytes, signature: str, secret: str) -> None:
    """Another body, another secret, another form, nothing at all, no ASCII: all refused without an exception."""
    assert verify(b"body", sign(b"body", "secret"), "secret")
    assert not verify(body, signature, secret)


@pytest.mark.parametrize("path", ["", "/", "/hook/", "/hook?token=a"])
async def test_the_url_is_used_as_it_is(path: str) -> None:
    """Receivers tell `/hook` from `/hook/`; a bare host means its root."""
    assert (await delivered(path=path)).first_line == f"POST {path or '/'} HTTP/1.1"


@pytest.mark.parametrize("status", ["301 Moved Permanently", "400 Bad Request", "500 Oops"])
async def test_whoever_does_not_accept_has_not_heard(status: str) -> None:
    """Only a 2xx counts as delivered; the error names the notifier."""
    async with RawServer(always(answer(b"", status=status))) as server:
        notifier = WebhookNotifier(NotifierSettings(webhook=server.url), name="ops")
        with pytest.raises(UpstreamError, match=f"notifier ops answered {status[:3]}") as caught:
            await notifier.notify(SIGNAL)
        assert caught.value.kind is UpstreamFailure.STATUS
        await notifier.aclose()


async def test_a_receiver_that_breaks_off_has_not_heard() -> None:
    """A connection that closes without an answer is an error with the notifier's name."""
    async with RawServer(always(close=True)) as server:
        notifier = WebhookNotifier(NotifierSettings(webhook=server.url), name="ops")
        with pytest.raises(UpstreamError, match="notifier ops"):
            await notifier.notify(SIGNAL)


def test_a_url_without_a_host_is_refused_with_its_key() -> None:
    """The mistake shows when the configuration is read."""
    with pytest.raises(ConfigError) as caught:
        WebhookNotifier(NotifierSettings(webhook="http://"), name="ops")
    assert caught.value.path == "notifiers.ops.webhook"
