"""JSON bodies: read once with a typed decoder, changed in single fields, every other value kept to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from gateway.errors import ApiError

T = TypeVar("T")

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def understood(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The request in a body.

    Raises:
        ApiError: 400, with the path of the offending field as `param`.
    """
    try:
        body.decode()  # msgspec does not look into the strings that it skips
        return decoder.decode(body)
    except UnicodeDecodeError as error:
        raise ApiError(400, f"The body is not UTF-8 (byte {error.start})", code="invalid_json") from None
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise ApiError(400, problem, code="invalid_type", param=path.strip(".`") or None) from None
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply", code="invalid_json") from None
    except msgspec.DecodeError as error:
        raise ApiError(400, f"The body is not JSON: {error}", code="invalid_json") from None


def fields(value: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The fields of a JSON object, each as the bytes it was."""
    return _FIELDS.decode(value)


def replaced(body: bytes, values: Mapping[str, Any]) -> bytes:
    """A JSON object with some fields set and every other value as it was, to the byte."""
    found = _FIELDS.decode(body)
    for name, value in values.items():
        found[name] = raw(value)
    return msgspec.json.encode(found)


def raw(value: Any) -> msgspec.Raw:
    """A value as a field that keeps its bytes."""
    return msgspec.Raw(msgspec.json.encode(value))


def given(found: Mapping[str, msgspec.Raw], name: str) -> bool:
    """Whether a field is there and not null."""
    return name in found and bytes(found[name]) != b"null"
