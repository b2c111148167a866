"""Composition root of the policies: a task's settings to its engine, and the default chain as a list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domain import config
from domain.clock import SystemClock
from domain.errors import ConfigError, UpstreamError, UpstreamFailure
from domain.records import Stage
from domain.settings import CheckSettings, OutputSettings, PolicySettings, Settings, TaskSettings
from policies.chains import Links
from policies.engine import Chain, PolicyEngine
from policies.kinds import Making
from policies.pool import Pool

if TYPE_CHECKING:
    from domain.clock import Clock
    from domain.ports import Headers, Reply, ReplyStream, Upstream

_FORMAT = b"1"  # of what is hashed: goes up when our checks decide otherwise with the same settings


def default_policies(output: OutputSettings) -> PolicySettings:
    """The chain for a task that names none: structure first, because it is cheapest and fails most often."""
    structure = ["label"] if output.labels else ["json_schema"] if output.json_schema else []
    return PolicySettings(
        input=tuple(CheckSettings(name=name) for name in ("length", "secrets", "pii", "injection")),
        output=tuple(CheckSettings(name=name) for name in (*structure, "length", "secrets", "pii", "markup")),
    )


def chosen(task: TaskSettings) -> PolicySettings:
    """The policy of a task, its own or the default."""
    return default_policies(task.output) if task.policies is None else task.policies


def build(
    settings: Settings,
    name: str,
    *,
    clock: Clock | None = None,
    pool: Pool | None = None,
    upstreams: Mapping[str, Upstream] | None = None,
) -> PolicyEngine:
    """The engine of the task of this name.

    Without `upstreams`, checks that ask one are made, and fail when they run.

    Raises:
        ConfigError: a check is unknown, has bad options, or makes no sense for the stage or the task.
    """
    task = settings.tasks[name]
    policies, path = chosen(task), f"tasks.{name}.policies"
    streams = _streams(policies, task, path)
    find = _finder(settings, upstreams or {})
    making = Making(task=task, root=Path(settings.root), budget_s=0.0, all_spans=False, upstream=find)
    pool = pool or new_pool(settings)
    clock = clock or SystemClock()
    chains = {
        stage: Links(stage, making, pool=pool, clock=clock, streams=streams).chain(listed, f"{path}.{stage}")
        for stage, listed in ((Stage.INPUT, policies.input), (Stage.OUTPUT, policies.output))
    }
    return PolicyEngine(
        on_input=chains[Stage.INPUT],
        on_output=chains[Stage.OUTPUT],
        clock=clock,
        window=_window(chains[Stage.OUTPUT]) if streams else None,
        sha256=_hash(policies, task, Path(settings.root)),
    )


def new_pool(settings: Settings) -> Pool:
    """The threads of one process for the checks that run pooled; none is started before it is needed."""
    return Pool(workers=settings.server.check_threads, queue=settings.server.check_queue)


def load(path: Path) -> Settings:
    """The settings in the file at `path`, once the engines of all their tasks could be built.

    Raises:
        ConfigError: the file or one of its policies cannot be used.
    """
    settings = config.load(path)
    for name in settings.tasks:
        build(settings, name)
    return settings


def _streams(policies: PolicySettings, task: TaskSettings, path: str) -> bool:
    """Whether answers leave in a window: free text does, unless somebody must see it whole."""
    if policies.stream == "window" and task.cascade is not None:
        raise ConfigError(f"{path}.stream", "the cascade judges whole answers: use buffer, or leave the cascade out")
    if policies.stream:
        return policies.stream == "window"
    return task.output.text is not None and task.cascade is None


def _window(chain: Chain) -> int:
    """The widest of the checks that may keep a text back; chains that stream have no enforced check without one."""
    return max((each.check.window or 0 for each in chain.inline if not each.shadow), default=0)


def _hash(policies: PolicySettings, task: TaskSettings, root: Path) -> str:
    """Of everything that the operator decided; of files, of what is in them."""
    digest = hashlib.sha256(_FORMAT)
    digest.update(msgspec.json.encode((policies.input, policies.output, policies.stream, task.output)))
    models = [str(each.options.get("model", "")) for each in (*policies.input, *policies.output)]
    for name in filter(None, [task.output.json_schema, *models]):
        if (root / name).is_file():  # else it is the name of something installed
            digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _finder(settings: Settings, upstreams: Mapping[str, Upstream]) -> Callable[[str], Upstream]:
    def find(name: str) -> Upstream:
        if name not in settings.upstreams:
            raise ConfigError("upstream", f"unknown name {name!r}; known are {', '.join(sorted(settings.upstreams))}")
        return upstreams.get(name) or _Unconnected()

    return find


class _Unconnected:
    """Stands for an upstream where policies are only checked, or judge what is past."""

    async def complete(self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None) -> Reply:
        raise UpstreamError(UpstreamFailure.CONNECT, "nothing is asked from here")

    async def stream(
        self, path: str, body: bytes, *, headers: Headers = (), deadline: float | None = None
    ) -> ReplyStream:
        raise UpstreamError(UpstreamFailure.CONNECT, "nothing is asked from here")

    async def aclose(self) -> None:
        pass


if TYPE_CHECKING:
    _: Upstream = _Unconnected()
