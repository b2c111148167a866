"""The token counts of an answer, in the form that chat completions, completions and embeddings share."""

from __future__ import annotations

from typing import Annotated

import msgspec

from domain.records import Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]  # more would not fit the store's integers


class Tokens(msgspec.Struct):
    """`usage` as an upstream writes it; embeddings have no completion."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0

    def usage(self) -> Usage:
        """The same as a record."""
        return Usage(self.prompt_tokens, self.completion_tokens)


def written(usage: Usage) -> dict[str, int]:
    """A record as an answer shows it."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
