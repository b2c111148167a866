"""Runs the gateway's application on uvicorn, on a socket of its own or on one that a supervisor handed down."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING

import uvicorn

from domain.errors import PreceptorError
from gateway.protocol import GatewayProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_BACKLOG = 2048
_IDLE_S = 75  # as nginx: clients that reuse connections expect more than uvicorn's 5 s, and lose the race


def listener(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        PreceptorError: the port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        reason = (error.strerror or str(error)).lower()
        raise PreceptorError(
            f"cannot listen on {host}:{port}: {reason}; change server.port or stop what uses it"
        ) from None
    return found


def inherited(fd: int) -> socket.socket:
    """The listening socket behind a file descriptor.

    Raises:
        PreceptorError: it is none.
    """
    try:
        return socket.socket(fileno=fd)
    except OSError as error:
        raise PreceptorError(f"--fd {fd} is no socket: {(error.strerror or str(error)).lower()}") from None


def server(app: ASGIApp, *, drain_s: float = 60.0) -> uvicorn.Server:
    """A server that finishes the requests that it has when SIGTERM comes, streams too, if they end in `drain_s`."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=GatewayProtocol,
            ws="none",
            loop="uvloop",
            log_config=None,
            log_level="warning",
            access_log=False,  # 33 us a request, and nothing that the metrics do not say
            server_header=False,
            proxy_headers=False,  # nothing here asks where a request came from
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=math.ceil(drain_s),
        )
    )
