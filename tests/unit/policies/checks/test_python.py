from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.python import OTHER, Options, PythonCheck
from policies.codes import is_code
from tests.contract.check_check import holds_for, subjects

# What an operator would write: one class, one function, and things that are no checks.
MODULE = '''
from domain.records import Decision, Span, Verdict


class Shouting:
    """No answer is all in capitals."""

    name = "acme"
    triggers = ("[A-Z]",)
    window = None

    def __init__(self, least=4):
        if least < 1:
            raise ValueError("least must be positive")
        self._least = least

    def inspect(self, subject):
        spans = tuple(
            Span(number, 0, len(text), "capitals")
            for number, text in enumerate(subject.texts)
            if len(text) >= self._least and text.isupper()
        )
        return Decision(self.name, Verdict.FLAG, "shouting", spans) if spans else None


def shouting(**args):
    return Shouting(**args)


class Says:
    """Gives what it is told to give."""

    triggers, window = (), 8

    def __init__(self, said=None):
        self.said = said

    def inspect(self, subject):
        return self.said


class Quotes(Says):
    """Makes its reason from the text."""

    def inspect(self, subject):
        return Decision("acme", Verdict.FLAG, subject.texts[0])


class Exits(Says):
    """Gives up on everything."""

    def inspect(self, subject):
        raise SystemExit(3)


def made(**attributes):
    return type("Made", (), {"triggers": (), "window": None, "inspect": lambda self, subject: None} | attributes)()


class Async:
    triggers, window = (), None

    async def inspect(self, subject):
        return None


def exits():
    raise SystemExit(2)


nothing = None
'''
TEXTS = Subject(Stage.OUTPUT, ("refund", "now"), (0,), "hello")


@pytest.fixture(scope="module", autouse=True)
def operators_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The module, and a package that announces it as an entry point."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "acme_checks.py").write_text(MODULE)
    for version in ("acme-1.0.dist-info", "other-1.0.dist-info"):
        (folder / version).mkdir()
        (folder / version / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {version[:5]}\nVersion: 1.0\n")
    (folder / "acme-1.0.dist-info" / "entry_points.txt").write_text(
        "[preceptor.checks]\nshouting = acme_checks:Shouting\ntwice = acme_checks:Shouting\ngone = acme_gone:Check\n"
    )
    (folder / "other-1.0.dist-info" / "entry_points.txt").write_text("[preceptor.checks]\ntwice = acme_checks:Says\n")
    sys.path.insert(0, str(folder))
    yield "acme_checks"
    sys.path.remove(str(folder))
    sys.modules.pop("acme_checks", None)


def built(name: str = "acme_checks:Shouting", **args: Any) -> PythonCheck:
    """The check of an object in the module."""
    return PythonCheck(Options(object=name, args=args))


@pytest.mark.parametrize(
    "options",
    [
        {"object": "acme_checks:Shouting"},
        {"object": "acme_checks:shouting"},
        {"entry_point": "shouting"},
        {"entry_point": "shouting", "args": {"least": 6}},
    ],
)
def test_a_class_a_function_and_an_entry_point_give_a_check(options: dict[str, Any]) -> None:
    """The decision is the operator's, under the name of the kind."""
    check = PythonCheck(msgspec.convert(options, Options))
    assert (check.triggers, check.window) == (("[A-Z]",), None)
    assert check.inspect(TEXTS) is None
    expected = Decision("python", Verdict.FLAG, "shouting", (Span(0, 0, 6, "capitals"),))
    assert check.inspect(Subject(Stage.OUTPUT, ("REFUND", "now"))) == expected


def test_arguments_reach_the_factory() -> None:
    """`args` are the keyword arguments."""
    assert built(least=7).inspect(Subject(Stage.INPUT, ("REFUND",))) is None


@pytest.mark.parametrize("triggers", [("a",), ["a", "b"], ()])
def test_triggers_and_window_are_the_check_s_own(triggers: Any) -> None:
    """The engine sees what the operator declared."""
    check = built("acme_checks:made", triggers=triggers, window=12)
    assert (check.triggers, check.window) == (tuple(triggers), 12)


@pytest.mark.parametrize(
    ("options", "key", "problem"),
    [
        ({}, "object", "give either entry_point"),
        ({"object": "a:b", "entry_point": "c"}, "object", "give either entry_point"),
        ({"object": "acme_checks"}, "object", "must be written as module:attribute"),
        ({"object": "acme_missing:Check"}, "object", "there is no module acme_missing"),
        ({"object": "acme_checks:Missing"}, "object", "acme_checks has no Missing"),
        ({"object": "acme_checks:nothing"}, "object", "must be a class or function"),
        ({"object": "acme_checks:Shouting", "args": {"most": 1}}, "args", "unexpected keyword argument 'most'"),
        ({"object": "acme_checks:Shouting", "args": {"least": 0}}, "args", "ValueError: least must be positive"),
        ({"object": "acme_checks:exits"}, "args", "cannot be made: SystemExit"),
        ({"object": "acme_checks:Async"}, "object", "inspect must be a plain method"),
        ({"object": "builtins:dict"}, "object", "no triggers; it has no window; it has no inspect"),
        ({"entry_point": "missing"}, "entry_point", "0 packages have an entry point 'missing'"),
        ({"entry_point": "missing"}, "entry_point", "known are gone, shouting, twice"),
        ({"entry_point": "twice"}, "entry_point", "2 packages have an entry point 'twice'"),
        ({"entry_point": "gone"}, "entry_point", "there is no module acme_gone"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_is_missing(options: dict[str, Any], key: str, problem: str) -> None:
    """The error comes at load, names the key and says what to mend."""
    with pytest.raises(ConfigError) as caught:
        PythonCheck(msgspec.convert(options, Options))
    assert caught.value.path == key
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"triggers": "abc"}, "triggers must be a tuple of patterns"),
        ({"triggers": (1,)}, "triggers must be a tuple of patterns"),
        ({"triggers": None}, "triggers must be a tuple of patterns"),
        ({"triggers": ("(?=a)",)}, "RE2 cannot compile the trigger '(?=a)'"),
        ({"triggers": ("a", "(")}, "RE2 cannot compile the trigger '('"),
        ({"window": -1}, "window must be None or a number of characters"),
        ({"window": True}, "window must be None or a number of characters"),
        ({"window": 1.5}, "window must be None or a number of characters"),
        ({"window": "64"}, "window must be None or a number of characters"),
        ({"inspect": None}, "inspect must be a plain method"),
    ],
)
def test_what_is_no_check_is_refused(attributes: dict[str, Any], problem: str) -> None:
    """The shape is checked as far as it can be without asking it about a text."""
    with pytest.raises(ConfigError) as caught:
        built("acme_checks:made", **attributes)
    assert caught.value.path == "object"
    assert problem in str(caught.value)


def decision(reason: Any = "seen", *spans: Any) -> Decision:
    """A decision of the operator's."""
    return Decision("acme", Verdict.FLAG, reason, spans)


@pytest.mark.parametrize(
    "said",
    [
        decision(),
        decision("seen", Span(0, 0, 6)),
        decision("seen", Span(1, 0, 3, "word"), Span(0, 0, 0)),
        decision("seen", Span(0, 6, 6, "end")),
        decision("x" * 40),
    ],
)
def test_a_sound_decision_passes(said: Decision) -> None:
    """Reason and spans stay as they are."""
    assert built("acme_checks:Says", said=said).inspect(TEXTS) == Decision(
        "python", said.verdict, said.reason, said.spans
    )


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (True, TypeError),
        (False, TypeError),
        ("refund", TypeError),
        ({"reason": "seen"}, TypeError),
        ([], TypeError),
        (decision(""), ValueError),
        (decision("my card is 4111 1111 1111 1111"), ValueError),
        (decision("Refund"), ValueError),
        (decision("x" * 41), ValueError),
        (decision(None), ValueError),
        (decision("seen", (0, 0, 1)), TypeError),
        (decision("seen", Span(0, 0, 7)), ValueError),
        (decision("seen", Span(0, -1, 3)), ValueError),
        (decision("seen", Span(0, 4, 3)), ValueError),
        (decision("seen", Span(2, 0, 0)), ValueError),
        (decision("seen", Span(-1, 0, 0)), ValueError),
        (decision("seen", Span(0, 0, 6, "the refund")), ValueError),
    ],
)
def test_what_is_no_sound_decision_is_an_error_that_quotes_nothing(said: Any, error: type[Exception]) -> None:
    """Text of a user gets neither into a metric nor into the error."""
    with pytest.raises(error) as caught:
        built("acme_checks:Says", said=said).inspect(TEXTS)
    assert "4111" not in str(caught.value)
    assert "refund" not in str(caught.value)


def test_a_check_cannot_end_the_process() -> None:
    """An exit is an error like any other."""
    with pytest.raises(RuntimeError, match="tried to end the process"):
        built("acme_checks:Exits").inspect(TEXTS)


def test_the_number_of_reasons_is_bounded() -> None:
    """A check that makes its reasons from texts fills no metric: after 32 of them the others are one."""
    check = built("acme_checks:Quotes")

    def reason(text: str) -> str:
        found = check.inspect(Subject(Stage.INPUT, (text,)))
        assert found is not None
        return found.reason

    assert [reason(f"word_{number}") for number in range(100)] == [*(f"word_{n}" for n in range(32)), *[OTHER] * 68]
    assert reason("word_3") == "word_3"


@given(st.text(max_size=50), st.integers(-2, 3), st.integers(-2, 60), st.integers(-2, 60), st.text(max_size=5))
def test_whatever_it_says_nothing_but_a_sound_decision_comes_out(
    reason: str, text: int, start: int, end: int, kind: str
) -> None:
    """For any answer of the operator's check there is an error or a decision that keeps to the port."""
    check = built("acme_checks:Says", said=decision(reason, Span(text, start, end, kind)))
    try:
        found = check.inspect(TEXTS)
    except ValueError:
        return
    assert found is not None
    assert is_code(found.reason)
    assert 0 <= start <= end <= len(TEXTS.texts[text])


@given(st.text(alphabet="ABab é", max_size=12), st.text(alphabet="AB", max_size=8))
def test_the_example_keeps_to_the_port(text: str, other: str) -> None:
    """A check that is written as the manual says passes the suite of ours."""
    check = built()
    for subject in subjects(text, other):
        holds_for(check, subject)
