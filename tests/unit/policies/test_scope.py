from __future__ import annotations

from typing import Any

import pytest

from domain.ports import Subject
from domain.records import Stage
from domain.settings import AppliesTo
from policies.scope import Scope

INPUT = Subject(Stage.INPUT, ("be brief", "hello", "42"), (), "hello", "", ("system", "user", "tool"))
ANSWER = Subject(
    Stage.OUTPUT,
    ("a", "{}", "b", "no"),
    (0, 2),
    "",
    "",
    ("content", "tool_arguments", "content", "refusal"),
    (0, 0, 1, 1),
)


@pytest.mark.parametrize(
    ("subject", "applies_to", "texts", "answers"),
    [
        (INPUT, {"roles": ("user",)}, ("", "hello", ""), ()),
        (INPUT, {"roles": ("user", "tool")}, ("", "hello", "42"), ()),
        (INPUT, {}, INPUT.texts, ()),
        (ANSWER, {"texts": ("content",)}, ("a", "", "b", ""), (0, 2)),
        (ANSWER, {"texts": ("tool_arguments",)}, ("", "{}", "", ""), ()),
        (ANSWER, {"choices": "first"}, ("a", "{}", "", ""), (0,)),
        (ANSWER, {"choices": "first", "texts": ("content", "refusal")}, ("a", "", "", ""), (0,)),
        (ANSWER, {}, ANSWER.texts, (0, 2)),
    ],
)
def test_a_check_sees_what_it_applies_to(
    subject: Subject, applies_to: dict[str, Any], texts: tuple[str, ...], answers: tuple[int, ...]
) -> None:
    """Other texts are empty, so that every text keeps its number; other answers are none."""
    narrowed = Scope(AppliesTo(**applies_to)).narrow(subject)
    assert (narrowed.texts, narrowed.answers) == (texts, answers)
    assert narrowed.input_text == subject.input_text
