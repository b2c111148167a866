"""CPU microseconds per request and per streamed event at saturation, and requests per core as ratios to the peers."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Sequence

from benchmarks.overhead.contender import Running
from benchmarks.overhead.load import Load, Tools, Window
from benchmarks.overhead.plan import Plan
from benchmarks.overhead.preceptor import BARE, FEATURES, LIVE, OURS
from benchmarks.results import Results

Windows = dict[tuple[str, str], list[Window]]  # by contender and load

_PLAIN, _PACED, _BURST = "1.4 KB", "paced 20 ms", "burst"
_STREAMS = (_PACED, _BURST)
_LEAST_EVENTS = 4000
_TARGETS = {
    (FEATURES, _PLAIN): "<= 150",
    (FEATURES, "20 KB"): "<= 250",
    (BARE, _PLAIN): "<= 70",
    (FEATURES, _PACED): "<= 35",
    (LIVE, _PACED): "<= 35",
}
_RATIOS = {  # requests per core, against the peer
    (FEATURES, "nginx"): ">= 0.18",
    (FEATURES, "portkey"): ">= 30",
    (FEATURES, "litellm"): ">= 100",
    (BARE, "tensorzero"): ">= 2",
}


def loads(plan: Plan) -> dict[str, Load]:
    """What every contender is given, by name."""

    def plain(body: str) -> Load:
        return Load(body=body, connections=64, seconds=plan.seconds, warm_s=plan.warm_s, least=plan.least)

    return {
        _PLAIN: plain("small"),
        "20 KB": plain("large"),
        "1.4 KB with hits": plain("hits"),
        _PACED: Load(body="paced", connections=200, seconds=plan.seconds, warm_s=2.5, ramp_s=2.0, least=_LEAST_EVENTS),
        _BURST: Load(body="burst", connections=16, seconds=plan.seconds, warm_s=2.0, least=_LEAST_EVENTS),
    }


def heat(tools: Tools, proxies: Sequence[Running], plan: Plan) -> None:
    """Let every proxy load, compile and cache what it will; a peer must not be measured cold."""
    for proxy in proxies:
        for body in ("small", "stream"):
            with contextlib.suppress(RuntimeError):
                tools.run(
                    proxy,
                    Load(body=body, connections=64, seconds=plan.heat_s, warm_s=0.0, least=plan.heat_least),
                )


def measure(tools: Tools, proxies: Sequence[Running], plan: Plan) -> Windows:
    """Every load on every proxy, in rounds."""
    found: Windows = {}
    for number in range(plan.rounds):
        for case, load in loads(plan).items():
            for proxy in proxies:
                try:
                    window = tools.run(proxy, load)
                except RuntimeError as error:  # a peer that died must not take the run with it
                    print(f"skipped {proxy.name}, {case}: {error}")
                    continue
                found.setdefault((proxy.name, case), []).append(window)
                _progress(number, proxy.name, case, window)
    return found


def report(results: Results, windows: Windows) -> None:
    """CPU by contender and load, failures of ours, then the ratios."""
    for (name, case), found in windows.items():
        value, answered = _cost(case, found), sum(_count(case, window) for window in found)
        if not answered:
            print(f"skipped {name}, {case}: no good answer; {found[0].problem}")
            continue
        metric = "CPU per event" if case in _STREAMS else "CPU per request"
        results.add(f"{name}: {case}", metric, value, "us", target=_TARGETS.get((name, case), ""), n=answered)
    for name in (FEATURES, BARE):
        every = [window for (proxy, _), found in windows.items() if proxy == name for window in found]
        if every:
            failures, asked = sum(window.failures for window in every), sum(w.report.finished for w in every)
            results.add(name, "failed requests", failures, "requests", target="<= 0", n=asked)
    _ratios(results, windows)


def saturated_rate(windows: Windows, name: str) -> float:
    """Small requests a second that the contender answered by the clock; 0 when it was not measured."""
    return statistics.median([window.rate for window in windows.get((name, _PLAIN), [])] or [0.0])


def _ratios(results: Results, windows: Windows) -> None:
    peers = sorted({name for name, _ in windows} - set(OURS))
    for ours in (FEATURES, BARE):
        for peer in peers:
            for case, metric in ((_PLAIN, "requests per core, ratio"), (_PACED, "events per core, ratio")):
                pair = [_cost(case, windows[name, case]) for name in (peer, ours) if (name, case) in windows]
                if len(pair) == 2 and max(pair) < float("inf"):
                    target = _RATIOS.get((ours, peer), "") if case == _PLAIN else ""
                    results.add(f"{ours} / {peer}", metric, pair[0] / pair[1], "x", target=target)


def _cost(case: str, windows: list[Window]) -> float:
    costs = [window.us_per_event if case in _STREAMS else window.us_per_request for window in windows]
    return statistics.median(costs)


def _count(case: str, window: Window) -> int:
    return window.report.events if case in _STREAMS else window.report.finished


def _progress(number: int, name: str, case: str, window: Window) -> None:
    cost = window.us_per_event if case in _STREAMS else window.us_per_request
    print(
        f"round {number + 1}  {name:<18} {case:<17} {cost:>9.1f} us  {window.rate:>8.0f} requests/s  "
        f"{window.report.events / window.report.seconds:>8.0f} events/s  {window.rss_mib:>6.0f} MiB  "
        f"{window.failures} failed  {window.problem}",
        flush=True,
    )
