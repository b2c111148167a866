"""Outages: one line when it begins, one when it ends."""

from __future__ import annotations

import logging

from domain.errors import UpstreamError, UpstreamFailure
from gateway.outages import Outages


def test_an_outage_is_told_once(caplog):
    """A thousand failed calls in a row are one warning; the first answer is one more line."""
    caplog.set_level(logging.INFO)
    outages = Outages()
    for _ in range(1000):
        outages.failed("a", UpstreamError(UpstreamFailure.CONNECT, "refused"))
    outages.answered("b")
    outages.answered("a")
    outages.answered("a")
    assert [record.message.split()[0] for record in caplog.records] == ["upstream_failing", "upstream_recovered"]


def test_another_kind_of_failure_is_told(caplog):
    """A failure that changes its nature is news."""
    outages = Outages()
    outages.failed("a", UpstreamError(UpstreamFailure.CONNECT, "refused"))
    outages.failed("a", UpstreamError(UpstreamFailure.TIMEOUT, "late"))
    assert len(caplog.records) == 2
