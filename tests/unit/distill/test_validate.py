from __future__ import annotations

from collections import Counter

import pytest

from distill.answers import LabelRule, TextRule
from distill.examples import Example, Message, Row, row_of
from distill.validate import validate

RULE = LabelRule(("refund", "cancel"))


def _row(text, answer):
    return row_of(Example(text, answer), prompt="p")


def _roles(*names):
    return Row(tuple(Message(name, "refund") for name in names))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Row(()), "roles"),
        (_roles("system"), "roles"),
        (_roles("user"), "roles"),
        (_roles("assistant", "user"), "roles"),
        (_roles("user", "system", "assistant"), "roles"),
        (_roles("user", "user", "assistant"), "roles"),
        (_row("  ", "refund"), "empty"),
        (_row("x", " \n"), "empty"),
        (Row((Message("user", "x"), Message("assistant", refusal="no"))), "refusal"),
        (_row("x", "I\u2019m sorry, I cannot help with that."), "refusal"),
        (_row("x", "exchange"), "unusable_answer"),
        (_row("x", "refund or cancel"), "unusable_answer"),
    ],
)
def test_a_row_that_cannot_teach_is_dropped_for_its_reason(bad, reason):
    """Each defect must be counted under its own name, and must not reach the student."""
    found = validate([bad, _row("good", "refund")], RULE)
    assert found.examples == (Example("good", "refund"),)
    assert found.report.dropped == {reason: 1}


@pytest.mark.parametrize("names", [("user", "assistant"), ("system", "user", "assistant", "user", "assistant")])
def test_whole_conversations_are_kept(names):
    """A system message is optional, and earlier turns are no defect."""
    assert len(validate([_roles(*names)], RULE).examples) == 1


@pytest.mark.parametrize(
    ("answers", "kept", "dropped", "reviewed"),
    [
        (["refund", "Refund."], ["refund"], {"duplicate": 1}, 0),
        (["refund", "cancel", "refund"], ["refund"], {"duplicate": 1, "conflict": 1}, 2),
        (["refund", "cancel"], [], {"conflict": 2}, 2),
        (["cancel"], ["cancel"], {}, 0),
    ],
)
def test_one_input_keeps_one_answer(answers, kept, dropped, reviewed):
    """Doubles count once, a strict majority wins, a tie teaches nothing; people see both sides."""
    rows = [_row("Same  input" if number else "same input", answer) for number, answer in enumerate(answers)]
    found = validate(rows, RULE)
    assert [example.answer for example in found.examples] == kept
    assert found.report.dropped == dropped
    assert sum(item.reason == "conflict" for item in found.report.review) == reviewed
    assert found.report.rows == found.report.kept + sum(found.report.dropped.values())


def test_the_review_queue_is_a_tenth_of_each_label():
    """A rare label must be reviewed too, and the same seed must give the same queue."""
    rows = [_row(f"r{number}", "refund") for number in range(95)] + [_row("c", "cancel")]
    report = validate(rows, RULE, seed=3).report
    assert Counter(item.answer for item in report.review) == {"refund": 10, "cancel": 1}
    assert report.review == validate(rows, RULE, seed=3).report.review
    assert report.review != validate(rows, RULE, seed=4).report.review
    assert report.labels == {"refund": 95, "cancel": 1}


def test_free_text_is_one_stratum():
    """A task without labels must be validated as well, refusals being the only bad text."""
    rows = [_row(f"t{number}", f"answer {number}") for number in range(20)]
    report = validate(rows, TextRule()).report
    assert (report.kept, len(report.review), report.labels) == (20, 2, {"text": 20})
