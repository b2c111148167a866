"""What processes tell each other: exchanges, pairs, readings, signals, deployments.  Values only, no behaviour.

One file, though longer than others: it is the vocabulary, to be read in one place.

All times are seconds since the epoch (UTC), all money is US dollars, all texts are what the user or a model wrote.
"""

from __future__ import annotations

import enum

import msgspec


class Arm(enum.StrEnum):
    """Which model answered."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    TEACHER = "teacher"
    NONE = "none"  # nobody answered: the input was blocked, or the client left


class Stage(enum.StrEnum):
    """Where a check looks: at what the client sent, or at what a model answered."""

    INPUT = "input"
    OUTPUT = "output"


class Verdict(enum.StrEnum):
    """What a check wants done, from harmless to final."""

    ALLOW = "allow"
    FLAG = "flag"
    REDACT = "redact"
    FALLBACK = "fallback"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        """Rank for "the strongest verdict wins": allow 0 ... block 4."""
        return _SEVERITY[self]


_SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Span(msgspec.Struct, frozen=True):
    """Characters `start` to `end` (exclusive) of text number `text` of a `Subject`, and what they are.

    `kind` comes from a bounded set, like a reason; a redaction is named by it, unless `instead` says what shall stand
    there.
    """

    text: int
    start: int
    end: int
    kind: str = ""
    instead: str | None = None  # for the client, never for a record


class Decision(msgspec.Struct, frozen=True):
    """One check's word.  `reason` is a code from a bounded set (a metric label), never user text.

    A check fills the first four; the engine the rest.
    """

    check: str
    verdict: Verdict
    reason: str
    spans: tuple[Span, ...] = ()
    stage: Stage = Stage.INPUT
    shadow: bool = False  # said, and nothing done
    failed: bool = False  # the check could not run; the verdict is its `on_error`
    arm: Arm | None = None  # whose answer it is about; None: the input


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one model call, as the model's server counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer, as the gateway journals it.

    `draw` is the uniform number of the request id in [0, 1): an exchange is journalled when `draw < journal_rate` and
    asked of the teacher when `draw < shadow probability`, so the samples nest.
    """

    id: str
    task: str
    at: float
    arm: Arm
    model: str
    draw: float
    journal_rate: float
    request: bytes  # the JSON body as the client sent it
    input_text: str  # the last user message: what is embedded
    output_text: str  # the first choice as the client received it
    status: int
    usable: bool  # False: never a pair (failed, cut, blocked, or not answered by the student)
    endpoint: str = "/chat/completions"  # relative to the upstream's base URL
    policy: str = ""  # the hash of the policy that judged it
    tenant: str = ""  # the value of the task's tenant header
    user: str = ""  # a hash of who asked, of this task only; empty: nobody says
    confidence: float | None = None  # the probability of the student's answer, where its tokens tell
    stream: bool = False
    finish_reason: str = ""
    decisions: tuple[Decision, ...] = ()
    usage: Usage = Usage()
    latency_s: float = 0.0
    overhead_s: float = 0.0


class PairState(enum.StrEnum):
    """Where a shadow sample stands; all but PENDING are terminal, and every sample reaches exactly one of them."""

    PENDING = "pending"
    PAIRED = "paired"
    STUDENT_ERROR = "student_error"
    TEACHER_ERROR = "teacher_error"
    SKIPPED_BUDGET = "skipped_budget"
    DROPPED = "dropped"
    EXPIRED = "expired"


class Stratum(enum.StrEnum):
    """Shadow sampling strata: inputs unlike the reference are asked about more often."""

    ORDINARY = "ordinary"
    FLAGGED = "flagged"
    UNSURE = "unsure"  # the student gave its own answer a low probability
    SLICE = "slice"  # of the slice whose agreement is worst


BY_INPUT = (Stratum.ORDINARY, Stratum.FLAGGED)  # what an input alone decides: held-out inputs have such a stratum


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The student's and the teacher's answer to one input, with the probability of having asked."""

    exchange_id: str
    task: str
    model: str  # the student that answered
    stratum: Stratum
    probability: float  # inclusion probability of the teacher being asked, in (0, 1]
    state: PairState
    opened_at: float
    student_answer: str = ""
    teacher_answer: str = ""
    agreed: bool | None = None
    score: float | None = None  # graded agreement in [0, 1]
    student_unsafe: bool | None = None  # whether the task's safety checks find something in the answer; None: not asked
    teacher_unsafe: bool | None = None
    teacher_usage: Usage = Usage()
    cost_usd: float = 0.0
    closed_at: float | None = None
    cluster: int | None = None  # of the reference, that the input is nearest to
    tenant: str = ""
    confidence: float | None = None
    uniform: bool = True  # whether it would have been asked about at the ordinary rate of its time, too


class Agreement(msgspec.Struct, frozen=True):
    """Share of inputs on which student and teacher agree, with its interval."""

    estimate: float
    lower: float
    upper: float
    pairs: int
    level: float = 0.95
    method: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector said after an update; kept as a time series for reports."""

    task: str
    detector: str
    model: str
    at: float
    samples: int  # observations since the detector was armed
    score: float  # the plain statistic, in the detector's own unit (a share, a rate)
    evidence: float  # log(e-value) / log(alarm threshold): alarms at 1
    alarm: bool
    worst: str = ""  # the category that adds most, where the detector has several


class DetectorState(msgspec.Struct, frozen=True, kw_only=True):
    """A detector's memory as JSON, bound to the reference it was armed with."""

    task: str
    detector: str
    reference_id: str
    state: bytes


class SignalKind(enum.StrEnum):
    """A warning informs and raises the shadow rate; a retrain signal decides that the student must be retrained."""

    WARNING = "warning"
    RETRAIN = "retrain"


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of the monitors, with what it rests on.  Idempotent by `id`."""

    id: str
    task: str
    kind: SignalKind
    reason: str
    at: float
    detector: str
    model: str
    evidence: float
    samples: int
    false_alarm_budget: str  # in words: "one in 30 days at 2,000 inputs a day"
    agreement: Agreement | None = None
    drift_scores: dict[str, float] = {}
    example_ids: tuple[str, ...] = ()
    pairs_used: int = 0
    pairs_cost_usd: float = 0.0
    worst: str = ""  # the category (a cluster, a label) that adds most
    slices: tuple[str, ...] = ()  # whose agreement is lower than elsewhere, worst first
    ceiling: float | None = None  # how often the teacher agrees with itself
    delivered_at: float | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a student is bound to: change one of these and it is another student."""

    model: str
    task: str
    trainer: str
    model_sha256: str
    prompt_sha256: str
    output_sha256: str  # of the label set or JSON schema
    dataset_sha256: str
    embedder: str
    embedder_sha256: str
    labels: tuple[str, ...]
    teacher: str
    examples: int
    created_at: float
    cascade_threshold: float | None = None  # least confidence at which an answer is served; None: all are


class Baseline(msgspec.Struct, frozen=True):
    """Agreement on held-out inputs of one stratum: `agreed` of `items`."""

    items: int
    agreed: int


class Canary(msgspec.Struct, frozen=True):
    """A challenger that answers `share` of the users of a task, in [0, 1]."""

    model: str
    share: float
    cascade_threshold: float | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """Which student serves a task, since when, by whom and why.  The newest holds; older ones are the audit trail."""

    task: str
    model: str
    reference_id: str
    at: float
    by: str
    reason: str
    baselines: dict[Stratum, Baseline] = {}
    cascade_threshold: float | None = None  # of the manifest
    canary: Canary | None = None
