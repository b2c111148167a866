from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigError
from domain.policy_files import named, parse, used
from domain.records import Verdict
from domain.settings import PolicySettings


def test_a_check_is_a_name_or_a_mapping_with_one_name() -> None:
    """What the engine knows of stands beside the check's own options."""
    policy = parse(
        {
            "output": [
                "label",
                {"pii": {"id": "cards", "mode": "shadow", "verdict": "block", "kinds": ["card"], "run": "pooled"}},
            ],
            "stream": "buffer",
            "tests": [{"output": "x", "expect": "fallback"}],
        },
        "p",
    )
    assert [each.name for each in policy.output] == ["label", "pii"]
    cards = policy.output[1]
    assert (cards.called, cards.mode, cards.verdict, cards.run) == ("cards", "shadow", Verdict.BLOCK, "pooled")
    assert cards.options == {"kinds": ["card"]}
    assert (policy.stream, policy.tests[0].expect) == ("buffer", Verdict.FALLBACK)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"inptu": []}, "p.inptu: unknown key"),
        ({"input": "pii"}, "p.input: Expected `array`"),
        ({"input": [["pii"]]}, "p.input.0: write a check as"),
        ({"input": [{"pii": "block"}]}, "p.input.0: the options of 'pii' must be a mapping"),
        ({"input": [{"pii": {"mode": "off"}}]}, "p.input.0.pii.mode: Invalid enum value 'off'"),
        ({"input": [{"pii": {"applies_to": {"roles": ["admin"]}}}]}, "p.input.0.pii.applies_to.roles.0: Invalid"),
        ({"input": [{"pii": {"budget_ms": 0}}]}, "p.input.0.pii.budget_ms: Expected"),
        ({"stream": "first"}, "p.stream: Invalid enum value 'first'"),
        ({"tests": [{"input": "x"}]}, "p.tests.0: Object missing required field `expect`"),
        ("pii", "p: Expected `object`, got `str`"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(value: Any, problem: str) -> None:
    """Unknown keys and bad values are refused, never ignored."""
    with pytest.raises(ConfigError) as caught:
        parse(value, "p")
    assert str(caught.value).startswith(problem)


def test_a_named_policy_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """With variables of the environment, and relative to the configuration."""
    (tmp_path / "support.yaml").write_text('input: [{length: {max_chars: 10, id: "${WHO}"}}]\n')
    found = named({"support": "support.yaml", "plain": {"input": ["pii"]}}, environ={"WHO": "short"}, root=tmp_path)
    assert (found["support"].input[0].called, found["plain"].input[0].name) == ("short", "pii")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot read"),
        ("input: [", "is not YAML"),
        ("\udcff", "is not UTF-8"),
        ("input: [{length: {mode: off}}]", "policies.support.input.0.length.mode"),
        ('input: ["${MISSING}"]', "the environment variable MISSING is not set"),
        ("- a", "Expected `object`"),
    ],
)
def test_a_bad_policy_file_is_refused(tmp_path: Path, text: str | None, problem: str) -> None:
    """With the name of the policy, and one line."""
    if text is not None:
        (tmp_path / "p.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"^policies.support") as caught:
        named({"support": "p.yaml"}, environ={}, root=tmp_path)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


POLICIES = {"support": PolicySettings(), "other": PolicySettings(stream="buffer")}


def test_tasks_get_the_policy_that_they_name() -> None:
    """Others keep what they have."""
    inline = {"input": ["pii"]}
    tasks = {"a": {"policies": "support"}, "b": {"policies": "other"}, "c": {"policies": inline}, "d": {}}
    found = used(tasks, POLICIES)
    assert [found[name].get("policies") for name in "abcd"] == [POLICIES["support"], POLICIES["other"], inline, None]


def test_a_policy_that_no_task_uses_is_refused() -> None:
    """Nobody should believe that it protects anything."""
    with pytest.raises(ConfigError, match=r"^policies.other: no task uses it"):
        used({"a": {"policies": "support"}}, POLICIES)


def test_an_unknown_policy_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(ConfigError, match=r"^tasks.a.policies: unknown name 'suport'; known are other, support"):
        used({"a": {"policies": "suport"}}, POLICIES)
