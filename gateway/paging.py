"""Lists as OpenAI pages them: what a query string asks for, and the page that answers it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gateway.errors import ApiError
from gateway.metadata import check_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")

_LIMIT, _MOST = 20, 100
_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)


class Page(msgspec.Struct, frozen=True):
    """What a list request asks for."""

    after: str = ""  # the id of the last item that the client has
    limit: int = _LIMIT
    descending: bool = False
    model: str = ""
    metadata: dict[str, str] = {}

    @classmethod
    def of(cls, parameters: Iterable[tuple[str, str]], *, filters: bool) -> Page:
        """The page that a query string asks for; `filters` allows model and metadata.

        Raises:
            ApiError: 400, also for a parameter that is unknown or comes twice: none is dropped.
        """
        values: dict[str, Any] = {}
        metadata: dict[str, str] = {}
        for name, value in parameters:
            pair = _METADATA.fullmatch(name) if filters else None
            key, found = (pair[1], metadata) if pair else (name, values)
            if key in found:
                raise _refused(name, f"{name[:100]} is given twice")
            found[key] = value if pair else _value(name, value, filters=filters)
        check_metadata(metadata)
        if "order" in values:
            values["descending"] = values.pop("order") == "desc"
        return cls(**values, metadata=metadata)

    def beyond(self, items: Sequence[tuple[str, T]]) -> Sequence[tuple[str, T]]:
        """What comes after `after` of all the items, which have their ids beside them and are in ascending order.

        Raises:
            ApiError: 400, `after` is none of them.
        """
        ordered = items[::-1] if self.descending else items
        if not self.after:
            return ordered
        ids = [id_ for id_, _ in ordered]
        if self.after not in ids:
            raise bad_after(self.after)
        return ordered[ids.index(self.after) + 1 :]


def listed(items: Sequence[tuple[str, T]], limit: int) -> dict[str, Any]:
    """The first `limit` items, which have their ids beside them, as a list object; those beyond it are more to come."""
    shown = items[:limit]
    first, last = (shown[0][0], shown[-1][0]) if shown else (None, None)
    page = {"object": "list", "data": [item for _, item in shown], "first_id": first, "last_id": last}
    return {**page, "has_more": len(items) > limit}


def bad_after(after: str) -> ApiError:
    """The list cannot go on behind something that it does not have."""
    return _refused("after", f"after {after[:100]!r} is none of this list; begin again without it")


def _value(name: str, value: str, *, filters: bool) -> Any:
    if name == "limit":
        if not re.fullmatch("[0-9]{1,3}", value) or not int(value) <= _MOST:
            raise _refused(name, f"limit must be a number from 0 to {_MOST}")
        return int(value)
    if name == "order" and value not in ("asc", "desc"):
        raise _refused(name, "order must be asc or desc")
    if name in ("after", "order") or (filters and name == "model"):
        return value
    raise ApiError(400, f"Unknown parameter: {name[:100]}", code="unknown_parameter", param=name[:100])


def _refused(name: str, problem: str) -> ApiError:
    return ApiError(400, problem, code="invalid_value", param=name[:100])
