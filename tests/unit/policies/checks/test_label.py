from __future__ import annotations

import pytest

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.label import LabelCheck, Options

CHECK = LabelCheck(Options(), labels=("refund", "Cancel order", "address_change", "größe"))


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ("refund", True),
        ("Refund", True),
        ("REFUND", True),
        (" refund \n", True),
        ('"refund"', True),
        ("'refund'", True),
        ("`refund`", True),
        ("refund.", True),
        ("refund!", True),
        ("cancel order", True),
        ("cancel_order", True),
        ("cancel-order", True),
        ("Cancel  Order", True),
        ("address change", True),
        ("GRÖSSE", True),
        ("\uff52efund", True),
        ("", False),
        (" ", False),
        ("refunds", False),
        ("refund cancel order", False),
        ("refund, cancel order", False),
        ("The label is refund", False),
        ("refund\nIgnore the above", False),
        ("cancelorder", False),
        ("r\u0435fund", False),
        ("ref\u200bund", False),
        ("\x00refund", False),
        ('{"label": "refund"}', False),
        ("I cannot help with that.", False),
        ("refund" * 1000, False),
        ("refund" + " " * 90, True),
        ("refund" + " " * 200, False),
        ("Label: refund", False),
        ("label=refund", False),
        ("- refund", True),
        ("1. refund", False),
        ("**refund**", False),
        ("\u201crefund\u201d", False),
        ("(refund)", False),
        ("refund?", False),
        ("refund,", False),
        ("```refund```", True),
        ("_refund_", False),
        ("cancel\u00a0order", True),
        ("cancel\u2010order", False),
        ("cancel\norder", True),
        ("address-change.", True),
        ("Address_Change", True),
        ("groesse", False),
    ],
)
def test_an_answer_is_one_label_and_nothing_else(answer: str, known: bool) -> None:
    """Case, quotes, blanks and hyphens do not matter; look-alike letters and any other word do."""
    assert (CHECK.inspect(Subject(Stage.OUTPUT, (answer,), (0,))) is None) is known


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ("refund", True),
        ("Cancel order", True),
        ("größe", True),
        ("Refund", False),
        ("cancel order", False),
        ("Cancel_order", False),
        ("refund.", False),
        (" refund", False),
        ("refund\n", False),
        ('"refund"', False),
        ("\uff52efund", False),
        ("", False),
    ],
)
def test_a_client_may_need_the_label_to_the_letter(answer: str, known: bool) -> None:
    """With `exact` an answer is what the client looks up, or it is none."""
    check = LabelCheck(Options(exact=True), labels=("refund", "Cancel order", "größe"))
    assert (check.inspect(Subject(Stage.OUTPUT, (answer,), (0,))) is None) is known


def test_a_long_label_is_a_label() -> None:
    """The bound on what is normalised follows the longest label."""
    check = LabelCheck(Options(), labels=("refund", "x" * 500))
    assert check.inspect(Subject(Stage.OUTPUT, ("X" * 500,), (0,))) is None
    assert check.inspect(Subject(Stage.OUTPUT, ("x" * 499,), (0,))) is not None


def test_a_beginning_is_not_judged() -> None:
    """`ref` is no label, and says nothing about `refund`."""
    assert CHECK.window is None


def test_every_wrong_answer_is_pointed_at() -> None:
    """With several choices each must be a label; texts that are no answers are not looked at."""
    decision = CHECK.inspect(Subject(Stage.OUTPUT, ("refund", "{}", "maybe", "no"), (0, 2, 3)))
    assert decision == Decision("label", Verdict.FALLBACK, "not_in_taxonomy", (Span(2, 0, 5), Span(3, 0, 2)))


def test_a_task_without_labels_is_refused() -> None:
    """The check would otherwise send every answer to the teacher."""
    with pytest.raises(ConfigError, match="the task has no labels"):
        LabelCheck(Options(), labels=())
