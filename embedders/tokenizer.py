"""The tokenizer of an exported embedder, without transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ModelError
from embedders.exports import TOKENIZER

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LONGEST = 32_768  # characters: far more than any model reads, and the tokenizer need not see a whole book


class ExportedTokenizer:
    """Texts to the numbers of their tokens, cut at the longest input.  Several threads may use it at once."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """`tokenizer` cuts and does not pad.  Use `load`."""
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, *, max_length: int) -> ExportedTokenizer:
        """Read the tokenizer of an export.

        Raises:
            ModelError: the library or the file is missing, or the file is not a tokenizer.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise ModelError("an exported embedder needs tokenizers; run: pip install tokenizers") from None
        try:
            loaded = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # noqa: BLE001 - the library raises bare Exception
            raise ModelError(f"cannot read {folder / TOKENIZER}: {error}") from None
        loaded.no_padding()
        loaded.enable_truncation(max_length)
        return cls(loaded)

    def ids(self, text: str, *, special: bool) -> list[int]:
        """The tokens of the beginning of a text; `special`: between the marks that the model was trained with."""
        return self._tokenizer.encode(text[:_LONGEST], add_special_tokens=special).ids

    def tokens(self) -> list[str]:
        """Every token in the order of its number, without the special ones."""
        special = {token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special}
        known = self._tokenizer.get_vocab()
        return sorted(known.keys() - special, key=known.__getitem__)
