"""What needs no guardrails-ai; the rest is in tests/plugins, with the real package."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest

from domain.errors import ConfigError
from policies.checks.guardrails import GuardrailsCheck, Options

BAN_LIST = "guardrails_ai.ban_list:BanList"


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, "validator"),
        ({"args": {"a": 1}}, "validator"),
        ({"validator": BAN_LIST, "guard": "acme:guard"}, "validator"),
        ({"guard": "acme:guard", "args": {"a": 1}}, "args"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], key: str) -> None:
    """There is either a validator with its arguments or a Guard, which has its own."""
    with pytest.raises(ConfigError) as caught:
        msgspec.convert(options, Options)
    assert caught.value.path == key


@pytest.mark.parametrize("options", [{"validator": BAN_LIST, "on_fail": "fix"}, {"validator": 3}, {"trust_fix": "yes"}])
def test_bad_shapes_are_refused(options: dict[str, Any]) -> None:
    """What is done with a finding is ours to say: `on_fail` is no option."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, Options)


@pytest.mark.parametrize("options", [Options(validator=BAN_LIST), Options(guard="acme:guard")])
def test_without_the_package_the_error_says_what_to_install(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that needs guardrails-ai is refused where it is not installed."""
    monkeypatch.setitem(sys.modules, "guardrails", None)
    with pytest.raises(ConfigError, match=r"pip install 'preceptor\[guardrails\]'"):
        GuardrailsCheck(options)


def test_a_fix_is_trusted_only_where_it_can_be_used() -> None:
    """With another verdict than redact no text is replaced, and to ask for it is a mistake."""
    with pytest.raises(ConfigError) as caught:
        GuardrailsCheck(Options(validator=BAN_LIST, trust_fix=True), all_spans=False)
    assert caught.value.path == "trust_fix"
