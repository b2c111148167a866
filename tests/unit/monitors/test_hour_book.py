from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors import hour_book
from monitors.hour_book import HourBook, Page, hours_of
from monitors.windowed.hours import Hour

HOUR_S = 3600.0
NOTHING: dict[str, str] = {}


def book(clusters: int = 2) -> HourBook:
    """An empty book."""
    return HourBook("intent", "inputs@r", clusters=clusters)


def turned(at: float, clusters: int = 2) -> HourBook:
    """One whose open hour holds a time."""
    made = book(clusters)
    made.turn(at)
    return made


def test_inputs_are_counted_by_cluster_level_and_word():
    """Exceeded quantiles are counted from the lowest; an input without a cluster counts with its words only."""
    counts = turned(0.0)
    counts.input("a", cluster=0, exceeded=0, words={"label": "refund"})
    counts.input("b", cluster=1, exceeded=3, words={"label": "refund", "length": "to_16"})
    counts.input("c", cluster=None, exceeded=4, words={"label": "cancel"})
    number, hour = counts.turn(HOUR_S)
    assert (number, hour.inputs, hour.exceeded) == (0, [1, 1], [[0, 0, 0, 0], [1, 1, 1, 0]])
    assert hour.shares == {"label": {"refund": 2, "cancel": 1}, "length": {"to_16": 1}}
    assert (hour.pairs, hour.disagreed) == ([0, 0], [0, 0])


def test_pairs_are_counted_by_cluster():
    """All of them, and those that disagree."""
    counts = turned(0.0)
    for number, (cluster, disagreed) in enumerate([(0, True), (0, False), (1, False)]):
        counts.pair(f"key{number}", cluster, disagreed=disagreed)
    _, hour = counts.turn(HOUR_S)
    assert (hour.pairs, hour.disagreed, hour.inputs) == ([2, 1], [1, 0], [0, 0])


def test_near_duplicates_count_once_in_an_hour():
    """Whatever else differs; in the next hour they count again."""
    counts = turned(0.0)
    for at in (0.0, 1.0, HOUR_S):
        counts.turn(at)
        counts.input("same", cluster=int(at == 1.0), exceeded=1, words={"label": "refund"})
    hours = hours_of(counts.tallies())
    assert {number: (hour.inputs, hour.shares) for number, hour in hours.items()} == {
        0: ([1, 0], {"label": {"refund": 1}}),
        1: ([1, 0], {"label": {"refund": 1}}),
    }


@pytest.mark.parametrize(
    ("times", "closed"),
    [
        ([0.5, 0.9], [None, None]),
        ([0.5, 1.0], [None, 0]),
        ([0.5, 1.5, 0.7, 2.0], [None, 0, None, 1]),  # what is late closes nothing
        ([5.0, 9.0], [None, 5]),
    ],
)
def test_an_hour_is_closed_by_what_comes_after_it(times, closed):
    """In hours since the epoch; the number that was open is told once."""
    counts = book()
    found = [counts.turn(hours * HOUR_S) for hours in times]
    assert [None if each is None else each[0] for each in found] == closed


def test_what_is_late_counts_in_the_open_hour():
    """An hour that is closed does not change any more: detectors have heard it."""
    counts = turned(HOUR_S)
    counts.turn(0.0)
    counts.input("late", cluster=0, exceeded=0, words=NOTHING)
    number, hour = counts.turn(2 * HOUR_S)
    assert (number, hour.inputs) == (1, [1, 0])


def test_hours_that_have_changed_are_told_once():
    """Closed ones once, without their keys; the open one whenever it is asked, with them."""
    counts = turned(0.0)
    assert book().tallies() == []
    counts.input("b", cluster=0, exceeded=0, words=NOTHING)
    counts.input("a", cluster=0, exceeded=0, words=NOTHING)
    counts.turn(HOUR_S)
    counts.input("c", cluster=0, exceeded=0, words=NOTHING)
    told = [(tally.hour, len(msgspec.json.decode(tally.body, type=Page).keys)) for tally in counts.tallies()]
    assert told == [(0, 0), (1, 1)]
    assert [(tally.task, tally.series, tally.hour) for tally in counts.tallies()] == [("intent", "inputs@r", 1)]


EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from("abcd"), st.integers(0, 1), st.integers(0, 4)), max_size=30
)


@given(EVENTS, st.integers(0, 30))
def test_it_goes_on_from_the_newest_stored_hour(events, stop):
    """A book that is restored at any point counts on as one that never stopped."""

    def live(restarts: bool) -> tuple[list, dict[int, Hour]]:
        counts, closed, stored = book(), [], {}
        for number, (hour, key, cluster, exceeded) in enumerate(events):
            if restarts and number == stop and stored:
                counts = book()
                counts.restore(stored[max(stored)])
            closed.append(counts.turn(hour * HOUR_S))
            counts.input(key, cluster=cluster, exceeded=exceeded, words={"label": key})
            stored |= {tally.hour: tally for tally in counts.tallies()}
        return closed, hours_of(stored.values())

    assert live(restarts=True) == live(restarts=False)


def test_an_hour_of_more_clusters_is_refused():
    """It is of another reference; fewer would be refused by nobody and are none of ours either way."""
    stored = turned(0.0, clusters=3).tallies()[0]
    with pytest.raises(ValueError, match="the hour has 3 clusters, not 2"):
        book(clusters=2).restore(stored)


def test_keys_are_bounded(monkeypatch):
    """Beyond the bound what is new counts each time, and what is remembered is still collapsed."""
    monkeypatch.setattr(hour_book, "_MOST_KEYS", 3)
    counts = turned(0.0)
    for key in ("a", "b", "c", "d", "d", "a", "e"):
        counts.input(key, cluster=0, exceeded=0, words=NOTHING)
    (tally,) = counts.tallies()
    page = msgspec.json.decode(tally.body, type=Page)
    assert (len(page.keys), page.hour.inputs) == (3, [6, 0])
    assert all(len(key) == 8 for key in page.keys)  # no text, and not much to write with each batch


@pytest.mark.parametrize(
    ("clusters", "cluster", "pairs"), [(2, 1, [0, 1]), (2, None, [0, 0]), (1, None, [1]), (1, 0, [1])]
)
def test_a_pair_of_an_unknown_cluster_counts_only_where_there_is_but_one(clusters, cluster, pairs):
    """Which cluster explains it is not known: counted anywhere it would look like a change of that cluster."""
    counts = turned(0.0, clusters=clusters)
    counts.pair("a", cluster, disagreed=True)
    _, hour = counts.turn(HOUR_S)
    assert hour.pairs == pairs
    assert hour.disagreed == pairs
