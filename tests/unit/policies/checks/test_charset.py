# ruff: noqa: RUF001 - letters that look like others are the subject

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.charset import CharsetCheck, Options
from tests.contract.check_window import keeps_its_window

TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore this")
ENGLAND = "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbeng") + "\U000e007f"


def reason(options: dict[str, Any], text: str) -> str | None:
    """What the check says of an input."""
    check = CharsetCheck(msgspec.convert(options, Options))
    decision = check.inspect(Subject(Stage.INPUT, (text,), (), text))
    return decision.reason if decision else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("where is my refund?", None),
        ("two\nlines\r\nand\ttabs", None),
        ("Größe, naïve, €5 – “so”…", None),
        ("Где мой возврат? 日本語 العربية עברית हिन्दी", None),
        ("👍🏽 ❤️ 1️⃣ 👩‍💻 👨‍👩‍👧 🇩🇪", None),
        (f"{ENGLAND} won", None),
        ("می‌خواهم", None),
        ("क्‍ष", None),
        ("iPhone\u200e הוא", None),
        ("葛\U000e0100城", None),
        ("\U0001fae9 \U0001fae8", None),
        ("e\u0301 Z\u0334", None),
        ("bell\x07", "control"),
        ("\x00", "control"),
        ("esc\x1b[31m", "control"),
        ("c1\x9b31m", "control"),
        ("del\x7f", "control"),
        ("\u202egnp.exe", "bidi"),
        ("a\u2066b\u2069", "bidi"),
        ("\u202d", "bidi"),
        ("ig\u200bnore", "zero_width"),
        ("ig\u2060nore", "zero_width"),
        ("ig\u00adnore", "zero_width"),
        ("\ufeffhello", "zero_width"),
        ("a\u3164b", "zero_width"),
        ("a\u180eb", "zero_width"),
        ("ig\u200cnore", "joiner"),
        ("ig\u200dnore", "joiner"),
        ("ig\u200fnore", "joiner"),
        ("пр\u200dивет", "joiner"),
        ("1\u200d2", "joiner"),
        ("end\u200d", None),
        ("\u200dstart", None),
        ("hi \u200c\u200d\u200c", None),
        ("hi \u200c\u200d\u200c\u200d", "joiner"),
        ("😀\ufe01", None),
        ("😀\ufe01\ufe05\ufe0f", "selector"),
        ("😀\U000e0110\U000e0143", "selector"),
        (f"hi{TAGS}", "tag"),
        (f"\U0001f3f4{TAGS}", "tag"),
        (f"{ENGLAND}{TAGS}", "tag"),
        (ENGLAND.removeprefix("\U0001f3f4"), "tag"),
        ("\ue000", "private_use"),
        ("\U000f0001", "private_use"),
        ("\ufffe", "unassigned"),
        ("\u0378", "unassigned"),
        ("\U0003ffff", "unassigned"),
    ],
)
def test_nothing_is_hidden(text: str, expected: str | None) -> None:
    """What scripts and emoji need stays; what only hides something is named by its kind."""
    assert reason({}, text) == expected


LATIN = {"scripts": ["latin"]}


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        (LATIN, "Größe, naïve, Đường, ½, №5, 100 %", None),
        (LATIN, "", None),
        (LATIN, "12:30 €5 👍🏽 ❤️", None),
        (LATIN, "5 µg, π", "script"),
        (LATIN, "5 µg", None),
        (LATIN, "где?", "script"),
        (LATIN, "r\u0435fund", "script"),
        (LATIN, "日本", "script"),
        (LATIN, "ａ", None),
        (LATIN, "𝐫𝐞𝐟𝐮𝐧𝐝", None),
        (LATIN, "a\u3164b", "zero_width"),
        ({"scripts": ["Latin"]}, "где?", "script"),
        ({"scripts": ["han", "hiragana", "katakana"]}, "東京タワーへ行く。", None),
        ({"scripts": ["han", "hiragana", "katakana"]}, "東京 Tower", "script"),
        ({"scripts": ["cyrillic"]}, "refund", "script"),
        ({"scripts": ["cyrillic", "latin"]}, "где мой refund?", None),
        ({"scripts": ["old_italic"]}, "\U00010300", None),
        ({"scripts": ["SignWriting"]}, "a", "script"),
        ({"scripts": ["yi"]}, "ꀀ", None),
        (LATIN | {"max_share": 0.5}, "где my?", "script"),
        (LATIN | {"max_share": 0.5}, "где my refund?", None),
        (LATIN | {"max_share": 0.5}, "где mine", None),
        (LATIN | {"max_share": 0.5}, "где\u200b mine", "zero_width"),
        (LATIN | {"allow_invisible": True}, "a\u200bb\x00", None),
        (LATIN | {"allow_invisible": True}, "я\u200b", "script"),
    ],
)
def test_letters_are_of_the_task_s_scripts(options: dict[str, Any], text: str, expected: str | None) -> None:
    """Only letters count, and only above the share that is allowed."""
    assert reason(options, text) == expected


def test_spans_cover_runs_of_one_kind() -> None:
    """In every text; one is enough when nothing is cut out."""
    texts = ("ok", "a\u200b\u200bb\u202e я я", f"{ENGLAND}{TAGS}!")
    spans = (
        *(Span(1, 1, 3, "zero_width"), Span(1, 4, 5, "bidi"), Span(1, 6, 7, "script"), Span(1, 8, 9, "script")),
        Span(2, 7, 18, "tag"),
    )
    subject = Subject(Stage.OUTPUT, texts, (0,))
    options = msgspec.convert(LATIN, Options)
    assert CharsetCheck(options).inspect(subject) == Decision("charset", Verdict.FALLBACK, "zero_width", spans)
    first = CharsetCheck(options, all_spans=False).inspect(subject)
    assert first == Decision("charset", Verdict.FALLBACK, "zero_width", spans[:1])


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"scripts": ["klingon"]}, "scripts"),
        ({"scripts": ["L"]}, "scripts"),
        ({"scripts": ["Lu"]}, "scripts"),
        ({"scripts": ["any"]}, "scripts"),
        ({"scripts": [""]}, "scripts"),
        ({"scripts": ["latin}x{"]}, "scripts"),
        ({"scripts": ["latin"], "max_share": 1.0}, "max_share"),
        ({"scripts": ["latin"], "max_share": -0.1}, "max_share"),
        ({"max_share": 0.1}, "max_share"),
        ({"allow_invisible": True}, "allow_invisible"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], key: str) -> None:
    """Named by their key; RE2 must know the script."""
    with pytest.raises(ConfigError) as caught:
        msgspec.convert(options, Options)
    assert caught.value.path == key


CHECK = CharsetCheck(msgspec.convert(LATIN, Options))
PIECES = st.sampled_from(
    [
        *("a", "я", "яб", "日", "ب", "1", " ", "\x00", "\ue000", "\u3164", "\u200b", "\u200c", "\u200d" * 3, "\u202e"),
        *("\ufe0f", "\U0001f3f4", ENGLAND, TAGS[:3], "\U000e007f"),
    ]
)


@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES, max_size=24).map("".join), st.data())
def test_a_beginning_shows_what_the_whole_shows(whole: str, data: st.DataObject) -> None:
    """The promise of the window, with runs, rows and flags cut in two."""
    keeps_its_window(CHECK, whole, data.draw(st.integers(0, len(whole))))


def test_a_share_is_known_of_the_whole_only() -> None:
    """The rest of an answer may outweigh its beginning."""
    assert CharsetCheck(msgspec.convert(LATIN | {"max_share": 0.1}, Options)).window is None
    assert CHECK.window == 4
