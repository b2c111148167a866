"""One uniform number per request id, so that journal ⊇ shadow ⊇ review and a retry is sampled alike."""

from __future__ import annotations

import hashlib

_SCALE = 2.0**-64


def draw(request_id: str) -> float:
    """The uniform number of a request id, in [0, 1).  Same id, same number, in every process."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") * _SCALE
