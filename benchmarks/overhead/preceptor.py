"""Preceptor under test: one gateway worker with all default features, and one that only passes on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.overhead import bodies
from benchmarks.overhead.contender import Contender, Place, Running
from benchmarks.results import Results

ROOT = Path(__file__).parents[2]
FEATURES, LIVE, BARE = "preceptor features", "preceptor live", "preceptor bare"
OURS = (FEATURES, LIVE, BARE)
_VERDICTS = ["allow", "flag"]  # of the clean text, and of the one with hits
_MANY = 20_000
_NOBODY = "http://127.0.0.1:9/v1"  # the teacher: an answer that came from a fallback is a failure of the run
_FEATURES = {"journal": {"rate": 0.05}, "shadow": {"rate": 0.01, "flagged_rate": 0.05}}
_LIVE = _FEATURES | {"policies": {"input": ["length", "secrets", "pii"], "output": []}}
_BARE = {
    "policies": {"input": [], "output": []},
    "journal": {"rate": 0.0},
    "shadow": {"rate": 0.0, "flagged_rate": 0.0},
}


def features(place: Place) -> Contender:
    """Client keys, default policies on input and output, metrics, sampling, 5 % journalled."""
    config = _write(place, "keys", _FEATURES)
    headers: tuple[str, ...] = ()
    if key := client_key(config):
        headers = (f"authorization: Bearer {key}",)
    else:
        print("preceptor features: no client key could be made, so the key check is not measured")
        config = _write(place, "none", _FEATURES)
    return _contender(FEATURES, place, config, headers)


def live(place: Place) -> Contender:
    """The same without policies on the output, which hold a stream back until it is whole: here it flows."""
    config = _write(place, "keys", _LIVE)
    key = client_key(config)
    return _contender(LIVE, place, config, (f"authorization: Bearer {key}",))


def bare(place: Place) -> Contender:
    """No keys, no policies, nothing journalled: routing, limits and metrics remain."""
    return _contender(BARE, place, _write(place, "none", _BARE), ())


def client_key(config: Path) -> str:
    """A new client key of the store that `config` names; empty when this version has no such command."""
    command = [sys.executable, "-m", "cli", "keys", "create", "bench", "--config", str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    match = re.search(r"pk-[\w-]{43}", done.stdout)
    return match[0] if match and done.returncode == 0 else ""


def verify(results: Results, proxy: Running) -> None:
    """Do the policies look at what is sent?  A gateway that skips its work is fast."""
    if proxy.name != FEATURES:
        return
    found = [proxy.ask(body).getheader("x-preceptor-verdict") for body in ("small", "hits")]
    results.add(proxy.name, "verdicts as they must be", float(found == _VERDICTS), "share", target=">= 1", n=len(found))
    if found != _VERDICTS:
        print(f"{proxy.name}: verdicts of the clean text and of the one with hits: {found}")


def _contender(name: str, place: Place, config: Path, headers: tuple[str, ...]) -> Contender:
    return Contender(
        name=name,
        place=place,
        command=(sys.executable, "-m", "gateway", "--config", str(config)),
        headers=headers,
        env={"PYTHONPATH": str(ROOT)},
    )


def _write(place: Place, auth: str, task: dict[str, Any]) -> Path:
    """A configuration whose limits are far away: what is measured is their cost, not their effect."""
    upstream = {"max_concurrency": _MANY, "max_waiting": _MANY}
    model = {"model": bodies.MODEL}
    settings = {
        "server": {"port": place.port, "auth": auth, "max_concurrency": _MANY},
        "upstreams": {
            "student": {"base_url": f"http://127.0.0.1:{place.upstream}/v1"} | upstream,
            "teacher": {"base_url": _NOBODY} | upstream,
        },
        "embedders": {"minilm": {}},
        "tasks": {
            bodies.MODEL: {
                "student": {"upstream": "student"} | model,
                "teacher": {"upstream": "teacher"} | model,
                "output": {"text": {}},
                **task,
            }
        },
    }
    path = place.folder / "preceptor.yaml"  # JSON is YAML
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    (place.folder / "var").mkdir(exist_ok=True)
    return path


def versions() -> dict[str, str]:
    """What the gateway runs on."""
    return {name: metadata.version(name) for name in ("httptools", "msgspec", "uvicorn", "uvloop")}
