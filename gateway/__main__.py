"""`python -m gateway --config preceptor.yaml [--fd N]`: one gateway worker."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from domain import config
from domain.errors import PreceptorError
from gateway.app import build


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; 2 when the configuration cannot be used, 1 when the port cannot."""
    parser = argparse.ArgumentParser(prog="preceptor gateway", description="Serve /v1/chat/completions.")
    parser.add_argument("--config", type=Path, default=Path("preceptor.yaml"))
    parser.add_argument("--fd", type=int, help="an inherited listening socket")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = config.load(options.config)
        app = build(settings)
    except PreceptorError as error:
        sys.stderr.write(f"preceptor gateway: {error}\n")
        return 2
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.server.host,
            port=settings.server.port,
            http="httptools",
            loop="uvloop",
            log_level="warning",
            access_log=False,  # 33 us a request, and nothing that the metrics do not say
            server_header=False,
            timeout_graceful_shutdown=30,
        )
    )
    server.run(sockets=None if options.fd is None else [socket.socket(fileno=options.fd)])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
