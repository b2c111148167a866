"""A key that near-duplicate inputs share: the text without case, spacing and numbers."""

from __future__ import annotations

import hashlib
import re

_NUMBERS = re.compile(r"[\d#][\w.,:/#-]*")


def near_duplicate_key(text: str) -> str:
    """Sixteen hex digits; equal for texts that differ only in case, blanks, numbers, ids and dates."""
    masked = " ".join(_NUMBERS.sub("0", text.casefold()).split())
    return hashlib.blake2b(masked.encode(), digest_size=8).hexdigest()
