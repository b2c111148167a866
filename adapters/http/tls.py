"""Whom to trust when a server proves its name."""

from __future__ import annotations

import functools
import re
import ssl
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_BUILDING = threading.Lock()


def read_authorities(path: Path) -> str:
    """The certificates in a PEM file, one after another, without what stands between them.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no certificate, or one that is damaged.
    """
    authorities = "\n".join(_CERTIFICATE.findall(path.read_text(encoding="latin-1")))
    if not authorities:
        raise ValueError("holds no certificate in PEM")
    try:
        client_context(authorities)
    except ssl.SSLError as error:
        raise ValueError(f"holds a damaged certificate: {error.reason or error}") from None
    return authorities


def client_context(authorities: str) -> ssl.SSLContext:
    """A client's side of TLS, the same for the same authorities; empty: those of the system.

    The certificate and the name of the server are always verified.  Reading the system's authorities takes about 20 ms:
    call this in a thread when there is an event loop.

    Raises:
        ssl.SSLError: the authorities cannot be used.
    """
    with _BUILDING:  # many first calls at once must not read the authorities many times
        return _client_context(authorities)


@functools.lru_cache(maxsize=32)
def _client_context(authorities: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authorities or None)
    context.set_alpn_protocols(["http/1.1"])
    return context
