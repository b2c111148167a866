"""Is this as random as secrets are?  Words, runs and what templates write in the place of a secret are not."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import re2

_LEAST_ENTROPY = 2.5  # bits a character; words and runs such as "changeme1" and "aaaaaaa1" lie below or near it
_LEAST_KEY_ENTROPY = 3.0  # what is only known by the name before it must be clearly random
_SEEN_CHARS = 32  # a longer text is judged by its beginning, so that it does not look different while it grows
_N_LOG_N = [n * math.log2(n or 1) for n in range(_SEEN_CHARS + 1)]
_PLACEHOLDER: Any = re2.compile(r"(?i)\$\{|\$\(|\{\{|<|%\(|\$[A-Z_][A-Z0-9_]*$|[*x.]+$|your|example|pass(?:word)?$")


def no_placeholder(text: str) -> bool:
    """Not what templates and manuals write where a secret belongs."""
    return _PLACEHOLDER.match(text[:_SEEN_CHARS]) is None


def random_enough(text: str) -> bool:
    """Has a digit, the entropy that words and runs do not reach, and is no placeholder."""
    seen = text[:_SEEN_CHARS]
    return _entropy(seen) >= _LEAST_ENTROPY and _has_digit(seen) and no_placeholder(seen)


def random_token(text: str) -> bool:
    """As `random_enough`, with letters in both cases or without a hyphen or so between them instead of a digit.

    There are tokens of letters only, and no words are that long.
    """
    seen = text[:_SEEN_CHARS]
    mixed = seen != seen.lower() and seen != seen.upper()
    return (mixed or seen.isalnum() or _has_digit(seen)) and _entropy(seen) >= _LEAST_ENTROPY and no_placeholder(seen)


def random_key(text: str) -> bool:
    """Letters and digits, and more entropy than a name with a date has."""
    seen = text[:_SEEN_CHARS]
    lettered = any(map(str.isalpha, seen))
    return lettered and _has_digit(seen) and _entropy(seen) >= _LEAST_KEY_ENTROPY and no_placeholder(seen)


def _has_digit(text: str) -> bool:
    return not set("0123456789").isdisjoint(text)


def _entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits."""
    return math.log2(len(text)) - sum(_N_LOG_N[n] for n in Counter(text).values()) / len(text)
