"""Asks a moderation service that answers as OpenAI's does: `{"results": [{"flagged": ..., "categories": ...}]}`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from domain.clock import loop_time
from domain.errors import ConfigError, UpstreamError, UpstreamFailure
from domain.records import Decision, Span, Verdict
from policies.codes import code

if TYPE_CHECKING:
    from domain.ports import Subject, Upstream, WaitingCheck

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

FLAGGED = "flagged"  # the reason where the service names no category that we know
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)  # OpenAI's API reference, POST /moderations


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which service to ask; `upstream` is a name in `upstreams:`.

    A category with a threshold counts when its score reaches that, and not when the service says so.  More than
    `max_bytes` of texts are not sent at all: what was cut off would pass unseen.
    """

    upstream: str
    path: str = "/moderations"
    model: str = ""  # empty: the service's own choice
    thresholds: dict[str, Share] = {}
    max_bytes: int = 262_144

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ConfigError("path", f"{self.path!r} must begin with /")
        if self.max_bytes < 1:
            raise ConfigError("max_bytes", f"{self.max_bytes} must be at least 1")


class _Result(msgspec.Struct):
    flagged: bool | None = None  # some services leave it to the categories
    categories: dict[str, bool | None] | None = None
    category_scores: dict[str, float | None] | None = None


class _Answer(msgspec.Struct):
    results: list[_Result]


_DECODER = msgspec.json.Decoder(_Answer)


class HttpCheck:
    """Reasons: OpenAI's categories and those with a threshold, as codes (`self_harm_intent`); `flagged` for others.

    It sees whole texts, and points at each text that is flagged.
    """

    name = "http"

    def __init__(self, options: Options, *, upstream: Upstream, budget_s: float) -> None:
        """`upstream` is the service, which must answer within `budget_s` seconds."""
        self._options = options
        self._upstream = upstream
        self._budget_s = budget_s
        self._reasons = {each: code(each, otherwise=FLAGGED) for each in (*CATEGORIES, *options.thresholds)}

    async def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.WaitingCheck`.

        Raises:
            UpstreamError: the service did not answer, or not with 2xx.
            ValueError: there is too much text to send, or the answer is no moderation of what was sent.
        """
        numbers = [number for number, text in enumerate(subject.texts) if text.strip()]
        if not numbers:
            return None
        results = await self._ask([subject.texts[number] for number in numbers])
        spans = tuple(
            Span(number, 0, len(subject.texts[number]), reason)
            for number, result in zip(numbers, results, strict=True)
            if (reason := self._reason(result))
        )
        return Decision(self.name, Verdict.BLOCK, spans[0].kind, spans) if spans else None

    async def _ask(self, texts: list[str]) -> list[_Result]:
        request: dict[str, Any] = {"input": texts}
        if self._options.model:
            request["model"] = self._options.model
        body = msgspec.json.encode(request)
        if len(body) > self._options.max_bytes:
            raise ValueError(f"{len(body)} bytes of texts are more than max_bytes ({self._options.max_bytes})")
        reply = await self._upstream.complete(self._options.path, body, deadline=loop_time() + self._budget_s)
        if not 200 <= reply.status < 300:
            raise UpstreamError(UpstreamFailure.STATUS, f"the moderation service answered with {reply.status}")
        results = _DECODER.decode(reply.body).results
        if len(results) != len(texts):
            raise ValueError(f"{len(results)} results for {len(texts)} texts")
        return results

    def _reason(self, result: _Result) -> str:
        """The category with the highest score of those that count, as a code; empty: nothing was found."""
        categories, scores = result.categories or {}, result.category_scores or {}
        if result.flagged is None and not categories:
            raise ValueError("a result has neither `flagged` nor categories")
        found = list(self._found(categories, scores))
        if found:
            return self._reasons.get(max(found, key=lambda each: scores.get(each) or 0.0), FLAGGED)
        unexplained = result.flagged and not any(categories.values())
        return FLAGGED if unexplained else ""

    def _found(self, categories: dict[str, bool | None], scores: dict[str, float | None]) -> Iterator[str]:
        thresholds = self._options.thresholds
        for category, threshold in thresholds.items():
            score = scores.get(category)
            if score is None:
                raise ValueError(f"there is no score for {category}, which has a threshold")
            if score >= threshold:
                yield category
        yield from (category for category, said in categories.items() if said and category not in thresholds)


if TYPE_CHECKING:
    _: type[WaitingCheck] = HttpCheck
