from __future__ import annotations

import pytest

from domain.clock import ManualClock
from domain.ports import Check, Subject
from domain.records import Decision, Stage, Verdict
from policies.configured import ConfiguredCheck, UnavailableError, inspect, works_too_long

SUBJECT = Subject(Stage.INPUT, ("text",))


class Says:
    """A check that says or raises what it is told to, after `takes_s`."""

    name, triggers, window = "says", (), None

    def __init__(
        self, finding: Decision | Exception | None, clock: ManualClock | None = None, takes_s: float = 0.0
    ) -> None:
        self._finding, self._clock, self._takes_s = finding, clock or ManualClock(), takes_s

    def inspect(self, subject: Subject) -> Decision | None:
        self._clock.advance(self._takes_s)
        if isinstance(self._finding, Exception):
            raise self._finding
        return self._finding


def configured(check: Says, *, shadow: bool = False, verdict: Verdict = Verdict.FLAG) -> ConfiguredCheck[Check]:
    """The check under another name."""
    return ConfiguredCheck(
        check=check,
        called="other",
        stage=Stage.INPUT,
        verdict=verdict,
        on_error=Verdict.ALLOW,
        budget_s=1.0,
        shadow=shadow,
    )


@pytest.mark.parametrize("shadow", [False, True])
def test_a_finding_is_told_as_the_operator_wants(shadow: bool) -> None:
    """Under the name of the configuration, with its verdict, its stage and its mode; the reason stays the check's."""
    found = Decision("says", Verdict.BLOCK, "why")
    (told,) = inspect(configured(Says(found), shadow=shadow), SUBJECT)
    assert told == Decision("other", Verdict.FLAG, "why", stage=Stage.INPUT, shadow=shadow)


@pytest.mark.parametrize("check", [Says(None), Says(Decision("says", Verdict.BLOCK, "why"))])
def test_nothing_found_or_allowed_is_nothing_said(check: Says) -> None:
    """`verdict: allow` turns a check off."""
    assert inspect(configured(check, verdict=Verdict.ALLOW), SUBJECT) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ValueError("user text"), "check_error"), (UnavailableError("circuit_open"), "circuit_open")],
)
def test_a_failure_is_told_with_its_code(error: Exception, reason: str) -> None:
    """Allowing it still leaves a flag, marked as a failure."""
    (told,) = inspect(configured(Says(error)), SUBJECT)
    assert told == Decision("other", Verdict.FLAG, reason, stage=Stage.INPUT, failed=True)


@pytest.mark.parametrize(("takes_s", "late"), [(0.9, False), (1.1, True)])
def test_lateness_is_measured_by_the_work(takes_s: float, late: bool) -> None:
    """On the clock of the thread."""
    clock = ManualClock()
    assert works_too_long(configured(Says(None, clock, takes_s)), SUBJECT, clock) is late
