"""Learns the compact model of the task-domain gate from inputs of the task.

A word's evidence is the logarithm of its probability in any text over its probability in the task.  Any text is Zipf's
law over the vocabulary of the embedder, whose tokenizer lists its words by frequency.  The task is a bigram model with
absolute discounting (Ney, Essen and Kneser 1994); what it has not seen has the probability that Good and Turing give it
(Good 1953), for rare and for frequent words apart: a task with names in its inputs expects new names, but no new verbs.
"""

from __future__ import annotations

import hashlib
import math
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from domain.errors import PreceptorError
from policies.gate import CEILING, LONGEST, NUMBER, SCALE, START, Gate, Model, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEAST = 500
OVER_BLOCK = 0.006
_FOLDS = 5
_DISCOUNT = 0.75
_FLAT = 100  # words at the head of the vocabulary that are about equally frequent
_NUMBERS, _OTHERS = 0.01, 0.1  # share of numbers, and of words outside the vocabulary, in any text
_OUTSIDE = -1  # the class of these words
_RARE = 1e-6  # the probability of any one of them
_UNSEEN = 0.5  # added to a class of which every word in the inputs came twice


class _Background:
    """Any text: the probability of each word of a vocabulary, and its class, an octave of ranks."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        known = dict.fromkeys(checksum for word in vocabulary for checksum in _single(word))
        total = sum(1 / (rank + _FLAT) for rank in range(len(known))) / (1 - _NUMBERS - _OTHERS)
        self.shares = {word: 1 / (rank + _FLAT) / total for rank, word in enumerate(known)} | {NUMBER: _NUMBERS}
        self.classes = {word: (rank + 8).bit_length() for rank, word in enumerate(known)} | {NUMBER: 0}


class _Counts:
    """How often words and pairs of words come in texts, given as the steps through each."""

    def __init__(self, texts: Iterable[Sequence[tuple[int, int]]]) -> None:
        self.words: Counter[int] = Counter()
        self.pairs: set[int] = set()
        self.after: Counter[int] = Counter()  # words that follow this one
        self.kinds: Counter[int] = Counter()  # different ones
        for text in texts:
            before = START
            for word, pair in text:
                self.words[word] += 1
                self.after[before] += 1
                self.kinds[before] += pair not in self.pairs
                self.pairs.add(pair)
                before = word


def learn(
    texts: Sequence[str], *, task: str, vocabulary: Sequence[str], source: str, over_block: float = OVER_BLOCK
) -> Model:
    """The gate of a task.  `vocabulary`: words, the commonest first; `source` says whose it is.

    The threshold is the evidence that a share `over_block` of the inputs exceeds, each judged by a model that has not
    seen it (cross-validation in five parts); repeated inputs count once.

    Raises:
        PreceptorError: there are too few different inputs to know the threshold, or no vocabulary.
    """
    if not vocabulary:
        raise PreceptorError(f"{source} has no vocabulary to learn a gate from; use a sentence-transformers embedder")
    distinct = _distinct(texts, over_block)
    background = _Background(vocabulary)
    empty = Model(
        task=task,
        inputs=len(distinct),
        inputs_sha256=_sha256(distinct),
        vocabulary=source,
        vocabulary_sha256=_sha256(vocabulary),
        over_block=over_block,
        threshold=0,
        longest=max(LONGEST, 2 * max(map(len, distinct))),
        unknown=0,
        words=b"",
        evidence=b"",
        after=b"",
        pairs=b"",
    )
    return _fit(distinct, background, empty, threshold=_threshold(distinct, background, empty))


def _distinct(texts: Sequence[str], over_block: float) -> list[str]:
    found = list({tuple(steps(text)): text for text in texts}.values())
    least = max(LEAST, math.ceil(2 / over_block))
    if len(found) < least:
        raise PreceptorError(
            f"a gate with an over-block of {over_block:.2%} needs at least {least} different inputs, there are "
            f"{len(found)}: wait for traffic or give a file with --inputs"
        )
    return found


def _threshold(texts: Sequence[str], background: _Background, empty: Model) -> int:
    held_out = []
    for fold in range(_FOLDS):
        others = [text for number, text in enumerate(texts) if number % _FOLDS != fold]
        gate = Gate(_fit(others, background, empty, threshold=0))
        held_out += [gate.evidence(text) for text in texts[fold::_FOLDS]]
    allowed = int(empty.over_block * (len(texts) + 1))  # the next input is as likely as any to be among the highest
    # Inputs of one mould may leave nothing above zero: still, a word that was never seen must not be enough.
    return max(CEILING, sorted(held_out, reverse=True)[max(0, allowed - 1)])


def _fit(texts: Sequence[str], background: _Background, empty: Model, *, threshold: int) -> Model:
    counts = _Counts([list(steps(text)) for text in texts])
    evidence, unknown = _evidence(counts.words, background)
    after = {word: -math.log(_DISCOUNT * counts.kinds[word] / number) for word, number in counts.after.items()}
    evidence.setdefault(START, 0.0)
    every = sorted(evidence)
    return msgspec.structs.replace(
        empty,
        threshold=threshold,
        unknown=_small(unknown),
        words=_packed(every),
        evidence=array("b", [_small(evidence[word]) for word in every]).tobytes(),
        after=array("b", [_small(after.get(word, 0.0)) for word in every]).tobytes(),
        pairs=_packed(sorted(counts.pairs)),
    )


def _evidence(seen: Mapping[int, int], background: _Background) -> tuple[dict[int, float], float]:
    """The evidence of every word that the inputs or the vocabulary have, and that of all the others."""
    total = sum(seen.values())
    classes, shares = background.classes, background.shares
    once = Counter(classes.get(word, _OUTSIDE) for word, number in seen.items() if number == 1)
    left = defaultdict(float, {_OUTSIDE: _OTHERS})
    for word, share in shares.items():
        if word not in seen:
            left[classes[word]] += share
    unseen = {kind: (once[kind] + _UNSEEN) / total for kind in left}
    kept = 1 - min(0.9, sum(unseen.values()))
    novel = {kind: math.log(left[kind] / unseen[kind]) for kind in left}
    evidence = {word: novel[kind] for word, kind in classes.items() if word not in seen}
    for word, number in seen.items():
        evidence[word] = math.log(shares.get(word, _RARE) / (kept * number / total))
    return evidence, novel[_OUTSIDE]


def _single(word: str) -> list[int]:
    """The checksum of a word, unless it is several words, a number or a letter to us.

    Letters stand at the head of vocabularies however rare they are.
    """
    found = [checksum for checksum, _ in steps(word)]
    return found if len(word) > 1 and len(found) == 1 and found[0] != NUMBER else []


def _sha256(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()


def _small(nats: float) -> int:
    return max(-128, min(127, round(nats * SCALE)))


def _packed(checksums: Sequence[int]) -> bytes:
    found = array("I", checksums)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()
