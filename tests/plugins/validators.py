"""Validators and Guards as an operator would write them with guardrails-ai."""

from __future__ import annotations

import json
import re
from typing import Any

from guardrails import Guard
from guardrails.validator_base import ErrorSpan, FailResult, PassResult, Validator, register_validator


@register_validator(name="acme/no-digits", data_type="string")
class NoDigits(Validator):
    """A custom validator: points at every run of digits, and offers the text without them."""

    def __init__(self, allowed: str = "", on_fail: Any = None) -> None:
        super().__init__(on_fail=on_fail, allowed=allowed)
        self._allowed = allowed

    def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
        found = [match for match in re.finditer(r"\d+", value) if match[0] not in (self._allowed, metadata.get("also"))]
        if not found:
            return PassResult()
        return FailResult(
            error_message=f"there are digits in {value!r}",
            fix_value=re.sub(r"\d+", "#", value),
            error_spans=[ErrorSpan(start=match.start(), end=match.end(), reason=match[0]) for match in found],
        )


@register_validator(name="acme/scripted", data_type="string")
class Scripted(Validator):
    """Answers as the text, a JSON object, tells it to."""

    def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
        script = json.loads(value)
        if "spans" in script:
            spans = [ErrorSpan(start=start, end=end, reason="x") for start, end in script["spans"]]
        else:
            spans = None
        metadata["seen"] = value
        if script.get("result") == "exit":
            raise SystemExit(3)
        if script.get("result") == "none":
            return None
        if script.get("result") == "pass":
            return PassResult()
        return FailResult(error_message=value, fix_value=script.get("fix"), error_spans=spans)


@register_validator(name="acme/sourced", data_type="string")
class Sourced(Validator):
    """Needs to be told what the sources are."""

    required_metadata_keys = ["sources"]  # noqa: RUF012 - as guardrails-ai declares it

    def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
        return PassResult() if value in metadata["sources"] else FailResult(error_message=value)


@register_validator(name="acme/exits", data_type="string")
class Exits(Validator):
    """Tries to download a model, and gives up as some do."""

    def __init__(self, on_fail: Any = None) -> None:
        super().__init__(on_fail=on_fail)
        raise SystemExit(1)


@register_validator(name="acme/nothing", data_type="string")
class Nothing(Validator):
    """Finds nothing: what is left is the cost of the adapter."""

    def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
        return PassResult()


def guard(on_fail: str) -> Guard:
    """A Guard with the custom validator."""
    return Guard().use(NoDigits(on_fail=on_fail))


noop, fix, reask, exception, filtering, refrain = map(guard, ("noop", "fix", "reask", "exception", "filter", "refrain"))
