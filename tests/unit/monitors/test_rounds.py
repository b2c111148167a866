from __future__ import annotations

from typing import Any

import msgspec

from domain.follow_up import Recheck, RecheckKind
from monitors.rounds import Round, read_rounds, series_of, serving_since
from tests.unit.monitors.samples import TASK, deployment

KEYS = ("aaaa", "bbbb", "cccc")
SERIES = series_of(TASK, "gold", KEYS, since=5.0)


def answer(key: str, number: int, *, at: float, agreed: bool | None = None, **fields: Any) -> Recheck:
    """The answer to a prompt in round `number`."""
    base: dict[str, Any] = {
        "id": f"{SERIES}-{number:05d}-{key}", "task": TASK, "kind": RecheckKind.CANARY, "key": key, "at": at,
        "teacher": "gold", "answer": f"{key}{number}", "agreed": agreed,
    }  # fmt: skip
    return Recheck(**base | fields)


FIRST = [answer(key, 0, at=10.0) for key in KEYS]
SECOND = [answer(key, 1, at=20.0, agreed=True) for key in KEYS]


def test_what_the_store_has_is_read_as_rounds():
    """Other series are left out; the last round is open until it was closed."""
    other = answer("aaaa", 0, at=11.0, id="canary-0000000000000000-00000-aaaa")
    rounds = read_rounds(SERIES, [*FIRST, other, *SECOND[:1]], {10.0})
    assert rounds.done == (Round(10.0, tuple(FIRST)),)
    assert rounds.current == Round(20.0, (SECOND[0],))
    assert rounds.wanted(KEYS) == ["bbbb", "cccc"]
    assert rounds.first_answers() == {"aaaa": "aaaa0", "bbbb": "bbbb0", "cccc": "cccc0"}
    closed = read_rounds(SERIES, [*FIRST, *SECOND], {10.0, 20.0})
    assert (len(closed.done), closed.current) == (2, None)
    assert read_rounds(SERIES, [], ()).done == ()


def test_a_round_that_went_on_another_day_is_one_round():
    """It has the time of its first answer, in whatever order the answers come."""
    late = [msgspec.structs.replace(one, at=one.at + 90_000) for one in FIRST[1:]]
    rounds = read_rounds(SERIES, [*late, FIRST[0], *SECOND], {10.0})
    assert [one.at for one in rounds.done] == [10.0]
    assert rounds.current is not None
    assert rounds.current.at == 20.0


def test_a_round_runs_from_its_beginning_to_its_close():
    """It wants every prompt once, and ends among those that are done."""
    rounds = read_rounds(SERIES, [], ()).begin(10.0)
    assert rounds.wanted(KEYS) == list(KEYS)
    assert rounds.answer_id("aaaa") == FIRST[0].id
    rounds = rounds.answered(FIRST[:2])
    assert rounds.wanted(KEYS) == ["cccc"]
    rounds = rounds.close().begin(10.0)
    assert rounds.current == Round(11.0)  # apart from the one before, though the clock has not moved
    assert rounds.wanted(KEYS) == ["aaaa", "bbbb"]  # the third has no first answer to compare with


def test_a_round_is_due_in_time():
    """At once at first and while there is a baseline to learn; then when so much time has passed."""
    empty = read_rounds(SERIES, [], ())
    assert empty.due(0.0, every_s=60.0, learning=True)
    done = read_rounds(SERIES, FIRST, {10.0})
    assert done.due(10.0, every_s=60.0, learning=True)
    assert [done.due(at, every_s=60.0, learning=False) for at in (69.9, 70.0)] == [False, True]


def test_a_series_is_of_one_teacher_one_set_of_prompts_and_one_student():
    """The order of the prompts does not matter, anything else begins another."""
    assert series_of(TASK, "gold", reversed(KEYS), since=5.0) == SERIES
    others = [
        series_of("other", "gold", KEYS, since=5.0),
        series_of(TASK, "gold-2", KEYS, since=5.0),
        series_of(TASK, "gold", KEYS[:2], since=5.0),
        series_of(TASK, "gold", KEYS, since=6.0),
    ]
    assert len({SERIES, *others}) == 5


def test_counts_have_nothing_to_do_with_the_order_of_the_prompts():
    """One for each answer compared, 1 where it differs; shuffled alike in any process, and anew in each round."""
    answers = [answer(f"{n:04d}", 3, at=1.0, agreed=n >= 20) for n in range(40)]
    counts = Round(1.0, (*answers, answer("ffff", 3, at=1.0))).counts()
    assert (len(counts), sum(counts)) == (40, 20)
    assert 3 < sum(counts[:20]) < 17
    assert Round(1.0, tuple(reversed(answers))).counts() == counts
    later = [answer(f"{n:04d}", 4, at=2.0, agreed=n >= 20) for n in range(40)]
    assert Round(2.0, tuple(later)).counts() != counts


def test_a_student_serves_since_it_took_over():
    """A canary share or another reference is the same student; one that comes back begins afresh."""
    assert serving_since([]) == 0.0
    history = [deployment(at=1.0), deployment(at=2.0, reference_id="r2")]
    assert serving_since(history) == 1.0
    history += [deployment(at=3.0, model="v2"), deployment(at=4.0)]
    assert [serving_since(history[:n]) for n in (3, 4)] == [3.0, 4.0]
