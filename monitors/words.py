"""Which words set some texts apart from others.  Pure; shows no word of fewer than three different texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from monitors.keys import near_duplicate_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_TEXTS = 3  # that hold a word before it is shown: one that a single person wrote may be about that person
LEAST_Z = 2.0  # standard errors from no difference
_PRIOR_WORDS = 500.0  # what the prior weighs, in words (Monroe et al. use as many)
_NAME_WORDS = 3
# A letter run; `[email]` is what redaction leaves; in scripts that put no blanks between words, pairs of letters.
_RUNS = re.compile(r"\[[a-z_]+\]|[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


class Word(msgspec.Struct, frozen=True):
    """A word that is more frequent in one set of texts than in another."""

    word: str
    texts: int  # different texts of the first set that hold it
    others: int  # of the second
    z: float  # log-odds ratio over its standard error


def words(text: str) -> set[str]:
    """The words of a text, each once, without case, numbers and single letters."""
    found: set[str] = set()
    for run in _RUNS.findall(text.casefold()):
        if _UNSPACED.match(run):
            found.update(run[at : at + 2] for at in range(len(run) - 1))
        elif len(run) > 1:
            found.add(run)
    return found


def telling(texts: Iterable[str], others: Iterable[str], *, most: int = 12) -> tuple[Word, ...]:
    """The words that speak most surely for the first texts, surest first.

    Log-odds ratios with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, "Fightin' Words", equations 16,
    20 and 22): the prior is what both sets say together, so a stop word must differ by much, and a rare one is drawn
    to no difference.  Near-duplicates count once, and a word once in each text.
    """
    ours, theirs = _counts(texts), _counts(others)
    named = list(ours)
    if not named or not theirs:
        return ()
    y, x = (np.array([counts[word] for word in named], float) for counts in (ours, theirs))
    z = _z_scores(y, x, sizes=(ours.total(), theirs.total()))
    found = [
        Word(word, int(y[row]), int(x[row]), float(z[row]))
        for row, word in enumerate(named)
        if y[row] >= LEAST_TEXTS and z[row] >= LEAST_Z
    ]
    return tuple(sorted(found, key=lambda each: (-each.z, each.word))[:most])


def cluster_names(texts: Sequence[str], clusters: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The three words that tell each cluster from all others; fewer, or none, where it has too few texts.

    Args:
        texts: redacted inputs.
        clusters: the number of the cluster of each.
    """
    grouped: dict[int, list[str]] = {}
    for text, cluster in zip(texts, clusters, strict=True):
        grouped.setdefault(cluster, []).append(text)
    return {cluster: _name(cluster, grouped) for cluster in sorted(grouped)}


def _name(cluster: int, grouped: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    others = [text for other, texts in grouped.items() if other != cluster for text in texts]
    found = telling(grouped[cluster], others, most=2 * _NAME_WORDS)
    return tuple(each.word for each in found if not each.word.startswith("["))[:_NAME_WORDS]


def _counts(texts: Iterable[str]) -> Counter[str]:
    different = {near_duplicate_key(text): text for text in texts}
    return Counter(word for text in different.values() for word in words(text))


def _z_scores(y: Floats, x: Floats, *, sizes: tuple[int, int]) -> Floats:
    """Of words that the first set holds `y` times and the second `x`; sizes are all words of each."""
    (n, m), weight = sizes, _PRIOR_WORDS / sum(sizes)
    prior, rest = (y + x) * weight, _PRIOR_WORDS + 1.0  # and one word that nobody has said yet
    delta = np.log((y + prior) / (n + rest - y - prior)) - np.log((x + prior) / (m + rest - x - prior))
    found: Floats = delta / np.sqrt(1 / (y + prior) + 1 / (x + prior))
    return found
