from __future__ import annotations

import pytest

from domain.records import Stage, Verdict
from policies.kinds import KINDS

STRUCTURE = {"label", "json_schema", "length", "grounding", "charset"}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_says_what_it_does_in_some_stage(name: str) -> None:
    """The table is complete: a check without a default verdict for any stage could never run."""
    assert KINDS[name].verdicts
    assert Verdict.ALLOW not in KINDS[name].verdicts.values()
    assert KINDS[name].verdicts.get(Stage.INPUT) is not Verdict.REDACT


def test_what_is_of_safety_is_written_down() -> None:
    """Safety parity counts these and no structure: a wrong label harms nobody."""
    assert {name for name, kind in KINDS.items() if kind.safety} == {
        "echo", "guardrails", "http", "markup", "pii", "presidio", "secrets",
    }  # fmt: skip
    assert not any(KINDS[name].safety for name in STRUCTURE)


def test_only_what_others_wrote_waits_or_is_measured() -> None:
    """Our own checks are bounded by construction and run where they are asked."""
    assert {name: kind.runs for name, kind in KINDS.items() if kind.runs != "inline"} == {
        "guardrails": "measured",
        "http": "waits",
        "presidio": "pooled",
        "python": "measured",
    }
