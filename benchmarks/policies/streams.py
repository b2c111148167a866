"""Whether a streamed answer ends as the same answer does when it comes whole, whatever its pieces are."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.policies import corpus
from benchmarks.policies.engine import ANSWER, HIT_ANSWER, settings
from benchmarks.results import Results
from domain.ports import Subject
from domain.records import Stage, Verdict
from policies.app import build
from policies.engine import PolicyEngine
from policies.redaction import cut, marks
from policies.streaming import HoldBack

SEED = 11
STOPPING = {Verdict.BLOCK, Verdict.FALLBACK}
KEY = "gh" + "p_" + "a1B2c3D4e5" * 4


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Answers of one to three texts, each in `cuttings` random chunkings."""
    rng = random.Random(SEED)
    engine = build(settings({"text": {}}), "t")
    texts = [ANSWER, HIT_ANSWER, f"{ANSWER} The key is {KEY}. {ANSWER}"]
    if data is not None:
        texts += [row["full_text"] for row in corpus.personal(data)] + corpus.injections(data)
        texts += [text for text, _ in corpus.banking77(data)[:500]]
    answers = [" ".join(rng.choices(texts, k=rng.randint(1, 3))) for _ in range(200 if quick else 2000)]
    cuttings = 2 if quick else 5
    same = leaked = 0
    for text in answers:
        for _ in range(cuttings):
            equal, safe = _compare(engine, text, _chunks(len(text), rng))
            same += equal
            leaked += not safe
    n = len(answers) * cuttings
    source = "random answers" if data is None else "answers of presidio synth, CyberSecEval and banking77 texts"
    results.add(f"stream and whole: {source}", "equal", 100 * same / n, "%", target="== 100", n=n, seed=SEED)
    results.add(f"stream: {source}", "blocked or redacted in part", leaked, "answers", target="== 0", n=n, seed=SEED)


def _chunks(length: int, rng: random.Random) -> list[int]:
    """Places up to which an answer has come: pieces of 1 to 12 characters, or up to 200."""
    most = rng.choice([3, 12, 200])
    places, place = [], 0
    while place < length:
        place = min(length, place + rng.randint(1, most))
        places.append(place)
    return places


def _compare(engine: PolicyEngine, text: str, places: list[int]) -> tuple[bool, bool]:
    """Whether verdict and text are those of the whole answer, and whether nothing left that must not."""
    hold, whole = HoldBack(engine), engine.judge(_subject(text))
    sent, left, stopped = "", 0, ""
    look = hold.next_look(0)
    for end in places:
        if end < look:
            continue
        look = hold.next_look(end)
        view = hold.look(_subject(text[:end]))
        if view.stopped:
            stopped = engine.judge(_subject(text[:end])).verdict
            break
        if view.free[0] > left:
            sent, left = sent + cut(text, view.marks[0], left, view.free[0]), view.free[0]
    if stopped or whole.verdict in STOPPING:
        spans = [
            span.start for each in engine.findings(_subject(text)) if each.verdict in STOPPING for span in each.spans
        ]
        return (stopped or whole.verdict) == whole.verdict, left <= min(spans, default=len(text))
    redactions = [each for each in whole.decisions if each.verdict is Verdict.REDACT]
    sent += cut(text, marks((text,), redactions)[0], left)
    return sent == whole.texts[0], sent == whole.texts[0]


def _subject(text: str) -> Subject:
    return Subject(Stage.OUTPUT, (text,), (0,), "What is new?")
