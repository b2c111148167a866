"""`python -m gateway --config preceptor.yaml [--fd N]`: one gateway worker."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import logging
import sys
from pathlib import Path

from adapters.reload import hold_hangups
from domain import config
from domain.clock import SystemClock
from domain.errors import PreceptorError
from gateway import server
from gateway.app import build

_TRIM_THRESHOLD, _TRIM_BYTES = -1, 128 * 1024  # M_TRIM_THRESHOLD, and its own default


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; 2 when the configuration or the port cannot be used."""
    parser = argparse.ArgumentParser(prog="preceptor gateway", description="Serve the models endpoints.")
    parser.add_argument("--config", type=Path, default=Path("preceptor.yaml"))
    parser.add_argument("--fd", type=int, help="an inherited listening socket")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    hold_hangups()
    try:
        clock = SystemClock()
        since, settings = clock.now_s(), config.load(options.config)
        app = build(settings, load=lambda: config.load(options.config), since=since, clock=clock)
        if options.fd is None:
            socket = server.listener(settings.server.host, settings.server.port)
        else:
            socket = server.inherited(options.fd)
    except PreceptorError as error:
        sys.stderr.write(f"preceptor gateway: {error}\n")
        return 2
    _collect_rarely()
    _give_memory_back()
    running = server.server(app, drain_s=settings.server.drain_s)
    running.run(sockets=[socket])
    return 0 if running.started else 1


def _collect_rarely() -> None:
    """Requests leave no cycles behind; looking for them after every 700 objects cost 6 % of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _give_memory_back() -> None:
    """Have glibc return what starting has freed, and then what is freed at its top (malloc_trim(3), mallopt(3)).

    It stops to do the latter with the first large block that is freed.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library
        library = ctypes.CDLL(None)
        library.malloc_trim(0)
        library.mallopt(_TRIM_THRESHOLD, _TRIM_BYTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
