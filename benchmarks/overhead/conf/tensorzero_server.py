"""Runs the gateway that the tensorzero package embeds, in that peer's environment.  Arguments: config, port file."""

import re
import signal
import sys
from pathlib import Path

import tensorzero

gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
port = re.search(r":(\d+)", gateway.base_url.removeprefix("http://"))
Path(sys.argv[2]).write_text(port[1])  # it cannot be told a port
signal.pause()
