"""`python -m console --config preceptor.yaml [--fd N]`."""

from __future__ import annotations

import argparse
import functools
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from adapters.reload import hold_hangups
from console.app import build, metrics_folder
from domain.clock import SystemClock
from domain.errors import PreceptorError
from policies import app as policies


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; 2 when the configuration cannot be used."""
    parser = argparse.ArgumentParser(prog="preceptor console", description="Serve metrics and the admin API.")
    parser.add_argument("--config", type=Path, default=Path("preceptor.yaml"))
    parser.add_argument("--fd", type=int, help="an inherited listening socket")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    hold_hangups()
    load, since = functools.partial(policies.load, options.config), SystemClock().now_s()
    try:
        settings = load()
        app = build(settings, load=load, since=since, metrics=metrics_folder())
    except PreceptorError as error:
        sys.stderr.write(f"preceptor console: {error}\n")
        return 2
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=settings.server.host, port=settings.server.admin_port, log_level="warning", access_log=False
        )
    )
    server.run(sockets=None if options.fd is None else [socket.socket(fileno=options.fd)])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
