"""The first page of a report, above Evidently's part: the conclusion in words, then what it rests on.  Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from domain.zones import zone

if TYPE_CHECKING:
    from monitors.attribution import Attribution, Example
    from monitors.mix import Mix
    from monitors.shares import Change, Counted

_STYLE = """
<style>
.preceptor{font:15px/1.5 system-ui,sans-serif;color:#1b1b1b;max-width:1060px;margin:24px auto;padding:0 24px}
.preceptor h1{font-size:24px;margin:0 0 4px}.preceptor h2{font-size:17px;margin:24px 0 6px}
.preceptor .conclusion{font-size:18px;border-left:4px solid #4169e1;padding:6px 12px;margin:12px 0;background:#f4f6fd}
.preceptor table{border-collapse:collapse;width:100%}
.preceptor th,.preceptor td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid #e4e4e4;vertical-align:top}
.preceptor td:last-child{white-space:nowrap}.preceptor .quiet{color:#666;margin:8px 0 2px}
</style>
"""
_BODY = re.compile(r"<body[^>]*>")


def with_summary(html: str, summary: str, *, title: str) -> str:
    """An HTML document with the summary at the beginning of its body, and a title."""
    head = f"<title>{escape(title)}</title>{_STYLE}"
    headed = html.replace("<head>", f"<head>{head}", 1)
    return _BODY.sub(lambda found: f"{found[0]}<div class='preceptor'>{summary}</div>", headed, count=1)


def summary(title: str, *, attribution: Attribution | None, mix: Mix | None, time_zone: str) -> str:
    """The summary as HTML; everything in it is escaped."""
    parts = [f"<h1>{escape(title)}</h1>"]
    if attribution is not None:
        parts += _conclusion(attribution, time_zone)
    if mix is not None:
        parts += [f"<h2>What the inputs of {escape(mix.day)} were about</h2>"]
        parts += [f"<p>{escape(line)}</p>" for line in mix.lines]
    if attribution is not None and attribution.drifted:
        parts += _drift(attribution)
    if mix is not None:
        parts += [f"<h2>All topics of {escape(mix.day)}</h2>", _topics(mix)]
    parts.append("<h2>Detectors, agreement and descriptors</h2><p class='quiet'>times are UTC</p>")
    return "".join(parts)


def moment(at: float, time_zone: str) -> str:
    """A time of day in the task's time zone."""
    return dt.datetime.fromtimestamp(at, zone(time_zone)).strftime("%Y-%m-%d %H:%M %Z")


def _conclusion(found: Attribution, time_zone: str) -> Iterable[str]:
    yield f"<p class='conclusion'>{escape(found.sentence[:1].upper() + found.sentence[1:])}.</p>"
    since = "New inputs began to come about" if found.onset_found else "Inputs since"
    yield (
        f"<p>{since} {moment(found.since, time_zone)}; up to {moment(found.until, time_zone)} there were "
        f"{found.inputs:,} inputs, {found.different:,} of them different. {_percent(found.flagged)} are unlike the "
        f"reference of student {escape(found.model)}; at most {found.flagged_reference:.1%} was to be expected.</p>"
    )
    flagged = found.outlook.flagged
    if flagged is not None:
        yield (
            f"<p>Where inputs are unlike the reference, student and teacher disagree on {1 - flagged.estimate:.1%} "
            f"[{1 - flagged.upper:.1%}, {1 - flagged.lower:.1%}] of {flagged.pairs} pairs.</p>"
        )


def _topics(found: Mix) -> str:
    header = ("cluster", "typical words", "share", "reference", "change", "a week ago")
    rows = (
        (
            str(each.cluster) + (" (grew)" if each.grew else ""),
            ", ".join(each.name),
            _percent(each.now),
            f"{each.reference.share:.1%}",
            _times(each.change),
            f"{each.week_ago.share:.1%}" if each.week_ago.of else "",
        )
        for each in found.clusters
    )
    return _table(header, rows)


def _drift(found: Attribution) -> Iterable[str]:
    if found.clusters:
        yield "<h2>Which topics grew</h2>"
        yield _table(
            ("cluster", "typical words", "share", "reference", "change", "inputs", "different"),
            (
                (
                    str(each.cluster),
                    ", ".join(each.name),
                    _percent(each.now),
                    f"{each.reference.share:.1%}",
                    _times(each.change),
                    f"{each.now.count:,}",
                    f"{each.different:,}",
                )
                for each in found.clusters
            ),
        )
    if found.vocabulary.words:
        yield f"<h2>Which words came</h2><p class='quiet'>more frequent than in {escape(found.vocabulary.against)}</p>"
        header = ("word", "inputs with it", found.vocabulary.against, "standard errors from no difference")
        yield _table(header, ((w.word, f"{w.texts:,}", f"{w.others:,}", f"{w.z:.1f}") for w in found.vocabulary.words))
    if found.examples.farthest:
        yield "<h2>Examples, redacted</h2><p class='quiet'>of the flagged inputs, those least like the reference</p>"
        yield _examples(found.examples.farthest)
        yield "<p class='quiet'>and those most like it</p>"
        yield _examples(found.examples.nearest)


def _examples(rows: Sequence[Example]) -> str:
    header = ("novelty", "input", "exchange")
    return _table(header, ((f"{row.novelty:.2f}", row.text, row.exchange_id) for row in rows))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _percent(found: Counted) -> str:
    return f"{found.share:.1%} [{found.lower:.1%}, {found.upper:.1%}]"


def _times(found: Change | None) -> str:
    return "" if found is None else f"x{found.times:.2f} [{found.lower:.2f}, {found.upper:.2f}]"
