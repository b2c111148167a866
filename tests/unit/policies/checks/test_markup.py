from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Stage
from policies.checks.markup import KINDS, MarkupCheck, Options
from policies.prefilter import Prefilter
from policies.redaction import redact
from tests.contract.check_check import holds_for, subjects
from tests.contract.check_window import keeps_its_window
from tests.unit.policies.checks.markup_cases import FOUND, HARMLESS

CHECK = MarkupCheck(Options(allow=("good.example",)))
PREFILTER = Prefilter([CHECK])


def inspect(text: str, *, check: MarkupCheck = CHECK, input_text: str = "") -> Decision | None:
    """What the check says of one answer."""
    return check.inspect(Subject(Stage.OUTPUT, (text,), (0,), input_text))


def found(text: str, *, check: MarkupCheck = CHECK, input_text: str = "") -> list[tuple[str, str]]:
    """Kind and characters of every span."""
    decision = inspect(text, check=check, input_text=input_text)
    return [] if decision is None else [(span.kind, text[span.start : span.end]) for span in decision.spans]


@pytest.mark.parametrize(("text", "kind"), FOUND)
def test_what_a_page_would_run_or_load(text: str, kind: str) -> None:
    """Each shape is found, is announced by a trigger, and nothing of its kind is left when it is cut out."""
    assert kind in {name for name, _ in found(text)}
    assert PREFILTER.triggered(Subject(Stage.OUTPUT, (text,)))
    (left,) = redact(
        (f"before {text} after",), [decision for decision in [inspect(f"before {text} after")] if decision]
    )
    assert found(left) == []


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_only_text(text: str) -> None:
    """Comparisons, type arguments, placeholders, relative links and allowed hosts stay."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://evil.example/a?b=(c).", [("url", "https://evil.example/a?b=(c)")]),
        ("(https://evil.example/a)!", [("url", "https://evil.example/a")]),
        ("![a](https://evil.example 'title') b", [
            ("image", "![a](https://evil.example 'title')"), ("link", "[a](https://evil.example 'title')"),
            ("url", "https://evil.example"),
        ]),
        ("ok <b class=x>b", [("html", "<b class=x>")]),
        ("List<b>", [("html", "<b>")]),
        ("x \x1b[1m\x1b[2m y", [("ansi", "\x1b[1m\x1b[2m")]),
        (f"[{'w' * 150}](https://evil.example)", [("link", "](https://evil.example)"), ("url", "https://evil.example)")]),
    ],
)  # fmt: skip
def test_spans_cover_all_of_it_and_no_more(text: str, expected: list[tuple[str, str]]) -> None:
    """A redaction takes what would be drawn or sent, and keeps the sentence around it."""
    trimmed = [(kind, span.removesuffix(")") if kind == "url" and "(" not in span else span) for kind, span in expected]
    assert found(text) == trimmed


@pytest.mark.parametrize(
    ("answer", "known", "novel"),
    [
        ("open https://u.example/a", "what is https://u.example/a?", False),
        ("open [it](https://u.example/a).", "see https://u.example/a.", False),
        ("open https://u.example/ab", "see https://u.example/a", True),
        ("open https://u.example/a?d=1", "see https://u.example/a", True),
        ("open https://u.example/A", "see https://u.example/a", True),
        ("open http://u.example/a", "see https://u.example/a", True),
        ("<b>", "<b>", True),
        ("javascript:alert(1)", "javascript:alert(1)", True),
    ],
)
def test_an_answer_may_repeat_the_user_s_url(answer: str, known: str, novel: bool) -> None:
    """To the letter: a letter more could carry something away.  Whose idea a script was does not matter."""
    assert bool(found(answer, input_text=known)) is novel
    assert found(answer, check=MarkupCheck(Options(novel_only=False)), input_text=known)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_kinds_asked_for_are_found(kind: str) -> None:
    """A task that answers in Markdown may allow links, and still no scripts."""
    text = "\n".join(text for text, _ in FOUND)
    assert {name for name, _ in found(text, check=MarkupCheck(Options(kinds=(kind,))))} == {kind}


def test_one_finding_is_enough_where_nothing_is_located() -> None:
    """Without redaction the check stops at the first thing found."""
    text = "<b>x</b> https://evil.example"
    decision = inspect(text, check=MarkupCheck(Options(), all_spans=False))
    assert decision is not None
    assert len(decision.spans) == 1
    assert len(found(text)) == 3


def test_a_flood_is_taken_whole() -> None:
    """Behind so many matches of one pattern nobody looks for the next one: all that follows goes."""
    text = "<b>x " * 1000
    spans = found(text)
    assert len(spans) == 129
    assert spans[-1][1] == text[128 * 5 :]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"kinds": ("css",)}, "kinds"),
        ({"kinds": ()}, "kinds"),
        ({"allow": ("https://good.example",)}, "allow"),
        ({"allow": ("Good.example",)}, "allow"),
        ({"allow": ("*.good.example",)}, "allow"),
        ({"allow": ("",)}, "allow"),
        ({"schemes": ()}, "schemes"),
        ({"schemes": ("HTTPS",)}, "schemes"),
    ],
)
def test_bad_options_are_refused(options: dict[str, tuple[str, ...]], key: str) -> None:
    """A host that is written as no host would never be allowed, and nobody would know."""
    with pytest.raises(ConfigError) as caught:
        Options(**options)
    assert caught.value.path == key


PIECES = st.sampled_from(
    [
        *(
            "<",
            ">",
            "<script",
            "</b>",
            "<a ",
            "<b",
            "href=",
            '"',
            "'",
            " on",
            "click",
            "=",
            "java",
            "script",
            ":",
            "\t",
        ),
        *(
            "&#106;",
            "j",
            "%6a",
            "data:",
            "text/html",
            ",",
            "[",
            "![",
            "](",
            ")",
            "]:",
            "https://",
            "good.example",
            "evil",
        ),
        *(".example", "www.", "/", "\\", "@", "?", "\x1b", "\x1b[", "1m", "\x1b]", "\x07", "\x9b", " ", "\n", ".", "("),
        *("w" * 60, "w" * 130),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join)


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.integers(0, 400), st.booleans())
def test_what_leaves_a_stream_is_final(text: str, cut: int, restricted: bool) -> None:
    """The promise of `window`: a finding that lies far enough back neither comes nor goes with what follows."""
    check = CHECK if restricted else MarkupCheck(Options(allow=("good.example", "evil.example")))
    known = Subject(Stage.OUTPUT, ("",), (0,), "see https://good.example/ or http://evil.example")
    keeps_its_window(
        check, text, min(cut, len(text)), lambda part: Subject(Stage.OUTPUT, (part,), (0,), known.input_text)
    )


@settings(deadline=None)
@given(TEXTS)
def test_it_keeps_to_the_port_near_what_it_looks_for(text: str) -> None:
    """Whatever is put together of pieces of markup: bounded reasons, spans inside, and a trigger for every finding."""
    for subject in subjects(text, "refund"):
        holds_for(CHECK, subject)


@settings(deadline=None)
@given(TEXTS)
def test_nothing_that_runs_is_left_when_it_is_cut_out(text: str) -> None:
    """The pieces that remain do not make a tag, a script or an escape sequence, however they come to lie."""
    decision = inspect(text)
    left, place = "", 0
    for span in decision.spans if decision else ():
        left += f"{text[place : span.start]}\u2026" if span.start >= place else ""
        place = max(place, span.end)
    running = MarkupCheck(Options(kinds=("html", "script_url", "ansi")))
    assert found(left + text[place:], check=running) == []
