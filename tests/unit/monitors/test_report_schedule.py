from __future__ import annotations

import datetime as dt

import pytest
from prometheus_client import REGISTRY

from adapters.report_files import ReportFiles
from domain.clock import ManualClock
from domain.errors import StoreError
from domain.records import Signal, SignalKind
from domain.store import WorkBatch
from monitors.report_process import Outcome
from monitors.report_schedule import ReportSchedule
from tests.unit.monitors.samples import TASK, settings

NOON = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC).timestamp()
DAILY = "2026-03-28.html"


class Maker:
    """Makes reports: empty files, or nothing when it is told to fail."""

    def __init__(self) -> None:
        self.jobs = []
        self.outcome = Outcome.WRITTEN

    async def __call__(self, job):
        """See `monitors.report_schedule.Make`."""
        self.jobs.append(job)
        if self.outcome is Outcome.WRITTEN:
            job.out.parent.mkdir(parents=True, exist_ok=True)
            job.out.touch()
        return self.outcome

    @property
    def names(self):
        """What was asked for, in order."""
        return [job.out.name for job in self.jobs]


@pytest.fixture
def clock():
    """Noon of a Sunday."""
    return ManualClock(NOON)


@pytest.fixture
def maker():
    """What the schedule starts reports with."""
    return Maker()


@pytest.fixture
def schedule(store, clock, maker, tmp_path):
    """A schedule as a worker that starts makes one."""

    def make(*, owner="w", tasks=(TASK,), at=None, **section):
        return ReportSchedule(
            {task: settings(**section) for task in tasks},
            store=store,
            files=ReportFiles(tmp_path),
            make=maker,
            clock=clock if at is None else ManualClock(at),
            owner=owner,
            workspace=tmp_path / "evidently",
        )

    return make


async def raised(store, number, at, **fields):
    """A signal in the store."""
    base = {
        "id": f"signal-{number}", "task": TASK, "kind": SignalKind.WARNING, "reason": "drift", "at": at,
        "detector": "novelty", "model": "v1", "evidence": 1.0, "samples": 1, "false_alarm_budget": "",
    }  # fmt: skip
    await store.commit(WorkBatch(owner="w", at=0.0, signals=[Signal(**base | fields)]))


async def steps(made, count=5):
    """Some steps; returns how many reports each made."""
    return [await made.step() for _ in range(count)]


async def test_yesterday_is_told_once(schedule, maker, clock, tmp_path):
    """One report of each day, however often it looks, and however often the worker starts anew."""
    assert await steps(schedule()) == [1, 0, 0, 0, 0]
    (job,) = maker.jobs
    assert (job.task, job.day, job.out) == (TASK, "2026-03-28", tmp_path / "var/reports" / TASK / DAILY)
    assert job.workspace == tmp_path / "evidently"
    assert await steps(schedule()) == [0] * 5
    clock.advance(86400)
    assert await steps(schedule()) == [1, 0, 0, 0, 0]
    assert maker.names == [DAILY, "2026-03-29.html"]


@pytest.mark.parametrize(
    ("hour", "minute", "zone", "name"),
    [
        (0, 9, "UTC", "2026-03-27.html"),
        (0, 10, "UTC", DAILY),
        (22, 9, "Europe/Berlin", DAILY),
        (22, 10, "Europe/Berlin", "2026-03-29.html"),
    ],
)
async def test_a_day_ends_ten_minutes_after_midnight_of_the_task(schedule, maker, hour, minute, zone, name):
    """What was journalled before midnight must have been watched; clocks changed on this day."""
    await schedule(at=NOON + (hour - 12) * 3600 + minute * 60, time_zone=zone).step()
    assert maker.names == [name]


async def test_signals_come_before_the_day_and_the_newest_first(schedule, maker, store):
    """Somebody waits for the report of an alarm."""
    await raised(store, 1, NOON - 7200)
    await raised(store, 2, NOON - 3600, kind=SignalKind.RETRAIN, reason="agreement")
    assert await steps(schedule()) == [1, 1, 1, 0, 0]
    assert maker.names == ["2026-03-29-signal-2.html", "2026-03-29-signal-1.html", DAILY]
    assert [job.signal_id for job in maker.jobs] == ["signal-2", "signal-1", ""]


async def test_old_and_many_signals_get_no_report(schedule, maker, store):
    """A worker that was away for a week does not make a week's reports; nor does a storm of signals fill the disk."""
    await raised(store, 99, NOON - 3 * 86400)
    for number in range(15):
        await raised(store, number, NOON - 600 + number)
    await steps(schedule(), 30)
    assert maker.names[:-1] == [f"2026-03-29-signal-{number}.html" for number in range(14, 4, -1)]


async def test_each_task_has_its_own(schedule, maker):
    """One after the other."""
    assert await steps(schedule(tasks=("a", "b"))) == [1, 1, 0, 0, 0]
    assert [job.task for job in maker.jobs] == ["a", "b"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMEOUT])
async def test_what_failed_is_tried_again_twice(schedule, maker, clock, outcome):
    """After ten minutes and after an hour; then not before the worker starts anew."""
    maker.outcome = outcome
    before = REGISTRY.get_sample_value("preceptor_reports_total", {"task": TASK, "outcome": outcome}) or 0.0
    made, tries = schedule(), []
    for minute in range(240):
        tries += [minute] * await made.step()
        clock.advance(60)
    assert tries == [0, 10, 70]
    after = REGISTRY.get_sample_value("preceptor_reports_total", {"task": TASK, "outcome": outcome})
    assert after == before + 3
    assert await steps(schedule(), 2) == [1, 0]


async def test_a_past_day_without_anything_is_not_asked_for_again(schedule, maker, clock):
    """There will never be more of it."""
    maker.outcome = Outcome.NOTHING
    made = schedule()
    for _ in range(100):
        await made.step()
        clock.advance(300)
    assert maker.names == [DAILY]


async def test_a_report_that_fails_does_not_keep_another_from_being_made(schedule, maker, store):
    """The next one is due at once."""
    await raised(store, 1, NOON - 60)
    maker.outcome = Outcome.TIMEOUT
    assert await steps(schedule()) == [1, 1, 0, 0, 0]


async def test_of_two_workers_one_makes_the_report(schedule, maker, clock):
    """They share the store; when the one that began it is gone, the other one does it."""
    maker.outcome = Outcome.FAILED
    assert await schedule(owner="a").step() == 1
    other = schedule(owner="b")
    assert await other.step() == 0
    clock.advance(181)
    assert await other.step() == 1
    assert maker.names == [DAILY, DAILY]


async def test_looking_costs_the_store_little(schedule, store, clock, monkeypatch):
    """Between two looks nothing is asked, whatever the worker's pace."""
    asked = []
    plain = store.signals

    async def counted(*arguments, **named):
        asked.append(arguments)
        return await plain(*arguments, **named)

    monkeypatch.setattr(store, "signals", counted)
    made = schedule()
    await steps(made, 50)
    assert len(asked) == 2
    clock.advance(15)
    await made.step()
    assert len(asked) == 3


async def test_a_store_that_fails_is_told(schedule, store, monkeypatch):
    """The worker's loop backs off and tries again."""

    async def broken(*_, **__):
        raise StoreError("the disk is full: free some space")

    made = schedule()
    monkeypatch.setattr(store, "signals", broken)
    with pytest.raises(StoreError):
        await made.step()
    made.forget()
    monkeypatch.undo()
    assert await made.step() == 1


async def test_only_the_newest_reports_are_kept(schedule, tmp_path):
    """After each report the oldest go."""
    folder = tmp_path / "var/reports" / TASK
    folder.mkdir(parents=True)
    for day in range(1, 32):
        (folder / f"2026-01-{day:02d}.html").touch()
    await schedule().step()
    assert len(list(folder.iterdir())) == 30
    assert (folder / DAILY).exists()
