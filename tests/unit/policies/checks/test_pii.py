from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Stage
from policies.checks.pii import DEFAULT_KINDS, WINDOW, Options, PiiCheck
from policies.national_ids import KINDS as NATIONAL
from tests.contract.check_window import keeps_its_window

CHECK = PiiCheck(Options())


def found(check: PiiCheck, text: str, *, stage: Stage = Stage.INPUT, input_text: str = "") -> list[tuple[str, str]]:
    """Kind and characters of every span in one text."""
    decision = check.inspect(Subject(stage, (text,), (), input_text))
    return [(span.kind, text[span.start : span.end]) for span in decision.spans] if decision else []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail me at ann@example.org please", [("email", "ann@example.org")]),
        ("ann.b+c_d%e@mail.example.co.uk.", [("email", "ann.b+c_d%e@mail.example.co.uk")]),
        ("<ann@example.org>,bob@example.org", [("email", "ann@example.org"), ("email", "bob@example.org")]),
        ("6502530000@example.org", [("email", "6502530000@example.org")]),
        ("ann@localhost", []),
        ("@ann and ann@", []),
        ("card 4111 1111 1111 1111", [("card", "4111 1111 1111 1111")]),
        ("4111-1111-1111-1111.", [("card", "4111-1111-1111-1111")]),
        ("4111111111111111 12/26 123", [("card", "4111111111111111")]),
        ("4111 1111 1111 1111 123", [("card", "4111 1111 1111 1111")]),
        ("pay 4222222222222 now", [("card", "4222222222222")]),
        ("180016070420458, 630427373398", [("card", "180016070420458"), ("card", "630427373398")]),
        ("3782 822463 10005", [("card", "3782 822463 10005")]),
        ("4111\u00a01111\u00a01111\u00a01111", [("card", "4111\u00a01111\u00a01111\u00a01111")]),
        ("4111 1111 1111 1112", []),
        ("1111 1111 1111 1111", []),
        ("IBAN DE89 3704 0044 0532 0130 00 thanks", [("iban", "DE89 3704 0044 0532 0130 00")]),
        ("to BE68 5390 0754 7034 to my name", [("iban", "BE68 5390 0754 7034")]),
        ("gb29nwbk60161331926819", [("iban", "gb29nwbk60161331926819")]),
        ("DE89 3704 0044 0532 0130 01", []),
        ("ssn 123-45-6789", [("ssn", "123-45-6789")]),
        ("123 45 6789", [("ssn", "123 45 6789")]),
        ("000-12-3456 and 123-45 6789", []),
        ("from 203.0.113.7:8080", [("ip", "203.0.113.7")]),
        ("8.8.8.8 9.9.9.9", [("ip", "8.8.8.8"), ("ip", "9.9.9.9")]),
        ("127.0.0.1, 999.1.1.1, oid 1.3.6.1.4.1", []),
        (
            "at 2001:db8::7 or 6E40:4041:c617:e898:c11:40d2:c669:2eb4.",
            [("ip", "2001:db8::7"), ("ip", "6E40:4041:c617:e898:c11:40d2:c669:2eb4")],
        ),
        ("at 12:30:45, a::b, std::vector, 43:51:43:a1:b5:fc:8b:b7:0a:3a:a9:b1:0f:66:73:a8", []),
        ("ann@example.org.x1, --ann@example.org--", [("email", "ann@example.org.x1"), ("email", "ann@example.org")]),
        ("a@b.co,c@d.co", [("email", "a@b.co"), ("email", "c@d.co")]),
        ("user@10.0.0.1 and a@v1.2", [("ip", "10.0.0.1")]),
        (f"{'x' * 70}@example.org", [("email", f"{'x' * 62}@example.org")]),
        (
            "BE68 5390 0754 7034 DE89370400440532013000",
            [("iban", "BE68 5390 0754 7034"), ("iban", "DE89370400440532013000")],
        ),
        ("order 6502530000 and 2345678901234", []),
        ("phone: 451 5986", [("phone", "451 5986")]),
        ("NHS number 9434765919, DNI 54362315K", []),
        ("call (650) 253-0000", [("phone", "(650) 253-0000")]),
        ("call +44 20 7946 0018", [("phone", "+44 20 7946 0018")]),
        ("on 2024-01-15 at 10:30, order 12345, $19.99", []),
        ("4111 1111 1111 1111 or 650-253-0000", [("card", "4111 1111 1111 1111"), ("phone", "650-253-0000")]),
        ("é日\x00 ann@example.org", [("email", "ann@example.org")]),
        ("I would like a refund, my order has not come.", []),
        ("", []),
    ],
)
def test_what_is_found_and_what_is_not(text: str, expected: list[tuple[str, str]]) -> None:
    """Formats with a check that can fail: the number must hold up, and the span covers all of it and nothing more."""
    assert found(CHECK, text) == expected


@pytest.mark.parametrize(
    ("answer", "known", "novel"),
    [
        ("write to ann@example.org", "I am ann@example.org", False),
        ("write to ANN@example.org", "I am ann@example.org", False),
        ("write to bob@example.org", "I am ann@example.org", True),
        ("card 4111111111111111", "card 4111 1111 1111 1111", False),
        ("card 5555 5555 5555 4444", "card 4111 1111 1111 1111", True),
        ("call 650 253 0000", "call (650) 253-0000", False),
        ("host 8.8.8.8", "host 18.8.8.81", True),
        ("host 8.8.8.8", "", True),
    ],
)
def test_an_answer_may_repeat_what_the_input_held(answer: str, known: str, novel: bool) -> None:
    """Only what the model brought up counts, whatever the notation; a part of another number is not known."""
    assert bool(found(CHECK, answer, stage=Stage.OUTPUT, input_text=known)) is novel
    assert found(PiiCheck(Options(novel_only=False)), answer, stage=Stage.OUTPUT, input_text=known)


def test_the_input_is_looked_at_whatever_it_repeats() -> None:
    """Novelty is a matter of answers; `input_text` of an input is the input itself."""
    assert found(CHECK, "ann@example.org", input_text="ann@example.org")


@pytest.mark.parametrize("kind", DEFAULT_KINDS)
def test_only_the_kinds_asked_for_are_found(kind: str) -> None:
    """A task may want cards only."""
    text = "a@b.co, 4111111111111111, DE89370400440532013000, 123-45-6789, 8.8.8.8, +44 20 7946 0018"
    assert {name for name, _ in found(PiiCheck(Options(kinds=(kind,))), text)} == {kind}


def test_the_reason_is_the_first_kind_and_spans_know_their_text() -> None:
    """Several texts share one decision."""
    decision = CHECK.inspect(Subject(Stage.INPUT, ("none", "8.8.8.8", "a@b.co")))
    assert decision is not None
    assert decision.reason == "ip"
    assert [(span.text, span.kind) for span in decision.spans] == [(1, "ip"), (2, "email")]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"kinds": ("name",)}, "kinds"),
        ({"kinds": ()}, "kinds"),
        ({"region": "us"}, "region"),
        ({"countries": ("XX",)}, "countries"),
    ],
)
def test_unknown_options_are_refused(options: dict[str, str], key: str) -> None:
    """A misspelt kind must not quietly look for nothing."""
    with pytest.raises(ConfigError) as caught:
        Options(**options)
    assert caught.value.path == key


@given(st.text("0123456789", min_size=15, max_size=15), st.sampled_from(["", " ", "-"]))
def test_any_valid_card_is_found(digits: str, gap: str) -> None:
    """Whatever its digits, a 16-digit number of a card scheme with a right check digit is a card."""
    body = "4" + digits[1:]
    number = next(body + last for last in "0123456789" if _luhn_sum(body + last) % 10 == 0)
    written = gap.join(number[place : place + 4] for place in range(0, 16, 4))
    assert ("card", written) in found(CHECK, f"pay with {written} now")


def _luhn_sum(number: str) -> int:
    """The textbook form: double every second digit from the right, add all digits."""
    digits = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in digits)


def test_national_ids_are_looked_for_on_request() -> None:
    """By country or by kind, beside the kinds that are always looked for."""
    text = "NHS number 9434765919, DNI 54362315K, a@b.co"
    assert {kind for kind, _ in found(CHECK, text)} == {"email"}
    assert {kind for kind, _ in found(PiiCheck(Options(countries=("GB",))), text)} == {"email", "gb_nhs"}
    assert {kind for kind, _ in found(PiiCheck(Options(kinds=("es_dni",))), text)} == {"es_dni"}


def test_what_is_found_in_one_answer_does_not_depend_on_another() -> None:
    """One text's digits cannot use up what another may cost: the same text has the same findings beside any other."""
    answers = ("650 253 0000, " * 100, "call 650 253 0001")
    both = CHECK.inspect(Subject(Stage.OUTPUT, answers))
    assert both is not None
    assert (1, 5, 17) in {(span.text, span.start, span.end) for span in both.spans}


EVERY = PiiCheck(Options(kinds=(*DEFAULT_KINDS, *NATIONAL)))
PIECES = (
    "a@b.co", "ann", "@", "example.org", ".", "-", "--", "_", "%", "4111 1111 1111 1111", "4111", "1111", " ", "  ",
    "1", "22", "333", "4444", "650-253-0000", "(650) ", "253-0000", "+44 20 7946 0018", "+",
    "DE89 3704 0044 0532 0130 00", "DE89", "370400440532013000", "123-45-6789", "8.8.8.8", "8.8.", "2001:db8::1", ":",
    "::", "abcd", "fe80", "phone: ", "call me at ", "tel", "office", "x12", "\n", "é", "NHS ", "943 476 5919",
    "BSN 111222333", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "99999999999999999999", "/", "(", ")",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join), st.data())
def test_a_text_that_grows_keeps_what_was_found(text: str, data: st.DataObject) -> None:
    """The promise of `window`, for a text and any beginning of it."""
    cut = data.draw(st.integers(0, len(text)))
    keeps_its_window(EVERY, text, cut)


def test_the_window_is_the_smallest() -> None:
    """An address is uncertain until its `@`, which may follow 62 characters after its start."""
    assert WINDOW == 64
    begun = "x" * 62
    assert CHECK.inspect(Subject(Stage.OUTPUT, (begun,))) is None
    assert found(CHECK, begun + "@b.co")[0][1] == begun + "@b.co"


def test_one_finding_is_enough_where_nothing_is_redacted() -> None:
    """Without redaction the check stops at the first thing found, which is one that the full search finds too."""
    subject = Subject(Stage.INPUT, ("nothing here", "ann@example.org 8.8.8.8 650-253-0000"), (), "")
    one, every = PiiCheck(Options(), all_spans=False).inspect(subject), PiiCheck(Options()).inspect(subject)
    assert one is not None
    assert every is not None
    assert len(one.spans) == 1 < len(every.spans) == 3
    assert one.spans[0] in every.spans
    assert PiiCheck(Options(), all_spans=False).inspect(Subject(Stage.INPUT, ("fine",), (), "")) is None
