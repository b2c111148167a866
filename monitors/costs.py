"""What a teacher call will cost: the mean of recent ones, and what it can cost at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.prices import Price

_BYTES_A_TOKEN = 4  # of English text in JSON, about; a token of text is at least one byte
_ANSWER = 256  # tokens, while nothing is known
_MOST = 16_384  # tokens of an answer whose request names no limit
_RECENT = 50  # calls in the mean, about


class _Limits(msgspec.Struct):
    """The three names that the endpoints have for the longest answer."""

    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None


_DECODER = msgspec.json.Decoder(_Limits)


class Costs:
    """The recent cost of a call, in US dollars."""

    def __init__(self, price: Price) -> None:
        self._price = price
        self._calls = 0
        self._mean = 0.0

    def learn(self, usd: Iterable[float]) -> None:
        """Take in what calls cost, oldest first."""
        for each in usd:
            self._calls += 1
            self._mean += (each - self._mean) / min(self._calls, _RECENT)

    def mean(self, request: bytes) -> float:
        """The mean of recent calls; before the first one, what the length of this request suggests.

        Apart from that it does not depend on the request: who decides by it does not prefer the short ones.
        """
        return self._mean if self._calls else self._guess(request)

    def ceiling(self, request: bytes) -> float:
        """What the call can cost at most, if its input is text, and if an answer has at most 16,384 tokens by itself.

        A picture that is given by its address costs more than its bytes say.
        """
        longest = _longest(request)
        usage = Usage(len(request), _MOST if longest is None else longest)
        return max(self._price.cost_usd(usage), self.mean(request))

    def _guess(self, request: bytes) -> float:
        longest = _longest(request)
        answer = _ANSWER if longest is None else min(longest, _ANSWER)
        return self._price.cost_usd(Usage(len(request) // _BYTES_A_TOKEN, answer))


def _longest(request: bytes) -> int | None:
    """The most tokens that the request allows an answer to have; None: it does not say."""
    try:
        limits = _DECODER.decode(request)
    except msgspec.DecodeError:
        return None
    given = (limits.max_completion_tokens, limits.max_tokens, limits.max_output_tokens)
    return next((limit for limit in given if limit is not None and limit >= 0), None)
