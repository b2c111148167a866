from __future__ import annotations

import msgspec
import pytest

from domain.follow_up import Recheck, RecheckKind
from domain.records import PairState
from domain.store import WorkBatch
from monitors.pair_report import pair_report
from tests.unit.monitors.samples import ORDINARY, TASK, deploy, exchanges, open_pairs, settings


async def test_it_tells_of_the_deployed_student_alone(store) -> None:
    """Pairs of another student do not count; the ceiling is of this teacher; states are of the whole task."""
    await deploy(store)
    rows = exchanges(ORDINARY[:60])
    await open_pairs(store, rows)
    await open_pairs(store, exchanges(ORDINARY[:5], start=100), model="v0")
    leased = await store.lease_pairs(TASK, owner="w", limit=100, lease_s=9e9, at=9e9)
    closed = [
        msgspec.structs.replace(
            one.pair, state=PairState.PAIRED, agreed=number % 4 > 0, score=1.0, teacher_answer="refund", closed_at=9e9
        )
        for number, one in enumerate(leased)
    ]
    again = [
        Recheck(id=f"r{n}", task=TASK, kind=RecheckKind.SELF, key=f"k{n}", at=9e9, teacher="gold", agreed=n > 1)
        for n in range(20)
    ]
    await store.commit(WorkBatch(owner="w", at=9e9, closed=closed, rechecks=again))
    found = await pair_report(store, TASK, settings())
    assert (found.task, found.model) == (TASK, "v1")
    assert found.agreement is not None
    assert (found.agreement.pairs, found.agreement.estimate) == (60, pytest.approx(0.75))
    assert found.anytime is not None
    assert found.anytime.lower < found.agreement.lower
    assert found.ceiling is not None
    assert found.ceiling.estimate == pytest.approx(0.9)
    assert found.share_of_ceiling is not None
    assert found.share_of_ceiling.estimate == pytest.approx(0.75 / 0.9)
    assert found.pairs == {PairState.PAIRED: 65}
    assert {each.dimension for each in found.slices} <= {"label", "language", "length"}


async def test_nothing_is_known_of_a_new_task(store) -> None:
    """No pairs, no estimate."""
    found = await pair_report(store, TASK, settings())
    assert (found.agreement, found.anytime, found.ceiling, found.share_of_ceiling) == (None, None, None, None)
    assert (found.slices, found.pairs, found.signals) == ([], {}, [])
