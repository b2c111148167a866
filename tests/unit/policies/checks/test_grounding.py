from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.grounding import GroundingCheck, Options

INPUT = "Book a table for 4 at Café  Zoë in São Paulo, tomorrow at 19:30.  Budget 1,250.50 EUR, party of four."


def asked(value: Any, given_text: str = INPUT) -> Subject:
    """An answer, as JSON unless it is text already, to an input."""
    text = value if isinstance(value, str) else json.dumps(value)
    return Subject(Stage.OUTPUT, (text,), (0,), given_text)


def reason(options: dict[str, Any], subject: Subject) -> str | None:
    """What the check says."""
    decision = GroundingCheck(msgspec.convert(options, Options)).inspect(subject)
    return decision.reason if decision else None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"city": "São Paulo"}, None),
        ({"city": "são paulo"}, None),
        ({"city": "SÃO  PAULO"}, None),
        ({"city": "Sa\u0303o Paulo"}, None),
        ({"city": "\uff33ão Paulo"}, None),
        ({"city": " São Paulo "}, None),
        ({"city": "São\nPaulo"}, None),
        ({"place": "Café Zoë"}, None),
        ({"time": "19:30"}, None),
        ({"time": "19:30."}, None),
        ({"people": "4"}, None),
        ({"people": "four"}, None),
        ({"people": ""}, None),
        ({"people": " "}, None),
        ({"people": None}, None),
        ({"people": 7}, None),
        ({"people": True}, None),
        ({}, None),
        ([], None),
        (["tomorrow", ["table"]], None),
        ('"tomorrow"', None),
        ({"budget": "1,250.50 EUR"}, None),
        ({"city": "Sao Paulo"}, "not_grounded"),
        ({"city": "Rio"}, "not_grounded"),
        ({"city": "São"}, None),
        ({"city": "ão Paulo"}, "not_grounded"),
        ({"city": "Paul"}, "not_grounded"),
        ({"city": "aul"}, "not_grounded"),
        ({"people": "9"}, "not_grounded"),
        ({"people": "3"}, "not_grounded"),
        ({"people": "four people"}, "not_grounded"),
        ({"time": "19.30"}, "not_grounded"),
        ({"time": "7:30 pm"}, "not_grounded"),
        ({"city": "São Paulo", "date": "today"}, "not_grounded"),
        ([["tomorrow", ["next week"]]], "not_grounded"),
        ("tomorrow", "not_json"),
        ("", "not_json"),
        ('{"city": "São Paulo"', "not_json"),
        ('{"city": "São Paulo"} ok', "not_json"),
        ("[" * 3000, "not_json"),
        ([str(number) for number in range(101)], "too_many_values"),
        ([INPUT[place : place + 200] for place in range(100)], "not_grounded"),
        (["tomorrow"] * 300, None),
        (["tomorrow"] * 300 + ["today"], "not_grounded"),
    ],
)
def test_extracted_texts_stand_in_the_input(value: Any, expected: str | None) -> None:
    """As whole words, in any case and Unicode form; what says the same in other words does not stand there."""
    assert reason({}, asked(value)) == expected


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        ({"numbers": True}, {"people": 4}, None),
        ({"numbers": True}, {"people": 4.0}, None),
        ({"numbers": True}, {"people": -4}, None),
        ({"numbers": True}, {"people": True}, None),
        ({"numbers": True}, {"budget": 1250.5}, None),
        ({"numbers": True}, {"people": 5}, "not_grounded"),
        ({"numbers": True}, {"budget": 1250}, "not_grounded"),
        ({"numbers": True}, {"hour": 9}, "not_grounded"),
        ({"numbers": True}, {"hour": 19}, None),
        ({"numbers": True}, {"hour": 1e300}, "not_grounded"),
        ({"whole_words": False}, {"city": "aul"}, None),
        ({"paths": ["city"]}, {"city": "São Paulo", "note": "made up"}, None),
        ({"paths": ["city"]}, {"city": "Rome", "note": "tomorrow"}, "not_grounded"),
        ({"paths": ["slots[].value"]}, {"slots": [{"name": "x", "value": "Paulo"}]}, None),
        ({"paths": ["slots[].value"]}, {"slots": [{"name": "x", "value": "Rome"}]}, "not_grounded"),
        ({"except_paths": ["note"]}, {"city": "Paulo", "note": {"why": "made up"}}, None),
        ({"max_values": 2}, ["Paulo", "table", "Book"], "too_many_values"),
        ({"max_values": 3}, ["Paulo", "table", "Book"], None),
    ],
)
def test_the_operator_says_what_must_stand_there(options: dict[str, Any], value: Any, expected: str | None) -> None:
    """Paths, numbers, pieces of words and the number of values."""
    assert reason(options, asked(value)) == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("東京から大阪まで", "大阪", None),
        ("서울에서 부산까지", "서울", None),
        ("ไปกรุงเทพพรุ่งนี้", "กรุงเทพ", None),
        ("Đường Nguyễn Huệ", "Nguyễn", None),
        ("Đường Nguyễn Huệ", "Nguy", "not_grounded"),
        ("Москва завтра", "москва", None),
        ("Москва завтра", "моск", "not_grounded"),
        ("art starts at the art hall", "art", None),
        ("starts at", "art", "not_grounded"),
        ("a" * 3000, "a", "not_grounded"),
        ("a" * 3000 + " Zürich", "zürich", None),
        ("é" * 3000 + " Zu\u0308rich", "zu\u0308rich", None),
        ("", "", None),
        ("", "a", "not_grounded"),
    ],
)
def test_words_end_where_a_script_ends_them(text: str, value: str, expected: str | None) -> None:
    """Scripts without blanks have no words to end; a long input is not normalised, and still read."""
    assert reason({}, asked([value], text)) == expected


def test_every_answer_is_judged_and_other_texts_are_not() -> None:
    """All wrong answers are pointed at; the first gives the reason."""
    texts = ('["table"]', "tool", '["chair"]', "no JSON")
    check = GroundingCheck(Options())
    assert check.inspect(Subject(Stage.OUTPUT, texts, (0,), INPUT)) is None
    expected = Decision("grounding", Verdict.FALLBACK, "not_grounded", (Span(2, 0, 9), Span(3, 0, 7)))
    assert check.inspect(Subject(Stage.OUTPUT, texts, (0, 2, 3), INPUT)) == expected
    assert check.window is None


def test_what_the_schema_lists_need_not_stand_in_the_input(tmp_path: Path) -> None:
    """Unless the operator wants it to."""
    schema = tmp_path / "answer.json"
    schema.write_text(json.dumps({"properties": {"intent": {"enum": ["book_table"]}, "city": {"type": "string"}}}))
    answer = asked({"intent": "book_table", "city": "São Paulo"})
    assert GroundingCheck(Options(), schema=schema).inspect(answer) is None
    assert GroundingCheck(Options(except_enums=False), schema=schema).inspect(answer) is not None
    assert GroundingCheck(Options(), schema=schema).inspect(asked({"city": "book_table"})) is not None


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"paths": ["a..b"]}, "paths"),
        ({"except_paths": ["a[0]"]}, "except_paths"),
        ({"max_values": 0}, "max_values"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], key: str) -> None:
    """Named by their key."""
    with pytest.raises(ConfigError) as caught:
        msgspec.convert(options, Options)
    assert caught.value.path == key


@pytest.mark.parametrize(("text", "problem"), [(None, "cannot read the schema"), ("{", "is not JSON")])
def test_a_schema_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None, problem: str) -> None:
    """Found when the configuration is read."""
    path = tmp_path / "answer.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        GroundingCheck(Options(), schema=path)


@given(st.lists(st.text(alphabet="ab é日1", min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_words_of_the_input_are_grounded_in_it(words: list[str], data: st.DataObject) -> None:
    """Whatever stands between blanks may be extracted, in any case."""
    chosen = data.draw(st.lists(st.sampled_from(words), max_size=4))
    answer = [word.upper() if number % 2 else word for number, word in enumerate(chosen)]
    assert reason({}, asked(answer, " ".join(words))) is None
