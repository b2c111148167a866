"""Leakage: what pii and secrets find and flag wrongly, and what they cost.

`data` has safety/presidio_synth_v2.json, banking77, clinc150 and snips, and for the recall of provider tokens
secrets/gitleaks.toml: the file config/gitleaks.toml of the gitleaks repository.
"""

from __future__ import annotations

import random
import statistics
import string
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.policies import corpus
from benchmarks.policies.tokens import draw, samples
from benchmarks.results import Results
from domain.ports import Check, Subject
from domain.records import Stage
from policies import national_ids
from policies.checks import pii, secrets
from policies.prefilter import Prefilter
from policies.secrets.providers import FORMATS

SEED = 6
SIZE = 32_768
_KINDS = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "IP_ADDRESS": "ip",
    "PHONE_NUMBER": "phone",
}


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add the lines of this part."""
    numbers(results, 1000 if quick else 10_000)
    adversarial(results, rounds=2 if quick else 6)
    if data is None:
        print("leakage: no data, so recall, precision and over-blocking are not measured")
        return
    personal(results, corpus.personal(data), repeats=1 if quick else 3)
    tokens(results, data / "secrets/gitleaks.toml", each=5 if quick else 20)
    overblocking(results, data)
    clean(results, data, repeats=200 if quick else 3000)


def personal(results: Results, rows: Sequence[dict[str, Any]], *, repeats: int) -> None:
    """Recall and precision by kind: a span counts where it overlaps one of its kind."""
    check = pii.PiiCheck(pii.Options())
    right, wrong, missed, times = Counter[str](), Counter[str](), Counter[str](), []
    for row in rows:
        subject = _input(row["full_text"])
        times.append(min(_us(check, subject) for _ in range(repeats)))
        truth, found = _truth(row), _found(check, subject)
        missed.update(kind for kind, *place in truth if not _overlaps(kind, place, found))
        for kind, *place in found:
            (right if _overlaps(kind, place, truth) else wrong)[kind] += 1
    for kind in _KINDS.values():
        bound = kind != "phone"
        n = right[kind] + missed[kind]
        case = f"pii: {kind}, presidio synth v2"
        results.add(case, "recall", right[kind] / n, "share", target=">= 0.93" if bound else "", n=n)
        precision = right[kind] / (right[kind] + wrong[kind])
        results.add(case, "precision", precision, "share", target=">= 0.99" if bound else "", n=n)
    results.add(
        "pii: closer look, presidio synth v2", "p50", statistics.median(times), "us", target="<= 30", n=len(rows)
    )


def numbers(results: Results, n: int) -> None:
    """Order numbers that are taken for something else, and the checks of national ids on random numbers."""
    rng = random.Random(SEED)
    orders = [_input(f"order {rng.randrange(10 ** rng.randint(8, 16)):08} please") for _ in range(n)]
    for name, options in (("default kinds", pii.Options()), ("all countries", pii.Options(kinds=pii.KINDS))):
        check = pii.PiiCheck(options)
        flagged = statistics.mean(check.inspect(order) is not None for order in orders)
        results.add(f"pii: order numbers of 8-16 digits, {name}", "flagged", flagged, "share", n=n, seed=SEED)
    for number in national_ids.NATIONAL_IDS:
        (pattern,) = national_ids.patterns((number.kind,))
        assert pattern.locate is not None
        drawn = [draw(number.regex, rng) for _ in range(n // 5)]
        passed = statistics.mean(pattern.locate(text)[1] > 0 for text in drawn)
        marked = "needs a word" if number.cue else "stands alone"
        results.add(
            f"pii: {number.kind}, random of its shape, {marked}", "pass", passed, "share", n=len(drawn), seed=SEED
        )


def tokens(results: Results, path: Path, *, each: int) -> None:
    """Recall on strings drawn from every rule of a public rule set."""
    if not path.is_file():
        print(f"leakage: no {path}, so the recall of provider tokens is not measured")
        return
    check = secrets.SecretsCheck(secrets.Options(), all_spans=False)
    found: dict[str, list[bool]] = {}
    for _, family, drawn in samples(path, each=each, seed=SEED):
        found.setdefault(family, []).extend(check.inspect(_input(f"it is {text} ok")) is not None for text in drawn)
    found["all rules"] = [hit for hits in found.values() for hit in hits]
    for family, caught in found.items():
        case = f"secrets: {family}, drawn from gitleaks' rules"
        target = "" if family == "named" else ">= 0.95"
        results.add(case, "recall", statistics.mean(caught), "share", target=target, n=len(caught), seed=SEED)


def overblocking(results: Results, data: Path) -> None:
    """What is flagged in questions that hold neither."""
    checks: dict[str, Check] = {
        "secrets": secrets.SecretsCheck(secrets.Options()),
        "pii": pii.PiiCheck(pii.Options()),
        "pii, all countries": pii.PiiCheck(pii.Options(kinds=pii.KINDS)),
    }
    for source, rows in (
        ("banking77 test", corpus.banking77(data)),
        ("clinc150 test", corpus.clinc150(data)),
        ("snips validate", corpus.snips(data)),
    ):
        for name, check in checks.items():
            flagged = sum(check.inspect(_input(text)) is not None for text, *_ in rows)
            results.add(f"{name}: {source}", "flagged", flagged, "texts", target="== 0", n=len(rows))


def clean(results: Results, data: Path, *, repeats: int) -> None:
    """Microseconds of the prefilter for texts that have nothing, and of the closer look."""
    text = " ".join(row for row, _ in corpus.banking77(data))
    subjects = {"1.4 KB": _input(text[:1400]), "350 B": _input(text[3000:3350])}
    checks: list[Check] = [secrets.SecretsCheck(secrets.Options()), pii.PiiCheck(pii.Options())]
    for name, chosen in (("secrets", checks[:1]), ("pii", checks[1:]), ("secrets and pii", checks)):
        prefilter = Prefilter(chosen)
        for size, subject in subjects.items():
            case = f"{name}: clean {size}"
            results.add(case, "p50", _p50_us(lambda: prefilter.triggered(subject), repeats), "us", n=repeats)  # noqa: B023
    for check in checks:
        for size, subject in subjects.items():
            case = f"{check.name}: closer look at {size} without a finding"
            results.add(case, "p50", _p50_us(lambda: check.inspect(subject), repeats), "us", n=repeats)  # noqa: B023


def adversarial(results: Results, *, rounds: int) -> None:
    """32 KB each, never the same text twice: the automata of RE2 are built by the texts that they meet."""
    checks: list[Check] = [secrets.SecretsCheck(secrets.Options()), pii.PiiCheck(pii.Options())]
    prefilter = Prefilter(checks)
    rng = random.Random(SEED)
    for name, write in floods(rng).items():
        times = []
        for _ in range(rounds):
            subject = _input(write()[:SIZE])
            started = time.thread_time()
            for number in prefilter.triggered(subject):
                checks[number].inspect(subject)
            times.append((time.thread_time() - started) * 1e3)
        case = f"32 KB adversarial: {name}"
        results.add(case, "p50", statistics.median(times), "ms", target="<= 10", n=rounds, seed=SEED)


def floods(rng: random.Random) -> dict[str, Callable[[], str]]:
    """What writes texts of 32 KB that are dear to look through, a new one each time."""
    letters = string.ascii_letters + string.digits
    prefixes = [prefix for formats in FORMATS.values() for _, text, _ in formats for prefix in text.split()]
    mixed = [*prefixes, "password=", "1234 ", "@", "a.b", " ", "BE68 5390", "-", "::", ":", "eyJ", '"', "://u:"]

    def of(pieces: Iterable[str]) -> Callable[[], str]:
        choices = tuple(pieces)
        shortest = min(map(len, choices))
        return lambda: "".join(rng.choices(choices, k=SIZE // shortest))

    def repeated(text: str) -> Callable[[], str]:
        return lambda: text * (SIZE // len(text) + 1)

    return {
        "digits": of(string.digits),
        "digits and separators": of("0123456789 -."),
        "hexadecimal and colons": of("0123456789abcdef:"),
        "base64": of(letters + "+/"),
        "printable": of(string.printable[:95]),
        "at signs": of("a.@"),
        "cards": repeated("4111 1111 1111 1111 "),
        "IBANs": repeated("DE89 3704 0044 0532 0130 00 "),
        "phones": repeated("650-253-0000 "),
        "addresses": repeated("8.8.8.8 "),
        "e-mail": repeated("a@b.co "),
        "prefixes": of(prefixes),
        "tokens": of([prefix + "".join(rng.choices(letters, k=60)) + " " for prefix in prefixes]),
        "assignments": of(["password", '="', "='", "secret", "token", " ", "api_key: ", "x1Y2z3w4"]),
        "everything": of(mixed),
    }


def _truth(row: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [
        (_KINDS[span["entity_type"]], span["start_position"], span["end_position"])
        for span in row["spans"]
        if span["entity_type"] in _KINDS
    ]


def _found(check: Check, subject: Subject) -> list[tuple[str, int, int]]:
    decision = check.inspect(subject)
    return [(span.kind, span.start, span.end) for span in decision.spans] if decision else []


def _overlaps(kind: str, place: list[int], spans: Iterable[tuple[str, int, int]]) -> bool:
    return any(kind == other and place[0] < end and start < place[1] for other, start, end in spans)


def _input(text: str) -> Subject:
    return Subject(Stage.INPUT, (text,), (), text)


def _us(check: Check, subject: Subject) -> float:
    started = time.perf_counter()
    check.inspect(subject)
    return (time.perf_counter() - started) * 1e6


def _p50_us(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6
