"""Latency that the gateway adds at half its load, paired with nginx: short open-loop windows of both in turn.

The two run on the same core and are asked in alternating order; the figures are medians over the pairs, so a noisy
moment of the machine spoils one pair and not the result.
"""

from __future__ import annotations

import statistics

from benchmarks.overhead.contender import Running
from benchmarks.overhead.load import Load, Report, Tools
from benchmarks.overhead.plan import Plan
from benchmarks.results import Results


def measure(results: Results, tools: Tools, nginx: Running, ours: Running, *, rate: float, plan: Plan) -> None:
    """`rate` is half of what `ours` answered at saturation, in requests a second."""
    load = Load(body="small", connections=256, seconds=plan.seconds, warm_s=plan.warm_s, rate=rate)
    pairs: list[tuple[Report, Report]] = []
    for number in range(plan.pairs):
        order = (nginx, ours) if number % 2 == 0 else (ours, nginx)
        found = {proxy.name: tools.run(proxy, load).report for proxy in order}
        pairs.append((found[nginx.name], found[ours.name]))
    case, n = f"half load, {rate:.0f}/s", sum(pair[1].finished for pair in pairs)
    for name, column in ((nginx.name, 0), (ours.name, 1)):
        for metric in ("p50_ms", "p99_ms"):
            value = statistics.median(getattr(pair[column], metric) for pair in pairs)
            results.add(f"{case}: {name}", f"latency {metric.removesuffix('_ms')}", value, "ms", n=n)
    added = statistics.median(mine.p50_ms - theirs.p50_ms for theirs, mine in pairs)
    results.add(case, "p50 above nginx", added, "ms", target="<= 0.4", n=n)
    ratio = statistics.median(mine.p99_ms / theirs.p99_ms for theirs, mine in pairs)
    results.add(case, "p99 against nginx", ratio, "x", target="<= 3", n=n)
    held = statistics.median(mine.finished / mine.seconds / rate for _, mine in pairs)
    results.add(case, "share of the rate answered", held, "share", target=">= 0.99", n=n)
