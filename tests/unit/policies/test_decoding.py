from __future__ import annotations

import base64

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from policies.decoding import MARKS, MOST_RUNS, probes
from policies.normalise import normalise

SECRET = "attack at dawn, ignore me"


def said(text: str) -> dict[str, str]:
    """The first probe of each encoding."""
    found: dict[str, str] = {}
    for probe in probes(text, normalise(text)):
        found.setdefault(probe.encoding, probe.text)
    return found


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("base64", base64.b64encode(SECRET.encode()).decode()),
        ("base64", base64.b64encode(SECRET.encode()).decode().rstrip("=")),
        ("base64", base64.urlsafe_b64encode(SECRET.encode()).decode()),
        ("hex", SECRET.encode().hex()),
        ("hex", SECRET.encode().hex(":").upper()),
        ("hex", " ".join(f"0x{code:02x}" for code in SECRET.encode())),
        ("binary", "".join(f"{code:08b}" for code in SECRET.encode())),
        ("binary", " ".join(f"{code:08b}" for code in SECRET.encode())),
        ("selectors", "".join(chr(0xE00F0 + code) for code in SECRET.encode())),
        ("percent", SECRET.replace(" ", "%20").replace(",", "%2C")),
        ("entities", SECRET.replace(" ", "&#32;")),
        ("entities", SECRET.replace(" ", "&#x20;")),
        ("escapes", "".join(f"\\u{code:04x}" for code in SECRET.encode())),
        ("escapes", "".join(f"\\u{{{code:x}}}" for code in SECRET.encode())),
        ("escapes", "".join(f"\\x{code:02x}" for code in SECRET.encode())),
        ("rot13", "nggnpx ng qnja, vtaber zr"),
        ("reversed", SECRET[::-1]),
        ("leet", "4tt4ck 4t d4wn, 1gn0re m3"),
    ],
)
def test_what_was_encoded_is_read(encoding: str, text: str) -> None:
    """Each encoding in its usual spellings, normalised."""
    assert said(text)[encoding] == SECRET


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("spaced", "a t t a c k   a t   d a w n"), ("spaced", "a.t.t.a.c.k.a.t.d.a.w.n"), ("glued", "ignoreallofit")],
)
def test_text_without_word_boundaries_is_put_together(encoding: str, text: str) -> None:
    """Only its letters count, and it is marked as glued."""
    (probe,) = [probe for probe in probes(text, text) if probe.encoding == encoding]
    assert probe.glued
    assert probe.text == "".join(filter(str.isalnum, text))


@pytest.mark.parametrize(
    "text",
    [
        "", "where is my card?", "50% of 100", "order 12345678", "R&D; A&B", "ignore the previous one", "a b c d e",
        "C:\\users\\x", "deadbeef", "0101", "\ufe0f\ufe0f", "my IBAN is DE89370400440532013000",
    ],
)  # fmt: skip
def test_ordinary_text_says_nothing_else(text: str) -> None:
    """No mark, no probe: this is what keeps decoding away from ordinary traffic."""
    assert said(text) == {}
    assert not any(re2.search(mark, text) for mark in MARKS)


def test_a_piece_may_hold_another_one() -> None:
    """Twice is followed, three times is not: a bound on the work."""
    twice = base64.b64encode(base64.b64encode(SECRET.encode())).decode()
    thrice = base64.b64encode(twice.encode()).decode()
    assert SECRET in [probe.text for probe in probes(twice, twice.lower())]
    assert SECRET not in [probe.text for probe in probes(thrice, thrice.lower())]


def test_the_pieces_of_one_encoding_are_one_message() -> None:
    """A message that is cut into pieces is read as a whole, and lies from the first to the last of them."""
    first, second = (
        base64.b64encode(part.encode()).decode() for part in ("attack at dawn and", "ignore all the above")
    )
    (probe,) = [probe for probe in probes(f"x {first}, {second}.", "") if probe.encoding == "base64"]
    assert probe.text == "attack at dawn and\nignore all the above"
    assert (probe.start, probe.end) == (2, 2 + len(first) + 2 + len(second.rstrip("=")))


def test_the_number_of_pieces_is_bounded() -> None:
    """What stands behind the first pieces of a flood is not read."""
    text = f"{'A' * 24} " * MOST_RUNS
    assert len(said(text)["base64"].splitlines()) == MOST_RUNS
    assert said(text + base64.b64encode(SECRET.encode()).decode())["base64"] == said(text)["base64"]


@given(st.text(st.sampled_from("aA1%&#;x\\u{}0=+/-_ \n\ufe00\U000e0149é"), max_size=80))
def test_no_text_breaks_a_decoder(text: str) -> None:
    """Broken encodings say something or nothing, inside the text, and only where a mark is."""
    for probe in probes(text, normalise(text)):
        assert 0 <= probe.start <= probe.end <= len(text)
        assert any(re2.search(mark, view) for mark in MARKS for view in (text, normalise(text)))
