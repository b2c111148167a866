"""The guardrails check with the real guardrails-ai: a published validator, custom ones, and whole Guards."""

from __future__ import annotations

import importlib.util
import json
import logging
import threading
from typing import Any

import pytest

from domain.clock import SystemClock
from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Span, Stage, Verdict
from policies.checks.guardrails import GuardrailsCheck, Options
from policies.placement import place
from policies.pool import Pool, Pooled
from policies.redaction import redact
from tests.contract.check_check import holds_for, subjects

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("guardrails") is None, reason="make test-plugins"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
CHOICES = {"validator": "guardrails_ai.valid_choices:ValidChoices", "args": {"choices": ["refund", "cancel"]}}
BANNED = {"validator": "guardrails_ai.ban_list:BanList", "args": {"banned_words": ["athena"], "max_l_dist": 0}}
DIGITS = {"validator": "tests.plugins.validators:NoDigits"}
SCRIPTED = {"validator": "tests.plugins.validators:Scripted"}


def built(all_spans: bool = True, **options: Any) -> GuardrailsCheck:
    """A check of these options."""
    return GuardrailsCheck(Options(**options), all_spans=all_spans)


def answer(*texts: str) -> Subject:
    """An answer with a choice for each text."""
    return Subject(Stage.OUTPUT, texts, tuple(range(len(texts))), "hello")


@pytest.mark.parametrize(
    ("options", "text", "reason", "places"),
    [
        (CHOICES, "refund", None, []),
        (CHOICES, " refund\n", None, []),
        (CHOICES, "Refund", "valid_choices", [(0, 6)]),
        (CHOICES, "refund.", "valid_choices", [(0, 7)]),
        (CHOICES, "", "valid_choices", [(0, 0)]),
        (CHOICES | {"validator": "guardrails/valid_choices"}, "refund", None, []),
        (CHOICES | {"validator": "guardrails/valid_choices"}, "other", "valid_choices", [(0, 5)]),
        (BANNED, "the owl of minerva", None, []),
        (BANNED, "ask athen", None, []),
        (BANNED, "ask athena", "ban_list", [(5, 10)]),  # its spans begin a character late, as published
        (BANNED | {"args": {"banned_words": ["athena"]}}, "in athens", "ban_list", [(4, 9)]),  # it matches nearly
        (DIGITS, "no number here", None, []),
        (DIGITS, "call 555", "no_digits", [(5, 8)]),
        (DIGITS, "1 and 22", "no_digits", [(0, 1), (6, 8)]),
        (DIGITS | {"args": {"allowed": "555"}}, "call 555", None, []),
        (DIGITS | {"args": {"allowed": "555"}}, "call 556", "no_digits", [(5, 8)]),
        (DIGITS | {"metadata": {"also": "7"}}, "room 7", None, []),
        (DIGITS | {"metadata": {"also": "7"}}, "room 77", "no_digits", [(5, 7)]),
        (DIGITS | {"validator": "acme/no-digits"}, "call 555", "no_digits", [(5, 8)]),
        (SCRIPTED, '{"result": "pass"}', None, []),
        (SCRIPTED, "{}", "scripted", [(0, 2)]),
        (SCRIPTED, '{"spans": []}', "scripted", [(0, 13)]),
        (SCRIPTED, '{"spans": [[2, 7]]}', "scripted", [(2, 7)]),
        (SCRIPTED, '{"spans": [[2, 700]]}', "scripted", [(2, 21)]),
        (SCRIPTED, '{"spans": [[-9, 4]]}', "scripted", [(0, 4)]),
        (SCRIPTED, '{"spans": [[7, 2]]}', "scripted", [(0, 19)]),
        (SCRIPTED, '{"spans": [[700, 800]]}', "scripted", [(0, 23)]),
        (SCRIPTED, '{"spans": [[700, 800], [1, 3]]}', "scripted", [(1, 3)]),
        (SCRIPTED, '{"fix": "harmless"}', "scripted", [(0, 19)]),
        ({"guard": "tests.plugins.validators:noop"}, "no number", None, []),
        ({"guard": "tests.plugins.validators:noop"}, "call 555", "failed", [(0, 8)]),
        ({"guard": "tests.plugins.validators:fix"}, "no number", None, []),
        ({"guard": "tests.plugins.validators:fix"}, "call 555", "failed", [(0, 8)]),
        ({"guard": "tests.plugins.validators:reask"}, "call 555", "failed", [(0, 8)]),  # the Guard says "passed"
        ({"guard": "tests.plugins.validators:exception"}, "no number", None, []),
        ({"guard": "tests.plugins.validators:exception"}, "call 555", "failed", [(0, 8)]),
        ({"guard": "tests.plugins.validators:filtering"}, "call 555", "failed", [(0, 8)]),
        ({"guard": "tests.plugins.validators:refrain"}, "call 555", "failed", [(0, 8)]),
    ],
)
def test_what_a_validator_says_becomes_a_decision(
    options: dict[str, Any], text: str, reason: str | None, places: list[tuple[int, int]]
) -> None:
    """The reason is its registered name, the spans are its own where they lie in the text, else all of it."""
    check = built(**options)
    decision = check.inspect(answer(text))
    assert (decision.reason if decision else None) == reason
    assert [(span.start, span.end) for span in decision.spans] == places if decision else not places


@pytest.mark.parametrize(
    "options",
    [CHOICES, BANNED, DIGITS, {"guard": "tests.plugins.validators:fix"}],
    ids=["choices", "banned", "digits", "guard"],
)
def test_every_validator_keeps_to_the_port(options: dict[str, Any]) -> None:
    """The suite of our own checks holds for those of others."""
    check = built(**options)
    for text in ("", "refund", "call 555", "athena", "\x00\U0001f600 é", "4" * 2000):
        for subject in subjects(text, "refund"):
            holds_for(check, subject)


def test_each_text_is_validated_by_itself() -> None:
    """All texts are looked at for a redaction, else up to the first finding; what is out of scope is left out."""
    subject = Subject(Stage.OUTPUT, ("1", "", "a", "b2", ""), (0, 4))
    spans = (Span(0, 0, 1, "no_digits"), Span(3, 1, 2, "no_digits"))
    assert built(**DIGITS).inspect(subject) == Decision("guardrails", Verdict.FALLBACK, "no_digits", spans)
    assert built(all_spans=False, **DIGITS).inspect(subject) == Decision(
        "guardrails", Verdict.FALLBACK, "no_digits", spans[:1]
    )
    assert [span.text for span in built(**CHOICES).inspect(subject).spans] == [0, 2, 3, 4]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        (DIGITS, "call 555 now", "call [no_digits] now"),
        (DIGITS | {"trust_fix": True}, "call 555 now", "call # now"),
        (SCRIPTED | {"trust_fix": True}, '{"fix": 7}', "[scripted]"),
        (SCRIPTED | {"trust_fix": True}, '{"fix": ""}', ""),
        (SCRIPTED | {"trust_fix": True}, "{}", "[scripted]"),
        ({"guard": "tests.plugins.validators:fix"}, "call 555 now", "[failed]"),
        ({"guard": "tests.plugins.validators:fix", "trust_fix": True}, "call 555 now", "call # now"),
        ({"guard": "tests.plugins.validators:noop", "trust_fix": True}, "call 555 now", "[failed]"),
        ({"guard": "tests.plugins.validators:filtering", "trust_fix": True}, "call 555 now", "[failed]"),
    ],
)
def test_a_fix_takes_the_text_s_place_only_when_it_is_trusted(
    options: dict[str, Any], text: str, expected: str
) -> None:
    """By default a fix is ignored; where it is trusted and there is one, a redaction uses it."""
    decision = built(**options).inspect(answer(text))
    assert decision is not None
    redaction = Decision(decision.check, Verdict.REDACT, decision.reason, decision.spans)
    assert redact((text,), [redaction]) == (expected,)


@pytest.mark.parametrize("text", ['{"result": "none"}', '{"result": "exit"}', "no script"])
def test_what_is_no_result_is_an_error(text: str) -> None:
    """A validator that answers with nothing, or raises, does not let the text through."""
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        built(**SCRIPTED).inspect(answer(text))


def test_metadata_of_one_text_is_not_that_of_the_next() -> None:
    """A validator that writes into its metadata leaves nothing behind."""
    metadata: dict[str, Any] = {"a": 1}
    built(**SCRIPTED, metadata=metadata).inspect(answer('{"result": "pass"}', "{}"))
    assert metadata == {"a": 1}


def test_no_text_of_a_user_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a decision, nor in a log, nor in the history of a Guard."""
    from guardrails import logger

    from tests.plugins import validators

    with caplog.at_level(logging.DEBUG):
        for options in (CHOICES, {"guard": "tests.plugins.validators:noop"}):
            assert "marzipan" not in repr(built(**options).inspect(answer("marzipan 555")))
    assert "marzipan" not in caplog.text
    assert "marzipan" not in json.dumps([record.getMessage() for record in logger.handler.get_all_logs()])
    assert len(validators.noop.history) == 0


@pytest.mark.parametrize(
    ("options", "key", "problem"),
    [
        ({"validator": "guardrails/missing"}, "validator", "no guardrails validator that is installed"),
        ({"validator": "guardrails_ai.missing:X"}, "validator", "no module guardrails_ai.missing; install"),
        ({"validator": "guardrails_ai.ban_list:X"}, "validator", "has no X"),
        ({"validator": "json:JSONDecoder"}, "validator", "no guardrails validator"),
        ({"validator": "json:dumps"}, "validator", "no guardrails validator"),
        ({"validator": "guardrails_ai.ban_list:BanList"}, "args", "missing 1 required positional argument"),
        (CHOICES | {"args": {"choices": []}}, "args", "Please provide a list of choices"),
        (CHOICES | {"args": {"choices": ["a"], "colour": 1}}, "args", "unexpected keyword argument 'colour'"),
        (DIGITS | {"args": {"on_fail": "fix"}}, "args", "on_fail"),
        ({"validator": "acme/exits"}, "args", "SystemExit"),
        ({"validator": "acme/sourced"}, "metadata", "needs sources"),
        ({"guard": "tests.plugins.validators:NoDigits"}, "guard", "no guardrails.Guard"),
        ({"guard": "tests.plugins.validators:missing"}, "guard", "has no missing"),
    ],
)
def test_what_cannot_be_built_is_refused_at_load(options: dict[str, Any], key: str, problem: str) -> None:
    """The error names the key and says what is wrong."""
    with pytest.raises(ConfigError) as caught:
        built(**options)
    assert caught.value.path == key
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_cheap_validator_runs_inline_and_a_guard_on_a_thread() -> None:
    """Where it runs is measured at load; on a thread the answer is the same, and no thread is left behind."""
    pool = Pool(workers=2, queue=8)
    placed = [
        place(lambda options=options: built(**options), run="", pool=pool, budget_s=5.0, clock=SystemClock())
        for options in (CHOICES, {"guard": "tests.plugins.validators:noop"})
    ]
    assert isinstance(placed[0], GuardrailsCheck)
    assert isinstance(placed[1], Pooled)
    decision = await placed[1].inspect(answer("call 555"))
    assert decision is not None
    threads = threading.active_count()
    for _ in range(20):
        await placed[1].inspect(answer("call 555"))
    assert threading.active_count() == threads
    await pool.aclose()
