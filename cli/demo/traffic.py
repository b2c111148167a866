"""Support tickets from a grammar of templates and slots: labelled traffic of our own, seeded, without a download."""

from __future__ import annotations

import random
import re
import tomllib
from importlib import resources

import msgspec

from cli.demo.dataset import Dataset, Row

_SLOT = re.compile(r"\{(\w+)\}")
KNOWN, NEW = "shop", "travel"


class Grammar(msgspec.Struct, frozen=True):
    """Alternatives for each slot, and templates for each intent of each domain."""

    slots: dict[str, list[str]]
    domains: dict[str, dict[str, list[str]]]

    def expand(self, template: str, random_: random.Random) -> str:
        """`template` with every slot, and every slot in what replaces it, filled in at random."""
        while _SLOT.search(template):
            template = _SLOT.sub(lambda slot: random_.choice(self.slots[slot[1]]), template)
        return template


def grammar() -> Grammar:
    """The grammar that ships with the demo."""
    text = resources.files("cli.demo").joinpath("grammar.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Grammar)


def tickets(*, known: int, new: int, seed: int) -> Dataset:
    """`known` tickets of the shop and `new` of the travel desk, all different from each other."""
    language, random_ = grammar(), random.Random(seed)
    rows = [
        row for domain, count in ((KNOWN, known), (NEW, new)) for row in _rows(language, domain, count, random_=random_)
    ]
    return Dataset(name="ticket-intent", source="support tickets from the built-in grammar", rows=tuple(rows), new=NEW)


def _rows(language: Grammar, domain: str, count: int, *, random_: random.Random) -> list[Row]:
    intents = sorted(language.domains[domain])
    rows: dict[str, Row] = {}
    while len(rows) < count:
        label = intents[len(rows) % len(intents)]
        body = language.expand(random_.choice(language.domains[domain][label]), random_)
        text = language.expand(language.slots["ticket"][0].replace("{body}", "\0"), random_).replace("\0", body)
        rows.setdefault(text, Row(text, label, domain))
    return list(rows.values())
