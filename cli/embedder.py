"""`preceptor embedder export`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cli.options import DEFAULT, Config, Json
from cli.progress import bar
from domain import config
from domain.errors import ConfigError

if TYPE_CHECKING:
    from domain.settings import Settings

_ALL = "all"
_MIB = 1024 * 1024

_group = typer.Typer(help="Models that turn texts into vectors.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(_group, name="embedder")


@_group.callback()
def _embedder() -> None:
    """With only one command typer would leave its name out."""


@_group.command()
def export(
    embedder: Annotated[
        str, typer.Option("--embedder", help="A name under `embedders`; all: every one that runs on an export.")
    ] = _ALL,
    path: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """Make what the backends onnx-int8 and static run on, where it is not there yet."""
    settings = config.load(path)
    lines = [_export(settings, name) for name in _chosen(settings, embedder)]
    if as_json:
        sys.stdout.write(msgspec.json.encode(lines).decode() + "\n")
        return
    for line in lines:
        state = "exported to" if line["new"] else "unchanged in"
        size = f"{line['bytes'] / _MIB:.0f} MiB"
        sys.stdout.write(f"{line['embedder']}: {state} {line['folder']} ({size}, sha256 {line['sha256']})\n")
    if not lines:
        sys.stdout.write("nothing to export: no embedder has the backend onnx-int8 or static\n")


def _chosen(settings: Settings, wanted: str) -> list[str]:
    from embedders.app import EXPORTED

    needing = [name for name, each in settings.embedders.items() if each.backend in EXPORTED]
    if wanted in (_ALL, *needing):
        return needing if wanted == _ALL else [wanted]
    if wanted in settings.embedders:
        backend = settings.embedders[wanted].backend
        problem = f"{backend} needs no export; set it to {' or '.join(EXPORTED)}"
        raise ConfigError(f"embedders.{wanted}.backend", problem)
    raise ConfigError("embedders", f"no {wanted!r}; configured are {', '.join(sorted(settings.embedders)) or 'none'}")


def _export(settings: Settings, name: str) -> dict[str, Any]:
    from embedders import app

    chosen = settings.embedders[name]
    with bar(f"export {name} ({chosen.backend})") as show:
        made = app.export(chosen, root=settings.root, progress=show)
        if not made.new:
            show(1, 1)
    return {
        "embedder": name,
        "backend": chosen.backend,
        "new": made.new,
        "folder": str(made.folder),
        "bytes": sum(file.stat().st_size for file in made.folder.iterdir()),
        "sha256": made.export.sha256,
        "cosine": made.export.cosine,
    }
