"""What was extracted stands in the input: a value that does not was made up."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import re2

from domain.errors import ConfigError
from domain.records import Decision, Span, Verdict
from policies import leaves

if TYPE_CHECKING:
    from domain.ports import Check, Subject

_MOST_OCCURRENCES = 2000  # of the values of an answer in its input, to look at one by one
_MOST_NUMBERS = 1000  # of an input, to compare with
_MOST_NORMALISED = 2000  # characters; some forms grow eighteenfold, at nearly a microsecond a character
_NUMBER: Any = re2.compile(r"\d[\d.,]*")
# From here on writing does without blanks between words, but for the additions to Latin and Greek.
_UNSPACED, _LATIN_AND_GREEK = "\u0e00", ("\u1e00", "\u1fff")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which values of the JSON answer must stand in the input.  Paths are written as in `policies.leaves`."""

    paths: tuple[str, ...] = ()  # empty: all texts
    except_paths: tuple[str, ...] = ()
    except_enums: bool = True  # not where the task's schema lists the values
    numbers: bool = False  # numbers too, in any notation with digits
    whole_words: bool = True  # `art` does not stand in `start`
    max_values: int = 100  # an answer with more of them is refused

    def __post_init__(self) -> None:
        for key, texts in (("paths", self.paths), ("except_paths", self.except_paths)):
            _parsed(key, texts)
        if self.max_values < 1:
            raise ConfigError("max_values", f"{self.max_values} must be at least 1")


class GroundingCheck:
    """Reasons: `not_grounded`, `not_json`, `too_many_values`.

    Upper and lower case, blanks and Unicode compatibility forms do not matter.
    """

    name = "grounding"
    triggers: tuple[str, ...] = ()
    window: int | None = None  # the beginning of a JSON text is none

    def __init__(self, options: Options, *, schema: Path | None = None) -> None:
        """`schema`: the task's, for `except_enums`; None: it has none.

        Raises:
            ConfigError: the schema cannot be read.
        """
        excepted = _parsed("except_paths", options.except_paths)
        if schema is not None and options.except_enums:
            excepted |= leaves.enumerated(_read(schema))
        self._selection = leaves.Selection(_parsed("paths", options.paths), excepted)
        self._options = options

    def inspect(self, subject: Subject) -> Decision | None:
        """See `domain.ports.Check`."""
        source = _Source(subject.input_text, whole_words=self._options.whole_words)
        problems = {number: self._problem(subject.texts[number], source) for number in subject.answers}
        spans = tuple(Span(number, 0, len(subject.texts[number])) for number, problem in problems.items() if problem)
        return Decision(self.name, Verdict.FALLBACK, problems[spans[0].text], spans) if spans else None

    def _problem(self, text: str, source: _Source) -> str:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return "not_json"
        values = frozenset(self._wanted(value))
        if len(values) > self._options.max_values:
            return "too_many_values"
        return "" if all(map(source.holds, values)) else "not_grounded"

    def _wanted(self, value: Any) -> Iterator[str | float]:
        for leaf in self._selection.leaves(value):
            if isinstance(leaf, str) or (
                self._options.numbers and isinstance(leaf, int | float) and not isinstance(leaf, bool)
            ):
                yield leaf


class _Source:
    """An input to find values in.  What costs something is done once, and only when it is needed."""

    def __init__(self, text: str, *, whole_words: bool) -> None:
        self._text = text
        self._whole_words = whole_words
        self._occurrences = _MOST_OCCURRENCES
        self._normalises = len(text) <= _MOST_NORMALISED
        self._plain: str | None = None
        self._numbers: frozenset[float] | None = None

    def holds(self, value: str | float) -> bool:
        if not isinstance(value, str):
            return self._holds_number(value)
        if self._stands_in(self._text, value):
            return True
        if self._plain is None:
            self._plain = self._normalised(self._text)
        plain = self._normalised(value)
        return not plain or self._stands_in(self._plain, plain)

    def _stands_in(self, text: str, value: str) -> bool:
        start = text.find(value)
        while start >= 0:
            if not self._whole_words or _apart(text, start, start + len(value)):
                return True
            self._occurrences -= 1
            if self._occurrences < 0:
                return False
            start = text.find(value, start + 1)
        return False

    def _holds_number(self, value: float) -> bool:
        if self._numbers is None:
            found = itertools.islice(_NUMBER.finditer(self._text), _MOST_NUMBERS)
            self._numbers = frozenset(number for match in found for number in _readings(match.group()))
        return abs(value) in self._numbers

    def _normalised(self, text: str) -> str:
        same_form = unicodedata.normalize("NFKC", text) if self._normalises and not text.isascii() else text
        return " ".join(same_form.casefold().split())


def _apart(text: str, start: int, end: int) -> bool:
    """Whether what stands there is no piece of a longer word or number."""
    if start >= end:
        return True
    before = start > 0 and _in_word(text[start - 1]) and _in_word(text[start])
    after = end < len(text) and _in_word(text[end]) and _in_word(text[end - 1])
    return not (before or after)


def _in_word(letter: str) -> bool:
    return letter.isalnum() and (letter < _UNSPACED or _LATIN_AND_GREEK[0] <= letter <= _LATIN_AND_GREEK[1])


def _readings(digits: str) -> Iterator[float]:
    """What a number may mean: commas or full stops may group thousands, or begin the fraction."""
    for grouping, fraction in ((",", "."), (".", ",")):
        try:
            yield float(digits.strip(".,").replace(grouping, "").replace(fraction, "."))
        except ValueError:  # several fractions, as in a date or a version
            continue


def _parsed(key: str, texts: tuple[str, ...]) -> frozenset[leaves.Path]:
    try:
        return frozenset(map(leaves.parse, texts))
    except ValueError as error:
        raise ConfigError(key, str(error)) from None


def _read(schema: Path) -> Any:
    try:
        return msgspec.json.decode(schema.read_bytes())
    except OSError as error:
        raise ConfigError("", f"cannot read the schema {schema}: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError("", f"the schema {schema} is not JSON: {error}") from None


if TYPE_CHECKING:
    _: Check = GroundingCheck(Options())
