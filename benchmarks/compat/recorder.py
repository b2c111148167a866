"""A pytest plugin for the SDK's own tests: which calls each test made, what became of them, and of the test.

Before a test of stored completions it stores those that these tests name.  Load it by
`-p benchmarks.compat.recorder`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pkgutil
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openai
import openai.resources
import pytest
from openai._base_client import AsyncAPIClient, SyncAPIClient
from openai._resource import AsyncAPIResource, SyncAPIResource

# The names of stored completions in the SDK's tests, with the model by which they filter; empty: any.
STORED = {"completion_id": "", "after": "model"}
_PATIENCE_S = 5.0


class SdkCall(msgspec.Struct, frozen=True):
    """A request that the SDK sent: `answer` is "ok", a status, or the name of an exception."""

    name: str
    stream: bool
    asynchronous: bool
    answer: str


class SdkTest(msgspec.Struct, frozen=True):
    """One test; `reason` says why it failed."""

    id: str
    outcome: str
    reason: str
    calls: list[SdkCall]


class Recorder:
    """Notes the calls of the test that runs, and writes a line when it has ended."""

    def __init__(self, path: Path, base_url: str) -> None:
        self._path = path
        self._base_url = base_url
        self._method = ""
        self._calls: list[SdkCall] = []
        self._stores = True

    def patch(self) -> None:
        """Listen to every resource of the SDK and to both of its clients."""
        for module in pkgutil.walk_packages(openai.resources.__path__, "openai.resources."):
            importlib.import_module(module.name)  # the SDK loads each when it is first used
        for base in (SyncAPIResource, AsyncAPIResource):
            for resource in base.__subclasses__():
                for name, function in list(vars(resource).items()):
                    if inspect.isfunction(function) and not name.startswith("_"):
                        setattr(resource, name, self._named(function, f"{_place(resource)}.{name}"))
        setattr(SyncAPIClient, "request", self._sent(SyncAPIClient.request))  # noqa: B010 - mypy knows it as a method
        setattr(AsyncAPIClient, "request", self._sent_async(AsyncAPIClient.request))  # noqa: B010 - the same

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Store the completions that the test will ask for."""
        self._calls = []
        verb = item.name.partition("[")[0]
        stored = "/chat/" in item.nodeid and "create" not in verb and "path_params" not in verb
        if stored and self._stores:
            self._stores = all(self._store(name, model) for name, model in STORED.items())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the line of a test that was called, or that could not be set up."""
        report = yield
        if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
            test = SdkTest(report.nodeid, report.outcome, _reason(report), self._calls)
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(test) + b"\n")
        return report

    def _store(self, name: str, model: str) -> bool:
        """Whether it can be found; a server that stores nothing is not asked again."""
        body = {
            "model": model or os.environ["COMPAT_MODEL"],
            # The SDK's type of a stored message knows no other role, though OpenAI returns the user's.
            "messages": [{"role": "assistant", "content": "Where is my order?"}],
            "store": True,
            "metadata": {"reply_id": name, "foo": "string"},
        }
        url = f"{self._base_url}/chat/completions"
        with httpx2.Client() as client:
            client.post(url, json=body).raise_for_status()
            give_up = time.monotonic() + _PATIENCE_S
            while client.get(f"{url}/{name}").status_code != 200:
                if time.monotonic() > give_up:
                    return False
                time.sleep(0.01)  # it is stored beside the traffic
        return True

    def _note(self, client: SyncAPIClient | AsyncAPIClient, call: SdkCall) -> None:
        if str(client.base_url).rstrip("/") == self._base_url:
            self._calls.append(call)

    def _named(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            self._method = name
            return function(*args, **kwargs)

        return called

    def _sent(self, request: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(request)
        def sent(*args: Any, **kwargs: Any) -> Any:
            answer = "ok"
            try:
                return request(*args, **kwargs)
            except openai.OpenAIError as error:
                answer = _answer(error)
                raise
            finally:
                self._note(args[0], SdkCall(self._method, bool(kwargs.get("stream")), False, answer))

        return sent

    def _sent_async(self, request: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(request)
        async def sent(*args: Any, **kwargs: Any) -> Any:
            answer = "ok"
            try:
                return await request(*args, **kwargs)
            except openai.OpenAIError as error:
                answer = _answer(error)
                raise
            finally:
                self._note(args[0], SdkCall(self._method, bool(kwargs.get("stream")), True, answer))

        return sent


def pytest_configure(config: pytest.Config) -> None:
    """Record to the file and for the server that the environment names."""
    recorder = Recorder(Path(os.environ["COMPAT_RECORD"]), os.environ["TEST_API_BASE_URL"])
    recorder.patch()
    config.pluginmanager.register(recorder)


def _place(resource: type[Any]) -> str:
    """Where a user finds a resource: `chat.completions` for openai.resources.chat.completions.completions."""
    parts = resource.__module__.removeprefix("openai.resources.").split(".")
    return ".".join(part for number, part in enumerate(parts) if number == 0 or part != parts[number - 1])


def _answer(error: openai.OpenAIError) -> str:
    return str(error.status_code) if isinstance(error, openai.APIStatusError) else type(error).__name__


def _reason(report: pytest.TestReport) -> str:
    if report.outcome == "passed":
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).partition("\n")[0][:300]
