"""The parts of a loaded sentence-transformers model that an export must rebuild; refuses what it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domain.errors import ModelError
from embedders.exports import Pooling

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

_PARTS = ("Transformer", "Pooling", "Normalize")  # in this order; the last may be absent, as every vector gets length 1


class Architecture(NamedTuple):
    """A transformer that gives each token a vector, and how those become one."""

    transformer: torch.nn.Module
    tokenizer: Tokenizer  # neither pads nor cuts
    pooling: Pooling
    max_length: int
    dimensions: int

    def marks(self) -> tuple[list[int], list[int]]:
        """The special tokens that the model was trained to see before and after a text."""
        within, alone = (self.tokenizer.encode("a", add_special_tokens=special).ids for special in (True, False))
        start = next(at for at in range(len(within)) if within[at : at + len(alone)] == alone)
        return within[:start], within[start + len(alone) :]


def examine(model: SentenceTransformer, *, name: str) -> Architecture:
    """The parts of a model; `name` is for errors.

    Raises:
        ModelError: a vector of this model is made in a way that an export cannot imitate.
    """
    parts: list[Any] = list(model)
    names = [type(part).__name__ for part in parts]
    if names not in (list(_PARTS), list(_PARTS[:2])):
        raise _refusal(name, f"it consists of {', '.join(names)}, not of {', '.join(_PARTS)}")
    transformer, pooling = parts[0], parts[1].get_config_dict()["pooling_mode"]
    if pooling not in ("mean", "cls"):
        raise _refusal(name, f"its pooling is {pooling!r}, not mean or cls")
    if model.default_prompt_name is not None or transformer.do_lower_case:
        raise _refusal(name, "it changes texts before its tokenizer sees them (default_prompt_name or do_lower_case)")
    tokenizer = _plain(getattr(model.tokenizer, "backend_tokenizer", None))
    if tokenizer is None or not tokenizer.encode("").ids:
        raise _refusal(name, "it has no fast tokenizer that puts special tokens around a text")
    return Architecture(
        transformer=transformer.model,
        tokenizer=tokenizer,
        pooling=pooling,
        max_length=int(model.max_seq_length or model.tokenizer.model_max_length),
        dimensions=int(model.get_embedding_dimension() or 0),
    )


def _plain(tokenizer: Tokenizer | None) -> Tokenizer | None:
    """A copy without the padding and cutting that batches leave in a tokenizer."""
    if tokenizer is None:
        return None
    copy: Tokenizer = type(tokenizer).from_str(tokenizer.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy


def _refusal(name: str, problem: str) -> ModelError:
    return ModelError(f"cannot export {name!r}: {problem}; use the backend sentence-transformers for this model")
