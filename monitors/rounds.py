"""The rounds in which a teacher is asked the canary prompts: which are done, what is wanted next.  Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence

import msgspec

from domain.follow_up import Recheck
from domain.records import Deployment

_APART_S = 1.0  # rounds are told apart by their time


class Round(msgspec.Struct, frozen=True):
    """One answer to each prompt, or to as many as were answered."""

    at: float  # of its first answer
    answers: tuple[Recheck, ...] = ()

    def counts(self) -> tuple[float, ...]:
        """1 for each answer that is not the first one, else 0, in an order that says nothing about the prompt."""
        compared = [answer for answer in self.answers if answer.agreed is not None]
        return tuple(float(not answer.agreed) for answer in sorted(compared, key=_shuffled))


class Rounds(msgspec.Struct, frozen=True):
    """All rounds of one series: the first holds the first answers, the later ones are compared with them."""

    series: str
    done: tuple[Round, ...] = ()
    current: Round | None = None  # begun, not closed

    def first_answers(self) -> dict[str, str]:
        """By prompt; a prompt whose first answer failed has none and is not asked in later rounds."""
        return {answer.key: answer.answer for answer in self.done[0].answers} if self.done else {}

    def wanted(self, keys: Sequence[str]) -> list[str]:
        """The prompts that the current round still lacks."""
        if self.current is None:
            return []
        had = {answer.key for answer in self.current.answers}
        asked = self.first_answers() if self.done else keys
        return [key for key in keys if key in asked and key not in had]

    def due(self, now: float, *, every_s: float, learning: bool) -> bool:
        """Whether a round should begin: at once while there is a baseline to learn, then every so often."""
        return not self.done or learning or now >= self.done[-1].at + every_s

    def begin(self, now: float) -> Rounds:
        """With a round that begins now."""
        at = max(now, self.done[-1].at + _APART_S) if self.done else now
        return msgspec.structs.replace(self, current=Round(at))

    def answered(self, answers: Sequence[Recheck]) -> Rounds:
        """With more answers in the round that runs."""
        assert self.current is not None
        return msgspec.structs.replace(self, current=_round((*self.current.answers, *answers), self.current.at))

    def close(self) -> Rounds:
        """With the round that runs among those that are done."""
        assert self.current is not None
        return msgspec.structs.replace(self, done=(*self.done, self.current), current=None)

    def answer_id(self, key: str) -> str:
        """The id of the answer to a prompt in the round that runs: another try has the same."""
        return f"{self.series}-{len(self.done):05d}-{key[:16]}"


def series_of(task: str, teacher: str, keys: Iterable[str], *, since: float) -> str:
    """The name of a series: another teacher, other prompts or another student begin another."""
    name = "\0".join((task, teacher, repr(since), *sorted(keys)))
    return f"canary-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def read_rounds(series: str, rechecks: Iterable[Recheck], closed: Collection[float]) -> Rounds:
    """The rounds of a series as the store has them; `closed` are the times of those that were closed."""
    answers: dict[str, list[Recheck]] = {}
    for recheck in rechecks:
        if recheck.id.startswith(f"{series}-"):
            number = recheck.id.removeprefix(f"{series}-").partition("-")[0]
            answers.setdefault(number, []).append(recheck)
    found = [_round(answers[number], 0.0) for number in sorted(answers)]
    if found and found[-1].at not in closed:
        return Rounds(series, tuple(found[:-1]), found[-1])
    return Rounds(series, tuple(found))


def serving_since(deployments: Sequence[Deployment]) -> float:
    """When the student that serves began to; 0 without one.  A canary share or a new reference is no change."""
    since, model = 0.0, ""
    for deployment in deployments:
        if deployment.model != model:
            since, model = deployment.at, deployment.model
    return since


def _round(answers: Sequence[Recheck], begun: float) -> Round:
    return Round(min((answer.at for answer in answers), default=begun), tuple(answers))


def _shuffled(answer: Recheck) -> bytes:
    return hashlib.sha256(answer.id.encode()).digest()
