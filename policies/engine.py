"""Runs the checks of a stage in order and turns what they find into one judgement.

A check that raises or takes too long never lets an answer through unseen: it becomes a decision with its `on_error`
verdict.
Checks are synchronous, so a late one cannot be interrupted, only judged afterwards; each bounds its own work by the
size of the text.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Decision, Span, Stage, Verdict

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
        self._stages = {stage: tuple(checks) for stage, checks in stages.items()}
        self._clock = clock

    def watches(self, stage: Stage) -> bool:
        """Whether any check looks at this stage."""
        return bool(self._stages.get(stage))

    def judge(self, subject: Subject) -> Judgement:
        """Run the checks of the subject's stage until one is final: a block, or for an answer a fallback."""
        decisions: list[Decision] = []
        for configured in self._stages.get(subject.stage, ()):
            found = self._run(configured, subject)
            decisions += found
            if any(decision.verdict in _FINAL[subject.stage] for decision in found):
                break
        if not decisions:
            return Judgement(Verdict.ALLOW, (), subject.texts)
        verdict = max((decision.verdict for decision in decisions), key=lambda verdict: verdict.severity)
        return Judgement(verdict, tuple(decisions), redact(subject.texts, decisions))

    def _run(self, configured: ConfiguredCheck, subject: Subject) -> list[Decision]:
        name, started = configured.check.name, self._clock.monotonic_s()
        try:
            finding = configured.check.inspect(subject)
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises must not let the text through
            _LOG.error("check_failed check=%s error=%s", name, type(error).__name__)
            return [_failed(configured, CHECK_ERROR)]
        decisions = [] if finding is None else [msgspec.structs.replace(finding, verdict=configured.verdict)]
        if self._clock.monotonic_s() - started > configured.budget_s:
            decisions.append(_failed(configured, OVER_BUDGET))
        return decisions


def _failed(configured: ConfiguredCheck, reason: str) -> Decision:
    """A failed check is never silent: `on_error: allow` still leaves a flag."""
    verdict = Verdict.FLAG if configured.on_error is Verdict.ALLOW else configured.on_error
    return Decision(configured.check.name, verdict, reason)


def redact(texts: tuple[str, ...], decisions: Sequence[Decision]) -> tuple[str, ...]:
    """The texts with the spans of every redact decision replaced by `[check]`; overlapping spans become one."""
    marked: dict[int, list[tuple[Span, str]]] = {}
    for decision in decisions:
        if decision.verdict is Verdict.REDACT:
            for span in decision.spans:
                marked.setdefault(span.text, []).append((span, decision.check))
    if not marked:
        return texts
    return tuple(_cut(text, marked.get(number, [])) for number, text in enumerate(texts))


def _cut(text: str, marks: list[tuple[Span, str]]) -> str:
    pieces, position = [], 0
    for span, check in sorted(marks, key=lambda mark: (mark[0].start, -mark[0].end)):
        if span.start >= position:
            pieces += [text[position : span.start], f"[{check}]"]
        position = max(position, span.end)
    return "".join([*pieces, text[position:]])
