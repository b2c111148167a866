"""Personal data by Presidio, with the operator's own spaCy model: names and places, which no pattern can tell.

Presidio and spaCy are imported when such a check is built and not before.  Nothing is downloaded.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies.codes import code

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_WARM_UP = "Write to somebody@example.org in London."

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The spaCy model (a folder, or the name of an installed package), and what to look for; empty: all that it can."""

    model: str
    entities: tuple[str, ...] = ()  # as Presidio calls them: PERSON, LOCATION, EMAIL_ADDRESS, ...
    language: str = "en"
    score_threshold: Share = 0.5

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError("model", "name the spaCy model to use: a folder or an installed package")


class PresidioCheck:
    """Reasons: the kind of the first thing found, as Presidio calls it in lower case (`person`, `email_address`).

    `all_spans` locates everything, which a redaction needs; without it one finding is enough.
    """

    name = "presidio"
    triggers: tuple[str, ...] = ()
    window: int | None = None  # what a word is depends on the whole sentence

    def __init__(self, options: Options, *, root: Path = Path(), all_spans: bool = True) -> None:
        """Load the model; `root` is where a relative folder starts from.

        Raises:
            ConfigError: Presidio or the model is missing, or neither knows an entity that is asked for.
        """
        engine = _engine(options, root)
        known = engine.get_supported_entities(options.language)
        if unknown := sorted(set(options.entities) - set(known)):
            raise ConfigError("entities", f"unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        self._all_spans = all_spans
        self._analyze = functools.partial(
            engine.analyze,
            language=options.language,
            entities=list(options.entities) or None,
            score_threshold=options.score_threshold,
        )
        self._analyze(text=_WARM_UP)  # lists and models that are read at the first text are read now

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        spans: list[Span] = []
        for number, text in enumerate(subject.texts):
            if text.strip():
                found = sorted(self._analyze(text=text), key=lambda each: (each.start, -each.end))
                spans += [Span(number, each.start, each.end, _kind(each.entity_type)) for each in found]
                if spans and not self._all_spans:
                    break
        return Decision(self.name, Verdict.REDACT, spans[0].kind, tuple(spans)) if spans else None


@functools.cache
def _kind(entity: str) -> str:
    return code(entity, otherwise="entity")


def _engine(options: Options, root: Path) -> Any:
    if importlib.util.find_spec("presidio_analyzer") is None or importlib.util.find_spec("spacy") is None:
        raise ConfigError("", "Presidio is missing: pip install 'preceptor[presidio]'")
    analyzer = importlib.import_module("presidio_analyzer")
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)  # it warns of what other languages would have
    _use_snapshot()
    language = options.language
    # Given its model already, the engine has no reason to load one, and so none to download it.
    nlp = importlib.import_module("presidio_analyzer.nlp_engine").SpacyNlpEngine()
    nlp.nlp = {language: _model(options, root)}
    registry = analyzer.RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=nlp)
    return analyzer.AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=[language])


def _model(options: Options, root: Path) -> Any:
    folder = root / options.model
    try:
        model = importlib.import_module("spacy").load(folder if folder.is_dir() else options.model)
    except (OSError, ImportError, ValueError) as error:
        problem = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError("model", f"cannot load the spaCy model {options.model!r}: {problem}") from None
    if model.lang not in {options.language, "xx"}:  # xx: of no language in particular
        raise ConfigError("language", f"{options.language!r} is not that of the model, which is {model.lang!r}")
    return model


def _use_snapshot() -> None:
    """Presidio asks tldextract about e-mail addresses, which would fetch a list at the first one: use its own copy."""
    module: Any = importlib.import_module("tldextract.tldextract")
    if module.TLD_EXTRACTOR.suffix_list_urls:
        module.TLD_EXTRACTOR = module.TLDExtract(suffix_list_urls=(), cache_dir=None)


if TYPE_CHECKING:
    _: Check = PresidioCheck(Options(model=""))
