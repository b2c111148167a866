from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.records import Decision, Span, Stage, Verdict
from policies.judgement import Judgement, is_final, judgement

TEXTS = ("call 555 now",)


def said(verdict: Verdict, check: str = "a", *, shadow: bool = False, failed: bool = False) -> Decision:
    """A decision about the digits of the text."""
    return Decision(check, verdict, "number", (Span(0, 5, 8),), shadow=shadow, failed=failed)


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.booleans()), max_size=6))
def test_the_strongest_verdict_that_is_no_shadow_wins(given: list[tuple[Verdict, bool]]) -> None:
    """Shadows are kept among the decisions and change neither the verdict nor the texts."""
    judged = judgement(TEXTS, tuple(said(verdict, shadow=shadow) for verdict, shadow in given))
    enforced = [verdict for verdict, shadow in given if not shadow]
    assert judged.verdict.severity == max((verdict.severity for verdict in enforced), default=0)
    assert len(judged.decisions) == len(given)
    assert judged.texts == (("call [a] now",) if Verdict.REDACT in enforced else TEXTS)


@pytest.mark.parametrize(
    ("decisions", "reason", "unavailable"),
    [
        ((), "", False),
        ((said(Verdict.FLAG), said(Verdict.BLOCK, "b")), "b:number", False),
        ((said(Verdict.BLOCK), said(Verdict.BLOCK, "b")), "a:number", False),
        ((said(Verdict.BLOCK, failed=True),), "a:number", True),
        ((said(Verdict.BLOCK, failed=True), said(Verdict.BLOCK, "b")), "b:number", False),
        ((said(Verdict.BLOCK, failed=True), said(Verdict.FLAG, "b")), "a:number", True),
        ((said(Verdict.BLOCK, shadow=True), said(Verdict.FLAG, "b")), "b:number", False),
    ],
)
def test_what_decided_is_told(decisions: tuple[Decision, ...], reason: str, unavailable: bool) -> None:
    """The first of the strongest; a finding rather than a failure, and never a shadow."""
    judged = judgement(TEXTS, decisions)
    assert (judged.reason, judged.unavailable) == (reason, unavailable)


def test_more_decisions_can_only_make_it_stronger() -> None:
    """What is said later is judged together with what was said before, on the texts of the model."""
    judged = judgement(TEXTS, (said(Verdict.REDACT),))
    later = judged.with_decisions([said(Verdict.FLAG, "b")], TEXTS)
    assert (later.verdict, later.texts, len(later.decisions)) == (Verdict.REDACT, ("call [a] now",), 2)
    assert judged.with_decisions([], TEXTS) is judged


@pytest.mark.parametrize(
    ("verdict", "of_input", "of_answer"),
    [
        (Verdict.ALLOW, False, False),
        (Verdict.FLAG, False, False),
        (Verdict.REDACT, False, False),
        (Verdict.FALLBACK, False, True),
        (Verdict.BLOCK, True, True),
    ],
)
def test_what_is_final(verdict: Verdict, of_input: bool, of_answer: bool) -> None:
    """An input that goes to the teacher may still be blocked; an answer that falls back is gone."""
    judged = Judgement(verdict, (), TEXTS)
    assert (judged.final(Stage.INPUT), judged.final(Stage.OUTPUT)) == (of_input, of_answer)
    assert is_final(Decision("a", verdict, "x", stage=Stage.OUTPUT)) is of_answer
    assert not is_final(Decision("a", verdict, "x", stage=Stage.OUTPUT, shadow=True))
