"""The sections of `preceptor.yaml` about model servers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from domain.sections import Count, Positive, Section, require


class BreakerSettings(Section, frozen=True):
    """When a replica that keeps failing is left alone, and for how long."""

    failures: Count = 10  # in a row
    open_s: Positive = 2.0  # before one call may try; doubled each time it fails
    most_open_s: Positive = 60.0

    def __post_init__(self) -> None:
        require(self.most_open_s >= self.open_s, "most_open_s must be at least open_s")


class UpstreamSettings(Section, frozen=True):
    """A server that speaks the OpenAI API."""

    base_url: str
    api_key: str = ""
    replicas: tuple[str, ...] = ()  # more base URLs of the same model server; calls go to the least busy one
    ca_file: str = ""  # certificates to trust instead of the system's, in PEM
    timeout_s: Positive = 60.0  # without a byte from the upstream
    connect_timeout_s: Positive = 5.0
    first_token_timeout_s: Positive = 60.0  # of a stream, until the model says something
    attempt_timeout_s: Positive = 300.0  # one attempt: until the whole answer, or a stream's first token
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1  # more attempts after one that failed and may succeed
    retry_stale: bool = True  # once more on a new connection when a kept one closed without a byte of an answer
    max_concurrency: Count = 512  # calls at a time
    max_waiting: Annotated[int, msgspec.Meta(ge=0)] = 512  # calls that wait for their turn
    max_wait_s: Positive = 1.0  # for a turn; then the next model is asked, or the client gets 503
    stream_usage: bool = True  # ask for the usage of every stream: what is not told cannot be counted as cost
    hedge: bool = False  # ask a second replica when the first is slower than 95 % of the last calls
    breaker: BreakerSettings = BreakerSettings()

    def __post_init__(self) -> None:
        for url in (self.base_url, *self.replicas):
            require(
                url.startswith(("http://", "https://")), "base_url and replicas must begin with http:// or https://"
            )
        require(not self.hedge or bool(self.replicas), "hedge needs replicas")
