"""What the plug-ins add to the cost of what they call: threads, a moderation service, guardrails-ai and Presidio.

The last two need an environment of their own (`make test-plugins` builds it), and are skipped where they are missing:
`.venv-plugins/bin/python -m benchmarks.policies.plugins [--data DIR] [--quick]` writes `policies-plugins`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from adapters.upstreams.openai_http import OpenAIUpstream
from benchmarks.policies import corpus
from benchmarks.results import Results
from domain.ports import Check, Subject
from domain.records import Stage
from domain.settings import UpstreamSettings
from policies.checks import guardrails, http, presidio
from policies.placement import PROBE
from policies.pool import Pool, Pooled

TEXT = PROBE.texts[0]
_CLEAN = b'{"results": [{"flagged": false, "categories": {"hate": false}, "category_scores": {"hate": 0.01}}]}'
_STRUCTURED = {  # the corpus calls them so, and Presidio so
    "EMAIL_ADDRESS": "email_address",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban_code",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip_address",
}


class Idle:
    """A check that finds nothing in no time."""

    name = "idle"
    triggers: tuple[str, ...] = ()
    window: int | None = None

    def inspect(self, subject: Subject) -> None:
        """See `domain.ports.Check`."""


def p50_us(work: Callable[[], object], repeats: int, *, batch: int = 1) -> float:
    """Microseconds of one call of `work`: the median of `repeats` means over `batch` calls."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(batch):
            work()
        taken.append((time.perf_counter() - began) / batch)
    return statistics.median(taken) * 1e6


async def awaited_us(work: Callable[[], Awaitable[object]], repeats: int) -> float:
    """Microseconds of one `await` of `work`, the median."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e6


async def pool(results: Results, repeats: int) -> None:
    """A call that does nothing, there and back."""
    threads = Pool(workers=2, queue=8)
    pooled = Pooled(Idle, threads, budget_s=1.0)
    await pooled.inspect(PROBE)
    results.add(
        "pool: a call to an idle thread and back",
        "p50",
        await awaited_us(lambda: threads.run(bool), repeats),
        "us",
        n=repeats,
    )
    results.add(
        "pool: a check that does nothing",
        "p50",
        await awaited_us(lambda: pooled.inspect(PROBE), repeats),
        "us",
        n=repeats,
    )
    await threads.aclose()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The head of the next request; nothing when the client has left."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.CancelledError):
        return b""


async def moderation(results: Results, repeats: int) -> None:
    """One text to a service in the same process, whose own work (reading, writing) is in the figure."""
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(_CLEAN), _CLEAN)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(reply)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    upstream = OpenAIUpstream(UpstreamSettings(base_url=url), name="moderation")
    check = http.HttpCheck(http.Options(upstream="moderation"), upstream=upstream, budget_s=5.0)
    await check.inspect(PROBE)
    cost = await awaited_us(lambda: check.inspect(PROBE), repeats)
    results.add(f"http: {len(TEXT)} characters to a local service and back", "p50", cost, "us", n=repeats)
    await upstream.aclose()
    server.close()


def validators(results: Results, repeats: int) -> None:
    """What the adapter adds to a validator that finds nothing, and what a whole Guard costs."""
    check = guardrails.GuardrailsCheck(guardrails.Options(validator="tests.plugins.validators:Nothing"))
    validator: Any = importlib.import_module("tests.plugins.validators").Nothing(on_fail="noop")
    batch = 500
    both = [
        (
            p50_us(lambda: validator.validate(TEXT, {}), 1, batch=batch),
            p50_us(lambda: check.inspect(PROBE), 1, batch=batch),
        )
        for _ in range(repeats)
    ]
    direct = statistics.median(own for own, _ in both)
    added = statistics.median(whole - own for own, whole in both)
    case = f"guardrails: a validator that does nothing, {len(TEXT)} characters"
    results.add(case, "p50, called directly", direct, "us", n=repeats * batch)
    results.add(case, "p50, what the adapter adds", added, "us", target="<= 5", n=repeats * batch)
    for name, validator_name, args in (
        ("valid-choices", "guardrails/valid_choices", {"choices": ["refund", "cancel"]}),
        ("ban-list", "guardrails/ban_list", {"banned_words": ["athena"]}),
    ):
        published: Check = guardrails.GuardrailsCheck(guardrails.Options(validator=validator_name, args=args))
        cost = p50_us(functools.partial(published.inspect, PROBE), repeats)
        results.add(f"guardrails: {name}, {len(TEXT)} characters", "p50", cost, "us", n=repeats)
    guard = guardrails.GuardrailsCheck(guardrails.Options(guard="tests.plugins.validators:noop"))
    cost = p50_us(lambda: guard.inspect(PROBE), repeats)
    results.add("guardrails: a whole Guard with one validator", "p50", cost, "us", n=repeats)


def recognisers(results: Results, data: Path | None, repeats: int) -> None:
    """Presidio with a model that has no statistics: its patterns alone."""
    spacy: Any = importlib.import_module("spacy")
    with tempfile.TemporaryDirectory() as folder:
        spacy.blank("en").to_disk(folder)
        check = presidio.PresidioCheck(presidio.Options(model=folder))
        case = "presidio: patterns with a blank model"
        cost = p50_us(lambda: check.inspect(PROBE), repeats)
        results.add(f"{case}, {len(TEXT)} characters", "p50", cost, "us", n=repeats)
        if data is None:
            print(f"skipped: {case}, what it finds (needs --data)")
            return
        count = 300 if repeats < 100 else 1500
        queries = [text for text, _ in corpus.banking77(data)][:count]
        flagged = sum(check.inspect(Subject(Stage.INPUT, (text,))) is not None for text in queries)
        results.add(
            f"{case}: Banking77 test, first {len(queries)}",
            "over-block",
            flagged / len(queries),
            "share",
            n=len(queries),
        )
        recall(results, data, check, case, count)


def recall(results: Results, data: Path, check: Check, case: str, count: int) -> None:
    """The share of labelled spans of structured kinds that a finding of the same kind overlaps."""
    wanted = dict.fromkeys(_STRUCTURED, 0)
    found = dict.fromkeys(_STRUCTURED, 0)
    rows = json.loads((data / "safety" / "presidio_synth_v2.json").read_text(encoding="utf-8"))
    for row in rows[:count]:
        decision = check.inspect(Subject(Stage.INPUT, (row["full_text"],)))
        spans = decision.spans if decision else ()
        for label in row["spans"]:
            if (kind := _STRUCTURED.get(label["entity_type"])) is not None:
                wanted[label["entity_type"]] += 1
                found[label["entity_type"]] += any(
                    span.kind == kind and span.start < label["end_position"] and label["start_position"] < span.end
                    for span in spans
                )
    for name, total in wanted.items():
        if total:
            results.add(f"{case}: Presidio synthetic v2, {name}", "recall", found[name] / total, "share", n=total)


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Every plug-in that is installed here."""
    repeats = 50 if quick else 500
    asyncio.run(pool(results, repeats * 4))
    asyncio.run(moderation(results, repeats))
    if _installed("guardrails"):
        validators(results, repeats)
    if _installed("presidio_analyzer"):
        recognisers(results, data, repeats)


def _installed(package: str) -> bool:
    found = importlib.util.find_spec(package) is not None
    if not found:
        print(f"skipped: {package} is not installed here; `make test-plugins` builds an environment with it")
    return found


def main() -> int:
    """Measure and write the results of the plug-ins alone."""
    parser = argparse.ArgumentParser(prog="benchmarks.policies.plugins", description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the labelled texts")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    options = parser.parse_args()
    packages = ("guardrails-ai", "presidio-analyzer", "spacy", "msgspec")
    results = Results("policies-plugins", versions={name: metadata.version(name) for name in packages})
    measure(results, options.data, quick=options.quick)
    results.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
