"""Prints what the inputs of a day were about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from monitors.mix import Mix
    from monitors.shares import Change


def print_mix(console: Console, found: Mix) -> None:
    """The words, then a row for each cluster."""
    console.print(f"{escape(found.task)}, {found.day}")
    for line in found.lines:
        console.print(escape(line), highlight=False, soft_wrap=True)
    if not found.flagged.of:
        return
    table = Table("cluster", "typical words", "share", "reference", "change", "a week ago", "change")
    for each in found.clusters:
        row = (
            f"{each.cluster}{' (grew)' if each.grew else ''}",
            ", ".join(each.name),
            f"{each.now.share:.1%} [{each.now.lower:.1%}, {each.now.upper:.1%}]",
            f"{each.reference.share:.1%}",
            _times(each.change),
            f"{each.week_ago.share:.1%}" if each.week_ago.of else "",
            _times(each.weekly),
        )
        table.add_row(*map(escape, row))
    console.print(table)


def _times(found: Change | None) -> str:
    return "" if found is None else f"x{found.times:.2f} [{found.lower:.2f}, {found.upper:.2f}]"
