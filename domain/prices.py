"""What a model call costs, and where the price comes from."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

import msgspec

from domain.errors import ConfigError
from domain.records import Usage


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars per million tokens, and whose word that is."""

    input: float
    output: float
    source: str = "preceptor.yaml"

    def cost_usd(self, usage: Usage) -> float:
        """Dollars for one call."""
        return (usage.prompt_tokens * self.input + usage.completion_tokens * self.output) / 1e6


FREE = Price(0.0, 0.0, "no price given")


class _Sheet(msgspec.Struct, frozen=True):
    source: str
    date: str
    models: dict[str, Price]


@functools.cache
def _sheet() -> _Sheet:
    text = resources.files("domain").joinpath("prices.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Sheet)


def list_price(model: str, *, path: str) -> Price:
    """The list price of `model`, with source and date.

    Raises:
        ConfigError: the sheet has no such model; `path` is the setting that named it.
    """
    sheet = _sheet()
    found = sheet.models.get(model)
    if found is None:
        known = ", ".join(sorted(sheet.models))
        raise ConfigError(path, f"no list price for {model!r}; give {{input: …, output: …}} or one of {known}")
    return Price(found.input, found.output, f"{model}, {sheet.source}, {sheet.date}")
