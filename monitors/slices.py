"""Where do student and teacher agree less than elsewhere?  Pairs cut by label, cluster, tenant, language and length.

Each slice is held against all pairs outside of it; of the many that are tested, a tenth of those called worse is wrong
at most, on average (Benjamini and Hochberg 1995).  Slices overlap, so the tests depend on each other: those of one
dimension slightly negatively, those across dimensions positively, where the procedure holds.  The correction for any
dependence (Benjamini and Yekutieli 2001) would cost a factor of ln(number of slices); simulations of overlapping slices
stay far below a tenth without it, as the test itself errs on the quiet side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from domain.comparers import normalise_label
from domain.records import Agreement
from monitors import contrast
from monitors.agreement import SINGLE_LOOK, compared, wilson
from monitors.descriptors import LABEL, LANGUAGE, LENGTH, OTHER, length
from monitors.languages import language

if TYPE_CHECKING:
    from domain.records import Exchange, Pair
    from monitors.contrast import Sample

FALSE_DISCOVERIES = 0.10
LEAST_PAIRS = 20
CLUSTER, TENANT = "cluster", "tenant"


class Slice(NamedTuple):
    """One value of one dimension: label, cluster, tenant, language or length."""

    dimension: str
    value: str


class SliceAgreement(msgspec.Struct, frozen=True):
    """Agreement inside of a slice, with what speaks for its being worse than the rest."""

    dimension: str
    value: str
    agreement: Agreement
    rest: float  # agreement outside
    share: float  # of all traffic, estimated
    p_value: float
    q_value: float  # the smallest rate of false discoveries at which it is called worse
    worse: bool


def of_input(
    exchange: Exchange, *, cluster: int | None, tenant: str, words: Mapping[str, str] | None = None
) -> tuple[Slice, ...]:
    """The slices that an input belongs to, known before the teacher is asked.

    `words`: what `monitors.descriptors` told of the exchange, where that is known: to tell a language takes longer than
    all the rest.
    """
    text = exchange.input_text
    told = words or {LANGUAGE: language(text), LENGTH: length(text)}
    found = [Slice(dimension, told[dimension]) for dimension in (LANGUAGE, LENGTH)]
    if cluster is not None:
        found.append(Slice(CLUSTER, str(cluster)))
    if tenant:
        found.append(Slice(TENANT, tenant))
    return tuple(found)


def of_pair(
    pair: Pair,
    exchange: Exchange,
    *,
    labels: frozenset[str] = frozenset(),
    words: Mapping[str, str] | None = None,
) -> tuple[Slice, ...]:
    """The slices of a pair; with the `labels` of the task, normalised, the teacher's is one of them, or `other`."""
    found = of_input(exchange, cluster=pair.cluster, tenant=pair.tenant, words=words)
    if not labels:
        return found
    said = normalise_label(pair.teacher_answer)
    return (*found, Slice(LABEL, said if said in labels else OTHER))


def compare(rows: Iterable[tuple[Pair, Sequence[Slice]]]) -> list[SliceAgreement]:
    """Every slice of at least 20 pairs, those most surely worse than the rest first; see `monitors.contrast.higher`."""
    counted = [(pair, slices) for pair, slices in rows if compared(pair)]
    number: dict[Slice, int] = {}
    codes = [(row, number.setdefault(each, len(number))) for row, (_, slices) in enumerate(counted) for each in slices]
    if not codes:
        return []
    weights = np.array([1.0 / pair.probability for pair, _ in counted])
    wrong = np.array([not pair.agreed for pair, _ in counted], float)
    rows_of, groups = np.array(codes).T
    inside = contrast.grouped(weights, wrong, rows=rows_of, groups=groups, most=len(number))
    outside = contrast.summed(weights, wrong).without(inside)
    tested = np.flatnonzero((inside.count >= LEAST_PAIRS) & (outside.count >= LEAST_PAIRS))
    names = list(number)
    return _found([names[which] for which in tested], inside.of(tested), outside.of(tested))


def worst(found: Sequence[SliceAgreement]) -> SliceAgreement | None:
    """Of the slices that are worse, the one whose agreement is lowest for sure: by its upper bound."""
    return min((each for each in found if each.worse), key=lambda each: each.agreement.upper, default=None)


def in_words(found: SliceAgreement) -> str:
    """The finding for a person.  A tenant is named by clients, so this belongs in reports, never in logs or metrics."""
    inside = found.agreement
    return (
        f"{found.dimension} {found.value}: {inside.estimate:.3f} [{inside.lower:.3f}, {inside.upper:.3f}] of "
        f"{inside.pairs} pairs agree, {found.rest:.3f} elsewhere; {found.share:.1%} of the traffic"
    )


def _found(names: Sequence[Slice], inside: Sample, outside: Sample) -> list[SliceAgreement]:
    p_values = contrast.higher(inside, outside)
    q_values = contrast.false_discovery_rates(p_values)
    shares, rest = inside.weight / (inside.weight + outside.weight), 1 - outside.rate
    agreed, sizes, counts = 1 - inside.rate, inside.size, inside.count
    found = [
        SliceAgreement(
            name.dimension,
            name.value,
            agreement=_agreement(float(agreed[row]), float(sizes[row]), int(counts[row])),
            rest=float(rest[row]),
            share=float(shares[row]),
            p_value=float(p_values[row]),
            q_value=float(q_values[row]),
            worse=bool(q_values[row] <= FALSE_DISCOVERIES),
        )
        for row, name in enumerate(names)
    ]
    return sorted(found, key=lambda each: (each.q_value, each.p_value, each.dimension, each.value))


def _agreement(share: float, size: float, pairs: int) -> Agreement:
    lower, upper = wilson(share, size)
    return Agreement(share, lower, upper, pairs, method=SINGLE_LOOK)
