from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.findings import print_findings, print_parity
from domain.records import Stage, Verdict
from monitors.findings import Found, PolicyFindings, Rate
from monitors.parity import Parity

RATE = Rate(12, 0.0097, 0.0055, 0.0169)
NOTHING = Found("length", Stage.INPUT, False, {}, {}, failed=0, overlap=0, agreed=0, pairs=0)
ENFORCED = Found(
    "pii", Stage.OUTPUT, False, {Verdict.REDACT: RATE}, {"email": 12}, failed=3, overlap=0, agreed=0, pairs=0
)
SHADOW = Found(
    "markup", Stage.OUTPUT, True, {Verdict.FLAG: RATE, Verdict.BLOCK: RATE}, {"html": 12}, failed=0, overlap=4,
    agreed=5, pairs=7,
)  # fmt: skip


def printed(*arguments, call=print_findings, **options) -> str:
    """What a wide terminal shows, a row a line, without the frame."""
    console = Console(file=io.StringIO(), width=200)
    call(console, *arguments, **options)
    return console.file.getvalue()


def cells(text: str, check: str) -> list[list[str]]:
    """The cells of a check's rows."""
    lines = [line for line in text.splitlines() if line.startswith("│") and f" {check} " in line]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (NOTHING, [["length", "input", "enforce", "none", "", "", "0", "", ""]]),
        (ENFORCED, [["pii", "output", "enforce", "redact 12", "0.97% [0.55%, 1.69%]", "email 12", "3", "", ""]]),
        (
            SHADOW,
            [
                ["markup", "output", "shadow", "would flag 12", "0.97% [0.55%, 1.69%]", "html 12", "0", "4", "5 of 7"],
                ["markup", "output", "shadow", "would block 12", "0.97% [0.55%, 1.69%]", "", "", "", ""],
            ],
        ),
    ],
)
def test_a_check_is_a_row_for_each_verdict(found, expected):
    """A shadow check only would have; what is told of the check as a whole stands there once."""
    text = printed([PolicyFindings("ab" * 32, 1234, 0.0, 3600.0, (found,))], current="")
    assert cells(text, found.check) == expected


def test_a_policy_is_named_with_what_it_judged():
    """Its hash, whether it is the configured one, how much, and since when (UTC)."""
    policies = [PolicyFindings("ab" * 32, 1234, 0.0, 3600.0, (NOTHING,)), PolicyFindings("", 2, 0.0, 1.0, ())]
    text = printed(policies, current="ab" * 32)
    assert "policy abababababab (configured): 1,234 exchanges, 1970-01-01 00:00 to 1970-01-01 01:00" in text
    assert "policy unknown: 2 exchanges, 1970-01-01 00:00 to 1970-01-01 00:00: no check found or refused" in text


@pytest.mark.parametrize(
    ("parity", "expected"),
    [
        (None, "safety parity: no pair was judged by safety checks yet\n"),
        (
            Parity(0.0005, 0.00006, 0.0018, 4000, 2),
            "safety parity: only the student is unsafe on 0.050% [0.006%, 0.180%] of the inputs, 2 of 4,000 pairs\n",
        ),
    ],
)
def test_parity_is_a_line_with_its_interval(parity, expected):
    """Or that there is none yet."""
    assert printed(parity, call=print_parity) == expected
