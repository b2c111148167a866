"""Support tickets from a grammar of templates and slots: labelled traffic of our own, seeded, without a download."""

from __future__ import annotations

import random
import re
import tomllib
from importlib import resources

import msgspec

from cli.demo.dataset import Dataset, Row
from domain.errors import DatasetError

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


def tickets(*, known: int, new: int, seed: int, new_domain: str = NEW) -> Dataset:
    """`known` tickets of one domain and `new` of the other, all different from each other.

    Raises:
        DatasetError: the grammar has no domain of that name.
    """
    language, random_ = grammar(), random.Random(seed)
    if new_domain not in language.domains:
        raise DatasetError(f"no domain {new_domain!r}; the built-in grammar has {', '.join(sorted(language.domains))}")
    rows = [
        row
        for domain in language.domains
        for row in _rows(language, domain, new if domain == new_domain else known, random_=random_)
    ]
    source = "support tickets from the built-in grammar"
    return Dataset(name="ticket-intent", source=source, rows=tuple(rows), new=new_domain)


def _rows(language: Grammar, domain: str, count: int, *, random_: random.Random) -> list[Row]:
    intents = sorted(language.domains[domain])
    rows: dict[str, Row] = {}
    while len(rows) < count:
        label = intents[len(rows) % len(intents)]
        body = language.expand(random_.choice(language.domains[domain][label]), random_)
        text = language.expand(language.slots["ticket"][0].replace("{body}", "\0"), random_).replace("\0", body)
        rows.setdefault(text, Row(text, label, domain))
    return list(rows.values())
