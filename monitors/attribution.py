"""What a drift warning is about: which clusters grew, which words came, examples, and whether the student still agrees.

Texts are redacted before they are looked at.  They are for reports, never for logs or metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.records import Arm
from monitors import shares, standing
from monitors.keys import near_duplicate_key
from monitors.onset import onset
from monitors.reference import FLAGGED
from monitors.shares import Change, Counted
from monitors.standing import Outlook
from monitors.words import Word, cluster_names, telling

if TYPE_CHECKING:
    from domain.records import Deployment, Pair
    from domain.store import WatchedExchange
    from monitors.redaction import Redact
    from monitors.reference import Reference

    Rows = Sequence[WatchedExchange]

_DAY_S = 86400.0
_TEXTS = 2000  # of either side that are looked at for words
_EARLIER = 100  # inputs before the window, to compare its words with; with fewer, the flagged with the others
_EXAMPLES = 5
_LONGEST = 200  # characters of an example


class Cluster(msgspec.Struct, frozen=True):
    """A cluster whose share of the inputs is larger than in the reference."""

    cluster: int
    name: tuple[str, ...]  # its most typical words
    now: Counted
    reference: Counted
    change: Change
    different: int  # of its inputs, near-duplicates counted once


class Example(msgspec.Struct, frozen=True):
    """A flagged input."""

    exchange_id: str
    novelty: float
    text: str  # redacted


class Examples(msgspec.Struct, frozen=True):
    """Flagged inputs, near-duplicates once."""

    farthest: tuple[Example, ...]  # those least like the reference
    nearest: tuple[Example, ...]  # those most like it


class Vocabulary(msgspec.Struct, frozen=True):
    """Words that became more frequent, and what they are held against."""

    words: tuple[Word, ...]
    against: str  # "inputs before"; "ordinary inputs" where there are too few of these


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """Why inputs are not what they were, since when, and what it means for the student."""

    task: str
    model: str
    sentence: str  # the conclusion
    drifted: bool
    since: float  # the onset, where one is found; else the last 24 hours
    until: float
    onset_found: bool
    inputs: int
    different: int  # near-duplicates counted once
    flagged: Counted  # inputs above the reference's 95 % quantile of novelty
    flagged_reference: float  # the share of such inputs that was to be expected at most
    clusters: tuple[Cluster, ...]  # that grew, the largest gain first
    vocabulary: Vocabulary
    examples: Examples
    outlook: Outlook  # of the pairs since the onset


def attribute(
    rows: Iterable[WatchedExchange],
    pairs: Iterable[Pair],
    *,
    deployment: Deployment,
    reference: Reference,
    redact: Redact,
    until: float,
    warned: bool = False,
) -> Attribution | None:
    """The attribution of the inputs up to `until`; None when there is none that was compared with the reference.

    Args:
        rows: exchanges, oldest first; those before the deployment are left out.
        pairs: those of other students, and of other times, are left out.
        deployment: of the student that serves.
        reference: that its inputs are compared with.
        redact: takes out of a text what nobody may read.
        until: seconds since the epoch.
        warned: a detector says that there is drift.
    """
    watched = [row for row in rows if _counts(row, deployment, until)]
    if not watched:
        return None
    begin, onset_found = _begin(watched, reference, until)
    window = _Window(watched, begin, reference, redact)
    return window.attribution(pairs, deployment, until=until, onset_found=onset_found, warned=warned)


class _Window:
    """The rows from `begin` on, and what sets them apart from those before it and from the reference."""

    def __init__(self, rows: Rows, begin: int, reference: Reference, redact: Redact) -> None:
        self._rows = rows[begin:]
        self._flagged = [row for row in self._rows if _flagged(row, reference)]
        self._bound = reference.bounds[FLAGGED]
        self._clusters = _clusters(rows, begin, reference, redact)
        self._vocabulary = _vocabulary(rows, begin, self._flagged, redact)
        self._examples = _examples(self._flagged, redact)

    def attribution(
        self, pairs: Iterable[Pair], deployment: Deployment, *, until: float, onset_found: bool, warned: bool
    ) -> Attribution:
        since = self._rows[0].exchange.at
        own = [pair for pair in pairs if pair.model == deployment.model and since <= pair.opened_at <= until]
        ids = {row.exchange.id for row in self._flagged}
        outlook = standing.outlook(own, flagged=ids, baselines=deployment.baselines)
        flagged = shares.counted(len(self._flagged), len(self._rows))
        drifted = warned or flagged.lower > self._bound or bool(self._clusters)
        return Attribution(
            task=deployment.task,
            model=deployment.model,
            sentence=standing.sentence(outlook, drifted=drifted),
            drifted=drifted,
            since=since,
            until=until,
            onset_found=onset_found,
            inputs=len(self._rows),
            different=len(_different(self._rows)),
            flagged=flagged,
            flagged_reference=self._bound,
            clusters=self._clusters,
            vocabulary=self._vocabulary,
            examples=self._examples,
            outlook=outlook,
        )


def grown(rows: Sequence[WatchedExchange], reference: Reference) -> list[tuple[int, Counted, Counted]]:
    """The clusters whose share is larger among these inputs than in the reference: number, share now, share there."""
    numbers = [row.cluster for row in rows if row.cluster is not None]
    total = sum(reference.sizes)
    now = [shares.counted(numbers.count(number), len(numbers)) for number in range(len(reference.sizes))]
    before = [shares.counted(size, total) for size in reference.sizes]
    found = shares.grown(now, before)
    return [(number, now[number], before[number]) for number, more in enumerate(found) if more]


def _counts(row: WatchedExchange, deployment: Deployment, until: float) -> bool:
    return row.novelty is not None and deployment.at <= row.exchange.at <= until and row.exchange.arm is not Arm.NONE


def _novelty(row: WatchedExchange) -> float:
    return row.novelty or 0.0


def _flagged(row: WatchedExchange, reference: Reference) -> bool:
    return _novelty(row) > float(reference.thresholds[FLAGGED])


def _begin(rows: Rows, reference: Reference, until: float) -> tuple[int, bool]:
    """The first row of the window, and whether that is where new inputs began to come."""
    found = onset([_flagged(row, reference) for row in rows])
    if found is not None:
        return found, True
    day = next((place for place, row in enumerate(rows) if row.exchange.at > until - _DAY_S), len(rows) - 1)
    return day, False


def _clusters(rows: Rows, begin: int, reference: Reference, redact: Redact) -> tuple[Cluster, ...]:
    """The clusters that grew in the window; their names are of all rows, so that they stay the same from day to day."""
    window = rows[begin:]
    named = [(row, row.cluster) for row in thinned(rows) if row.cluster is not None]
    names = cluster_names([redact(row.exchange.input_text) for row, _ in named], [cluster for _, cluster in named])
    found: list[Cluster] = []
    for number, now, before in grown(window, reference):
        change = shares.change(now, before)
        assert change is not None  # both have inputs, else nothing has grown
        different = len(_different([row for row in window if row.cluster == number]))
        found.append(Cluster(number, names.get(number, ()), now, before, change, different))
    return tuple(sorted(found, key=lambda each: each.reference.share - each.now.share))


def _vocabulary(rows: Rows, begin: int, flagged: Rows, redact: Redact) -> Vocabulary:
    """What the window says more often than what came before it; without that, the flagged more often than others."""
    ours, theirs, against = rows[begin:], rows[:begin], "inputs before"
    if len(theirs) < _EARLIER:
        ids = {row.exchange.id for row in flagged}
        ours, theirs, against = flagged, [row for row in rows if row.exchange.id not in ids], "ordinary inputs"
    texts = ([redact(row.exchange.input_text) for row in thinned(side)] for side in (ours, theirs))
    return Vocabulary(telling(*texts), against)


def thinned(rows: Rows) -> Rows:
    """At most 2,000 of the rows, evenly spread: as many tell which words there are."""
    return rows[:: -(-len(rows) // _TEXTS) or 1]


def _different(rows: Rows) -> Rows:
    """The first of each set of near-duplicates."""
    kept: dict[str, WatchedExchange] = {}
    for row in rows:
        kept.setdefault(near_duplicate_key(row.exchange.input_text), row)
    return list(kept.values())


def _examples(flagged: Rows, redact: Redact) -> Examples:
    rows = _different(sorted(flagged, key=_novelty, reverse=True))

    def shown(chosen: Rows) -> tuple[Example, ...]:
        texts = (redact(row.exchange.input_text)[:_LONGEST] for row in chosen)
        return tuple(Example(row.exchange.id, _novelty(row), text) for row, text in zip(chosen, texts, strict=True))

    return Examples(shown(rows[:_EXAMPLES]), shown(rows[::-1][:_EXAMPLES]))
