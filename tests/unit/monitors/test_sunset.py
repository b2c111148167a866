from __future__ import annotations

import logging
import math

import pytest

from domain.clock import ManualClock
from domain.records import SignalKind
from domain.settings import ModelSettings
from monitors import metrics, sunset
from monitors.retirement import Notice
from monitors.sunset import Sunset
from tests.unit.monitors.models_server import models_server
from tests.unit.monitors.samples import TASK, settings

DAY_S = 86400.0
END = 1_799_107_200.0  # 2027-01-05
TEACHER = ModelSettings(upstream="openai", model="gpt-4o")


class Teacher:
    """What the monitors know of a teacher's replies."""

    def __init__(self) -> None:
        self.notice: Notice | None = None


@pytest.fixture
async def guarded(store):
    """A provider, the guard of two tasks whose teacher it is, and a clock 90 days before the end."""
    async with models_server() as provider:
        clock, teachers = ManualClock(END - 90 * DAY_S), {TASK: Teacher(), "other": Teacher()}
        tasks = dict.fromkeys(teachers, settings(teacher=TEACHER))

        def make() -> Sunset:
            made.append(
                Sunset(
                    tasks, catalogues={"openai": provider.catalogue()}, teachers=teachers, store=store, clock=clock,
                    owner="w",
                )
            )  # fmt: skip
            return made[-1]

        made: list[Sunset] = []
        yield provider, make, clock, teachers
        for one in made:
            await one.aclose()


def shown() -> float:
    """The gauge of the teacher's end."""
    return metrics.UPSTREAM_SUNSET.labels("openai", "gpt-4o")._value.get()


async def test_the_end_is_told_ahead_once_a_week(store, guarded):
    """Nothing before 60 days ahead; then one warning a week for each task, and the end as a metric all the time."""
    provider, make, clock, _ = guarded
    provider.lists({"id": "gpt-4o", "shutdown_date": "2027-01-05"})
    guard, told = make(), []
    for _ in range(60):
        told.append(await guard.step())
        assert await guard.step() == 0
        clock.advance(DAY_S)
    assert [day for day, count in enumerate(told) if count] == [30, 37, 44, 51, 58]
    assert set(told) == {0, 2}
    assert shown() == END
    assert provider.asked == ["/v1/models"] * 60
    (first, *rest) = await store.signals(TASK)
    assert (first.kind, first.reason, first.model) == (SignalKind.WARNING, "teacher_sunset", "gpt-4o")
    assert "upstream openai says that gpt-4o ends on 2027-01-05 (shutdown_date)" in first.false_alarm_budget
    assert len(rest) == 4
    assert len(await store.signals("other")) == 5


async def test_a_restart_does_not_repeat_the_warning(store, guarded):
    """The week's warning is known by its id; a date that moves is told at once."""
    provider, make, clock, _ = guarded
    provider.lists({"id": "gpt-4o", "shutdown_date": "2027-01-05"})
    clock.advance(40 * DAY_S)
    assert [await make().step(), await make().step()] == [2, 0]
    provider.lists({"id": "gpt-4o", "shutdown_date": "2026-12-20"})
    assert await make().step() == 2
    assert len(await store.signals(TASK)) == 2


async def test_a_provider_that_fails_is_logged_once(store, guarded, caplog):
    """It is asked again after an hour, and is no warning; when it has answered, its next failure is logged again."""
    provider, make, clock, _ = guarded
    guard = make()
    with caplog.at_level(logging.WARNING, logger="monitors.sunset"):
        for _ in range(3):
            assert await guard.step() == 0
            clock.advance(3601)
        assert [record.message for record in caplog.records] == [
            "sunset_unknown upstream=openai model=gpt-4o error=127.0.0.1 does not list it"
        ]
        provider.lists({"id": "gpt-4o"})
        await guard.step()
        clock.advance(3601)
        asked = len(provider.asked)
        await guard.step()
        assert len(provider.asked) == asked  # all is well: not before tomorrow
        provider.pages.clear()
        clock.advance(DAY_S)
        await guard.step()
    assert len(caplog.records) == 2
    assert await store.signals(TASK) == []
    assert math.isnan(shown())


async def test_what_a_reply_says_counts_though_the_list_says_nothing(store, guarded):
    """A header of any reply of the teacher is a notice; one without a date is told at once, weekly."""
    provider, make, clock, teachers = guarded
    provider.lists({"id": "gpt-4o"})
    teachers["other"].notice = Notice(None, "header deprecation")
    guard = make()
    assert await guard.step() == 2
    clock.advance(8 * DAY_S)
    assert await guard.step() == 2
    (first, _) = await store.signals(TASK)
    assert "gpt-4o is deprecated, without a date (header deprecation)" in first.false_alarm_budget
    teachers[TASK].notice = Notice(END, "header sunset")
    clock.advance(DAY_S)
    assert await guard.step() == 0
    assert shown() == END


@pytest.mark.parametrize(
    ("ahead", "week"), [(60.01, None), (60, 0), (53.01, 0), (53, 1), (0.5, 8), (-0.5, 8), (-30, 12)]
)
def test_a_week_has_one_warning(ahead, week):
    """Counted from the first day it is due; the end may be past."""
    notice = Notice(END, "shutdown_date")
    found = sunset.warning("t", TEACHER, notice, days=60.0, now=END - ahead * DAY_S)
    if week is None:
        assert found is None
    else:
        same = sunset.warning("t", TEACHER, notice, days=60.0, now=END - (60 - 7 * week) * DAY_S)
        assert found.id == same.id
        others = [
            sunset.warning(task, teacher, other, days=60.0, now=END - ahead * DAY_S)
            for task, teacher, other in (
                ("u", TEACHER, notice),
                ("t", ModelSettings(upstream="openai", model="gpt-5"), notice),
                ("t", TEACHER, Notice(END - 1, "shutdown_date")),
            )
        ]
        assert len({found.id, *(other.id for other in others)}) == 4
