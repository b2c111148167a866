from __future__ import annotations

import msgspec
import pytest

from domain.ports import Observation
from monitors.hour_book import HourBook, hours_of
from monitors.hourly import Fitted
from monitors.hourly_pairs import HourlyPairs, inner_state
from monitors.ripening import Fit
from monitors.windowed.calendar import Calendar
from monitors.windowed.fit import fit_pairs
from monitors.windowed.history import gather
from monitors.windowed.live import HourlyAgreement
from tests.unit.monitors.weeks import HOUR_S, counted, hour_of

ARMED = Fit(hour_of(14), 14, armed=True)
LISTED = Fit(hour_of(14), 14, waiting="needs a weekend")
WAITING = Fit(waiting="needs 3 more days")


@pytest.fixture(scope="module")
def baseline():
    """Two weeks of 200 pairs a day, of which 5 % disagree."""
    hours = {hour_of(0) + n: counted(n, pairs=200 / 24) for n in range(14 * 24)}
    return fit_pairs(gather(hours, Calendar()))


@pytest.fixture
def make(baseline):
    """A detector with a fit; without a baseline while it waits."""

    def made(fit: Fit = ARMED) -> HourlyPairs:
        detector = HourlyAgreement(baseline, Calendar(), days=90.0, budget="one in 90 days")
        book = HourBook("intent", "pairs@r", clusters=4)
        return HourlyPairs(book, fit, Fitted(detector, fit) if fit.until else None)

    return made


def pair(hours: float, *, disagreed: bool, key: str = "", cluster: int = 0, uniform: bool = True) -> Observation:
    """A pair so many hours after day 14 began."""
    return Observation(
        at=(hour_of(14) + hours) * HOUR_S, counts=(float(disagreed),), key=key or f"{hours}", cluster=cluster,
        uniform=uniform,
    )  # fmt: skip


def wrong(hours: int, *, per_hour: int = 8) -> list[Observation]:
    """Pairs of which all disagree."""
    return [pair(n / per_hour, disagreed=True) for n in range(hours * per_hour)]


def test_falling_agreement_alarms_when_an_hour_is_over(make):
    """Within a day of nothing but disagreements; most pairs say nothing new, and the alarm is told once."""
    detector = make()
    found = [detector.update(each) for each in wrong(24)]
    alarms = [n for n, one in enumerate(found) if one.alarm]
    assert alarms
    assert all(n % 8 == 0 for n in alarms)
    assert found[alarms[0]].evidence > 1
    assert found[alarms[0] + 1].alarm is False
    assert found[-1].samples == 24 * 8
    assert found[-1].score == 0.0


@pytest.mark.parametrize("fit", [LISTED, WAITING])
def test_what_is_not_armed_alarms_nobody(make, fit):
    """Its evidence is shown if there is a baseline; the budget says what is waited for if there is none."""
    detector = make(fit)
    found = [detector.update(each) for each in wrong(24)]
    assert not any(one.alarm for one in found)
    assert (max(one.evidence for one in found) > 1) is (fit is LISTED)
    assert detector.budget() == ("one in 90 days" if fit is LISTED else "not armed: needs 3 more days")


def test_an_hour_of_the_baseline_is_not_heard(make):
    """The last hour before the fit, which the first pair of the day closes."""
    detector = make()
    for number in range(20):
        detector.update(pair(-0.5, disagreed=True, key=f"{number}"))
    assert detector.update(pair(0.0, disagreed=False)).evidence == 0.0
    inner = msgspec.json.decode(inner_state(detector.state()))
    assert inner["memory"]["last"] is None


def test_only_the_uniform_sample_is_counted(make):
    """Pairs that were asked about for being strange are shown in the agreement, but not held against it."""
    detector = make()
    detector.update(pair(0.0, disagreed=True, cluster=2))
    found = detector.update(pair(0.1, disagreed=True, cluster=2, uniform=False))
    (hour,) = hours_of(detector.tallies()).values()
    assert (hour.pairs, hour.disagreed) == ([0, 0, 1, 0], [0, 0, 1, 0])
    assert (found.samples, found.score) == (2, 0.0)


def test_near_duplicates_are_counted_once_in_an_hour(make):
    """One input that is asked again and again must not raise an alarm."""
    detector = make()
    for number in range(9):
        detector.update(pair(number / 10, disagreed=True, key="same"))
    (hour,) = hours_of(detector.tallies()).values()
    assert sum(hour.pairs) == 1


def test_the_agreement_that_is_shown_follows_the_newest_pairs(make):
    """It is the mean of the first fifty, then older pairs fade."""
    detector = make()
    shares = [detector.update(pair(n / 100, disagreed=n % 2 == 0)).score for n in range(50)]
    assert shares[:3] == pytest.approx([0.0, 0.5, 1 / 3])
    assert shares[-1] == pytest.approx(0.5)
    shares = [detector.update(pair(1 + n / 100, disagreed=True)).score for n in range(100)]
    assert shares[-1] == pytest.approx(0.5 * 0.98**100)


@pytest.mark.parametrize("stop", [0, 1, 50, 97])
@pytest.mark.parametrize("fit", [ARMED, LISTED, WAITING])
def test_it_goes_on_from_its_state(make, fit, stop):
    """With the hours that were stored, a worker that starts again says what one says that never stopped."""
    kept, again, rows = make(fit), make(fit), wrong(18, per_hour=6)
    for number, each in enumerate(rows):
        expected = kept.update(each)
        if number == stop:
            body, tallies = again.state(), again.tallies()
            book = HourBook("intent", "pairs@r", clusters=4)
            if tallies:
                book.restore(tallies[-1])
            again = make(fit)
            again._book = book
            again.restore(body)
        assert again.update(each) == expected
    assert again.state() == kept.state()


def test_another_baseline_starts_afresh(make):
    """What was counted and shown goes on; the evidence does not."""
    before, after = make(Fit(hour_of(13), 13, armed=True)), make()
    for each in wrong(3):
        before.update(each)
    after.restore(before.state())
    found = after.update(pair(0.0, disagreed=True))
    assert (found.samples, found.score, found.evidence) == (25, 0.0, 0.0)


@pytest.mark.parametrize("state", [None, b"{}", b"[", b'{"samples":1}'])
def test_a_state_of_another_kind_has_no_fit(state, make):
    """It is that of a per-sample detector, or there is none; restoring it is an error that the caller expects."""
    assert inner_state(state) is None
    if state is not None:
        with pytest.raises(ValueError, match=r"."):
            make().restore(state)
