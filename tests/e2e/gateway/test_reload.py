"""A new configuration under load: a gateway process is told by signal and by the console, and nobody notices."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import time

import httpx
import openai
import pytest

from tests.e2e.gateway.site import POLICIES, Running, Site

RELOADS = 20
LETTERS = "abcdefghijklmnopqrst"  # one for each reload
LETTER = re.compile(r'"content": "\w"')

pytestmark = pytest.mark.slow


class Paced:
    """A model server whose answer to `paced` comes letter by letter, as fast as the test lets it."""

    def __init__(self, kit):
        self._letters = asyncio.Semaphore(0)
        self.streams = 0
        self.model = kit.ModelServer()
        self._plain, self.model._events = self.model._events, self._events

    def next_letter(self):
        """Every paced stream says one letter more."""
        for _ in range(self.streams):
            self._letters.release()

    async def _events(self, word, body):
        if word != "paced":
            async for event in self._plain(word, body):
                yield event
            return
        self.streams += 1
        async for event in self._plain(LETTERS, body):
            if LETTER.search(event):
                await self._letters.acquire()
            yield event


class Traffic:
    """Clients that ask all the time, streamed and not; `failures` must stay empty."""

    def __init__(self, sdk):
        self._sdk = sdk
        self.answered = 0
        self.failures = []

    async def ask(self, number):
        """Calls until cancelled."""
        while True:
            try:
                text = await said(self._sdk, "refund", task=("intent", "open")[number % 2], stream=number % 4 > 1)
                assert text == "refund"
                self.answered += 1
            except (openai.OpenAIError, AssertionError) as error:
                self.failures.append(error)


async def said(sdk, word, *, task, stream=True):
    """The text of an answer."""
    messages = [{"role": "user", "content": f"say {word}"}]
    answer = await sdk.chat.completions.create(model=task, messages=messages, stream=stream)
    if not stream:
        return answer.choices[0].message.content
    return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])


@contextlib.asynccontextmanager
async def in_background(*coroutines):
    """Run these while inside; cancel what has not ended."""
    running = [asyncio.get_running_loop().create_task(coroutine) for coroutine in coroutines]
    try:
        yield running
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


@pytest.fixture
async def site(kit, tmp_path):
    """A running gateway process with its model server, and the SDK."""
    paced = Paced(kit)
    async with kit.serving(paced.model.app) as url:
        front, admin = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        made = Site(tmp_path, url, [listener.getsockname()[1] for listener in (front, admin)])
        admin.close()
        made.paced = paced
        with (
            front,
            Running(tmp_path, "gateway", "--fd", str(front.fileno()), pass_fds=[front.fileno()]) as made.gateway,
        ):
            base = f"http://127.0.0.1:{made.ports[0]}"
            async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="x", max_retries=0, timeout=30) as made.sdk:
                assert await said(made.sdk, "refund", task="intent") == "refund"
                yield made


async def test_twenty_reloads_under_load_lose_nothing(site):
    """Every request is answered, running streams end whole, new tasks are served and removed ones are not."""
    traffic = Traffic(site.sdk)
    paced = [said(site.sdk, "paced", task="open") for _ in range(5)]
    async with in_background(*map(traffic.ask, range(8))), in_background(*paced) as streams:
        async with asyncio.timeout(20):
            while site.paced.streams < len(streams):
                await asyncio.sleep(0.005)
        for number in range(1, RELOADS + 1):
            answered = traffic.answered
            site.write(f"extra-{number}", policies=POLICIES[number % 2])
            site.gateway.process.send_signal(signal.SIGHUP)
            await site.gateway.logged("config_reloaded", number)
            assert await said(site.sdk, "refund", task=f"extra-{number}") == "refund"
            with pytest.raises(openai.NotFoundError) as caught:
                await said(site.sdk, "refund", task=f"extra-{number - 1}")
            assert caught.value.code == "model_not_found"
            site.paced.next_letter()
            async with asyncio.timeout(20):
                while traffic.answered < answered + 8:
                    await asyncio.sleep(0.005)
        assert await asyncio.wait_for(asyncio.gather(*streams), 20) == [LETTERS] * len(streams)
    assert traffic.failures == []
    assert traffic.answered >= RELOADS * 8
    assert "extra-20" in [model.id async for model in site.sdk.models.list()]
    assert site.metric("preceptor_config_reloads_total") == RELOADS
    assert site.metric("preceptor_config_reload_failures_total") == 0
    site.gateway.stop()
    assert "Traceback" not in site.gateway.log()
    assert "generation_not_" not in site.gateway.log()


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"nonsense": 1}, "nonsense: unknown key"),
        ({"store": {"url": "sqlite:///other.db"}}, "store.url: this change needs a restart"),
        ({"tasks": {}}, "tasks: at least one task is needed"),
    ],
)
async def test_a_bad_file_changes_nothing(site, sections, reason):
    """The old configuration serves on; the reason is logged in one line and counted; a repaired file is taken over."""
    traffic = Traffic(site.sdk)
    async with in_background(*map(traffic.ask, range(4))):
        site.write("extra", **sections)
        site.gateway.process.send_signal(signal.SIGHUP)
        await site.gateway.logged(f"config_reload_failed error={reason}")
        assert site.metric("preceptor_config_reload_failures_total") == 1
        with pytest.raises(openai.NotFoundError):
            await said(site.sdk, "refund", task="extra")
        site.write("extra")
        site.gateway.process.send_signal(signal.SIGHUP)
        await site.gateway.logged("config_reloaded")
        assert await said(site.sdk, "refund", task="extra") == "refund"
    assert traffic.failures == []
    assert "Traceback" not in site.gateway.log()


async def test_many_signals_at_once_are_few_reloads(site):
    """A hundred SIGHUPs neither queue up nor get lost: the last state of the file is in force."""
    for number in range(100):
        site.write(f"extra-{number}")
        site.gateway.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(20):
        while "extra-99" not in site.gateway.log():
            await asyncio.sleep(0.01)
    assert await said(site.sdk, "refund", task="extra-99") == "refund"
    assert site.gateway.log().count("config_reloaded") < 100


async def test_a_reload_through_the_console_reaches_the_gateway(site):
    """`POST /api/reload` is heard within two seconds by a process that only shares the store."""
    headers = {"authorization": "Bearer token"}
    with Running(site.root, "console") as console:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.ports[1]}", headers=headers) as client:
            await up(client)
            site.write("extra", nonsense=1)
            refused = await client.post("/api/reload")
            assert (refused.status_code, refused.json()["detail"]["path"]) == (400, "nonsense")
            site.write("extra")
            asked = time.monotonic()
            assert (await client.post("/api/reload")).status_code == 202
            await site.gateway.logged("config_reloaded tasks=extra,intent,open")
            assert time.monotonic() - asked < 2.0
            assert await said(site.sdk, "refund", task="extra") == "refund"
            assert "extra" in (await client.get("/api/tasks")).json()
        console.stop()


async def up(client):
    """Wait until a server answers."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(httpx.ConnectError):
                await client.get("/healthz")
                return
            await asyncio.sleep(0.05)
