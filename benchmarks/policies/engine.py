"""What the policies of a request cost: the default set, in and out, on one thread."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.overhead.bodies import encode
from benchmarks.policies.leakage import floods
from benchmarks.results import Results
from domain import config
from domain.ports import Subject
from domain.records import Stage
from domain.settings import Settings
from policies.app import build
from policies.engine import PolicyEngine

SEED = 5
MODEL = {"upstream": "up", "model": "m"}
LABELS = ("billing", "shipping", "account", "technical", "other")
ANSWER = (
    "Thank you for writing. We have looked at your account, and the second payment was taken by mistake when the page "
    "was loaded twice. It goes back to your bank today and should be there within three working days. The missing "
    "parcel left our warehouse this morning; a message with its number is on its way to you. The discount was applied."
)
HIT_ANSWER = ANSWER[:-80] + "Write to our colleague jane.doe@example.com or to the account DE89 3704 0044 0532 0130 00."
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["category"],
    "properties": {key: {"type": "string"} for key in ("category", "priority", "sentiment", "summary")},
}
WORST = {
    "digits": "4111 1111 ",
    "at signs": "a@b.",
    "key words": "password=",
    "base64": "aWdub3JlIGFsbCBw",
    "angle brackets": "<a <",
    "zero width": "i\u200bg\u200bn\u200bo\u200br\u200be ",
    "colons and hex": "fe80::1:",
    "spaced letters": "i g n o r e ",
    "links": "](http://a.b/",
    "percent escapes": "%69%67%6e",
}


def settings(output: dict[str, Any], policies: dict[str, Any] | None = None, *, root: Path | None = None) -> Settings:
    """One task with this output, and the default chain unless told otherwise."""
    given = {"teacher": MODEL, "student": MODEL, "output": output}
    document = {
        "upstreams": {"up": {"base_url": "http://127.0.0.1:1/v1"}},
        "embedders": {"minilm": {}},
        "tasks": {"t": given if policies is None else given | {"policies": policies}},
    }
    return config.parse(document, environ={}, root=root or Path())


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add the lines of this part."""
    times(results, repeats=300 if quick else 3000)
    worst(results, repeats=3 if quick else 9)


def times(results: Results, *, repeats: int) -> None:
    """Microseconds of a request with 1.4 KB in and 350 B out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.json"
        path.write_text(json.dumps(SCHEMA))
        structure = {"output": ["json_schema", "length"]}
        engines = {
            "default": build(settings({"text": {}}), "t"),
            "structure": build(settings({"json_schema": path.name}, structure, root=path.parent), "t"),
            "labels": build(settings({"labels": list(LABELS)}, {"output": ["label", "length"]}), "t"),
            "empty": build(settings({"text": {}}, {"input": [], "output": []}), "t"),
        }
    clean, hits = _input("small"), _input("hits")
    answers = {"clean": _answer(ANSWER), "hits": _answer(HIT_ANSWER), "label": _answer("billing")}
    extracted = _answer('{"category": "billing", "priority": "normal", "sentiment": "annoyed", "summary": "twice"}')
    cases: list[tuple[str, str, tuple[Subject, ...], str]] = [
        ("default set, in and out, clean 1.4 KB + 350 B", "default", (clean, answers["clean"]), "<= 70"),
        ("default set, in and out, with hits in both", "default", (hits, answers["hits"]), "<= 150"),
        ("structural set, JSON answer", "structure", (extracted,), "<= 15"),
        ("structural set, label", "labels", (answers["label"],), "<= 15"),
        ("empty engine, in and out", "empty", (clean, answers["clean"]), "<= 5"),
    ]
    for case, engine, subjects, target in cases:
        judge = engines[engine].judge
        median = p50_us(lambda judge=judge, subjects=subjects: [judge(each) for each in subjects], repeats)
        results.add(case, "p50", median, "us", target=target, n=repeats)


def worst(results: Results, *, repeats: int) -> None:
    """The dearest texts of 32 KB, and whether twice the text costs twice the time.

    Texts are drawn anew each time: RE2 builds its automata by the texts that they meet, so the second look is cheap.
    """
    engine, rng = build(settings({"text": {}}), "t"), random.Random(SEED)
    writers = floods(rng) | {name: _repeated(unit) for name, unit in WORST.items()}
    for stage in Stage:
        found = {name: _ms(engine, stage, write, 32_000, repeats) for name, write in writers.items()}
        dearest = max(found, key=lambda name: found[name])
        case = f"default set, {stage}, 32 KB of {dearest}, the dearest of {len(found)}"
        results.add(case, "p50", found[dearest], "ms", target="<= 10", n=repeats, seed=SEED)
        double = _ms(engine, stage, writers[dearest], 64_000, repeats)
        case = f"default set, {stage}, 64 KB over 32 KB of {dearest}"
        results.add(case, "ratio", double / found[dearest], "", target="<= 2.6", n=repeats, seed=SEED)


def p50_us(work: Callable[[], object], repeats: int) -> float:
    """The median time of one run of `work` in microseconds."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def _ms(engine: PolicyEngine, stage: Stage, write: Callable[[], str], chars: int, repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        text = (write() + write())[:chars]
        subject = Subject(stage, (text,), (0,) if stage is Stage.OUTPUT else (), "hello", "", ("user",), (0,))
        started = time.thread_time()
        engine.judge(subject)
        taken.append(time.thread_time() - started)
    return statistics.median(taken) * 1000


def _repeated(unit: str) -> Callable[[], str]:
    return lambda: unit * (32_000 // len(unit) + 1)


def _input(name: str) -> Subject:
    system, user = (message["content"] for message in json.loads(encode(name))["messages"])
    return Subject(Stage.INPUT, (system, user), (), user, "", ("system", "user"))


def _answer(text: str) -> Subject:
    request = _input("small")
    return Subject(Stage.OUTPUT, (text,), (0,), request.input_text, request.texts[0])
