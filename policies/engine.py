"""Runs the checks of a stage in order and turns what they find into one judgement.

A check that raises or works too long never lets an answer through unseen: it becomes a decision with its `on_error`
verdict.
Checks are synchronous, so a late one cannot be interrupted, only judged afterwards; each bounds its own work by the
size of the text.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Decision, Stage, Verdict
from policies.prefilter import Prefilter
from policies.redaction import redact

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Check, Subject

_LOG = logging.getLogger(__name__)

CHECK_ERROR = "check_error"
OVER_BUDGET = "over_budget"
_FINAL = {Stage.INPUT: {Verdict.BLOCK}, Stage.OUTPUT: {Verdict.BLOCK, Verdict.FALLBACK}}


class ConfiguredCheck(msgspec.Struct, frozen=True):
    """A check with what the operator decided about it."""

    check: Check
    verdict: Verdict  # of a finding
    on_error: Verdict
    budget_s: float


class Judgement(msgspec.Struct, frozen=True):
    """The strongest verdict, every finding behind it, and the texts as they may be passed on."""

    verdict: Verdict
    decisions: tuple[Decision, ...]
    texts: tuple[str, ...]

    @property
    def reason(self) -> str:
        """`check:reason` of the first decision with the strongest verdict; empty when all is allowed."""
        return next((f"{d.check}:{d.reason}" for d in self.decisions if d.verdict is self.verdict), "")


class PolicyEngine:
    """The checks of one task, both stages."""

    def __init__(self, stages: Mapping[Stage, Sequence[ConfiguredCheck]], *, clock: Clock) -> None:
        self._stages = {stage: _Chain(checks) for stage, checks in stages.items() if checks}
        self._clock = clock

    def watches(self, stage: Stage) -> bool:
        """Whether any check looks at this stage."""
        return stage in self._stages

    def judge(self, subject: Subject) -> Judgement:
        """Run the checks of the subject's stage until one is final: a block, or for an answer a fallback."""
        chain = self._stages.get(subject.stage)
        if chain is None:
            return Judgement(Verdict.ALLOW, (), subject.texts)
        decisions: list[Decision] = []
        final = _FINAL[subject.stage]
        now = self._clock.monotonic_s()
        for configured in chain.due(subject):
            started = now
            found = _inspect(configured, subject)
            now = self._clock.monotonic_s()
            if now - started > configured.budget_s and self._works_too_long(configured, subject):
                found.append(_failed(configured, OVER_BUDGET))
            decisions += found
            if any(decision.verdict in final for decision in found):
                break
        if not decisions:
            return Judgement(Verdict.ALLOW, (), subject.texts)
        verdict = max((decision.verdict for decision in decisions), key=lambda verdict: verdict.severity)
        return Judgement(verdict, tuple(decisions), redact(subject.texts, decisions))

    def _works_too_long(self, configured: ConfiguredCheck, subject: Subject) -> bool:
        """Time the check again, by its own work: on a busy machine the clock on the wall blames the wrong one.

        The clock of the work is too dear to be read for every request.
        """
        before = self._clock.cpu_s()
        _inspect(configured, subject)
        return self._clock.cpu_s() - before > configured.budget_s


class _Chain:
    """The checks of one stage, in order, and which of them need not look at every subject."""

    def __init__(self, checks: Sequence[ConfiguredCheck]) -> None:
        self._checks = tuple(checks)
        self._prefilter = Prefilter([configured.check for configured in checks])
        self._always = tuple(configured for configured in checks if not configured.check.triggers)

    def due(self, subject: Subject) -> Sequence[ConfiguredCheck]:
        """The checks that have to look at this subject."""
        triggered = self._prefilter.triggered(subject)
        if not triggered:
            return self._always
        return [
            configured
            for number, configured in enumerate(self._checks)
            if number in triggered or not configured.check.triggers
        ]


def _inspect(configured: ConfiguredCheck, subject: Subject) -> list[Decision]:
    try:
        finding = configured.check.inspect(subject)
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises must not let the text through
        _LOG.error("check_failed check=%s error=%s", configured.check.name, type(error).__name__)
        return [_failed(configured, CHECK_ERROR)]
    if finding is None or configured.verdict is Verdict.ALLOW:
        return []
    return [msgspec.structs.replace(finding, verdict=configured.verdict)]


def _failed(configured: ConfiguredCheck, reason: str) -> Decision:
    """A failed check is never silent: `on_error: allow` still leaves a flag."""
    verdict = Verdict.FLAG if configured.on_error is Verdict.ALLOW else configured.on_error
    return Decision(configured.check.name, verdict, reason)
