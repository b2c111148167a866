"""What a run of the SDK's tests says: how many pass in each file, why the others do not, which calls were exercised."""

from __future__ import annotations

import re
from collections import Counter

from benchmarks.compat.recorder import SdkCall, SdkTest
from benchmarks.compat.suite import FILES, file_of
from benchmarks.results import Results

_REASON = 100  # characters of it

# What the gateway offers; the SDK's files also test other calls, such as the deletion of a model.
SERVED = frozenset(
    {
        "chat.completions.create",
        "chat.completions.retrieve",
        "chat.completions.update",
        "chat.completions.list",
        "chat.completions.delete",
        "chat.completions.messages.list",
        "completions.create",
        "embeddings.create",
        "models.list",
        "models.retrieve",
        "responses.create",
    }
)
# What it offers and refuses on purpose, with 400, by a part of the message.
DECLINED = {
    "missing required field `model`": "a request must name its task as the model",
    "is none of this list": "a list cannot go on behind an item that it does not have",
    "in the background are not supported": "no background responses: their answer would come past the checks",
}


def report(results: Results, tests: list[SdkTest], *, read: list[SdkTest], control: list[SdkTest]) -> None:
    """Add all lines.

    `read` are the calls that were compared with the upstream, `control` is the run of the same tests against it.
    """
    hopeless = {test.id for test in control if test.outcome == "failed"}
    _totals(results, tests, hopeless)
    results.add("upstream without gateway", "pass (create)", _passed(control), "tests", n=len(control))
    same = _passed(read) / len(read)
    results.add("calls read to their end", "same as without the gateway", same, "share", target=">= 1", n=len(read))
    for test in read:
        if test.outcome != "passed":
            differs = f"{test.id.partition('::')[2]}: {test.reason}"[:_REASON]
            results.add("calls read to their end", differs, 1, "tests")
    for file in FILES:
        _file(results, file, [test for test in tests if file_of(test) == file], hopeless)
    _calls(results, [call for test in (*tests, *read) for call in test.calls])


def _totals(results: Results, tests: list[SdkTest], hopeless: set[str]) -> None:
    results.add("all files", "pass", _passed(tests), "tests", n=len(tests))
    ours = [test for test in tests if _served(test) and not _declined(test) and test.id not in hopeless]
    share = _passed(ours) / len(ours)
    results.add("all files", "pass, of what the gateway offers", share, "share", target=">= 1", n=len(ours))


def _file(results: Results, file: str, tests: list[SdkTest], hopeless: set[str]) -> None:
    results.add(file, "pass", _passed(tests), "tests", n=len(tests))
    reasons = Counter(_why(test, hopeless) for test in tests if test.outcome != "passed")
    for reason, count in reasons.most_common():
        results.add(file, reason, count, "tests", n=len(tests))


def _why(test: SdkTest, hopeless: set[str]) -> str:
    call = test.calls[-1].name if test.calls else "no call"
    if test.id in hopeless:
        reason = "fails without the gateway too"
    elif not _served(test):
        reason = "not offered"
    elif declined := _declined(test):
        reason = f"refused: {declined}"
    else:
        reason = re.sub(r"^openai\.|Error code: ", "", test.reason)
    return f"{call}: {reason}"[:_REASON]


def _calls(results: Results, calls: list[SdkCall]) -> None:
    """Which calls the gateway answered, of how many that the tests sent."""
    sent = Counter((call.name, _manner(call)) for call in calls)
    answered = Counter((call.name, _manner(call)) for call in calls if call.answer == "ok")
    for (name, manner), count in sorted(sent.items()):
        results.add(name, f"answered, {manner}", answered[name, manner], "calls", n=count)


def _manner(call: SdkCall) -> str:
    return f"{'async' if call.asynchronous else 'sync'}{', stream' if call.stream else ''}"


def _passed(tests: list[SdkTest]) -> int:
    return sum(test.outcome == "passed" for test in tests)


def _declined(test: SdkTest) -> str:
    """Why the gateway refuses what the test asks; nothing when it does not refuse on purpose."""
    return next((why for part, why in DECLINED.items() if part in test.reason), "")


def _served(test: SdkTest) -> bool:
    return all(call.name in SERVED for call in test.calls)
