"""Runs the gateway that the tensorzero package embeds, in that peer's environment.  Arguments: config, port file."""

import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import tensorzero

gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
Path(sys.argv[2]).write_text(str(urlsplit(gateway.base_url).port))  # it cannot be told a port
signal.pause()
