from __future__ import annotations

import pytest

from domain.errors import UpstreamError, UpstreamFailure
from domain.settings import UpstreamSettings
from monitors.catalogue import Catalogue
from monitors.retirement import Notice
from monitors.teacher import client
from tests.unit.monitors.models_server import models_server

END = 1_799_107_200.0  # 2027-01-05


async def notice(provider, model="gpt-4o"):
    """What the provider says of a model."""
    catalogue = provider.catalogue()
    try:
        return await catalogue.notice(model)
    finally:
        await catalogue.aclose()


async def test_a_listed_model_is_read_from_the_list():
    """One request; others on the list do not matter."""
    async with models_server() as provider:
        provider.lists({"id": "other", "shutdown_date": "2020-01-01"}, {"id": "gpt-4o", "shutdown_date": "2027-01-05"})
        assert await notice(provider) == Notice(END, "shutdown_date")
        assert provider.asked == ["/v1/models"]


@pytest.mark.parametrize("body", [b'[{"id": "models/gpt-4o", "deprecated": true}]', b'{"data": [{"id": "gpt-4o"}]}'])
async def test_a_list_may_have_no_envelope_and_a_model_no_end(body):
    """Some servers list plainly, and name the collection in the id."""
    async with models_server() as provider:
        provider.pages["/v1/models"] = (200, body, "")
        assert await notice(provider) == (Notice(None, "deprecated") if b"true" in body else None)


async def test_a_model_that_is_not_listed_is_looked_up():
    """By its name, whatever is in it."""
    async with models_server() as provider:
        provider.lists({"id": "other"}, {"object": "model"}, {"id": 7})
        provider.pages["/v1/models/ft:meta%2Fllama"] = (200, b'{"id": "x", "expiration_date": "2027-01-05"}', "")
        assert await notice(provider, "ft:meta/llama") == Notice(END, "expiration_date")


async def test_the_headers_of_the_answer_count_too():
    """The sooner end of both is the one that is told."""
    async with models_server() as provider:
        provider.lists(
            {"id": "gpt-4o", "shutdown_date": "2027-02-01"}, headers="sunset: Tue, 05 Jan 2027 00:00:00 GMT\r\n"
        )
        assert await notice(provider) == Notice(END, "header sunset")


@pytest.mark.parametrize(
    ("page", "kind", "problem"),
    [
        ((200, b'{"data": []}', ""), UpstreamFailure.STATUS, "127.0.0.1 does not list it"),
        ((404, b"{}", ""), UpstreamFailure.STATUS, "127.0.0.1 does not list it"),
        ((401, b"{}", ""), UpstreamFailure.STATUS, "127.0.0.1 answered 401"),
        ((500, b"secret", ""), UpstreamFailure.STATUS, "127.0.0.1 answered 500"),
        ((200, b"<html>", ""), UpstreamFailure.PROTOCOL, "did not answer with models"),
        ((200, b'{"data": "none"}', ""), UpstreamFailure.PROTOCOL, "did not answer with models"),
        ((200, b'{"data":' + b"[" * 5000, ""), UpstreamFailure.PROTOCOL, "did not answer with models"),
    ],
)
async def test_a_provider_that_does_not_say_is_an_error(page, kind, problem):
    """One line, with the host and no word of the answer."""
    async with models_server() as provider:
        provider.pages["/v1/models"] = page
        with pytest.raises(UpstreamError, match=problem) as caught:
            await notice(provider)
    assert caught.value.kind is kind
    assert "secret" not in str(caught.value)


async def test_a_provider_that_is_not_there_is_an_error(unused_tcp_port):
    """A closed port is named by its host."""
    upstream = UpstreamSettings(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    catalogue = Catalogue(client(upstream, timeout_s=5.0).with_options(max_retries=0))
    with pytest.raises(UpstreamError, match=r"cannot reach 127\.0\.0\.1"):
        await catalogue.notice("gpt-4o")
    await catalogue.aclose()
