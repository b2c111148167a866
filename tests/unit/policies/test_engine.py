from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.ports import Check, Subject, WaitingCheck
from domain.records import Decision, Span, Stage, Verdict
from domain.settings import AppliesTo
from policies.configured import ConfiguredCheck, UnavailableError
from policies.engine import Chain, PolicyEngine
from policies.judgement import Judgement
from policies.scope import Scope

ANSWER = Subject(Stage.OUTPUT, ("call 555 now",), (0,), "hello")
INPUT = Subject(Stage.INPUT, ("call 555 now",), (), "call 555 now")


class Finds:
    """A check that finds `555`, after `takes_s` on the clock."""

    triggers: tuple[str, ...] = ()
    window: int | None = None

    def __init__(self, name: str, clock: ManualClock, *, takes_s: float = 0.0) -> None:
        self.name, self.runs = name, 0
        self._clock, self._takes_s = clock, takes_s

    def inspect(self, subject: Subject) -> Decision | None:
        self.runs += 1
        self._clock.advance(self._takes_s)
        start = subject.texts[0].find("555")
        return Decision(self.name, Verdict.FLAG, "number", (Span(0, start, start + 3),)) if start >= 0 else None


class Raises:
    name = "broken"
    triggers: tuple[str, ...] = ()
    window: int | None = None

    def inspect(self, subject: Subject) -> Decision | None:
        raise RuntimeError(subject.texts[0])


def configured(
    check: Finds | Raises,
    verdict: Verdict = Verdict.FLAG,
    *,
    on_error: Verdict = Verdict.FALLBACK,
    shadow: bool = False,
) -> ConfiguredCheck[Check]:
    """A check with a budget of 50 ms."""
    return ConfiguredCheck(
        check=check,
        called=check.name,
        stage=Stage.INPUT,
        verdict=verdict,
        on_error=on_error,
        budget_s=0.05,
        shadow=shadow,
    )


def engine(checks: Sequence[ConfiguredCheck[Check]], clock: ManualClock | None = None) -> PolicyEngine:
    """The same checks on both stages."""
    chains = {stage: Chain(tuple(msgspec.structs.replace(each, stage=stage) for each in checks)) for stage in Stage}
    return PolicyEngine(on_input=chains[Stage.INPUT], on_output=chains[Stage.OUTPUT], clock=clock or ManualClock())


@pytest.mark.parametrize("subject", [INPUT, ANSWER])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_configured_verdict_replaces_the_check_s_own(subject: Subject, verdict: Verdict) -> None:
    """What a finding means is the operator's word, and an allowed finding is none."""
    judged = engine([configured(Finds("a", ManualClock()), verdict)]).judge(subject)
    assert judged.verdict is verdict
    assert [d.verdict for d in judged.decisions] == ([] if verdict is Verdict.ALLOW else [verdict])


@pytest.mark.parametrize(
    ("stage", "verdict", "runs"),
    [
        (Stage.INPUT, Verdict.FLAG, 1),
        (Stage.INPUT, Verdict.REDACT, 1),
        (Stage.INPUT, Verdict.FALLBACK, 1),
        (Stage.INPUT, Verdict.BLOCK, 0),
        (Stage.OUTPUT, Verdict.FLAG, 1),
        (Stage.OUTPUT, Verdict.REDACT, 1),
        (Stage.OUTPUT, Verdict.FALLBACK, 0),
        (Stage.OUTPUT, Verdict.BLOCK, 0),
    ],
)
def test_a_final_verdict_ends_the_stage(stage: Stage, verdict: Verdict, runs: int) -> None:
    """After a block, or a fallback of an answer, later checks do not run; an input's fallback can still be blocked."""
    clock = ManualClock()
    later = Finds("later", clock)
    judged = engine([configured(Finds("first", clock), verdict), configured(later)]).judge(Subject(stage, ("555",)))
    assert later.runs == runs
    assert judged.verdict is verdict
    assert judged.reason == "first:number"


@pytest.mark.parametrize("on_error", list(Verdict))
def test_a_check_that_raises_obeys_on_error_and_is_never_silent(
    on_error: Verdict, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed check leaves a decision, a flag at least, and a log line without any user text."""
    with caplog.at_level(logging.ERROR):
        judged = engine([configured(Raises(), on_error=on_error)]).judge(ANSWER)
    expected = Verdict.FLAG if on_error is Verdict.ALLOW else on_error
    assert judged.decisions == (Decision("broken", expected, "check_error", stage=Stage.OUTPUT, failed=True),)
    assert caplog.messages == ["check_failed check=broken reason=check_error error=RuntimeError"]


def test_a_failed_check_that_would_redact_takes_the_whole_text() -> None:
    """What nobody can point at does not pass."""
    assert engine([configured(Raises(), on_error=Verdict.REDACT)]).judge(ANSWER).texts == ("[broken]",)


def test_a_failed_check_does_not_hide_what_the_others_find() -> None:
    """The checks after a failed one still run when its verdict is not final."""
    checks = [configured(Raises(), on_error=Verdict.FLAG), configured(Finds("a", ManualClock()), Verdict.BLOCK)]
    assert engine(checks).judge(ANSWER).verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    ("takes_s", "text", "reasons"),
    [
        (0.04, "555", ["number"]),
        (0.06, "555", ["number", "over_budget"]),
        (0.04, "none", []),
        (0.06, "none", ["over_budget"]),
    ],
)
def test_a_late_check_is_judged_afterwards(takes_s: float, text: str, reasons: list[str]) -> None:
    """Above the budget there is a decision with `on_error`, and the finding is kept."""
    clock = ManualClock()
    late = configured(Finds("late", clock, takes_s=takes_s), on_error=Verdict.BLOCK)
    judged = engine([late], clock).judge(Subject(Stage.OUTPUT, (text,)))
    assert [decision.reason for decision in judged.decisions] == reasons
    assert (judged.verdict is Verdict.BLOCK) == ("over_budget" in reasons)


def test_each_check_has_a_budget_of_its_own() -> None:
    """A check pays for its own time only, and the judgement knows the sum."""
    clock = ManualClock()
    judged = engine([configured(Finds(name, clock, takes_s=0.04)) for name in "abc"], clock).judge(INPUT)
    assert {decision.reason for decision in judged.decisions} == {"number"}


def test_redactions_apply_to_the_texts() -> None:
    """The judgement carries the texts as they may be passed on."""
    judged = engine([configured(Finds("number", ManualClock()), Verdict.REDACT)]).judge(ANSWER)
    assert judged.texts == ("call [number] now",)


def test_an_empty_stage_allows_everything_and_is_not_watched() -> None:
    """A task may have no checks on a stage."""
    only_input = PolicyEngine(on_input=Chain((configured(Raises()),)), on_output=Chain(), clock=ManualClock())
    assert only_input.judge(ANSWER) == Judgement(Verdict.ALLOW, (), ANSWER.texts)
    assert only_input.watches(Stage.INPUT)
    assert not only_input.watches(Stage.OUTPUT)


@given(st.lists(st.sampled_from(Verdict), max_size=5), st.sampled_from(Stage))
def test_the_strongest_verdict_wins(verdicts: list[Verdict], stage: Stage) -> None:
    """The judgement is as strong as its strongest decision, and the reason is that decision's."""
    clock = ManualClock()
    checks = [configured(Finds(f"c{number}", clock), verdict) for number, verdict in enumerate(verdicts)]
    judged = engine(checks).judge(Subject(stage, ("555",)))
    assert judged.verdict.severity == max((d.verdict.severity for d in judged.decisions), default=0)
    assert Verdict.ALLOW not in {d.verdict for d in judged.decisions}
    strongest = [f"{d.check}:{d.reason}" for d in judged.decisions if d.verdict is judged.verdict]
    assert judged.reason == (strongest[0] if strongest else "")


def test_checks_without_a_trigger_in_the_text_are_not_run() -> None:
    """The prefilter saves the closer look, keeps the order of the chain, and never skips an untriggered kind."""
    clock = ManualClock()
    always, gated, other = Finds("always", clock), Finds("gated", clock), Finds("other", clock)
    gated.triggers, other.triggers = ("5{3}",), ("nowhere",)
    judged = engine([configured(check) for check in (gated, other, always)], clock).judge(INPUT)
    assert [decision.check for decision in judged.decisions] == ["gated", "always"]
    assert (gated.runs, other.runs, always.runs) == (1, 0, 1)
    engine([configured(check) for check in (gated, other)], clock).judge(Subject(Stage.INPUT, ("call",), (), ""))
    assert (gated.runs, other.runs) == (1, 0)


def test_a_busy_machine_is_not_the_check_s_fault() -> None:
    """A check whose thread had to wait for a processor has not worked too long."""

    class Busy(ManualClock):
        """Time passes, and nobody has worked."""

        def cpu_s(self) -> float:
            return 0.0

    clock = Busy()
    judged = engine([configured(Finds("a", clock, takes_s=9.0))], clock).judge(INPUT)
    assert [decision.reason for decision in judged.decisions] == ["number"]


@pytest.mark.parametrize("stage", list(Stage))
def test_a_shadow_check_changes_nothing_and_sees_everything(stage: Stage) -> None:
    """What it would do is said; the verdict and the texts are those without it, even after a block."""
    clock = ManualClock()
    shadow = Finds("shadow", clock)
    checks = [configured(Finds("first", clock), Verdict.BLOCK), configured(shadow, Verdict.REDACT, shadow=True)]
    judged = engine(checks).judge(Subject(stage, ("555",)))
    assert (judged.verdict, judged.reason) == (Verdict.BLOCK, "first:number")
    assert [(each.check, each.verdict, each.shadow) for each in judged.decisions] == [
        ("first", Verdict.BLOCK, False),
        ("shadow", Verdict.REDACT, True),
    ]
    alone = engine([configured(shadow, Verdict.BLOCK, shadow=True)]).judge(Subject(stage, ("555",)))
    assert (alone.verdict, alone.reason, alone.texts) == (Verdict.ALLOW, "", ("555",))


def test_a_shadow_check_that_fails_stops_nobody() -> None:
    """Its failure is recorded, and that is all."""
    judged = engine([configured(Raises(), on_error=Verdict.BLOCK, shadow=True)]).judge(ANSWER)
    assert judged.verdict is Verdict.ALLOW
    assert [(each.failed, each.shadow) for each in judged.decisions] == [(True, True)]


def test_what_was_found_explains_more_than_what_could_not_run() -> None:
    """A judgement is unavailable only when nothing but a failure stands behind it."""
    clock = ManualClock()
    broken, finds = configured(Raises(), on_error=Verdict.BLOCK), configured(Finds("a", clock), Verdict.BLOCK)
    assert engine([broken]).judge(INPUT).unavailable
    flagged = engine([configured(Raises(), on_error=Verdict.FLAG), finds]).judge(INPUT)
    assert (flagged.unavailable, flagged.reason) == (False, "a:number")


class Waits:
    """A check that answers when it is told to."""

    name = "waits"

    def __init__(self, *, gate: asyncio.Event | None = None, error: Exception | None = None) -> None:
        self.runs = 0
        self._gate, self._error = gate, error

    async def inspect(self, subject: Subject) -> Decision | None:
        self.runs += 1
        if self._gate is not None:
            await self._gate.wait()
        if self._error is not None:
            raise self._error
        return Decision(self.name, Verdict.FLAG, "flagged") if "555" in subject.texts[0] else None


def waiting(check: Waits, verdict: Verdict = Verdict.BLOCK, *, shadow: bool = False) -> ConfiguredCheck[WaitingCheck]:
    """A check that waits at most 10 ms."""
    return ConfiguredCheck(
        check=check,
        called=check.name,
        stage=Stage.OUTPUT,
        verdict=verdict,
        on_error=Verdict.FALLBACK,
        budget_s=0.01,
        shadow=shadow,
    )


async def asked(*checks: ConfiguredCheck[WaitingCheck], subject: Subject = ANSWER) -> Judgement:
    """What checks that wait add to an answer that is allowed so far."""
    judging = PolicyEngine(on_input=Chain(), on_output=Chain(waiting=checks), clock=ManualClock())
    return await judging.judge_waiting(subject, judging.judge(subject))


@pytest.mark.parametrize("verdict", [Verdict.FLAG, Verdict.BLOCK, Verdict.FALLBACK])
async def test_checks_that_wait_are_asked_too(verdict: Verdict) -> None:
    """Their finding is as good as any other's."""
    judged = await asked(waiting(Waits(), verdict))
    assert (judged.verdict, judged.reason) == (verdict, "waits:flagged")
    assert (await asked(waiting(Waits()), subject=Subject(Stage.OUTPUT, ("no",)))).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (Waits(error=OSError("555")), "check_error"),
        (Waits(error=UnavailableError("pool_full")), "pool_full"),
        (Waits(error=TimeoutError()), "over_budget"),
    ],
)
async def test_a_check_that_waited_in_vain_obeys_on_error(check: Waits, reason: str) -> None:
    """However it fails, there is a decision that says so."""
    judged = await asked(waiting(check))
    assert (judged.verdict, judged.reason, judged.unavailable) == (Verdict.FALLBACK, f"waits:{reason}", True)


async def test_a_check_is_waited_for_until_its_budget_ends() -> None:
    """One that never answers is late, and no longer waits itself."""
    judged = await asked(waiting(Waits(gate=asyncio.Event())))
    assert judged.reason == "waits:over_budget"


async def test_nobody_waits_for_a_check_once_the_judgement_is_final() -> None:
    """A blocked answer is blocked whatever else is said, and a service that costs money is not asked."""
    late = Waits()
    judging = PolicyEngine(
        on_input=Chain(),
        on_output=Chain(
            (msgspec.structs.replace(configured(Finds("a", ManualClock()), Verdict.BLOCK), stage=Stage.OUTPUT),),
            (waiting(late),),
        ),
        clock=ManualClock(),
    )
    assert (await judging.judge_waiting(ANSWER, judging.judge(ANSWER))).reason == "a:number"
    assert late.runs == 0


async def test_shadow_checks_that_wait_are_asked_apart() -> None:
    """The request does not wait for them."""
    shadow = Waits()
    judging = PolicyEngine(
        on_input=Chain(), on_output=Chain(waiting=(waiting(shadow, shadow=True),)), clock=ManualClock()
    )
    assert (await judging.judge_waiting(ANSWER, judging.judge(ANSWER))).decisions == ()
    assert (judging.waits(Stage.OUTPUT), judging.waits(Stage.OUTPUT, shadow=True)) == (False, True)
    (decision,) = await judging.judge_shadows(ANSWER)
    assert (decision.shadow, decision.verdict) == (True, Verdict.BLOCK)


def test_only_checks_of_safety_make_an_answer_unsafe() -> None:
    """A shadow counts, a failure and a structural finding do not."""
    clock = ManualClock()
    safety = msgspec.structs.replace(configured(Finds("a", clock), shadow=True), safety=True, stage=Stage.OUTPUT)
    assert engine([safety]).unsafe(ANSWER)
    assert not engine([safety]).unsafe(Subject(Stage.OUTPUT, ("no",)))
    assert not engine([configured(Finds("a", clock), Verdict.BLOCK)]).unsafe(ANSWER)
    assert not engine([msgspec.structs.replace(configured(Raises()), safety=True)]).unsafe(ANSWER)


def test_a_check_sees_the_texts_that_it_applies_to() -> None:
    """The others are empty to it, and places keep counting as before."""
    applies_to = AppliesTo(texts=("tool_arguments",))
    scoped = msgspec.structs.replace(configured(Finds("a", ManualClock()), Verdict.REDACT), scope=Scope(applies_to))
    subject = Subject(Stage.OUTPUT, ("555", "555"), (0,), "", "", ("tool_arguments", "content"), (0, 0))
    assert engine([scoped]).judge(subject).texts == ("[a]", "555")
    assert engine([scoped]).scoped(Stage.OUTPUT)
