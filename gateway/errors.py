"""Errors in OpenAI's shape, so that the SDK raises the class a user expects."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class ApiError(Exception):
    """An answer that is an error; raised anywhere below `gateway.limits.Errors`, which sends it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body = error_body(message, kind=kind, code=code, param=param)


def error_body(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> bytes:
    """The JSON of an error: message, type, param, code (platform.openai.com/docs/guides/error-codes)."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def unknown_model(name: str, known: Sequence[str]) -> ApiError:
    """The model is no task of ours."""
    message = f"The model {name[:100]!r} does not exist; this gateway serves {', '.join(known)}"
    return ApiError(404, message, code="model_not_found", param="model")


def unknown_path(path: str) -> ApiError:
    """There is nothing at this path."""
    return ApiError(404, f"Unknown request URL: {path[:200]}", code="unknown_url")


def wrong_method(method: str, path: str) -> ApiError:
    """The path is right and the method is not."""
    return ApiError(405, f"{method} is not allowed at {path[:200]}", headers=[(b"allow", b"POST")])
