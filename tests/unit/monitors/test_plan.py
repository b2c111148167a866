from __future__ import annotations

import pytest

from domain.records import Baseline, Stratum
from domain.settings import AgreementSettings, ShadowSettings
from monitors.demand import Demand
from monitors.plan import DROPS, Question, answer_of
from tests.unit.monitors.samples import deployment, settings

DEMAND = Demand(2500.0, pairs_per_day=2000.0, usd_per_pair=0.01, observed_days=7.0, price_source="test")
LARGE = {Stratum.ORDINARY: Baseline(1900, 1862), Stratum.FLAGGED: Baseline(100, 92)}


def answer(question: Question, detector: str = "per-sample"):
    """For a task that asks about a tenth of its traffic."""
    task = settings(
        agreement=AgreementSettings(detector=detector),
        shadow=ShadowSettings(rate=0.1, flagged_rate=0.2, max_usd_per_day=3.0),
    )
    return answer_of(question, task, deployment(baselines=LARGE), DEMAND)


def test_the_configured_rate_is_what_today_is():
    """Its pairs, its dollars, and a drop that is seen with them: the inverse of the table."""
    found = answer(Question(0.05, 1.0))
    assert found.today.pairs_per_day == pytest.approx(200)
    assert (found.today.usd_per_day, found.today.max_usd_per_day) == (pytest.approx(2.0), 3.0)
    again = answer(Question(found.today.smallest_drop, 1.0))
    assert again.need.pairs_per_day == pytest.approx(200, rel=0.05)
    assert again.need.rate == pytest.approx(0.1, rel=0.05)


def test_the_table_has_every_drop_and_needs_fewer_pairs_for_larger_ones():
    """What is not to be seen comes first."""
    found = answer(Question(0.05, 1.0))
    assert tuple(need.drop for need in found.table) == DROPS
    seen = [need.pairs_per_day for need in found.table if need.pairs_per_day is not None]
    assert seen == sorted(seen, reverse=True)
    assert found.need == found.table[DROPS.index(0.05)]
    assert found.longer is None


def test_more_time_is_offered_where_it_helps():
    """The shortest of some times; a drop that is never seen has none."""
    found = answer(Question(0.02, 1.0), "windowed")
    assert found.need.pairs_per_day is None
    assert found.longer is not None
    assert (found.longer.within_days > 1, found.longer.need.pairs_per_day > 0) == (True, True)
    assert answer(Question(0.001, 1.0)).longer is None


def test_a_question_carries_its_own_chance_and_variation():
    """Less chance takes fewer pairs, and days that vary more take more."""
    plain = answer(Question(0.1, 1.0), "windowed").need.pairs_per_day
    assert answer(Question(0.1, 1.0, chance=0.5), "windowed").need.pairs_per_day < plain
    assert answer(Question(0.1, 1.0, day_variation=0.2), "windowed").need.pairs_per_day > plain
