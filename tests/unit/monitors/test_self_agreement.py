from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import comparers
from domain.follow_up import Recheck, RecheckKind
from domain.prices import FREE
from domain.records import Agreement, PairState
from monitors.comparers.plain import PlainComparer
from monitors.rechecking import Rechecker
from monitors.self_agreement import SelfCheck, ceiling, share_of_ceiling, teacher_pairs, wanted
from tests.unit.monitors.samples import TASK, exchange, paired


def recheck(number: int, *, agreed: bool | None, **fields: Any) -> Recheck:
    """A second answer about exchange `number`."""
    base: dict[str, Any] = {
        "id": f"self-x{number:05d}", "task": TASK, "kind": RecheckKind.SELF, "key": f"x{number:05d}", "at": 1.0,
        "teacher": "gold", "answer": "refund", "agreed": agreed, "probability": 0.1,
    }  # fmt: skip
    return Recheck(**base | fields)


async def test_a_share_of_the_pairs_is_asked_twice(teacher_server, clock):
    """With the probability of both draws; a pair that is none, or beyond the rate, costs nothing."""
    teacher = teacher_server.teacher()
    rechecker = Rechecker(TASK, "gold", teacher=teacher, price=FREE, comparer=PlainComparer(comparers.label))
    check = SelfCheck(rechecker, rate=0.2, clock=clock)
    asked, beyond = exchange(1, "money back", draw=0.09), exchange(2, "stop it", draw=0.11)
    pair = paired(1, agreed=False, teacher_answer="cancel")
    found = await check.again(asked, pair)
    assert await check.again(beyond, paired(2, agreed=True, teacher_answer="refund")) is None
    assert await check.again(asked, paired(1, agreed=None, state=PairState.STUDENT_ERROR)) is None
    await teacher.aclose()
    assert (found.id, found.key, found.kind, found.at) == ("self-x00001", "x00001", RecheckKind.SELF, clock.now_s())
    assert (found.agreed, found.probability) == (False, pytest.approx(0.1))
    assert len(teacher_server.bodies) == 1


@given(st.floats(0, 1, exclude_max=True), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_draws_nest(draw, probability, rate, less):
    """Who is asked at a rate is asked at any higher one, and is a pair; nobody is asked at none."""
    drawn, pair = exchange(1, "x", draw=draw), paired(1, agreed=True, probability=probability)
    asked = wanted(drawn, pair, rate=rate)
    assert not asked or draw < probability
    assert not wanted(drawn, pair, rate=rate * less) or asked
    assert not wanted(drawn, pair, rate=0.0)
    assert wanted(drawn, pair, rate=1.0) == (draw < probability)


def test_the_ceiling_weighs_each_answer_by_its_probability():
    """One that stands for ten times as many inputs counts ten times; others say nothing of this teacher."""
    rows = [recheck(n, agreed=True) for n in range(30)] + [
        recheck(40 + n, agreed=False, probability=1.0) for n in range(30)
    ]
    others = [
        recheck(90, agreed=None), recheck(91, agreed=False, teacher="other"),
        recheck(92, agreed=False, kind=RecheckKind.CANARY),
    ]  # fmt: skip
    found = ceiling([*rows, *others], teacher="gold")
    assert found.estimate == pytest.approx(300 / 330)
    assert found.pairs == 60
    assert found.lower < found.estimate < found.upper < 1.0
    assert ceiling(others, teacher="gold") is None


def test_more_answers_make_the_ceiling_surer():
    """The interval shrinks about as the square root of their number."""
    few, many = (
        ceiling([recheck(n, agreed=n % 10 > 0) for n in range(count)], teacher="gold") for count in (100, 1600)
    )
    assert (few.estimate, many.estimate) == (0.9, 0.9)
    assert 3 < (few.upper - few.lower) / (many.upper - many.lower) < 5


@pytest.mark.parametrize(
    ("agreement", "top", "share"),
    [
        (Agreement(0.9, 0.88, 0.92, 900), Agreement(0.95, 0.92, 0.97, 400), 0.947),
        (Agreement(0.95, 0.92, 0.97, 400), Agreement(0.9, 0.88, 0.92, 900), 1.056),
        (Agreement(0.0, 0.0, 0.1, 30), Agreement(0.9, 0.88, 0.92, 900), 0.0),
    ],
)
def test_agreement_is_read_against_the_ceiling(agreement, top, share):
    """The ratio, with an interval around it; a student may be above it."""
    found = share_of_ceiling(agreement, top)
    assert found.estimate == pytest.approx(share, abs=1e-3)
    assert 0.0 <= found.lower <= found.estimate < found.upper
    assert found.pairs == min(agreement.pairs, top.pairs)


@pytest.mark.parametrize("top", [Agreement(0.0, 0.0, 0.2, 10), Agreement(0.3, 0.05, 0.7, 4)])
def test_a_ceiling_that_nobody_knows_is_none(top):
    """With so few answers the ratio could be anything."""
    assert share_of_ceiling(Agreement(0.5, 0.4, 0.6, 90), top) is None


@pytest.mark.slow
def test_the_interval_of_the_share_holds():
    """At 95 % it covers the true ratio in at least 93 of 100 samples, of answers that are independent."""
    rng, hits = np.random.default_rng(7), 0
    for _ in range(1000):
        mine = ceiling([recheck(n, agreed=bool(a)) for n, a in enumerate(rng.random(200) < 0.88)], teacher="gold")
        top = ceiling([recheck(n, agreed=bool(a)) for n, a in enumerate(rng.random(120) < 0.95)], teacher="gold")
        found = share_of_ceiling(mine, top)
        hits += found.lower <= 0.88 / 0.95 <= found.upper
    assert 930 <= hits <= 985


def test_texts_are_calibrated_with_both_answers():
    """The first of the pair, the second of the recheck; what has only one of them is left out."""
    pairs = [paired(n, agreed=True, teacher_answer=f"first {n}") for n in range(3)]
    rechecks = [
        recheck(1, agreed=True, answer="second 1"), recheck(2, agreed=None, answer="c", kind=RecheckKind.CANARY),
        recheck(9, agreed=True),
    ]  # fmt: skip
    assert teacher_pairs(rechecks, pairs) == [("first 1", "second 1")]
