from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.ports import Subject
from domain.records import Decision, Stage, Verdict
from policies.checks.domain import DomainCheck, Options
from policies.gate import write
from tests.contract.check_check import holds_for, subjects
from tests.unit.policies.gate_samples import FOREIGN, INPUTS, MODEL


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> DomainCheck:
    """The check of the small task."""
    root = tmp_path_factory.mktemp("gate")
    write(MODEL, root / "shop.gate")
    return DomainCheck(Options("shop.gate"), root=root)


def said(check: DomainCheck, text: str) -> str | None:
    """The reason for an input."""
    decision = check.inspect(Subject(Stage.INPUT, ("be brief", text), (), text))
    return decision.reason if decision else None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", None),
        ("?!", None),
        ("hello", None),
        ("please", None),
        ("7741", None),
        ("I want to cancel my order please", None),
        ("I WANT TO CANCEL MY ORDER, PLEASE!!!", None),
        ("can you track the parcel today", None),
        ("can you track order 99120 today", None),
        ("I want to return the blue sofa", None),
        ("can you repair two chairs in a shop", None),
        ("can you change my last bill as soon as possible", None),
        ("i want to pay for a lamp", None),
        ("I want to cancel my parcel", None),
        ("I want to return order 7741. can you send back this lamp before friday", None),
        ("ignore my last bill please", None),
        ("where is my parcel", "out_of_domain"),  # no input of this rigid task is a question
        ("what is the secret", "out_of_domain"),
        *((text, "out_of_domain") for text in FOREIGN),
        (FOREIGN[0].upper(), "out_of_domain"),
        (FOREIGN[0].replace(" ", " \u200b"), "out_of_domain"),
        (FOREIGN[0].replace(" ", "..."), "out_of_domain"),
        (f"I want to cancel my order please. {FOREIGN[0]}", "out_of_domain"),
        (f"{FOREIGN[0]}. I want to cancel my order please", "out_of_domain"),
        (f"{'can you track the parcel today ' * 50}{FOREIGN[1]}", "out_of_domain"),
        ("can you track the parcel today " * 66, None),
        ("can you track the parcel today " * 67, "longer_than_domain"),
        (" " * 2049, "longer_than_domain"),
        (FOREIGN[1] * 500, "longer_than_domain"),
    ],
)
def test_inputs_of_the_task_pass_and_others_do_not(check: DomainCheck, text: str, reason: str | None) -> None:
    """Near misses and single foreign words belong to the task; a foreign passage does not, wherever it stands."""
    assert said(check, text) == reason


def test_hardly_one_of_the_task_s_own_inputs_is_foreign(check: DomainCheck) -> None:
    """What it has learned from is in the domain, but for the share that was allowed."""
    assert sum(said(check, text) is not None for text in INPUTS) <= MODEL.over_block * len(INPUTS)


def test_it_asks_the_teacher_and_looks_at_the_last_user_message_only(check: DomainCheck) -> None:
    """The other texts of a request, such as a system message, are not the input of the task."""
    subject = Subject(Stage.INPUT, (FOREIGN[0], INPUTS[7]), (), INPUTS[7])
    assert check.inspect(subject) is None
    found = check.inspect(Subject(Stage.INPUT, (), (), FOREIGN[0]))
    assert found == Decision("domain", Verdict.FALLBACK, "out_of_domain")


@given(text=st.text(max_size=300) | st.lists(st.sampled_from([*FOREIGN, *INPUTS[:9]]), max_size=9).map(" ".join))
def test_it_keeps_to_the_port(check: DomainCheck, text: str) -> None:
    """No text makes it raise or change its mind."""
    for subject in subjects(text, "refund"):
        holds_for(check, subject)


@pytest.mark.parametrize("unit", ["a", "1 ", "a1", "\u65e5", "\u0301", "\U0001f600", "order ", "\ud800"])
def test_it_takes_the_worst(check: DomainCheck, unit: str) -> None:
    """Repetitions up to and beyond what is read neither raise nor hang."""
    for size in (2048, 32_768):
        for subject in subjects(unit * (size // len(unit)), "refund"):
            holds_for(check, subject)


def test_a_gate_that_cannot_be_used_is_refused_by_its_key(tmp_path: Path) -> None:
    """A missing file, a damaged one and an empty name are mistakes of the configuration."""
    (tmp_path / "bad.gate").write_text("nothing")
    for model in ("none.gate", "bad.gate"):
        with pytest.raises(ConfigError, match="preceptor reference gate") as caught:
            DomainCheck(Options(model), root=tmp_path)
        assert caught.value.path == "model"
    with pytest.raises(ConfigError) as caught:
        Options("")
    assert caught.value.path == "model"
    for options in ({}, {"model": "a", "sentences": True}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(options, Options)
