"""Runs the tests that a policy carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.ports import Subject
from domain.records import Stage, Verdict

if TYPE_CHECKING:
    from domain.settings import PolicyCase
    from policies.engine import PolicyEngine
    from policies.judgement import Judgement


async def failures(engine: PolicyEngine, cases: Sequence[PolicyCase]) -> list[str]:
    """A line for each case that came out otherwise than it says, led by its number."""
    found = []
    for number, case in enumerate(cases):
        subject = _subject(case)
        judged = await engine.judge_waiting(subject, engine.judge(subject))
        shadows = await engine.judge_shadows(subject)
        judged = judged.with_decisions(shadows, subject.texts)
        verdict = _verdict(judged, case.check)
        if verdict is not case.expect:
            said = ", ".join(f"{each.check} {each.verdict} ({each.reason})" for each in judged.decisions) or "nothing"
            who = f" of {case.check}" if case.check else ""
            found.append(f"{number}: expected {case.expect}{who} for the {subject.stage}, got {verdict}; said: {said}")
    return found


def _subject(case: PolicyCase) -> Subject:
    if case.output is not None:
        return Subject(Stage.OUTPUT, (case.output,), (0,), case.input, case.instructions, ("content",), (0,))
    if case.instructions:
        return Subject(Stage.INPUT, (case.instructions, case.input), (), case.input, "", ("system", "user"))
    return Subject(Stage.INPUT, (case.input,), (), case.input, "", ("user",))


def _verdict(judged: Judgement, check: str) -> Verdict:
    """The strongest verdict, or what one check says, though it may be a shadow."""
    if not check:
        return judged.verdict
    said = [each.verdict for each in judged.decisions if each.check == check]
    return max(said, key=lambda verdict: verdict.severity, default=Verdict.ALLOW)
