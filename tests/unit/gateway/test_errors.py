"""Errors have the four fields of OpenAI's error object and the right status."""

from __future__ import annotations

import json

import pytest

from domain.errors import UpstreamFailure
from gateway import errors


@pytest.mark.parametrize(
    ("error", "status", "code", "param"),
    [
        (errors.unknown_model("m" * 500, ["a", "b"]), 404, "model_not_found", "model"),
        (errors.unknown_path("/x"), 404, "unknown_url", None),
        (errors.wrong_method("GET", "/x", allowed="POST"), 405, "method_not_allowed", None),
        (errors.blocked("length:too_long", param="messages"), 400, "content_policy_violation", "messages"),
    ],
)
def test_shape(error, status, code, param):
    """Each error carries status, code and the parameter at fault, in a short message."""
    body = json.loads(error.body)["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert (error.status, body["code"], body["param"]) == (status, code, param)
    assert len(body["message"]) < 300


@pytest.mark.parametrize("kind", UpstreamFailure)
def test_every_failure_has_words_without_details(kind):
    """A client is told what kind of failure it was, as a retriable API error."""
    body = json.loads(errors.failure_body(kind))["error"]
    assert (body["type"], body["code"]) == ("api_error", "upstream_error")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b'{"error":{"message":"x"}}', True),
        (b'{"object":"error","big":12345678901234567890123}', True),
        (b"<html>502</html>", False),
        (b"", False),
        (b"[]", False),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", False),
    ],
)
def test_upstream_bodies(body, kept):
    """An upstream's JSON object is passed on as it is; a page of a load balancer becomes an error object."""
    sent = errors.upstream_body(503, body)
    assert (sent == body) is kept
    assert isinstance(json.loads(sent), dict)
