"""A call on its way through the gateway: what it is, what has been measured of it, what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm, Decision, Exchange, Usage, Verdict
from domain.sampling import draw, user_key
from gateway.identity import id_headers
from gateway.metrics import NO_ARM, Outcome
from gateway.pipeline import Passage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.clock import Clock
    from domain.ports import Headers
    from gateway.answers import Answer
    from gateway.dialect import Call
    from gateway.ledger import Ledger
    from gateway.metrics import TaskMetrics
    from gateway.pipeline import Pipeline
    from gateway.served import Served

_BYTES: dict[str, bytes] = {value: value.encode() for value in (*Arm, *Verdict)}
_PASSED_ON = frozenset({b"traceparent", b"tracestate", b"baggage", b"x-request-id"})
_LONGEST_TENANT = 200  # bytes of a name that tells slices apart


class TaskRoute(msgspec.Struct, frozen=True):
    """All that a call of one task needs."""

    name: str
    pipeline: Pipeline
    metrics: TaskMetrics
    ledger: Ledger
    policy: str
    journal_rate: float
    total_timeout_s: float
    sticky_header: bytes = b""
    tenant_header: bytes = b""


class Request:
    """One call.  What is not spent waiting for models is the gateway's overhead."""

    def __init__(
        self,
        id_: str,
        call: Call,
        route: TaskRoute,
        headers: Headers,
        fields: Mapping[bytes, bytes],
        *,
        started_s: float,
        now: float,
        clock: Clock,
        owner: str = "",
    ) -> None:
        """`fields` are the `headers` by name, `now` is the loop's time, `owner` the id of the client's key."""
        self.id = id_
        self.call = call
        self.route = route
        self.owner = owner
        self.draw = draw(id_)
        self.passage = Passage(
            id=id_,
            headers=() if _PASSED_ON.isdisjoint(fields) else [pair for pair in headers if pair[0] in _PASSED_ON],
            deadline=now + route.total_timeout_s,
            user=fields.get(route.sticky_header) or call.user.encode(),
            draw=self.draw,
        )
        self._fields = fields
        self._started_s = started_s
        self._clock = clock
        self._overhead_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Since the request's head came."""
        return self._clock.monotonic_s() - self._started_s

    def own_headers(self) -> list[tuple[bytes, bytes]]:
        """What can be told before there is an answer."""
        return [*id_headers(self.id, self._fields), (b"x-preceptor-task", self.route.name.encode())]

    def reply_headers(self, served: Served) -> list[tuple[bytes, bytes]]:
        """What is told with an answer; from now on time is the client's or a running stream's, not overhead."""
        self._overhead_s = self._overhead()
        told = [
            *self.own_headers(),
            (b"x-preceptor-arm", _BYTES[served.step.arm]),
            (b"x-preceptor-verdict", _BYTES[served.ruling.verdict]),
            (b"x-preceptor-overhead-ms", b"%.3f" % (self._overhead_s * 1000)),
        ]
        if served.ruling.reason:
            told.append((b"x-preceptor-reason", served.ruling.reason.encode()))
        return told

    def speaks(self, served: Served) -> None:
        """The first event of a stream goes out."""
        self.route.metrics.first_token(served.step.arm).observe(self.elapsed_s)

    def ended_without_answer(self, outcome: Outcome) -> None:
        """Count a request that nobody answered."""
        self.route.metrics.ended(NO_ARM, outcome, seconds=self.elapsed_s, overhead_s=self._overhead())

    def ended(self, served: Served, *, complete: bool) -> None:
        """Count a request that was answered."""
        self.route.metrics.ended(
            served.step.arm,
            _outcome(served, complete=complete),
            seconds=self.elapsed_s,
            overhead_s=self._overhead(),
        )

    def settle(self, served: Served, answer: Answer) -> None:
        """Count the money; an answer that came whole was paid as soon as it was there."""
        if served.live is not None:
            self.route.ledger.answered(served.step.arm, answer.usage)
        if served.ruling.verdict is not Verdict.BLOCK:
            self.route.ledger.served(served.step.arm, answer.usage)

    def exchange(self, served: Served, answer: Answer | None, *, complete: bool) -> Exchange | None:
        """The record for the journal, if this request is sampled."""
        if self.draw >= self.route.journal_rate:
            return None
        first = answer.choices[0] if answer and answer.choices else None
        return msgspec.structs.replace(
            self._unanswered(served.received.status, served.decisions),
            arm=served.step.arm,
            model=served.step.model,
            output_text=first.content if first else "",
            usable=complete and first is not None and served.usable,
            finish_reason=first.finish_reason if first else "",
            usage=answer.usage if answer else Usage(),
            confidence=served.confidence,
        )

    def unanswered(self, status: int) -> Exchange | None:
        """The record of a request that no model answered, if it is sampled."""
        return self._unanswered(status, self.passage.decisions) if self.draw < self.route.journal_rate else None

    def _unanswered(self, status: int, decisions: tuple[Decision, ...]) -> Exchange:
        return Exchange(
            id=self.id,
            task=self.route.name,
            at=self._clock.now_s(),
            arm=Arm.NONE,
            model="",
            draw=self.draw,
            journal_rate=self.route.journal_rate,
            request=self.call.body,
            input_text=self.call.input_text,
            output_text="",
            status=status,
            usable=False,
            endpoint=self.call.dialect.path,
            policy=self.route.policy,
            user=user_key(self.route.name, self.passage.user),
            tenant=self._fields.get(self.route.tenant_header, b"")[:_LONGEST_TENANT].decode("latin-1"),
            stream=self.call.stream,
            decisions=tuple(map(_for_the_record, decisions)),
            latency_s=self.elapsed_s,
            overhead_s=self._overhead(),
        )

    def _overhead(self) -> float:
        if self._overhead_s is not None:
            return self._overhead_s
        return max(0.0, self.elapsed_s - self.passage.upstream_s)


def _for_the_record(decision: Decision) -> Decision:
    """The decision without texts: what stands in the place of a find is for the client."""
    if all(span.instead is None for span in decision.spans):
        return decision
    spans = tuple(msgspec.structs.replace(span, instead=None) for span in decision.spans)
    return msgspec.structs.replace(decision, spans=spans)


def _outcome(served: Served, *, complete: bool) -> Outcome:
    if not complete:
        return Outcome.CUT
    if served.received.status != 200:
        return Outcome.UPSTREAM_ERROR if served.failure else Outcome.CLIENT_ERROR
    return Outcome.BLOCKED if served.ruling.verdict is Verdict.BLOCK else Outcome.OK
