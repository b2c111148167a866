from __future__ import annotations

import asyncio
import json

import pytest

from adapters.stores.sqlite import SqliteStore
from domain.records import Signal, SignalKind
from domain.store import WorkBatch

RAISED = 1_700_000_000.0


def signal(detector: str, number: int) -> Signal:
    """A signal of one of the sources."""
    return Signal(
        id=f"sig-{number}", task="tickets", kind=SignalKind.WARNING, reason="drift", at=RAISED + number,
        detector=detector, model="tickets-v1", evidence=1.0, samples=9, false_alarm_budget="one in 30 days",
    )  # fmt: skip


@pytest.fixture
def raised(installation):
    """Puts signals into the installation's store."""

    async def put(signals):
        store = SqliteStore(installation.root / "store.db")
        await store.start()
        await store.commit(WorkBatch(owner="w", at=RAISED, signals=signals))
        await store.aclose()

    return lambda *signals: asyncio.run(put(signals))


@pytest.fixture
def replay(run, installation):
    """Runs the command; returns its exit code and its output."""
    return lambda *arguments: run("replay", "-c", installation.config, *arguments)[:2]


def test_nothing_is_reproduced_where_nothing_was_raised(replay):
    """An empty store is as it was."""
    assert replay() == (0, "tickets: 0 of 0 signals reproduced\n")


def test_a_signal_that_the_store_does_not_bear_out_is_missing(replay, raised):
    """Exit code 1, and a line that says which; what is of another source is told with the reason and missed by none."""
    raised(signal("novelty", 1), signal("sunset", 2))
    code, out = replay()
    assert code == 1
    assert "0 of 1 signals reproduced" in out
    assert "missing: stored, and not replayed: sig-1 2023-11-14 22:13:21+00:00 warning drift (novelty)" in out
    assert "not replayed: not from exchanges or pairs" in out
    assert replay("--after", RAISED + 2)[0] == 0


def test_scripts_get_json(replay, raised):
    """With the signals themselves."""
    raised(signal("novelty", 1))
    code, out = replay("--json")
    told = json.loads(out)
    assert (code, told["task"], told["complete"]) == (1, "tickets", False)
    assert [each["id"] for each in told["signals"]["missing"]] == ["sig-1"]
