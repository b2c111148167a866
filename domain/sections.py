"""What every section of `preceptor.yaml` is made of: strictness, and the types of its values."""

from __future__ import annotations

from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


def require(condition: bool, problem: str) -> None:
    """Refuse a value, in the words of `problem`.

    Raises:
        ValueError: the condition does not hold; msgspec adds the key's path.
    """
    if not condition:
        raise ValueError(problem)


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: immutable, and strict about its keys."""
