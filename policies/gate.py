"""The compact model of the task-domain gate: which words, and which pairs of words, a task's inputs are made of.

Built by the monitors, read by a check.  It holds checksums of words and no texts.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import sys
import unicodedata
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import msgspec

from domain.errors import ModelError

START = zlib.crc32(b" ")  # stands before the first word of a text
NUMBER = zlib.crc32(b"0 ")  # stands for every number
SCALE = 16  # evidence is counted in sixteenths of a nat, so that a word's fits into a byte
FLOOR = -SCALE // 2  # a familiar word takes half a nat away: familiar words around a foreign passage cannot hide it
CEILING = 6 * SCALE  # one word, however foreign, is never enough
LONGEST = 2048  # characters that are judged even if the inputs of the task are all short

_MAGIC = b"preceptor gate "
_VERSION = b"1\n"
_DIGEST = hashlib.sha256().digest_size
# Scripts without spaces are read letter by letter.
_IDEOGRAPHS = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W\d_{_IDEOGRAPHS}]+|\d+")
_MARKS = re.compile("[\u0300-\u036f]+")
_APOSTROPHES = str.maketrans("", "", "'\u2019")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a gate file.

    Evidence is the logarithm of how many times likelier a word is in any text than in this task's.
    """

    task: str
    inputs: int  # distinct ones that it was learned from
    inputs_sha256: str
    vocabulary: str  # the embedder whose tokenizer says which words there are
    vocabulary_sha256: str
    over_block: float  # the share of the task's own inputs that may lie above the threshold
    threshold: int  # in 1/SCALE nats
    longest: int  # characters: what is longer does not belong to the task
    unknown: int  # evidence of a word that neither the inputs nor the vocabulary have, in 1/SCALE nats
    words: bytes  # checksums of the words, ascending; uint32, little endian
    evidence: bytes  # of each word, int8 in 1/SCALE nats
    after: bytes  # of each word, what the next word adds if they were never seen together; int8 likewise
    pairs: bytes  # checksums of pairs of words that follow each other in the inputs, like `words`

    def __post_init__(self) -> None:
        if len(self.pairs) % 4 or not len(self.words) == 4 * len(self.evidence) == 4 * len(self.after):
            raise ValueError("its tables do not fit each other")


class Gate:
    """Finds the passage of a text that speaks most for its being from elsewhere: a one-sided CUSUM (Page 1954)."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._words = _numbers("I", model.words)
        self._evidence = array("b", model.evidence)
        self._after = array("b", model.after)
        self._pairs = _numbers("I", model.pairs)

    def evidence(self, text: str, *, enough: float = math.inf) -> int:
        """The evidence of that passage, in 1/SCALE nats, never below 0; reading stops when there is `enough`."""
        most = now = 0
        after = self._of(START)[1]
        for word, pair in steps(text):
            foreign, following = self._of(word)
            now += FLOOR if _has(self._pairs, pair) else min(CEILING, max(FLOOR, foreign + after))
            after = following
            if now < 0:
                now = 0
            elif now > most:
                most = now
                if most > enough:
                    break
        return most

    def foreign(self, text: str) -> bool:
        """Whether a text holds a passage that hardly one input of the task is as unlike."""
        return self.evidence(text, enough=self.model.threshold) > self.model.threshold

    def _of(self, word: int) -> tuple[int, int]:
        place = bisect_left(self._words, word)
        if place < len(self._words) and self._words[place] == word:
            return self._evidence[place], self._after[place]
        return self.model.unknown, 0


def steps(text: str) -> Iterator[tuple[int, int]]:
    """The checksum of each word of a text, and that of the word together with the one before it.

    Case, accents, apostrophes and everything between words count for nothing: whoever attacks can choose them freely.
    """
    before = START
    for word in words(text):
        checksum = zlib.crc32(word)
        yield checksum, zlib.crc32(word, before)
        before = checksum


def words(text: str) -> list[bytes]:
    """The words of a text, each with a space at its end so that pairs of words are not ambiguous."""
    plain = text.lower().translate(_APOSTROPHES)
    if not plain.isascii():
        plain = _MARKS.sub("", unicodedata.normalize("NFKD", plain))
    return [b"0 " if word.isdecimal() else word.encode() + b" " for word in _WORD.findall(plain)]


def write(model: Model, path: Path) -> None:
    """Replace the file by this model, whole or not at all.

    Raises:
        ModelError: the file cannot be written.
    """
    body = msgspec.msgpack.encode(model)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(_MAGIC + _VERSION + hashlib.sha256(body).digest() + body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise ModelError(f"cannot write {path}: {error.strerror}") from None


def read(path: Path) -> Model:
    """The model in a gate file.

    Raises:
        ModelError: the file is missing, damaged, of another version or no gate.
    """
    again = "write it with `preceptor reference gate`"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the gate {path}: {error.strerror}; {again}") from None
    if not content.startswith(_MAGIC):
        raise ModelError(f"{path} is no gate; {again}")
    version, _, rest = content.removeprefix(_MAGIC).partition(b"\n")
    if version + b"\n" != _VERSION:
        raise ModelError(f"{path} is a gate of another version of preceptor; {again}")
    digest, body = rest[:_DIGEST], rest[_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise ModelError(f"the gate {path} is damaged; {again}")
    try:
        return msgspec.msgpack.decode(body, type=Model)
    except msgspec.MsgspecError:
        raise ModelError(f"the gate {path} holds something else; {again}") from None


def _has(ascending: array[int], value: int) -> bool:
    place = bisect_left(ascending, value)
    return place < len(ascending) and ascending[place] == value


def _numbers(code: str, content: bytes) -> array[int]:
    found = array(code, content)
    if sys.byteorder == "big":
        found.byteswap()
    return found
