"""Events on the wire: named by their type, and errors that the SDK raises."""

from __future__ import annotations

import json

import httpx2
import openai
import pytest
from openai._streaming import Stream

from domain.errors import UpstreamFailure
from gateway import sse
from gateway.dialects.responses import events
from gateway.errors import failure_body


def _stream(body):
    client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1:1")
    response = httpx2.Response(200, content=body, request=httpx2.Request("POST", "http://127.0.0.1:1"))
    return Stream(cast_to=openai.types.responses.ResponseStreamEvent, response=response, client=client)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"type":"response.output_text.delta","delta":"a"}', b"event: response.output_text.delta\n"),
        (b'{"delta":"a","type":"error"}', b"event: error\n"),
        (b'{"delta":"a"}', b""),
        (b'{"type":"a\\ndata: forged"}', b""),
        (b'{"type":"a b"}', b""),
    ],
)
def test_an_event_is_named_by_its_type(data, name):
    """The name is the type; one that would forge lines is left out, and the data stays."""
    sent = events.framed(data)
    assert sent == name + b"data: " + data + b"\n\n"
    assert sse.EventParser().feed(sent) == [data]


@pytest.mark.parametrize("kind", list(UpstreamFailure))
def test_the_sdk_raises_a_failure(kind):
    """A client that reads a stream must get an exception, not an event that it may overlook."""
    good = events.framed(b'{"type":"response.output_text.delta","delta":"a"}')
    stream = _stream(good + events.error(failure_body(kind)))
    assert next(stream).delta == "a"
    with pytest.raises(openai.APIError, match="model server") as caught:
        next(stream)
    assert (caught.value.code, caught.value.type) == ("upstream_error", "api_error")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"m","type":"t","param":"p","code":"c"}}', "m"),
        (b'{"detail":"of another server"}', "The model server gave an error"),
        (b'{"error":"a string"}', "a string"),
        (b'{"error":{"message":"m","code":400}}', "m"),
    ],
)
def test_an_error_has_both_shapes(body, message):
    """The documented fields for clients that read events, the object for the SDK; any error of an upstream will do."""
    (data,) = sse.EventParser().feed(events.error(body))
    event = json.loads(data)
    assert (event["type"], event["message"], event["error"]["message"]) == ("error", message, message)
    assert {"code", "param", "sequence_number"} <= event.keys()
    openai.types.responses.ResponseErrorEvent.model_validate(event)
