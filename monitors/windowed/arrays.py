"""Arrays of floats in structs, and those structs as JSON.

Every array may begin with batch dimensions, written *b: () for one live task, (B,) for B streams that are computed at
once.  All streams of a batch share the hours and the number of categories.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T = TypeVar("T")


def encode(value: Any) -> bytes:
    """A struct with arrays as JSON; `decode` gives back exactly the same numbers."""
    return msgspec.json.encode(value, enc_hook=_to_list)


def decode(body: bytes, kind: type[T]) -> T:
    """The struct of that type.

    Raises:
        msgspec.ValidationError: a ValueError; the JSON is of another shape.
    """
    return msgspec.json.decode(body, type=kind, dec_hook=_to_array)


def _to_list(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):  # a batch of () makes numbers of some arrays
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} has no place in JSON")


def _to_array(kind: type, value: Any) -> Any:
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        raise ValueError(f"expected numbers of a {kind.__name__}") from None
