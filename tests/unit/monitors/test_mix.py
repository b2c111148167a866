from __future__ import annotations

import datetime as dt
import math

import msgspec
import pytest

from domain.records import Arm
from domain.store import WatchedExchange
from monitors import mix
from monitors.mix import Day
from monitors.windowed.hours import Hour
from tests.unit.monitors.samples import exchange

NAMES = {0: ("parcel", "where"), 1: ("refund",)}
NOTHING = Day("2026-03-22", 0, 0, 0, {})
SIZES = [600, 300, 100]


def told(today, week_ago=NOTHING):
    """The report of a day."""
    return mix.mix("intent", today, week_ago, sizes=SIZES, flagged_reference=0.06, names=NAMES)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29", "UTC", 24),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-29", "Asia/Kolkata", 24),
    ],
)
def test_a_day_is_one_of_the_time_zone(day, zone, hours):
    """From its midnight to the next, also when clocks change; each moment belongs to exactly one day."""
    start, end = mix.bounds(day, zone)
    assert end - start == hours * 3600
    assert [mix.day_of(at, zone) for at in (start, end - 1)] == [day, day]
    assert mix.day_of(end, zone) != day


def test_a_day_that_is_none_is_refused():
    """The command turns this into one line."""
    with pytest.raises(ValueError, match="yesterday"):
        mix.bounds("yesterday", "UTC")


def test_the_week_before_is_the_same_weekday():
    """Also over the end of a month."""
    assert mix.week_before("2026-03-05") == "2026-02-26"


def test_a_day_counts_what_reached_a_model_on_it():
    """Blocked inputs are nobody's; one that was not compared counts for the volume only."""
    start, end = mix.bounds("2026-03-29", "Europe/Berlin")
    rows = [
        WatchedExchange(exchange(1, "a", at=start), 0.5, 1),
        WatchedExchange(exchange(2, "a", at=end - 1), 0.1, 1),
        WatchedExchange(exchange(3, "a", at=start + 1), None),
        WatchedExchange(exchange(4, "a", at=start + 1, arm=Arm.NONE), 0.5, 1),
        WatchedExchange(exchange(5, "a", at=start - 1), 0.5, 1),
        WatchedExchange(exchange(6, "a", at=end), 0.5, 1),
    ]
    found = mix.count(rows, "2026-03-29", time_zone="Europe/Berlin", threshold=0.3)
    assert found == Day("2026-03-29", inputs=3, compared=2, flagged=1, clusters={1: 2})


def test_hours_add_up_to_a_day():
    """Those that begin on it; near-duplicates were counted once in each, and the words say so."""
    start, end = mix.bounds("2026-03-29", "Asia/Kolkata")  # half an hour away from whole hours
    first, last = math.ceil(start / 3600), math.ceil(end / 3600) - 1
    hour = Hour(inputs=[2, 1, 0], exceeded=[[2, 1, 1, 0], [1, 1, 0, 0]])
    hours = {first - 1: hour, first: hour, first + 5: Hour(), last: hour, last + 1: hour}
    found = mix.of_hours(hours, "2026-03-29", time_zone="Asia/Kolkata")
    assert (found.inputs, found.compared, found.flagged) == (6, 6, 2)
    assert {number: count for number, count in found.clusters.items() if count} == {0: 4, 1: 2}
    assert told(found).lines[0].startswith("6 different inputs (near-duplicates of an hour once); there are none")


def test_a_cluster_that_grew_is_told_in_words():
    """With its name, its share now, in the reference and a week ago."""
    today = Day("2026-03-29", 1000, 1000, 52, {0: 500, 1: 300, 2: 200})
    week_ago = Day("2026-03-22", 800, 800, 40, {0: 480, 1: 240, 2: 80})
    found = told(today, week_ago)
    assert found.lines == (
        "1,000 inputs, +25% against 800 a week ago.",
        "5.2% [4.0%, 6.8%] of them are unlike the reference, within the 6.0% to be expected; a week ago 5.0%.",
        "Cluster 2 grew to 20.0% [17.6%, 22.6%] from 10.0% in the reference: 2.0 times as large, a week ago 10.0%.",
    )
    assert [each.cluster for each in found.clusters] == [2, 1, 0]
    assert [each.grew for each in found.clusters] == [True, False, False]
    weekly = found.clusters[0].weekly
    assert weekly is not None
    assert weekly.lower > 1.5


def test_names_are_shown_where_there_are_some():
    """A cluster is its words, not only its number."""
    found = told(Day("2026-03-29", 1000, 1000, 50, {0: 200, 1: 750, 2: 50}))
    assert found.lines[2].startswith("Cluster 1 (refund) grew to 75.0%")
    assert found.lines[2].endswith("from 30.0% in the reference: 2.5 times as large.")


def test_an_ordinary_day_says_that_nothing_grew():
    """A report without news says so, and says that there is no week ago."""
    found = told(Day("2026-03-29", 1000, 1000, 50, {0: 600, 1: 300, 2: 100}))
    assert found.lines[0] == "1,000 inputs; there are none of a week ago to compare with."
    assert found.lines[2:] == ("No known cluster has a larger share than in the reference.",)


def test_many_new_inputs_are_told():
    """More than expected only where the whole interval is."""
    assert "unlike the reference, more than the 6.0%" in told(Day("2026-03-29", 1000, 1000, 90, {0: 1000})).lines[1]
    assert "within the 6.0%" in told(Day("2026-03-29", 100, 100, 9, {0: 60, 1: 30, 2: 10})).lines[1]


def test_a_day_without_inputs_is_a_report_too():
    """Nothing is divided by nothing."""
    found = told(NOTHING)
    assert len(found.lines) == 2
    assert found.lines[1].startswith("No input was compared with the reference")
    assert not any(each.grew for each in found.clusters)


def test_it_can_be_kept_as_json():
    """Scripts read it; the parts are those that the words are made of."""
    found = told(Day("2026-03-29", 1000, 1000, 52, {0: 500, 1: 300, 2: 200}))
    assert msgspec.json.decode(msgspec.json.encode(found), type=mix.Mix) == found
    assert dt.date.fromisoformat(found.day)
