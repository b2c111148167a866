"""What inputs count once: near-duplicates, or what one user asks about one topic."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.records import Exchange

_NUMBERS = re.compile(r"[\d#][\w.,:/#-]*")


def near_duplicate_key(text: str) -> str:
    """Sixteen hex digits; equal for texts that differ only in case, blanks, numbers, ids and dates."""
    masked = " ".join(_NUMBERS.sub("0", text.casefold()).split())
    return hashlib.blake2b(masked.encode(), digest_size=8).hexdigest()


def counting_key(exchange: Exchange, cluster: int | None, *, one_per_user: bool) -> str:
    """The key under which an input counts once an hour: its user's and topic's, where both are known and wanted."""
    if one_per_user and exchange.user and cluster is not None:
        return f"{exchange.user}:{cluster}"
    return near_duplicate_key(exchange.input_text)
