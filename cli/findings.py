"""Prints what the checks found: a table for each policy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table

from domain.records import Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from monitors.findings import Found, PolicyFindings, Rate
    from monitors.parity import Parity

_COLUMNS = ("check", "stage", "mode", "findings", "share [95 %]", "reasons", "failed", "stopped anyway", "agreed")
_LEFT = {"check", "stage", "mode", "reasons"}
_HASH_DIGITS = 12


def print_findings(console: Console, policies: Iterable[PolicyFindings], *, current: str) -> None:
    """One table for each policy; `current` is the hash of the configured one."""
    for each in policies:
        mark = " (configured)" if each.policy == current else ""
        span = f"{_time(each.first_at)} to {_time(each.last_at)}"
        title = f"policy {each.policy[:_HASH_DIGITS] or 'unknown'}{mark}: {each.exchanges:,} exchanges, {span}"
        table = Table(title=title, title_justify="left")
        for column in _COLUMNS:
            table.add_column(column, justify="left" if column in _LEFT else "right")
        for found in each.checks:
            for row in _rows(found):
                table.add_row(*row)
        console.print(table if each.checks else f"{title}: no check found or refused anything")


def print_parity(console: Console, parity: Parity | None) -> None:
    """The estimate in a line."""
    text = "no pair was judged by safety checks yet"
    if parity is not None:
        share = f"{parity.estimate:.3%} [{parity.lower:.3%}, {parity.upper:.3%}] of the inputs"
        text = f"only the student is unsafe on {share}, {parity.events} of {parity.pairs:,} pairs"
    console.print(f"safety parity: {text}", highlight=False)


def _rows(found: Found) -> Iterable[tuple[str, ...]]:
    """A row for each verdict, at least one; what is told of the check as a whole stands in the first."""
    reasons = ", ".join(f"{reason} {count}" for reason, count in found.reasons.items())
    anyway, agreed = (str(found.overlap), f"{found.agreed} of {found.pairs}") if found.shadow else ("", "")
    whole = (reasons, str(found.failed), anyway, agreed)
    verdicts: list[tuple[Verdict | None, Rate | None]] = [*found.verdicts.items()] or [(None, None)]
    for number, (verdict, rate) in enumerate(verdicts):
        yield (
            *(found.check, found.stage, "shadow" if found.shadow else "enforce"),
            _outcome(verdict, rate, shadow=found.shadow),
            "" if rate is None else f"{rate.share:.2%} [{rate.lower:.2%}, {rate.upper:.2%}]",
            *(whole if number == 0 else ("",) * len(whole)),
        )


def _outcome(verdict: Verdict | None, rate: Rate | None, *, shadow: bool) -> str:
    if verdict is None or rate is None:
        return "none"
    return f"{'would ' if shadow else ''}{verdict} {rate.count:,}"


def _time(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M")
