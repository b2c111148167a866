"""`preceptor keys create | list | revoke`: who may call the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.options import DEFAULT, Config, Json, choose_task
from cli.progress import wide
from cli.runtime import opened_store
from domain import config
from domain.clients import ClientKey
from domain.clock import SystemClock
from domain.errors import PreceptorError
from domain.settings import Settings

_LONGEST_NAME = 64

_group = typer.Typer(help="Who may call the gateway.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(_group, name="keys")


@_group.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, such as billing-service.")],
    task: Annotated[list[str] | None, typer.Option("--task", "-t", help="A task it may ask for; else all.")] = None,
    rpm: Annotated[int, typer.Option("--rpm", min=0, max=10**9, help="Requests a minute; 0: no limit.")] = 0,
    path: Config = DEFAULT,
) -> None:
    """Make a key and print its secret, this once: the store keeps only its hash."""
    settings = config.load(path)
    secret = f"pk-{secrets.token_urlsafe(32)}"
    key = ClientKey(
        id=f"key-{secrets.token_hex(6)}",
        name=_checked(name),
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        created_at=SystemClock().now_s(),
        tasks=tuple(sorted({choose_task(settings, one)[0] for one in task or ()})),
        requests_per_minute=rpm,
    )
    asyncio.run(_add(settings, key))
    sys.stderr.write(f"{key.id} for {key.name}; the secret below is not kept and cannot be shown again\n")
    sys.stdout.write(f"{secret}\n")


@_group.command(name="list")
def list_keys(path: Config = DEFAULT, as_json: Json = False) -> None:
    """Print all keys, the revoked ones too; never a secret."""
    found = asyncio.run(_all(config.load(path)))
    if as_json:
        sys.stdout.write(msgspec.json.encode([_public(key) for key in found]).decode() + "\n")
        return
    table = Table("id", "name", "created", "revoked", "tasks", "requests a minute", title="Client keys")
    for key in found:
        table.add_row(
            key.id,
            key.name,
            _written(key.created_at),
            "" if key.revoked_at is None else _written(key.revoked_at),
            ", ".join(key.tasks) or "all",
            str(key.requests_per_minute or "no limit"),
        )
    wide(Console(markup=False)).print(table)


@_group.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The id or the name of an active key.")], path: Config = DEFAULT
) -> None:
    """End a key for good; the gateways refuse it within two seconds."""
    ended = asyncio.run(_revoke(config.load(path), key))
    sys.stdout.write(f"{ended.id} for {ended.name} is revoked\n")


async def _add(settings: Settings, key: ClientKey) -> None:
    async with opened_store(settings) as store:
        if any(other.name == key.name and other.revoked_at is None for other in await store.keys()):
            raise PreceptorError(f"there is an active key {key.name!r} already; choose another name, or revoke it")
        await store.add_key(key)


async def _all(settings: Settings) -> list[ClientKey]:
    async with opened_store(settings) as store:
        return await store.keys()


async def _revoke(settings: Settings, wanted: str) -> ClientKey:
    async with opened_store(settings) as store:
        active = [key for key in await store.keys() if key.revoked_at is None]
        # An id is unique and comes first: whatever others are called, it ends the key that it belongs to.
        found = sorted((key for key in active if wanted in (key.id, key.name)), key=lambda key: key.id != wanted)
        if not found or not await store.revoke_key(found[0].id, at=SystemClock().now_s()):
            raise PreceptorError(f"no active key {wanted!r}; see: preceptor keys list")
        return found[0]


def _checked(name: str) -> str:
    """The name, if it can be printed in a table.

    Raises:
        PreceptorError: it is empty, too long or has line ends or control characters in it.
    """
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise PreceptorError(
            f"{name[:_LONGEST_NAME]!r} is no name for a key; use 1 to {_LONGEST_NAME} printable characters"
        )
    return name


def _public(key: ClientKey) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(key).items() if name != "sha256"}


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).isoformat(sep=" ", timespec="seconds")
