"""The prefilter: never leaves out a check that would have found something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ports import Subject
from domain.records import Stage
from policies.checks import length, pii, secrets
from policies.prefilter import Prefilter

CHECKS = (
    length.LengthCheck(length.Options()),
    secrets.SecretsCheck(secrets.Options()),
    pii.PiiCheck(pii.Options()),
)
PREFILTER = Prefilter(CHECKS)
PIECES = (
    "ann@example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "123-45-6789", "8.8.8.8", "650-253-0000",
    "+44 20 7946 0018", "AKIAQYLPMN5HXIZ7K2QF", "password = \"hunter2hunter2\"", "-----BEGIN RSA PRIVATE KEY-----",
    "https://user:s3cr3tpw@host/", "Bearer abcdefghij0123456789", "refund", " ", "\n", "\0", "é", "1", ".", "@",
)  # fmt: skip


def _subject(*texts):
    return Subject(Stage.INPUT, texts, (), texts[-1] if texts else "")


@pytest.mark.parametrize(
    ("texts", "triggered"),
    [
        (("where is my refund?",), set()),
        ((), set()),
        (("", ""), set()),
        (("mail ann@example.org",), {2}),
        (("fine", "key AKIAQYLPMN5HXIZ7K2QF"), {1}),
        (("AKIAQYLPMN5HXIZ7K2QF", "and 8.8.8.8"), {1, 2}),
    ],
)
def test_who_has_to_look(texts, triggered):
    """Only checks whose triggers match any of the texts are named."""
    assert PREFILTER.triggered(_subject(*texts)) == triggered


@given(st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=6).map("".join), max_size=4))
def test_nothing_that_a_check_finds_is_left_out(texts):
    """Whatever the texts are cut and glued from, a check that finds something has been triggered."""
    subject = _subject(*texts)
    triggered = PREFILTER.triggered(subject)
    for number, check in enumerate(CHECKS):
        if check.triggers and check.inspect(subject) is not None:
            assert number in triggered


def test_checks_without_triggers_need_no_set():
    """A chain of structural checks costs no pattern matching."""
    assert Prefilter(CHECKS[:1]).triggered(_subject("ann@example.org")) == frozenset()
