from __future__ import annotations

import pytest

from adapters.stores.sqlite import SqliteStore
from domain import answering
from domain.errors import PreceptorError
from domain.follow_up import Expected, SignalState
from domain.lifecycle import MONITORS
from domain.settings import ModelSettings, OutputSettings, SignalSettings, TaskSettings
from domain.store import WorkBatch
from tests.unit.domain.life_samples import START, TASK, deployment, hours, reading, signal

MODEL = ModelSettings(upstream="u", model="m")
SETTINGS = TaskSettings(
    teacher=MODEL,
    student=MODEL,
    output=OutputSettings(text={}),
    signal=SignalSettings(cooldown="24h"),
    time_zone="America/Los_Angeles",
)
DAY = "2023-11-14"  # of START, 22:13 UTC; in Los Angeles it lasts until hour 9.8


@pytest.fixture
async def store(tmp_path):
    """A store that is open."""
    opened = SqliteStore(tmp_path / "s.db")
    await opened.start()
    yield opened
    await opened.aclose()


async def keep(store, *signals, readings=()):
    """As the monitors do."""
    await store.commit(WorkBatch(owner="w", at=START, signals=signals, readings=readings))


async def test_readings_are_read_where_they_matter(store):
    """Those since the first open signal; none while all are closed."""
    await keep(store, signal(0), readings=[reading(at, 0.1) for at in (-1, 1, 30)])
    history, (found,) = await answering.read(store, TASK, SETTINGS, now=hours(40))
    assert [each.at for each in history.readings] == [hours(1), hours(30)]
    assert found.state is SignalState.RECOVERED
    await store.deploy(deployment(2, "v2"))
    history, (found,) = await answering.read(store, TASK, SETTINGS, now=hours(40))
    assert (list(history.readings), found.state) == ([], SignalState.OK)


async def test_an_acknowledgement_is_kept(store):
    """The episode afterwards comes back; a second one is refused and changes nothing."""
    await keep(store, signal(0))
    tasks = {"other": SETTINGS, TASK: SETTINGS}
    found = await answering.acknowledge(store, tasks, "agreement-0", at=hours(1), by="ada", note="on it")
    assert (found.state, found.since, found.steps[-1].note) == (SignalState.ACKNOWLEDGED, hours(1), "on it")
    with pytest.raises(PreceptorError, match="is acknowledged, so it cannot be acknowledged"):
        await answering.acknowledge(store, tasks, "agreement-0", at=hours(2), by="ben")
    done = await answering.acknowledge(store, tasks, "agreement-0", at=hours(3), by="ben", harmless=True)
    assert done.state is SignalState.OK
    assert [event.by for event in await store.signal_events(TASK)] == ["ada", "ben"]


async def test_the_loop_says_what_it_does(store):
    """A retraining begins, and is an alarm again when no student came of it."""
    await keep(store, signal(0))
    states = (SignalState.RETRAINING, SignalState.ALARM, SignalState.RETRAINING)
    for at, state in enumerate(states):
        episode = await answering.respond(store, {TASK: SETTINGS}, "agreement-0", state, at=hours(at), by="loop")
        assert episode.state is state
    assert [event.state for event in await store.signal_events(TASK)] == list(states)


@pytest.mark.parametrize("by", ["", " ", MONITORS])
async def test_somebody_must_answer(store, by):
    """A nobody is refused before anything is kept, and so is the monitors' own name."""
    await keep(store, signal(0))
    with pytest.raises(PreceptorError, match="no name of a person"):
        await answering.acknowledge(store, {TASK: SETTINGS}, "agreement-0", at=hours(1), by=by)
    with pytest.raises(PreceptorError, match="no name of a person"):
        await answering.expect(store, SETTINGS, mark(DAY, DAY, by=by))
    assert await store.signal_events(TASK) == []
    assert await store.expected(TASK) == []


async def test_an_unknown_signal_is_not_answered(store):
    """Whichever tasks there are."""
    with pytest.raises(LookupError, match="no signal 'x'"):
        await answering.acknowledge(store, {TASK: SETTINGS}, "x", at=hours(1), by="ada")


def mark(first_day, last_day, *, at=12.0, by="ada"):
    """A mark of days."""
    return Expected(task=TASK, first_day=first_day, last_day=last_day, at=hours(at), by=by, note="a sale")


@pytest.mark.parametrize(
    ("days", "raised", "closed"),
    [
        ((DAY, DAY), [0], True),
        ((DAY, DAY), [9.7], True),
        ((DAY, DAY), [9.8], False),  # the next day in Los Angeles
        ((DAY, DAY), [0, 11], False),  # raised again on a day that was as usual
        ((DAY, "2023-11-15"), [0, 11], True),
        (("2023-11-13", "2023-11-13"), [0], False),
    ],
)
async def test_expected_days_close_what_they_explain(store, days, raised, closed):
    """Days are those of the task's time zone; a signal that came on other days, too, stays open."""
    await keep(store, *(signal(at) for at in raised))
    found = await answering.expect(store, SETTINGS, mark(*days))
    assert [episode.reason for episode in found] == ["agreement"] * closed
    _, (after,) = await answering.read(store, TASK, SETTINGS, now=hours(13))
    assert after.state is (SignalState.OK if closed else SignalState.ALARM)
    assert [(each.first_day, each.last_day) for each in await store.expected(TASK)] == [days]
    if closed:
        assert after.steps[-1].note == "expected: a sale"


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("tomorrow", DAY, "'tomorrow' is no day; write for example 2026-11-27"),
        (DAY, "20231115", "'20231115' is no day"),
        (DAY, "2023-02-30", "'2023-02-30' is no day"),
        (DAY, "2023-11-13", "2023-11-13 is before 2023-11-14"),
    ],
)
async def test_what_is_no_day_is_not_marked(store, first, last, problem):
    """One line says what is wrong, and nothing is kept."""
    with pytest.raises(PreceptorError, match=problem):
        await answering.expect(store, SETTINGS, mark(first, last))
    assert await store.expected(TASK) == []
