"""Which rows may teach a student: well formed, usable answers, no doubles, no contradictions.  Pure."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from distill.answers import AnswerRule
from distill.examples import Example, Row, content_key, input_of

REVIEW_SHARE = 0.10
_REFUSALS = ("i'm sorry", "i am sorry", "i can't", "i cannot", "as an ai", "i'm unable", "i am unable")

Reason = Literal["roles", "empty", "refusal", "unusable_answer", "duplicate", "conflict"]


class ReviewItem(msgspec.Struct, frozen=True):
    """An example that a person should look at, and why."""

    text: str
    answer: str
    reason: Literal["random", "conflict"]


class ValidationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows.  rows == kept + sum(dropped)."""

    rows: int
    kept: int
    dropped: dict[Reason, int]
    labels: dict[str, int]  # kept examples by label, most frequent first
    review: tuple[ReviewItem, ...]
    seed: int


class Validated(msgspec.Struct, frozen=True):
    """The examples to learn from, in the order of their rows, and the report."""

    examples: tuple[Example, ...]
    report: ValidationReport


def validate(rows: Sequence[Row], rule: AnswerRule, *, seed: int = 0) -> Validated:
    """Keep the rows that may teach a student.

    Of contradictory answers to one input the strict majority is kept, and nothing when there is none; both go to
    the review queue, which is otherwise a random tenth of each label.
    """
    dropped: Counter[Reason] = Counter()
    readable: list[Example] = []
    for row in rows:
        found = _example(row, rule)
        if isinstance(found, Example):
            readable.append(found)
        else:
            dropped[found] += 1
    examples, doubtful = _distinct(readable, dropped)
    labels = Counter(rule.group(example.answer) for example in examples)
    sample = _sample(examples, rule, random.Random(seed))
    conflicts = (ReviewItem(example.text, example.answer, "conflict") for example in doubtful)
    report = ValidationReport(
        rows=len(rows),
        kept=len(examples),
        dropped=dict(+dropped),
        labels=dict(labels.most_common()),
        review=(*conflicts, *(ReviewItem(example.text, example.answer, "random") for example in sample)),
        seed=seed,
    )
    return Validated(tuple(examples), report)


def _example(row: Row, rule: AnswerRule) -> Example | Reason:
    """The example in a row, its answer in canonical form, or the reason why there is none."""
    if not _well_formed([message.role for message in row.messages]):
        return "roles"
    last = row.messages[-1]
    if last.refusal:
        return "refusal"
    text, answer = (input_of(row) or "").strip(), (last.content or "").strip()
    if not text or not answer:
        return "empty"
    canonical = rule.canonical(answer)
    if canonical is None:
        return "refusal" if answer.casefold().replace("\u2019", "'").startswith(_REFUSALS) else "unusable_answer"
    return Example(text, canonical)


def _well_formed(roles: Sequence[str]) -> bool:
    """System first if at all, then user and assistant in turns, the assistant last."""
    turns = roles[1:] if roles[:1] == ["system"] else roles
    expected = ["user", "assistant"] * (len(turns) // 2)
    return bool(turns) and list(turns) == expected


def _distinct(examples: Iterable[Example], dropped: Counter[Reason]) -> tuple[list[Example], list[Example]]:
    """One example for each input, and one for each answer of the inputs whose answers contradict each other."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[content_key(example.text)].append(example)
    kept: list[Example] = []
    doubtful: list[Example] = []
    for group in groups.values():
        first = {example.answer: example for example in reversed(group)}
        (winner, votes), *_ = Counter(example.answer for example in group).most_common(1)
        decided = 2 * votes > len(group)
        if decided:
            kept.append(first[winner])
            dropped["duplicate"] += votes - 1
        if len(first) > 1:
            dropped["conflict"] += len(group) - (votes if decided else 0)
            doubtful.extend(first.values())
    return kept, doubtful


def _sample(examples: Sequence[Example], rule: AnswerRule, source: random.Random) -> list[Example]:
    """A random tenth of each label, at least one."""
    strata: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        strata[rule.group(example.answer)].append(example)
    return [
        example
        for label in sorted(strata)
        for example in source.sample(strata[label], math.ceil(REVIEW_SHARE * len(strata[label])))
    ]
