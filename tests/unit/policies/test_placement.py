from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import pytest

from domain.clock import ManualClock
from domain.ports import Subject
from domain.records import Decision
from policies.placement import INLINE_S, PROBE, cost_s, place
from policies.pool import Pool, Pooled


class Takes:
    """A check that takes so many seconds for each inspection in turn, and for the last for good."""

    name = "takes"
    triggers: tuple[str, ...] = ()
    window: int | None = None

    def __init__(self, clock: ManualClock, *seconds: float) -> None:
        self.asked: list[Subject] = []
        self._clock, self._seconds = clock, list(seconds)

    def inspect(self, subject: Subject) -> Decision | None:
        self.asked.append(subject)
        self._clock.advance(self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0])
        return None


class Raises(Takes):
    def inspect(self, subject: Subject) -> Decision | None:
        raise ValueError(subject.texts[0])


def placed(make: Callable[[], Takes], clock: ManualClock, run: Literal["", "inline", "pooled"] = "") -> object:
    """Where it runs, on a machine whose clock the test owns."""
    return place(make, run=run, pool=Pool(workers=2, queue=0), budget_s=0.05, clock=clock)


@pytest.mark.parametrize(
    ("seconds", "run", "pooled"),
    [
        ((INLINE_S / 2,), "", False),
        ((INLINE_S * 2,), "", True),
        ((3.0, INLINE_S / 2), "", False),  # the first one loaded something
        ((0.0, 1.0, 1.0, INLINE_S / 2, 1.0), "", False),  # a busy machine
        ((INLINE_S * 2,), "inline", False),
        ((INLINE_S / 2,), "pooled", True),
    ],
)
def test_the_cost_on_a_probe_decides_unless_the_operator_does(
    seconds: tuple[float, ...], run: Literal["", "inline", "pooled"], pooled: bool
) -> None:
    """Fast checks run on the event loop, slow ones on threads."""
    clock = ManualClock()
    assert isinstance(placed(lambda: Takes(clock, *seconds), clock, run), Pooled) is pooled


def test_the_operator_s_word_needs_no_probe_and_no_instance_is_wasted() -> None:
    """Nothing is inspected when `run` is given, and the first instance serves a thread like the others."""
    clock, made = ManualClock(), list[Takes]()

    def make() -> Takes:
        made.append(Takes(clock, 1.0))
        return made[-1]

    placed(make, clock, "pooled")
    assert (len(made), made[0].asked) == (2, [])
    made.clear()
    placed(make, clock)
    assert len(made) == 2
    assert set(made[0].asked) == {PROBE}


def test_a_check_that_does_not_take_the_probe_is_pooled_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """Its cost is not known; the log has the kind of the error and no text."""
    clock = ManualClock()
    with caplog.at_level(logging.WARNING):
        assert cost_s(Raises(clock, 0.0), clock) == float("inf")
        assert isinstance(placed(lambda: Raises(clock, 0.0), clock), Pooled)
    assert set(caplog.messages) == {"check_probe_failed check=takes error=ValueError"}
