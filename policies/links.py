"""Where a link leads, as browsers read it: to an allowed host, to none at all, or elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from html import unescape
from typing import Any

import re2

# Any scheme with an authority, and what is made a link without one.  To the next blank: what a link carries away
# stands at its end.
URL = (
    r"(?i)((?:[a-z][a-z0-9+.-]{0,20}:[/\\]{2,16}|\bhttps?:[/\\]?[^\s<>\"`/\\]|\bwww\d{0,3}\.[a-z0-9-]{1,63}\.)"
    r"[^\s<>\"`]+)"
)
_AFTER = ".,;:!?'\")]}*_|"  # punctuation of the sentence around a URL
_MOST_AFTER = 8
_PERSONAL = frozenset({"mailto", "tel", "sms"})  # open a programme in which a person writes or dials

_url: Any = re2.compile(URL)
_UNSEEN = dict.fromkeys((*range(0x21), *range(0x7F, 0xA1)))
_IN_SCHEME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+.-")
_IN_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")


def trimmed(url: str) -> str:
    """A URL without the punctuation of the sentence that it stands in."""
    for _ in range(_MOST_AFTER):
        if len(url) > 1 and url[-1] in _AFTER and not (url[-1] == ")" and "(" in url):
            url = url[:-1]
    return url


def urls(text: str) -> frozenset[str]:
    """The URLs in a text, as they stand there."""
    return frozenset(trimmed(match.group()) for match in _url.finditer(text))


def is_host(name: str) -> bool:
    """Whether a name can be the host of a URL, in lower case and without a port."""
    return 0 < len(name) <= 253 and _IN_HOST.issuperset(name) and all(name.split("."))


def leads_elsewhere(target: str, *, hosts: Collection[str], schemes: Collection[str]) -> bool:
    """Whether a link's target is neither relative nor on one of `hosts` or their subdomains by one of `schemes`.

    What browsers correct is corrected first: entities, control characters, a wrong number of slashes.  An authority
    that is no plain host name, because of a user, an escape or a foreign letter, is never an allowed one; nor is
    anything behind a backslash, which clients read in two ways.
    """
    plain = unescape(target).translate(_UNSEEN).lower()
    if plain.startswith("www."):
        plain = f"https:{plain}"
    scheme, colon, rest = plain.partition(":")
    if not colon or not scheme[:1].isalpha() or not _IN_SCHEME.issuperset(scheme):
        return plain.startswith(("//", "\\", "/\\")) and not _allowed(plain, hosts)
    if scheme in _PERSONAL:
        return False
    return scheme not in schemes or not _allowed(rest, hosts)


def _allowed(rest: str, hosts: Collection[str]) -> bool:
    authority = rest.lstrip("/").replace("?", "/").replace("#", "/").partition("/")[0]
    host, _, port = authority.partition(":")
    if not is_host(host) or (port and not (port.isascii() and port.isdigit())):
        return False
    return "\\" not in rest and any(host == name or host.endswith(f".{name}") for name in hosts)
