from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.monitoring import JsonFields
from monitors.comparers.fields import INVALID, FieldsComparer
from monitors.comparers.port import Judgement
from tests.unit.monitors.samples import exchange

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


async def compared(student: str, teacher: str, **options: Any) -> Judgement:
    """What the comparer says of two texts."""
    return await FieldsComparer(JsonFields(**options)).compare(exchange(1, "bill"), student, teacher)


@pytest.mark.parametrize(
    ("student", "teacher", "score"),
    [
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', 1.0),
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 3}', 0.5),
        ('{"a": 1}', '{"a": 1, "b": 3}', 2 / 3),  # precision 1, recall 1/2
        ('{"a": 1, "b": 2, "c": 3}', '{"a": 1}', 0.5),  # precision 1/3, recall 1
        ('{"a": {"b": [1, 2]}}', '{"a": {"b": [1, 3]}}', 0.5),
        ("[1, 2, 3]", "[2, 3, 1]", 0.0),
        ("[1, 2, 3]", "[1, 2]", 0.8),
        ("{}", "{}", 1.0),
        ("{}", "[]", 0.0),
        ('{"a": []}', '{"a": [1]}', 0.0),
        ("true", "1", 0.0),
        ("null", "false", 0.0),
        ("1", "1.0", 1.0),
        ('"1"', "1", 0.0),
        ('{"a": "Refund"}', '{"a": "refund"}', 0.0),
    ],
)
async def test_the_score_is_the_f1_of_the_fields(student, teacher, score):
    """Twice the fields alike over all fields of both; all of them must be alike to agree."""
    found = await compared(student, teacher)
    assert (found.score, found.agreed) == (pytest.approx(score), score == 1.0)


@pytest.mark.parametrize(
    ("student", "teacher", "tolerance", "alike"),
    [
        ("101", "100", 0.01, True),
        ("99", "100", 0.01, True),
        ("101.1", "100", 0.01, False),
        ("-101", "-100", 0.01, True),
        ("0.0001", "0", 0.5, False),  # relative: nothing is near to zero but zero
        ("0", "0.0", 0.0, True),
        ("1" + "0" * 400, "1", 0.5, False),
        ("true", "1", 1.0, False),
    ],
)
async def test_numbers_may_be_off_by_a_share_of_the_teachers(student, teacher, tolerance, alike):
    """The tolerance is relative to the teacher's number, and only numbers have one."""
    assert (await compared(f'{{"n": {student}}}', f'{{"n": {teacher}}}', tolerance=tolerance)).agreed is alike


@pytest.mark.parametrize(
    ("student", "teacher", "paths", "score"),
    [
        ('{"items": ["b", "a"]}', '{"items": ["a", "b"]}', ("items",), 1.0),
        ('{"items": ["b", "a"]}', '{"items": ["a", "b"]}', ("other",), 0.0),
        ('{"items": ["a", "a", "b"]}', '{"items": ["a", "b", "b"]}', ("items",), 2 / 3),  # as often, too
        ('[{"n": "x", "q": 1}, {"n": "y", "q": 2}]', '[{"n": "y", "q": 2}, {"n": "x", "q": 9}]', ("",), 0.75),
        ('{"o": [{"t": [2, 1]}]}', '{"o": [{"t": [1, 2]}]}', ("o.t",), 1.0),
        ("[2, 1]", "[1, 2]", ("",), 1.0),
        ('{"items": []}', '{"items": [1]}', ("items",), 0.0),
    ],
)
async def test_lists_without_order_are_matched(student, teacher, paths, score):
    """In the lists that are named, items find the partner that gives most fields alike."""
    assert (await compared(student, teacher, unordered=paths)).score == pytest.approx(score)


async def test_a_list_too_long_to_match_is_compared_in_its_order():
    """A thousand items against a thousand would be a million comparisons."""
    numbers = list(range(1000))
    found = await compared(json.dumps(numbers), json.dumps(numbers[::-1]), unordered=("",))
    assert found.score == 0.0
    assert (await compared(json.dumps(numbers), json.dumps(numbers), unordered=("",))).agreed


@pytest.mark.parametrize("student", ["", "refund", '{"a": 1', "[" * 5000, '{"a": 1} and more', "NaN", "1e999"])
async def test_what_is_no_json_scores_nothing(student):
    """On either side, and also when both are the same."""
    for pair in ((student, '{"a": 1}'), ('{"a": 1}', student), (student, student)):
        assert await compared(*pair) == Judgement(False, 0.0, reason=INVALID)


async def test_least_is_the_score_from_which_on_answers_agree():
    """Two of three fields are enough where the task says so."""
    pair = ('{"a": 1, "b": 2, "c": 3}', '{"a": 1, "b": 2, "c": 4}')
    assert (await compared(*pair, least=0.6)).agreed
    assert not (await compared(*pair, least=0.7)).agreed


@given(VALUES, VALUES)
async def test_the_score_is_symmetric_and_one_only_for_equals(one, other):
    """Without a tolerance it does not matter who is the student."""
    forth = await compared(json.dumps(one), json.dumps(other))
    back = await compared(json.dumps(other), json.dumps(one))
    assert forth == back
    assert forth.agreed is (forth.score == 1.0)
    assert (await compared(json.dumps(one), json.dumps(one))).agreed


@settings(deadline=None)  # the first example loads scipy
@given(st.lists(st.integers(0, 5), max_size=8), st.randoms(use_true_random=False))
async def test_any_order_of_an_unordered_list_agrees(items, random):
    """Shuffling changes nothing."""
    shuffled = items.copy()
    random.shuffle(shuffled)
    assert (await compared(json.dumps(items), json.dumps(shuffled), unordered=("",))).agreed
