"""Any guardrails-ai validator, or a whole Guard, called directly: no telemetry, no hub, no request of its own.

guardrails-ai is imported when such a check is built and not before: it costs seconds and 120 MB.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import logging
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies import references
from policies.codes import code

if TYPE_CHECKING:
    from domain.ports import Check, Subject

Fix = tuple[str | None, list[tuple[int, int]]]  # the text that the validator would rather have, and what it points at


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A validator as `module:Class`, or by its registered name (`guardrails/ban_list`), or a Guard as `module:name`.

    `args` construct the validator, `metadata` goes with every text.  A fix of the validator's is used only with
    `trust_fix` and the verdict redact: fixes of published validators are known to leak secrets and to invent text.
    """

    validator: str = ""
    guard: str = ""
    args: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    trust_fix: bool = False

    def __post_init__(self) -> None:
        if bool(self.validator) == bool(self.guard):
            raise ConfigError("validator", "give either a validator (module:Class) or a guard (module:name)")
        if self.guard and self.args:
            raise ConfigError("args", "are for a validator; a guard is used as its module made it")


class GuardrailsCheck:
    """Reasons: the registered name of the validator as a code, such as `ban_list`; `failed` for a Guard.

    Every text is validated by itself; what a validator says about it in words is never kept, for it may quote it.
    `all_spans` looks at every text, which a redaction needs; without it the first finding is enough.
    """

    name = "guardrails"
    triggers: tuple[str, ...] = ()
    window: int | None = None  # a validator is asked about whole texts: streams are held back by us, not by it

    def __init__(self, options: Options, *, all_spans: bool = True) -> None:
        """Import guardrails-ai and construct the validator.

        Raises:
            ConfigError: it is not installed, or the validator or Guard cannot be found or constructed.
        """
        if options.trust_fix and not all_spans:
            raise ConfigError("trust_fix", "a fix takes the place of a text with `verdict: redact` only")
        base = _import_quietly()
        self._all_spans = all_spans
        self._trust_fix = options.trust_fix
        self._reason, self._validate = _validator(base, options) if options.validator else _guard(base, options)

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        spans: list[Span] = []
        for number, text in enumerate(subject.texts):
            # An empty text that is no answer is one that the check does not apply to.
            if (text or number in subject.answers) and (failure := self._ask(text)) is not None:
                spans += self._spans(number, text, failure)
                if not self._all_spans:
                    break
        return Decision(self.name, Verdict.FALLBACK, self._reason, tuple(spans)) if spans else None

    def _ask(self, text: str) -> Fix | None:
        try:
            return self._validate(text)
        except SystemExit:  # what some do that cannot load a model
            raise RuntimeError("the validator tried to end the process") from None

    def _spans(self, number: int, text: str, failure: Fix) -> Iterator[Span]:
        fix, places = failure
        if self._trust_fix and fix is not None:
            yield Span(number, 0, len(text), self._reason, instead=fix)
            return
        inside = [(max(start, 0), min(end, len(text))) for start, end in places]
        for start, end in [place for place in inside if place[0] < place[1]] or [(0, len(text))]:
            yield Span(number, start, end, self._reason)


def _validator(base: Any, options: Options) -> tuple[str, Callable[[str], Fix | None]]:
    made = _construct(base, _class(base, options.validator), options)
    validate, passed, failed, metadata = made.validate, base.PassResult, base.FailResult, options.metadata

    def ask(text: str) -> Fix | None:
        result = validate(text, metadata.copy())
        if isinstance(result, passed):
            return None
        if not isinstance(result, failed):
            raise TypeError(f"{options.validator} gave {type(result).__name__}, which is no validation result")
        places = [(span.start, span.end) for span in result.error_spans or ()]
        return result.fix_value if isinstance(result.fix_value, str) else None, places

    return code(made.rail_alias.rpartition("/")[2], otherwise="failed"), ask


def _class(base: Any, reference: str) -> Any:
    if ":" in reference:
        found = references.load(reference, key="validator")
    else:
        with contextlib.suppress(ImportError):  # published validators lie in packages of their name
            importlib.import_module(f"guardrails_ai.{reference.rpartition('/')[2]}")
        found = base.validators_registry.get(reference)
    if not (isinstance(found, type) and issubclass(found, base.Validator)):
        raise ConfigError("validator", f"{reference} is no guardrails validator that is installed here")
    return found


def _construct(base: Any, chosen: Any, options: Options) -> Any:
    try:
        made = chosen(**options.args, on_fail="noop")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - some try to download a model, and exit when they cannot
        problem = f"{options.validator} cannot be constructed: {type(error).__name__}: {error}".splitlines()[0]
        raise ConfigError("args", problem) from None
    if missing := [key for key in made.required_metadata_keys if key not in options.metadata]:
        raise ConfigError("metadata", f"{options.validator} needs {', '.join(missing)}")
    return made


def _guard(base: Any, options: Options) -> tuple[str, Callable[[str], Fix | None]]:
    guard = references.load(options.guard, key="guard")
    _silence(base)  # a Guard that is made reads the settings of its user again, which allow telemetry by default
    if not isinstance(guard, importlib.import_module("guardrails").Guard):
        raise ConfigError("guard", f"{options.guard} is no guardrails.Guard")
    turn = _turn(options.guard)
    violation: type[Exception] = importlib.import_module("guardrails.errors").ValidationError

    def ask(text: str) -> Fix | None:
        with turn:
            try:
                outcome = guard.validate(text, metadata=options.metadata.copy())
            except violation:  # `on_fail: exception`
                return None, []
            finally:
                guard.history.clear()  # it keeps the texts of its last calls
        # With `on_fail: fix` or `reask` a Guard says passed and hands out another text: the one it got did not pass.
        if outcome.validation_passed and outcome.validated_output == text:
            return None
        fixed = outcome.validated_output
        return fixed if isinstance(fixed, str) and outcome.validation_passed else None, []

    return "failed", ask


@functools.cache
def _turn(reference: str) -> threading.Lock:
    """One thread at a time: a Guard has one history and one set of validators for all who call it."""
    return threading.Lock()


def _import_quietly() -> Any:
    """The module of guardrails-ai with its validators, once nothing in it can call home."""
    if importlib.util.find_spec("guardrails") is None:
        raise ConfigError("", "guardrails-ai is missing: pip install 'preceptor[guardrails]'")
    with _no_download():
        base = importlib.import_module("guardrails.validator_base")
    _silence(base)
    return base


def _silence(base: Any) -> None:
    """No telemetry, no text to a hosted validator or into logs, whatever the user's `.guardrailsrc` says or lacks."""
    logging.getLogger("guardrails-ai").disabled = True  # it keeps what it is told, texts too, in memory for good
    base.settings.rc.enable_metrics = False
    base.settings.rc.use_remote_inferencing = False
    # Else each call of a Guard makes an event loop and a thread, and ends neither.
    service: Any = importlib.import_module("guardrails.validator_service")
    service.should_run_sync = _yes
    # The one exporter of the process, which any Guard would start: this one has no tracer, so it starts nothing.
    if getattr(base.HubTelemetry._instance, "_tracer", True) is not None:
        silent = object.__new__(base.HubTelemetry)
        silent._carrier = {}
        base.HubTelemetry._instance = silent


def _yes() -> bool:
    return True


@contextlib.contextmanager
def _no_download() -> Iterator[None]:
    """guardrails-ai downloads a tokenizer when it is imported beside nltk; none of it is used here."""
    if importlib.util.find_spec("nltk") is None:
        yield
        return
    nltk: Any = importlib.import_module("nltk")
    download, nltk.download = nltk.download, lambda *_, **__: False
    try:
        yield
    finally:
        nltk.download = download


if TYPE_CHECKING:
    _: Check = GuardrailsCheck(Options())
