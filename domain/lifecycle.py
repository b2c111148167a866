"""The life of a signal: raised, answered, recovered.  Pure: a replay of the same records gives the same lives.

Signals of one reason that come while the trouble lasts are one episode; an answer to any of them is an answer to it.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.durations import seconds
from domain.errors import PreceptorError
from domain.follow_up import SignalEvent, SignalState
from domain.records import Deployment, Reading, Signal, SignalKind

if TYPE_CHECKING:
    from domain.settings import SignalSettings

MONITORS = "monitors"  # who records what nobody said: a recovery
CALM = 0.5  # evidence below it is low; an alarm needs 1
_LEAST = 20  # observations with low evidence, for a recovery that is believed


class Cause(enum.StrEnum):
    """Why a state followed another."""

    SIGNAL = "signal"  # the monitors raised one
    ANSWER = "answer"  # a person, or the loop that retrains, said so
    EVIDENCE = "evidence"  # it fell and stayed low
    DEPLOYMENT = "deployment"  # another student or another reference
    TIME = "time"  # nothing was heard of it any more


_ENDS = frozenset({Cause.EVIDENCE, Cause.DEPLOYMENT, Cause.TIME})
_BY_SIGNAL, _BY_ANSWER = frozenset({Cause.SIGNAL}), frozenset({Cause.ANSWER})

TRANSITIONS: Mapping[SignalState, Mapping[SignalState, frozenset[Cause]]] = {
    SignalState.OK: {SignalState.WARNING: _BY_SIGNAL, SignalState.ALARM: _BY_SIGNAL},
    SignalState.WARNING: {
        SignalState.ALARM: _BY_SIGNAL,
        SignalState.ACKNOWLEDGED: _BY_ANSWER,
        SignalState.RECOVERED: _ENDS,
        SignalState.OK: _BY_ANSWER,
    },
    SignalState.ALARM: {
        SignalState.ACKNOWLEDGED: _BY_ANSWER,
        SignalState.RETRAINING: _BY_ANSWER,
        SignalState.RECOVERED: _ENDS,
        SignalState.OK: _BY_ANSWER,
    },
    SignalState.ACKNOWLEDGED: {
        SignalState.RETRAINING: _BY_ANSWER,
        SignalState.RECOVERED: _ENDS,
        SignalState.OK: _BY_ANSWER,
    },
    SignalState.RETRAINING: {
        SignalState.ALARM: _BY_ANSWER,
        SignalState.RECOVERED: _ENDS,
    },  # alarm: no student came of it
    SignalState.RECOVERED: {
        SignalState.WARNING: _BY_SIGNAL,
        SignalState.ALARM: _BY_SIGNAL,
        SignalState.OK: frozenset({Cause.TIME, Cause.ANSWER}),
    },
}

_URGENCY = (
    SignalState.ALARM, SignalState.RETRAINING, SignalState.ACKNOWLEDGED, SignalState.WARNING, SignalState.RECOVERED,
    SignalState.OK,
)  # fmt: skip


class Rules(msgspec.Struct, frozen=True):
    """When an episode is over."""

    cooldown_s: float  # evidence stays below CALM so long: recovered; so long after that: ok
    least: int = _LEAST

    @classmethod
    def of(cls, settings: SignalSettings) -> Rules:
        """Those of a task."""
        return cls(seconds(settings.cooldown))


class Step(msgspec.Struct, frozen=True):
    """A state, since when, and why."""

    state: SignalState
    at: float
    cause: Cause
    by: str = ""
    note: str = ""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """Signals of one reason from the first to the recovery, and what became of them; never without a step."""

    task: str
    reason: str
    kind: SignalKind
    signal_ids: tuple[str, ...]
    steps: tuple[Step, ...]
    answers: int  # events so far, the refused ones too

    @property
    def state(self) -> SignalState:
        """Where it stands."""
        return self.steps[-1].state

    @property
    def since(self) -> float:
        """Since when it stands there."""
        return self.steps[-1].at


class History(msgspec.Struct, frozen=True):
    """What the lives of a task's signals are computed from; each oldest first."""

    signals: Sequence[Signal]
    events: Sequence[SignalEvent] = ()
    readings: Sequence[Reading] = ()
    deployments: Sequence[Deployment] = ()


def standing(of: Iterable[Episode]) -> SignalState:
    """Where a task stands: the most urgent of its episodes' states."""
    return min((episode.state for episode in of), key=_URGENCY.index, default=SignalState.OK)


def answer(episode: Episode, state: SignalState, *, at: float, by: str, note: str = "") -> SignalEvent:
    """The event that answers an episode.  Two that answer the same state of it at once have one id.

    Raises:
        PreceptorError: the episode cannot take this answer now.
    """
    possible = [str(after) for after, causes in TRANSITIONS[episode.state].items() if Cause.ANSWER in causes]
    last = episode.signal_ids[-1]
    if state not in possible:
        rest = f"it can become {', '.join(possible)}" if possible else "there is nothing to answer"
        raise PreceptorError(f"signal {last} ({episode.reason}) is {episode.state}, so it cannot be {state}; {rest}")
    return SignalEvent(
        id=_id(episode.signal_ids[0], str(state), str(episode.answers)),
        task=episode.task,
        signal_id=last,
        state=state,
        at=at,
        by=by,
        note=note,
    )


def recoveries(of: Iterable[Episode], events: Iterable[SignalEvent]) -> list[SignalEvent]:
    """The recoveries that no event records yet, to be told; always of the same ids."""
    known = {event.id for event in events}
    found = [
        SignalEvent(
            id=_id(episode.signal_ids[0], str(step.state), repr(step.at)),
            task=episode.task,
            signal_id=episode.signal_ids[-1],
            state=step.state,
            at=step.at,
            by=MONITORS,
            note=step.cause,
        )
        for episode in of
        for step in episode.steps
        if step.state is SignalState.RECOVERED
    ]
    return [event for event in found if event.id not in known]


def _id(*parts: str) -> str:
    return f"event-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"
