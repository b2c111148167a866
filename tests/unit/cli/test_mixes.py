from __future__ import annotations

import io

from rich.console import Console

from cli.mixes import print_mix
from monitors.mix import Day, mix


def printed(today, week_ago, task="tickets"):
    """What a reader sees."""
    out = io.StringIO()
    found = mix(task, today, week_ago, sizes=[900, 100], flagged_reference=0.06, names={1: ("[odd]", "refund")})
    print_mix(Console(file=out, width=130), found)
    return out.getvalue()


def test_words_come_before_the_table():
    """Each cluster has its shares with their intervals, and a name that is no markup."""
    today, week_ago = Day("2026-03-29", 1000, 1000, 52, {0: 500, 1: 500}), Day("2026-03-22", 1000, 1000, 50, {0: 900})
    text = printed(today, week_ago)
    assert text.index("1,000 inputs, +0%") < text.index("typical words")
    assert "1 (grew) │ [odd], refund │ 50.0% [46.9%, 53.1%]" in text
    assert "x4.98 [4.10, 6.06]" in text


def test_without_a_comparison_there_is_no_table():
    """Nor one of zeros."""
    nothing = Day("2026-03-29", 0, 0, 0, {})
    text = printed(nothing, nothing, task="[bold]x")
    assert "typical words" not in text
    assert "[bold]x, 2026-03-29" in text
