from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ModelError
from policies.gate import FLOOR, SCALE, Gate, Model, read, steps, words, write
from tests.unit.policies.gate_samples import FOREIGN, INPUTS, MODEL

GATE = Gate(MODEL)
TEXTS = st.lists(st.sampled_from([*INPUTS[:20], *FOREIGN, "zzz", "42", "\u00e9", "\U0001f600"]), max_size=4).map(
    " ".join
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("?! \u2013 \U0001f600 _", []),
        ("Cancel my order", ["cancel", "my", "order"]),
        ("don't Don\u2019t DONT", ["dont", "dont", "dont"]),
        ("caf\u00e9 CAFE\u0301 cafe", ["cafe", "cafe", "cafe"]),
        ("order 7741 of 12.05.", ["order", "0", "of", "0", "0"]),
        ("a1b22", ["a", "0", "b", "0"]),
        ("\u0661\u0662", ["0"]),
        ("snake_case-word", ["snake", "case", "word"]),
        ("\u65e5\u672c hello", ["\u65e5", "\u672c", "hello"]),
        ("\uff29\uff27\uff2e\uff2f\uff32\uff25", ["ignore"]),
        ("\u041f\u0440\u0438\u0432\u0435\u0442", ["\u043f\u0440\u0438\u0432\u0435\u0442"]),
        ("x\ud800y", ["x", "y"]),
    ],
)
def test_words_are_what_an_attacker_cannot_choose_freely(text: str, expected: list[str]) -> None:
    """Case, accents, apostrophes, punctuation and the digits of a number change nothing."""
    assert words(text) == [word.encode() + b" " for word in expected]


def test_pairs_are_not_ambiguous() -> None:
    """The same letters cut elsewhere are another pair; the first word is a pair with the start."""
    assert {pair for _, pair in steps("ab c")} & {pair for _, pair in steps("a bc")} == set()
    (first,), (_, second) = list(steps("c")), list(steps("a c"))
    assert first[0] == second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_passage_counts_wherever_it_stands(text: str) -> None:
    """Familiar words before and after a foreign passage do not hide it."""
    alone = GATE.evidence(text)
    assert alone > MODEL.threshold
    for before, after in itertools.product(("", INPUTS[3], " ".join(INPUTS[:9])), repeat=2):
        assert GATE.evidence(f"{before}. {text} {after}") > MODEL.threshold


@given(text=TEXTS, more=TEXTS)
def test_evidence_only_grows_with_the_text(text: str, more: str) -> None:
    """What was found in the beginning of a text stays found: the worst passage is never outweighed."""
    assert GATE.evidence(f"{text} {more}") >= GATE.evidence(text) >= 0


@given(text=TEXTS, enough=st.integers(0, 400))
def test_reading_stops_only_after_there_is_enough(text: str, enough: int) -> None:
    """Stopping early never changes on which side of the limit a text lies."""
    assert (GATE.evidence(text, enough=enough) > enough) is (GATE.evidence(text) > enough)


def test_evidence_is_the_sum_over_the_worst_passage() -> None:
    """On a model of two known words: a familiar pair takes away, an unknown word adds, the sum never goes below 0."""
    tables = {word: number for number, (word, _) in enumerate(steps("red lamp"))}
    (red, first), (_, second) = steps("red lamp")
    model = msgspec.structs.replace(
        MODEL,
        unknown=3 * SCALE,
        words=b"".join(key.to_bytes(4, "little") for key in sorted(tables)),
        evidence=bytes([SCALE, SCALE]),
        after=bytes([2, 2]),
        pairs=b"".join(key.to_bytes(4, "little") for key in sorted([first, second])),
    )
    gate = Gate(model)
    assert gate.evidence("red lamp") == 0
    assert gate.evidence("red zzz") == 3 * SCALE + 2
    assert gate.evidence("red zzz red lamp zzz") == 3 * SCALE + 2 + SCALE + FLOOR + 3 * SCALE + 2
    assert gate.evidence("red red") == SCALE + 2
    assert red in tables


def test_a_gate_survives_its_file(tmp_path: Path) -> None:
    """What is read is what was written, a folder is made for it, and no draft stays behind."""
    path = tmp_path / "var" / "shop.gate"
    write(MODEL, path)
    write(MODEL, path)
    assert read(path) == MODEL
    assert list(path.parent.iterdir()) == [path]
    assert b"parcel" not in path.read_bytes()


def _sealed(body: bytes) -> bytes:
    return b"preceptor gate 1\n" + hashlib.sha256(body).digest() + body


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda content: b"", "is no gate"),
        (lambda content: b"PK\x03\x04" + content, "is no gate"),
        (lambda content: content.replace(b"gate 1\n", b"gate 2\n", 1), "another version"),
        (lambda content: content[:-1], "is damaged"),
        (lambda content: content[:40], "is damaged"),
        (lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:], "is damaged"),
        (lambda content: _sealed(b"\x80"), "holds something else"),
        (lambda content: _sealed(b"\xc1"), "holds something else"),
        (lambda content: _sealed(msgspec.msgpack.encode({"task": 1})), "holds something else"),
        (
            lambda content: _sealed(msgspec.msgpack.encode(msgspec.to_builtins(MODEL) | {"after": ""})),
            "holds something else",
        ),
    ],
)
def test_any_other_file_is_one_clear_error(tmp_path: Path, change, problem: str) -> None:
    """Nothing but an undamaged gate of this version is used, and the error says how to write one."""
    path = tmp_path / "shop.gate"
    write(MODEL, path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ModelError, match=problem) as caught:
        read(path)
    assert "preceptor reference gate" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_full_folder_are_named(tmp_path: Path) -> None:
    """Reading what is not there and writing where one cannot are errors with the path in them."""
    with pytest.raises(ModelError, match=r"cannot read the gate .*none"):
        read(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot write .*shop"):
        write(MODEL, tmp_path / "file" / "shop.gate")


def test_tables_must_fit_each_other() -> None:
    """A model whose tables differ in length is refused when it is made."""
    with pytest.raises(ValueError, match="do not fit"):
        Model(**{name: getattr(MODEL, name) for name in MODEL.__struct_fields__} | {"pairs": b"123"})
