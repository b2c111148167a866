"""The SDK's own tests: where they come from, which models they name, and one run of them against a server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata, util
from pathlib import Path

import msgspec
import openai

from benchmarks.compat.recorder import SdkTest

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "chat/test_completions.py",
    "chat/completions/test_messages.py",
    "test_completions.py",
    "test_embeddings.py",
    "test_models.py",
    "test_responses.py",
    "responses/test_input_items.py",
    "responses/test_input_tokens.py",
)
_READING = Path(__file__).with_name("reading.py")
_FOLDER = "tests/api_resources"
_MODEL = re.compile(r"""model="([^"]+)"|models(?:\.with_\w+)?\.retrieve\(\s*"([^"]+)\"""")
_CHAT_MODEL = re.compile(r"""model="(gpt[^"]+)\"""")
_TEST = msgspec.json.Decoder(SdkTest)


class Suite:
    """A folder with the tests of one version of the SDK."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        texts = [path.read_text(encoding="utf-8") for path in self._paths()]
        self.models = sorted({first or second for text in texts for first, second in _MODEL.findall(text)})
        self._chat_model = _CHAT_MODEL.findall(texts[0])[0]

    def run(self, base_url: str, *, only: str = "") -> list[SdkTest]:
        """What became of each of the SDK's tests against the server at `base_url`; `only` is as in pytest -k.

        Raises:
            RuntimeError: the tests could not be collected or run.
        """
        wanted = [f"({only})"] if only else []
        if util.find_spec("aiohttp") is None:
            wanted.append("not aiohttp")  # the SDK's other transport, an extra of its own
        arguments = ["-k", " and ".join(wanted), *(f"{_FOLDER}/{file}" for file in FILES)]
        return self._pytest(arguments, self._folder, {"TEST_API_BASE_URL": base_url})

    def read(self, base_url: str, *, upstream: str) -> list[SdkTest]:
        """What became of the calls of `benchmarks.compat.reading`, which compare two servers.

        Raises:
            RuntimeError: they could not be run.
        """
        servers = {"TEST_API_BASE_URL": base_url, "COMPAT_UPSTREAM_URL": upstream}
        return self._pytest([str(_READING)], ROOT, servers)

    def _pytest(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> list[SdkTest]:
        with tempfile.TemporaryDirectory() as name:
            record = Path(name) / "record.jsonl"
            record.touch()
            environment = environment | {
                "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
                "COMPAT_RECORD": str(record),
                "COMPAT_MODEL": self._chat_model,
            }
            command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "benchmarks.compat.recorder"]
            command += [part for plugin in ("randomly", "xdist", "cacheprovider") for part in ("-p", f"no:{plugin}")]
            done = subprocess.run(
                [*command, *arguments],
                cwd=folder,
                env=dict(os.environ) | environment,
                capture_output=True,
                text=True,
                check=False,
            )
            tests = [_TEST.decode(line) for line in record.read_bytes().splitlines()]
        if done.returncode not in {0, 1} or not tests:
            raise RuntimeError(f"the tests in {folder} did not run: {(done.stdout + done.stderr)[-2000:]}")
        return tests

    def _paths(self) -> list[Path]:
        return [self._folder / _FOLDER / file for file in FILES]


def download(folder: Path) -> Path:
    """The tests of the SDK that is installed, from its source distribution.

    Raises:
        RuntimeError: the package index has none, or cannot be reached.
    """
    version = metadata.version("openai")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    command += ["--dest", str(folder), f"openai=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"no source distribution of openai {version}: {done.stderr[-500:]}; give --sdk DIR")
    (archive,) = folder.glob("openai-*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / f"openai-{openai.__version__}"


def file_of(test: SdkTest) -> str:
    """The file of one of the SDK's tests, as in FILES."""
    return test.id.partition("::")[0].removeprefix(f"{_FOLDER}/")
