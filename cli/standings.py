"""Prints where the detectors of a task stand, and what its pairs show."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from domain.records import Agreement
    from monitors.overview import DetectorStanding
    from monitors.pair_report import PairReport


def print_detectors(console: Console, task: str, found: Sequence[DetectorStanding]) -> None:
    """A row for each detector."""
    if not found:
        console.print(f"{escape(task)}: no detector has seen anything yet: promote a student with a reference")
        return
    table = Table("detector", "kind", "evidence", "score", "worst", "observations", "last", "alarms in 30 d", "state")
    for each in found:
        seen = "" if each.at is None else dt.datetime.fromtimestamp(each.at, dt.UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(
            escape(each.detector),
            each.kind,
            f"{each.evidence:.2f} of 1",
            f"{each.score:.3g}",
            escape(each.worst),
            f"{each.samples:,}",
            seen,
            str(each.alarms_30d),
            escape("armed" if each.armed else each.waiting or "counts"),
        )
    console.print(table)


def print_agreement(found: PairReport) -> None:
    """The estimate with its intervals, the ceiling, the slices that are worse, and how the samples ended."""
    from monitors.slices import in_words

    lines = [f"{found.task}: agreement no pairs yet"]
    if found.agreement is not None:
        lines = [f"{found.task}: agreement {_interval(found.agreement)} pairs, for one look"]
    if found.anytime is not None:
        lines.append(f"at any number of looks: [{found.anytime.lower:.3f}, {found.anytime.upper:.3f}]")
    if found.ceiling is not None:
        lines.append(f"the teacher agrees with itself: {_interval(found.ceiling)} inputs")
    if found.share_of_ceiling is not None:
        share = found.share_of_ceiling
        lines.append(f"of that ceiling the student reaches {share.estimate:.3f} [{share.lower:.3f}, {share.upper:.3f}]")
    lines += [f"worse than elsewhere: {in_words(each)}" for each in found.slices if each.worse]
    ended = ", ".join(f"{count} {state}" for state, count in sorted(found.pairs.items())) or "none"
    lines += [f"shadow samples: {ended}", f"signals: {len(found.signals)}"]
    sys.stdout.write("\n".join(lines) + "\n")


def _interval(found: Agreement) -> str:
    return f"{found.estimate:.3f} [{found.lower:.3f}, {found.upper:.3f}] from {found.pairs}"
