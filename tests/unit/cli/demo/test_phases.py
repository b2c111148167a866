from __future__ import annotations

import msgspec
import pytest

from adapters.stores.sqlite import SqliteStore
from cli.demo.phases import measure
from domain.records import Arm, Exchange, Pair, PairState, Reading, Signal, SignalKind, Stratum, Usage
from domain.settings import ModelSettings, OutputSettings, TaskSettings
from domain.store import Watched, WorkBatch

SETTINGS = TaskSettings(
    teacher=ModelSettings(upstream="u", model="oracle", price="gpt-4o"),
    student=ModelSettings(upstream="u", model="t-v1", price="ft:gpt-4.1-nano"),
    output=OutputSettings(labels=("a", "b")),
)


def exchange(number, arm=Arm.CHAMPION):
    """Exchange `number` at second `number`: 1,000,000 tokens in, none out."""
    return Exchange(
        id=f"e{number}", task="t", at=float(number), arm=arm, model="t-v1", draw=0.0, journal_rate=1.0, request=b"{}",
        input_text="x", output_text="a", status=200, usable=True, usage=Usage(1_000_000, 0),
    )  # fmt: skip


async def test_a_phase_adds_up(tmp_path):
    """Requests, shares, agreement, alarms and money must be those of the phase and of no other."""
    store = SqliteStore(tmp_path / "s.db")
    await store.start()
    await store.append([exchange(n) for n in range(1, 10)] + [exchange(10, Arm.TEACHER)])
    leased = await store.lease("t", owner="w", limit=100, lease_s=60, at=0.0)
    pairs = [
        Pair(
            exchange_id=f"e{n}", task="t", model="t-v1", stratum=Stratum.ORDINARY, probability=0.5,
            state=PairState.PAIRED, opened_at=float(n), agreed=n != 6, score=1.0, cost_usd=0.25, closed_at=float(n),
        )
        for n in (2, 5, 6)
    ]  # fmt: skip
    signal = Signal(
        id="s", task="t", kind=SignalKind.RETRAIN, reason="agreement", at=7.0, detector="agreement", model="t-v1",
        evidence=1.1, samples=2, false_alarm_budget="",
    )  # fmt: skip
    reading = Reading(
        task="t", detector="novelty", model="t-v1", at=6.0, samples=5, score=0.1, evidence=0.7, alarm=False
    )
    await store.commit(
        WorkBatch(
            owner="w", at=9.0, watched=[Watched(e.id, 0.1) for e in leased], opened=pairs, signals=[signal],
            readings=[reading],
        )
    )  # fmt: skip
    phase = await measure(store, "t", SETTINGS, name="drift", start=4.0)
    await store.aclose()
    assert (phase.requests, phase.pairs, phase.agreement) == (7, 2, 0.5)
    assert phase.student_share == pytest.approx(6 / 7)
    assert [(alarm.kind, alarm.requests) for alarm in phase.alarms] == [("retrain", 4)]
    assert (phase.drift_evidence, phase.agreement_evidence) == (0.7, 0.0)
    costs = phase.costs
    assert (costs.student, costs.fallback, costs.shadow) == pytest.approx((6 * 0.2, 2.5, 0.5))
    assert costs.total == pytest.approx(costs.student + costs.fallback + costs.shadow)
    assert costs.all_teacher == pytest.approx(7 * 2.5)
    assert msgspec.json.decode(msgspec.json.encode(phase))["phase"] == "drift"
