"""Says once that an upstream fails and once that it answers again, instead of once a request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.errors import UpstreamError, UpstreamFailure

_LOG = logging.getLogger(__name__)


class Outages:
    """Which upstreams failed last time, and how."""

    def __init__(self) -> None:
        self._failing: dict[str, UpstreamFailure] = {}

    def failed(self, upstream: str, error: UpstreamError) -> None:
        """A call gave no usable answer."""
        if self._failing.get(upstream) is not error.kind:
            self._failing[upstream] = error.kind
            _LOG.warning("upstream_failing upstream=%s kind=%s error=%s", upstream, error.kind, error)

    def answered(self, upstream: str) -> None:
        """A call was answered, whatever the status."""
        if self._failing and self._failing.pop(upstream, None) is not None:
            _LOG.info("upstream_recovered upstream=%s", upstream)
