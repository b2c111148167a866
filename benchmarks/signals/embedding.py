"""Embedders side by side, each in a process of its own that imports only what its backend needs.

Texts per CPU second on one thread, seconds to load, memory, cosine with the model an export was made from and, where
there is data, how well the novelty of an input tells out-of-scope queries of CLINC150 from in-scope ones.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import Results
from domain.settings import EmbedderSettings
from embedders import app

BACKENDS = ("sentence-transformers", "onnx-int8", "static", "hashing")
TARGETS = {"onnx-int8": ">= 250", "static": ">= 5000"}
_HEAVY = ("torch", "transformers", "sentence_transformers")
_REFERENCE, _JUDGED = 2000, 1000
_SENTENCES = (
    "Where is order {}?",
    "I was charged {} dollars twice, please give one of them back.",
    "My card ending in {} does not work abroad.",
    "How do I change the address of parcel {}?",
    "Cancel the booking for {} people on Friday and tell me what it costs.",
    "The app shows error {} whenever I open the list of my payments.",
    "What is the weather like in the {} most visited cities?",
    "Remind me in {} minutes to call the dentist.",
)


def measure(results: Results, data: Path | None, *, quick: bool) -> None:
    """Add the figures of every backend; `data` is a folder with clinc150 and banking77."""
    short, scope = _texts(data, 200 if quick else 2000)
    long = [" ".join(short[start:] + short[:start])[:4000] for start in range(10 if quick else 100)]
    judged = [] if quick else scope
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors: dict[str, Any] = {}
        for backend in BACKENDS:
            settings = EmbedderSettings(backend=backend, cache=str(folder / "exports"))
            if backend in app.EXPORTED:
                _export(results, settings)
            work = {"backend": backend, "cache": settings.cache, "short": short, "long": long, "judged": judged}
            found = _in_process(work | {"vectors": str(folder / f"{backend}.npz")})
            with np.load(folder / f"{backend}.npz") as arrays:
                vectors[backend] = dict(arrays)
            _add(results, backend, found, short=len(short), long=len(long))
            if judged:
                area = _novelty_area(vectors[backend]["judged"])
                results.add(f"embedder {backend}", "novelty AUC, CLINC150 oos", area, "area", n=2 * _JUDGED)
    cosines = np.sum(vectors["onnx-int8"]["short"] * vectors["sentence-transformers"]["short"], axis=1)
    case = "embedder onnx-int8"
    results.add(case, "cosine to fp32, mean", float(cosines.mean()), "cosine", target=">= 0.95", n=len(short))
    results.add(case, "cosine to fp32, least", float(cosines.min()), "cosine", n=len(short))


def _export(results: Results, settings: EmbedderSettings) -> None:
    started = time.perf_counter()
    app.export(settings)
    results.add(f"embedder {settings.backend}", "export", time.perf_counter() - started, "s")


def _add(results: Results, backend: str, found: dict[str, Any], *, short: int, long: int) -> None:
    case, target = f"embedder {backend}", TARGETS.get(backend, "")
    results.add(case, "short texts", found["short_per_s"], "1/CPU s", target=target, n=short)
    results.add(case, "long texts", found["long_per_s"], "1/CPU s", n=long)
    results.add(case, "import and load", found["load_s"], "s")
    results.add(case, "RSS after work", found["rss_mib"], "MiB")
    if backend != "sentence-transformers":
        results.add(case, "torch modules imported", len(found["heavy"]), "modules", target="== 0")


def _texts(data: Path | None, count: int) -> tuple[list[str], list[str]]:
    """Different short texts, and inputs for the reference, in-scope and out-of-scope inputs in this order."""
    if data is None:
        return [_SENTENCES[number % len(_SENTENCES)].format(number) for number in range(count)], []
    rng = np.random.default_rng(7)
    clinc = json.loads((data / "clinc150/data_full.json").read_text(encoding="utf-8"))
    inside = list(dict.fromkeys(text for part in ("train", "val", "test") for text, _ in clinc[part]))
    outside = list(dict.fromkeys(text for part in ("oos_train", "oos_val", "oos_test") for text, _ in clinc[part]))
    with (data / "banking77/test.csv").open(encoding="utf-8", newline="") as file:
        banking = [row["text"] for row in csv.DictReader(file)]
    known = [inside[index] for index in rng.permutation(len(inside))]
    strange = [outside[index] for index in rng.permutation(len(outside))]
    half = count // 2
    scope = known[half : half + _REFERENCE + _JUDGED] + strange[:_JUDGED]
    return known[:half] + [banking[index] for index in rng.permutation(len(banking))[: count - half]], scope


def _novelty_area(vectors: Any) -> float:
    """The chance that an out-of-scope input is newer than an in-scope one (area under the ROC curve)."""
    from scipy import stats

    from monitors.reference import Reference

    reference = Reference(vectors[:_REFERENCE], embedder="", sha256="")
    novelty = reference.novelty(vectors[_REFERENCE:])
    usual, strange = novelty[:_JUDGED], novelty[_JUDGED:]
    return float(stats.mannwhitneyu(strange, usual).statistic / (len(strange) * len(usual)))


def _in_process(work: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", __name__], input=json.dumps(work), text=True, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def work_in_this_process() -> None:
    """Embed what standard input asks for; prints the figures as JSON."""
    work = json.load(sys.stdin)
    started = time.perf_counter()
    embedder = app.build(EmbedderSettings(backend=work["backend"], cache=work["cache"]))
    embedder.embed(["the first one pays for what is made once"])
    load_s = time.perf_counter() - started
    short, short_per_s = _rate(embedder, work["short"])
    _, long_per_s = _rate(embedder, work["long"])
    rss_mib = _rss_mib()
    np.savez(work["vectors"], short=short, judged=embedder.embed(work["judged"]))
    heavy = sorted(set(_HEAVY) & sys.modules.keys())
    print(
        json.dumps(
            {
                "load_s": load_s,
                "short_per_s": short_per_s,
                "long_per_s": long_per_s,
                "rss_mib": rss_mib,
                "heavy": heavy,
            }
        )
    )


def _rate(embedder: Any, texts: list[str]) -> tuple[Any, float]:
    started = time.process_time()
    vectors = embedder.embed(texts)
    return vectors, len(texts) / (time.process_time() - started)


def _rss_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    work_in_this_process()
