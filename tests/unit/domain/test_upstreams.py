"""The sections about model servers."""

from __future__ import annotations

import msgspec
import pytest

from domain.upstreams import UpstreamSettings

URL = "http://x/v1"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"base_url": "x/v1"}, "must begin with http"),
        ({"base_url": URL, "replicas": [URL, "ftp://x"]}, "must begin with http"),
        ({"base_url": URL, "hedge": True}, "hedge needs replicas"),
        ({"base_url": URL, "retries": -1}, ">= 0"),
        ({"base_url": URL, "max_concurrency": 0}, ">= 1"),
        ({"base_url": URL, "breaker": {"open_s": 9, "most_open_s": 3}}, "most_open_s must be at least open_s"),
        ({"base_url": URL, "first_token_timeout_s": 0}, "> 0"),
    ],
)
def test_what_makes_no_sense_is_refused(given, problem):
    """Each refusal says what is wrong."""
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.convert(given, UpstreamSettings)


def test_an_address_is_enough():
    """Everything else has a default that a small installation can live with."""
    settings = msgspec.convert({"base_url": URL}, UpstreamSettings)
    assert (settings.retries, settings.hedge, settings.retry_stale, settings.stream_usage) == (1, False, True, True)
    assert settings.max_concurrency > 0
