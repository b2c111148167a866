"""Signals as CloudEvents 1.0 over HTTP, signed so that the receiver can tell who sent them."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec

from adapters.http.client import HttpClient
from domain.errors import ConfigError, UpstreamError, UpstreamFailure
from domain.follow_up import SignalEvent
from domain.records import Signal, SignalKind

if TYPE_CHECKING:
    from domain.ports import Notifier
    from domain.settings import NotifierSettings

SIGNATURE_HEADER = "x-preceptor-signature"

_UPDATED = "dev.preceptor.signal.updated"
_TYPES = {
    SignalKind.RETRAIN: "dev.preceptor.retraining.requested",
    SignalKind.WARNING: "dev.preceptor.drift.warned",
}


class WebhookNotifier:
    """POSTs signals, and what followed them, to one URL.  A receiver can drop a second delivery by the event's id.

    Raises:
        ConfigError: the URL names no host.
    """

    def __init__(self, settings: NotifierSettings, *, name: str) -> None:
        self._peer = f"notifier {name}"
        self._secret = settings.secret
        try:
            self._client = HttpClient(
                settings.webhook,
                peer=self._peer,
                timeout_s=settings.timeout_s,
                connect_timeout_s=settings.timeout_s,
                headers=[(b"content-type", b"application/cloudevents+json")],
            )
        except ValueError as error:
            raise ConfigError(f"notifiers.{name}.webhook", str(error)) from None

    async def notify(self, news: Signal | SignalEvent) -> None:
        """See `domain.ports.Notifier`."""
        body = msgspec.json.encode(cloud_event(news))
        headers = [(SIGNATURE_HEADER.encode(), sign(body, self._secret).encode())] if self._secret else []
        reply = await self._client.post("", body, headers=headers)
        if not 200 <= reply.status < 300:
            raise UpstreamError(UpstreamFailure.STATUS, f"{self._peer} answered {reply.status}; a 2xx status is needed")

    async def aclose(self) -> None:
        """See `domain.ports.Notifier`."""
        await self._client.aclose()


def cloud_event(news: Signal | SignalEvent) -> dict[str, object]:
    """The news in CloudEvents' structured JSON format (cloudevents.io, spec 1.0.2); it holds no user text."""
    at = dt.datetime.fromtimestamp(news.at, dt.UTC)
    return {
        "specversion": "1.0",
        "id": news.id,
        "source": f"preceptor/{news.task}",
        "type": _TYPES[news.kind] if isinstance(news, Signal) else _UPDATED,
        "subject": news.task,
        "time": at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": msgspec.to_builtins(news),
    }


def sign(body: bytes, secret: str) -> str:
    """The signature header of a body: `sha256=` and the HMAC-SHA256 in hex."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is that of `body`, in constant time."""
    return hmac.compare_digest(sign(body, secret).encode(), signature.encode())


if TYPE_CHECKING:
    _: Notifier = WebhookNotifier(NotifierSettings(webhook=""), name="")
