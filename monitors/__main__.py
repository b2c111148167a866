"""`python -m monitors --config preceptor.yaml`: one monitors worker."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from adapters.reload import hangups, hold_hangups
from domain import config
from domain.clock import SystemClock
from domain.errors import PreceptorError
from monitors.app import Monitors, build


def main(arguments: list[str]) -> int:
    """Work until SIGTERM, SIGHUP or a request to reload; 2 when configuration, weights or store cannot be used."""
    parser = argparse.ArgumentParser(prog="preceptor monitors", description="Watch the journalled exchanges.")
    parser.add_argument("--config", type=Path, default=Path("preceptor.yaml"))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for client in ("httpx", "httpx2", "openai"):  # a line for each teacher call or retry says nothing
        logging.getLogger(client).setLevel(logging.WARNING)
    hold_hangups()
    since = SystemClock().now_s()
    try:
        asyncio.run(_until_told(build(config.load(options.config), options.config, since=since)))
    except PreceptorError as error:
        sys.stderr.write(f"preceptor monitors: {error}\n")
        return 2
    return 0


async def _until_told(monitors: Monitors) -> None:
    running = asyncio.current_task()
    assert running is not None

    def end() -> None:
        if not running.cancelling():  # told twice, it still closes what is open
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        with hangups(end), contextlib.suppress(asyncio.CancelledError):
            await monitors.run()
    finally:
        await monitors.aclose()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
