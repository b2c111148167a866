"""One uniform number per request id, so that journal ⊇ shadow ⊇ review and a retry is sampled alike; a key per user."""

from __future__ import annotations

import hashlib

_SCALE = 2.0**-64


def draw(request_id: str) -> float:
    """The uniform number of a request id, in [0, 1).  Same id, same number, in every process."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") * _SCALE


def user_key(task: str, user: bytes) -> str:
    """Sixteen hex digits that tell the users of one task apart; empty without a user."""
    return hashlib.blake2b(task.encode() + b"\0" + user, digest_size=8).hexdigest() if user else ""
