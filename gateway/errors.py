"""Errors in OpenAI's shape, so that the SDK raises the class a user expects."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.errors import UpstreamFailure

# What a client is told; addresses and details are for the operator's log.
_FAILURES = {
    UpstreamFailure.CONNECT: "The model server could not be reached",
    UpstreamFailure.TIMEOUT: "The model server did not answer in time",
    UpstreamFailure.DISCONNECT: "The model server broke off its answer",
    UpstreamFailure.PROTOCOL: "The model server gave an answer that cannot be used",
    UpstreamFailure.STATUS: "The model server refused the request",
    UpstreamFailure.OVERLOADED: "The model server is busy or out of order; try again",
}
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


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
        self.code = code or kind
        self.headers = headers
        self.body = error_body(message, kind=kind, code=code, param=param)


def error_body(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> bytes:
    """The JSON of an error: message, type, param, code (platform.openai.com/docs/guides/error-codes)."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def upstream_body(status: int, body: bytes) -> bytes:
    """An upstream's error as it was if it is a JSON object, else (a load balancer's page) one of ours."""
    try:
        _OBJECT.decode(body)
    except (msgspec.DecodeError, RecursionError):
        kind = "api_error" if status >= 500 else "invalid_request_error"
        return error_body(f"The upstream answered with status {status}", kind=kind, code="upstream_error")
    return body


def failure_body(kind: UpstreamFailure) -> bytes:
    """The error of a call that no model answered."""
    return error_body(_FAILURES[kind], kind="api_error", code="upstream_error")


def unknown_model(name: str, known: Sequence[str]) -> ApiError:
    """The model is no task of ours."""
    message = f"The model {name[:100]!r} does not exist; this gateway serves {', '.join(known)}"
    return ApiError(404, message, code="model_not_found", param="model")


def unknown_path(path: str) -> ApiError:
    """There is nothing at this path."""
    return ApiError(404, f"Unknown request URL: {path[:200]}", code="unknown_url")


def wrong_method(method: str, path: str, *, allowed: str) -> ApiError:
    """The path is right and the method is not."""
    message = f"{method[:20]} is not allowed at {path[:200]}; use {allowed}"
    return ApiError(405, message, code="method_not_allowed", headers=[(b"allow", allowed.encode())])


def blocked_media(name: bytes, value: bytes) -> ApiError:
    """The body says that it is something else than plain JSON."""
    message = f"{name.decode()} {value[:100].decode('latin-1')!r} is not supported; send JSON as application/json"
    return ApiError(415, message, code="unsupported_media_type")


def broken() -> ApiError:
    """Our own fault."""
    message = "The gateway failed; the request was not answered."
    return ApiError(500, message, kind="api_error", code="internal_error")


def unavailable(reason: str) -> ApiError:
    """A policy could not look; `reason` is its check and why."""
    headers = [(b"retry-after", b"1"), (b"x-preceptor-reason", reason.encode())]
    return ApiError(503, _unavailable(reason), kind="api_error", code="policy_unavailable", headers=headers)


def unavailable_body(reason: str) -> bytes:
    """The same as a body."""
    return error_body(_unavailable(reason), kind="api_error", code="policy_unavailable")


def _unavailable(reason: str) -> str:
    return f"A policy that must look at the request or its answer could not run ({reason}); try again"


def blocked(reason: str, *, param: str) -> ApiError:
    """A policy refused the input, which stands in `param`; `reason` is its check and code."""
    message = f"The request was blocked by a policy ({reason})"
    headers = [(b"x-preceptor-reason", reason.encode())]
    return ApiError(400, message, code="content_policy_violation", param=param, headers=headers)
