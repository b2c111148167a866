"""Structural checks: what they cost; what grounding, charset and echo catch and flag wrongly.

`data` has snips, banking77 and clinc150; without it only times and the echo of prompts of a grammar are measured.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.policies import corpus
from benchmarks.policies.corpus import Utterance
from benchmarks.policies.prompts import ECHOES, MISSED, prompt
from benchmarks.results import Results
from domain.ports import Check, Subject
from domain.records import Stage
from policies.checks import charset, echo, grounding, json_schema, label, length
from policies.prefilter import Prefilter

SEED = 5
ENTITIES = {"city": "Porto", "date": "next friday", "hotel": "Casa do Rio", "guests": "two", "budget": "300 euros"}
INPUT = (
    "Hello, we would like to spend a long weekend in Porto and arrive next friday in the evening. Is there a room left "
    "at Casa do Rio for two, with breakfast if that is possible? We could pay up to 300 euros for all nights. If there "
    "is nothing free please look for something near the river, and let me know what it costs. Many thanks and best "
    "wishes from Ann, who stayed with you last year."
)
ANSWER = (
    "Thank you for your message. A room is free from Friday on, with breakfast and a view of the river, and it fits "
    "what you want to spend. I have put it on hold until tomorrow evening; please write back if I should book it for "
    "you. Should you come by train, the station is ten minutes away on foot, and we can keep your luggage."
)


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add the lines of this part."""
    times(results, repeats=200 if quick else 2000)
    adversarial(results)
    echoes(results, prompts=50 if quick else 200)
    if data is None:
        print("structure: no data, so grounding, charset and over-blocking are not measured")
        return
    grounded(results, corpus.snips(data, "*.json", most=300))
    written(results, dict(_traffic(data)))


def times(results: Results, *, repeats: int) -> None:
    """Microseconds of each check on a typical answer, and of the structural set."""
    labelled, extracted, said = _output("refund"), _output(_slots()), _output(ANSWER)
    answers = length.LengthCheck(length.Options())
    labels = label.LabelCheck(label.Options(), labels=("refund", *(f"label_{n}" for n in range(76))))
    with tempfile.TemporaryDirectory() as folder:
        valid = json_schema.JsonSchemaCheck(json_schema.Options(), path=_schema(Path(folder)))
    values = grounding.GroundingCheck(grounding.Options(except_paths=("intent",)))
    latin = charset.CharsetCheck(charset.Options(scripts=("latin",)))
    repeated = echo.EchoCheck(echo.Options())
    filtered = Prefilter([latin])
    new = iter([_output(ANSWER, f"{prompt(random.Random(n))} {n}") for n in range(repeats + 1)])
    cases: list[tuple[str, Callable[[], object], str]] = [
        ("label, 77 labels", lambda: labels.inspect(labelled), ""),
        ("label, other case", lambda: labels.inspect(_REFUND), ""),
        ("json_schema, 5 values in 220 B", lambda: valid.inspect(extracted), ""),
        ("length", lambda: answers.inspect(labelled), ""),
        ("structural set: label, length", lambda: (labels.inspect(labelled), answers.inspect(labelled)), "<= 15"),
        (
            "structural set: json_schema, length",
            lambda: (valid.inspect(extracted), answers.inspect(extracted)),
            "<= 15",
        ),
        ("grounding, 5 values in 400 B", lambda: values.inspect(extracted), ""),
        ("grounding, 5 values in another case", lambda: values.inspect(_output(_slots().swapcase())), ""),
        ("charset alone in the RE2 set, clean 1.4 KB", lambda: filtered.triggered(_CLEAN), ""),
        ("charset, closer look at 0.4 KB", lambda: latin.inspect(_HIDDEN), ""),
        ("echo, 350 B, 0.6 KB instructions", lambda: repeated.inspect(said), "<= 10"),
        ("echo, a label", lambda: repeated.inspect(labelled), ""),
        ("echo, 350 B, instructions not seen before", lambda: repeated.inspect(next(new)), ""),
    ]
    for case, run, target in cases:
        results.add(case, "p50", _p50_us(run, repeats), "us", target=target, n=repeats)


def adversarial(results: Results) -> None:
    """32 KB of what is dearest for each check, everything located."""
    system = " ".join(f"w{n}" for n in range(6000))
    many = json.dumps([f"{'a' * (n % 90)}{n}" for n in range(100)])
    haystack = ("a" * 89 + " ") * 200 + " ".join(f"{'a' * (n % 90)}{n}" for n in range(100))
    repeated, values = echo.EchoCheck(echo.Options()), grounding.GroundingCheck(grounding.Options())
    letters = charset.CharsetCheck(charset.Options(scripts=("latin",)))
    once = echo.EchoCheck(echo.Options(), all_spans=False)
    first = charset.CharsetCheck(charset.Options(scripts=("latin",)), all_spans=False)
    labels = label.LabelCheck(label.Options(), labels=("refund", "cancel"))
    cases: list[tuple[str, Check, Subject]] = [
        ("label", labels, _output("\ufdfa" * 32_768)),
        ("grounding, 100 values", values, Subject(Stage.OUTPUT, (many,), (0,), haystack)),
        ("grounding, input of dear forms", values, Subject(Stage.OUTPUT, ('["x"]',), (0,), "\ufdfa" * 32_768)),
        ("charset, 16,384 spans", letters, _output("a\u0431" * 16_384)),
        ("charset, one span", first, _output("a\u0431" * 16_384)),
        ("echo, 700 spans", repeated, _output(system[:32_768], system)),
        ("echo, one span", once, _output(system[:32_768], system)),
    ]
    for case, check, subject in cases:
        value = _p50_us(lambda check=check, subject=subject: check.inspect(subject), 15) / 1000  # type: ignore[misc]
        results.add(f"32 KB adversarial: {case}", "p50", value, "ms", target="<= 10", n=15)


def echoes(results: Results, *, prompts: int) -> None:
    """How many echoes of system prompts are found, by what was done to them."""
    rng = random.Random(SEED)
    check = echo.EchoCheck(echo.Options(), all_spans=False)
    systems = [prompt(rng) for _ in range(prompts)]
    for kind, repeat in ECHOES.items():
        found = [check.inspect(_output(repeat(rng, system), system)) is not None for system in systems]
        target = "" if kind in MISSED else ">= 0.99"
        case = f"echo: {kind}, grammar prompts"
        results.add(case, "caught", statistics.mean(found), "share", target=target, n=prompts, seed=SEED)


def grounded(results: Results, rows: Sequence[Utterance]) -> None:
    """Slots of SNIPS: those of the utterance must not be flagged, those of another one must be."""
    check = grounding.GroundingCheck(grounding.Options())
    rng = random.Random(SEED)
    flagged, caught = [], []
    for text, intent, values in rows:
        others = [value for _, name, more in rng.sample(rows, 40) if name == intent for value in more]
        strange = [value for value in others if value not in values]
        flagged.append(_flags(check, values, text))
        if values and strange:
            caught.append(_flags(check, [*values[:-1], rng.choice(strange)], text))
    results.add("grounding: true slots, SNIPS", "flagged", statistics.mean(flagged), "share", target="<= 0.005",
                n=len(flagged), seed=SEED)  # fmt: skip
    results.add("grounding: one slot of another utterance, SNIPS", "caught", statistics.mean(caught), "share",
                target=">= 0.95", n=len(caught), seed=SEED)  # fmt: skip


def written(results: Results, traffic: dict[str, Sequence[str]]) -> None:
    """Charset and echo on ordinary traffic, and charset on the same with something hidden in it."""
    latin = charset.CharsetCheck(charset.Options(scripts=("latin",)), all_spans=False)
    repeated = echo.EchoCheck(echo.Options(), all_spans=False)
    rng = random.Random(SEED)
    systems = [prompt(rng) for _ in range(20)]
    for name, texts in traffic.items():
        flags = [latin.inspect(_output(text)) is not None for text in texts]
        results.add(
            f"charset latin: {name}", "flagged", statistics.mean(flags), "share", target="<= 0.005", n=len(texts)
        )
        flags = [repeated.inspect(_output(text, rng.choice(systems))) is not None for text in texts]
        results.add(f"echo: {name} as answers", "flagged", statistics.mean(flags), "share", target="<= 0.005",
                    n=len(texts), seed=SEED)  # fmt: skip
    texts = traffic["Banking77 test"]
    for kind, letter in (("one Cyrillic look-alike", "\u0430"), ("zero-width space", "a\u200b"), ("joiner", "a\u200d")):
        hidden = [text.replace("a", letter, 1) for text in texts if "a" in text[:-1]]
        flags = [latin.inspect(_output(text)) is not None for text in hidden]
        results.add(f"charset latin: {kind} in Banking77", "caught", statistics.mean(flags), "share", n=len(hidden))


def _traffic(data: Path) -> Iterator[tuple[str, Sequence[str]]]:
    yield "Banking77 test", [text for text, _ in corpus.banking77(data)]
    yield "CLINC150 test", [text for text, _ in corpus.clinc150(data)]
    yield "SNIPS", [each.text for each in corpus.snips(data, "*.json", most=300)]


def _flags(check: Check, values: Sequence[str], text: str) -> bool:
    answer = json.dumps({"slots": list(values)}, ensure_ascii=False)
    return check.inspect(Subject(Stage.OUTPUT, (answer,), (0,), text)) is not None


def _slots() -> str:
    return json.dumps({"intent": "BookHotel", "slots": [{"name": key, "value": ENTITIES[key]} for key in ENTITIES]})


def _schema(folder: Path) -> Path:
    slot = {"type": "object", "properties": {"name": {"enum": list(ENTITIES)}, "value": {"type": "string"}}}
    schema = {"type": "object", "properties": {"intent": {"type": "string"}, "slots": {"type": "array", "items": slot}}}
    path = folder / "answer.json"
    path.write_text(json.dumps(schema | {"required": ["intent", "slots"]}), encoding="utf-8")
    return path


def _output(text: str, instructions: str = prompt(random.Random(SEED))) -> Subject:
    return Subject(Stage.OUTPUT, (text,), (0,), INPUT, instructions)


def _p50_us(run: Callable[[], object], repeats: int) -> float:
    run()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter_ns()
        run()
        taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken) / 1000


_REFUND = _output(" Refund. ")
_CLEAN = Subject(Stage.INPUT, ((INPUT * 4)[:1400],), (), "")
_HIDDEN = _output(INPUT.replace("river", "ri\u200bver").replace("Ann", "\u0410nn"))
