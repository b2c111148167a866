"""The words that an embedder's tokenizer knows: a list of a language's words that comes with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from domain.ports import Embedder

_CONTINUES = "##"  # WordPiece marks what goes on
_BEGINS = ("\u2581", "\u0120")  # SentencePiece and byte-level BPE mark what begins


@runtime_checkable
class Tokenizing(Protocol):
    """An embedder that has a tokenizer."""

    def tokens(self) -> list[str]:
        """What it splits texts into, in the order of their numbers; without its special tokens."""
        ...


def vocabulary(embedder: Embedder) -> list[str]:
    """Whole words in the order of their numbers, which is that of their frequency; empty: it has none."""
    return whole_words(embedder.tokens()) if isinstance(embedder, Tokenizing) else []


def whole_words(tokens: list[str]) -> list[str]:
    """Those of a tokenizer's tokens that begin a word, without their marks."""
    for mark in _BEGINS:
        if any(token.startswith(mark) for token in tokens):
            found = [token.removeprefix(mark) for token in tokens if token.startswith(mark)]
            break
    else:
        found = [token for token in tokens if not token.startswith(_CONTINUES)]
    return [word for word in found if any(map(str.isalpha, word))]
