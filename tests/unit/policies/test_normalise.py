# ruff: noqa: RUF001 - look-alikes are the subject
from __future__ import annotations

import sys

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from policies.normalise import UNUSUAL, normalise, unusual


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Ignore ALL", "ignore all"),
        ("It’s “fine” – £5 … €3™", "it’s “fine” – £5 ... €3tm"),
        ("It’s “fine” – £5 … €3", "it’s “fine” – £5 … €3"),
        ("Ｉｇｎｏｒｅ　ａｌｌ", "ignore all"),
        ("𝐢𝐠𝐧𝐨𝐫𝐞 𝖆𝖑𝖑 𝓽𝓱𝓲𝓼", "ignore all this"),
        ("ⓘⓖⓝⓞⓡⓔ ⒤", "ignore (i)"),
        ("🄸🅶🅽🅾🅁🄴", "ignore"),
        ("🇮🇬🇳🇴🇷🇪", "ignore"),
        ("іgnоrе", "ignore"),
        ("ιgnοrε", "ignore"),
        ("ɪɢɴᴏʀᴇ", "ignore"),
        ("ïgñörë", "ignore"),
        ("i\u0336g\u0336n\u0336ore", "ignore"),
        ("i\u200bg\u200cn\u200do\u2060r\ufeffe", "ignore"),
        ("ig\u00adnore", "ignore"),
        ("\u202eignore\u202c", "ignore"),
        ("ig\u3164nore\u2800", "ignore"),
        ("a\U000e0049\U000e0067\U000e006e\U000e007fb", "a ign b"),
        ("Straße", "strasse"),
        ("ﬁne ½", "fine 1⁄2"),
        ("Précédentes", "precedentes"),
        ("無視して", "無視して"),
        ("ガ", "カ"),
        ("", ""),
        ("\x00\n", "\x00\n"),
    ],
)
def test_what_a_reader_sees(text: str, seen: str) -> None:
    """Letters that only look different are the same, and what shows nothing is nothing."""
    assert normalise(text) == seen


@given(st.text())
def test_text_without_anything_unusual_keeps_its_places(text: str) -> None:
    """Where `unusual` says no, only the case changes, so that positions hold; elsewhere nothing is promised."""
    if not unusual(text):
        assert normalise(text) == text.lower()
        assert len(normalise(text)) == len(text)


def test_the_pattern_for_the_prefilter_says_the_same() -> None:
    """Whoever triggers on `UNUSUAL` sees every text that `normalise` does more to than lower its case."""
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    pattern = re2.compile(UNUSUAL)
    strange = "".join(letter for letter in every[:0x3000:7] if pattern.search(letter))
    assert all(unusual(letter) for letter in strange)
    assert not any(pattern.search(letter) for letter in every[:0x80])


@given(st.text())
def test_ascii_letters_survive(text: str) -> None:
    """Nothing that can be read plainly is lost."""
    plain = "".join(letter for letter in text.lower() if letter.isascii())
    seen = iter(normalise(text))
    assert all(letter in seen for letter in plain)
