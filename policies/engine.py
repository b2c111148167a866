"""Runs the checks of a stage in order and turns what they find into one judgement.

Most checks are synchronous and run where they are asked: a late one cannot be interrupted, only judged afterwards; each
bounds its own work by the size of the text.  Checks that wait run after them, together, each until its deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Decision, Stage, Verdict
from policies.configured import OVER_BUDGET, ConfiguredCheck, inspect, inspect_waiting, works_too_long
from policies.judgement import Judgement, is_final, judgement
from policies.prefilter import Prefilter

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check, Subject, WaitingCheck


class Chain(msgspec.Struct, frozen=True):
    """The checks of one stage, in order."""

    inline: tuple[ConfiguredCheck[Check], ...] = ()
    waiting: tuple[ConfiguredCheck[WaitingCheck], ...] = ()

    @property
    def scoped(self) -> bool:
        """Whether a check asks what each text is."""
        return any(each.scope for each in self.inline) or any(each.scope for each in self.waiting)


class PolicyEngine:
    """The checks of one task, both stages."""

    def __init__(
        self, *, on_input: Chain, on_output: Chain, clock: Clock, window: int | None = None, sha256: str = ""
    ) -> None:
        """`window`: the characters of a streamed answer that wait for their verdict; None: all of them.

        `sha256` is that of everything that the checks were made of.
        """
        self.window = window
        self.sha256 = sha256
        self._clock = clock
        self._chains = {Stage.INPUT: on_input, Stage.OUTPUT: on_output}
        self._inline = {stage: _Inline(chain.inline) for stage, chain in self._chains.items() if chain.inline}

    def watches(self, stage: Stage) -> bool:
        """Whether any check looks at this stage."""
        chain = self._chains[stage]
        return bool(chain.inline or chain.waiting)

    def enforces(self, stage: Stage) -> bool:
        """Whether any check of this stage is more than a shadow."""
        chain = self._chains[stage]
        return not (all(each.shadow for each in chain.inline) and all(each.shadow for each in chain.waiting))

    def scoped(self, stage: Stage) -> bool:
        """Whether subjects of this stage must say what each text is."""
        return self._chains[stage].scoped

    def waits(self, stage: Stage, *, shadow: bool = False) -> bool:
        """Whether there are checks of this stage that wait."""
        return any(each.shadow is shadow for each in self._chains[stage].waiting)

    def judge(self, subject: Subject) -> Judgement:
        """What the checks say that do not wait.

        They stop at one that is final, a block, or for an answer a fallback; but shadow checks see every subject.
        """
        chain = self._inline.get(subject.stage)
        if chain is None:
            return Judgement(Verdict.ALLOW, (), subject.texts)
        decisions: list[Decision] = []
        stopped = False
        now = self._clock.monotonic_s()
        for configured in chain.due(subject):
            if stopped and not configured.shadow:
                continue
            started = now
            found = inspect(configured, subject)
            now = self._clock.monotonic_s()
            if now - started > configured.budget_s and works_too_long(configured, subject, self._clock):
                found = [*found, configured.failed(OVER_BUDGET)]
            if found:
                decisions += found
                stopped = stopped or any(map(is_final, found))
        if not decisions:
            return Judgement(Verdict.ALLOW, (), subject.texts)
        return judgement(subject.texts, tuple(decisions))

    async def judge_waiting(self, subject: Subject, judged: Judgement) -> Judgement:
        """A judgement with what the checks say that wait; none is asked once it is final."""
        if judged.final(subject.stage):
            return judged
        return judged.with_decisions(await self._wait(subject, shadow=False), subject.texts)

    async def judge_shadows(self, subject: Subject) -> tuple[Decision, ...]:
        """What the shadow checks say that wait: nobody has to wait with them."""
        return await self._wait(subject, shadow=True)

    def findings(self, subject: Subject) -> list[Decision]:
        """Everything that enforced checks say which do not wait, in order and to the last: none hides another's."""
        chain = self._inline.get(subject.stage)
        due = () if chain is None else chain.due(subject)
        return [each for configured in due if not configured.shadow for each in inspect(configured, subject)]

    def triggers(self, stage: Stage) -> list[str]:
        """The patterns of the enforced checks of a stage that do not wait and may keep a text back."""
        return [
            trigger
            for configured in self._chains[stage].inline
            if not configured.shadow and configured.verdict not in {Verdict.ALLOW, Verdict.FLAG}
            for trigger in configured.check.triggers
        ]

    @property
    def safety(self) -> frozenset[str]:
        """What decisions call the checks of answers that `unsafe` asks."""
        return frozenset(each.called for each in self._chains[Stage.OUTPUT].inline if each.safety)

    def unsafe(self, subject: Subject) -> bool:
        """Whether a check of safety finds something, enforced or not; those that wait are not asked."""
        chain = self._inline.get(subject.stage)
        due = () if chain is None else chain.due(subject)
        found = [decision for configured in due if configured.safety for decision in inspect(configured, subject)]
        return any(not decision.failed for decision in found)

    async def _wait(self, subject: Subject, *, shadow: bool) -> tuple[Decision, ...]:
        asked = [each for each in self._chains[subject.stage].waiting if each.shadow is shadow]
        found = await asyncio.gather(*(inspect_waiting(each, subject) for each in asked))
        return tuple(decision for each in found for decision in each)


class _Inline:
    """The checks of one stage that do not wait, and which of them need not look at every subject."""

    def __init__(self, checks: Sequence[ConfiguredCheck[Check]]) -> None:
        self._checks = tuple(checks)
        self._prefilter = Prefilter([configured.check for configured in checks])
        self._always = tuple(configured for configured in checks if not configured.check.triggers)

    def due(self, subject: Subject) -> Sequence[ConfiguredCheck[Check]]:
        """The checks that have to look at this subject."""
        triggered = self._prefilter.triggered(subject)
        if not triggered:
            return self._always
        return [
            configured
            for number, configured in enumerate(self._checks)
            if number in triggered or not configured.check.triggers
        ]
