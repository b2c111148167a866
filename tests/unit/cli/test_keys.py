from __future__ import annotations

import asyncio
import hashlib
import json
import re

import pytest

from adapters.stores.sqlite import SqliteStore


def _stored(installation):
    async def read():
        store = SqliteStore(installation.root / "store.db")
        await store.start()
        try:
            return await store.keys()
        finally:
            await store.aclose()

    return asyncio.run(read())


def _listed(run, installation):
    code, out, _ = run("keys", "list", "--json", "-c", installation.config)
    assert code == 0
    return json.loads(out)


def test_a_secret_is_printed_once_and_kept_nowhere(run, installation):
    """Standard output is the secret alone, for scripts; the store has its hash, and no list shows either."""
    code, out, err = run("keys", "create", "billing", "--task", "tickets", "--rpm", 60, "-c", installation.config)
    assert code == 0
    assert re.fullmatch(r"pk-[A-Za-z0-9_-]{43}\n", out)
    secret = out.strip()
    (key,) = _stored(installation)
    assert key.id in err
    assert key.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert (key.name, key.tasks, key.requests_per_minute, key.revoked_at) == ("billing", ("tickets",), 60, None)
    assert not any(secret.encode() in file.read_bytes() for file in installation.root.glob("store.db*"))
    for flags in ([], ["--json"]):
        shown = run("keys", "list", *flags, "-c", installation.config)[1]
        assert "billing" in shown
        assert secret not in shown
        assert key.sha256 not in shown


def test_secrets_differ(run, installation):
    """Two keys never open for each other."""
    made = {run("keys", "create", name, "-c", installation.config)[1] for name in ("a", "b", "c")}
    assert len(made) == 3
    assert len({key.id for key in _stored(installation)}) == 3


def test_the_list_has_what_an_operator_asks(run, installation):
    """Id, name, both times, tasks and limit of every key, the revoked ones too, oldest first."""
    assert _listed(run, installation) == []
    run("keys", "create", "a [b]", "--rpm", 60, "-c", installation.config)
    run("keys", "create", "c", "-t", "tickets", "-t", "tickets", "-c", installation.config)
    run("keys", "revoke", "c", "-c", installation.config)
    first, second = _listed(run, installation)
    assert list(first) == ["id", "name", "created_at", "revoked_at", "tasks", "requests_per_minute"]
    assert (first["name"], first["tasks"], first["requests_per_minute"], first["revoked_at"]) == ("a [b]", [], 60, None)
    assert (second["name"], second["tasks"]) == ("c", ["tickets"])
    assert second["revoked_at"] >= second["created_at"]
    code, table, _ = run("keys", "list", "-c", installation.config)
    assert code == 0
    for text in ("a [b]", "no limit", "all", "60", "tickets", first["id"]):
        assert text in table


@pytest.mark.parametrize("field", ["id", "name"])
def test_a_key_is_revoked_by_id_or_name(run, installation, field):
    """It ends once; the name is then free for another key, which the old id does not name."""
    run("keys", "create", "billing", "-c", installation.config)
    (key,) = _listed(run, installation)
    code, out, _ = run("keys", "revoke", key[field], "-c", installation.config)
    assert (code, out) == (0, f"{key['id']} for billing is revoked\n")
    code, _, err = run("keys", "revoke", key[field], "-c", installation.config)
    assert code == 2
    assert "no active key" in err
    assert run("keys", "create", "billing", "-c", installation.config)[0] == 0
    assert run("keys", "revoke", key["id"], "-c", installation.config)[0] == 2
    assert [one["revoked_at"] is None for one in _listed(run, installation)] == [False, True]


def test_a_name_that_is_anothers_id_does_not_protect_it(run, installation):
    """Whatever a key is called, an id ends the key that it belongs to."""
    run("keys", "create", "real", "-c", installation.config)
    (real,) = _listed(run, installation)
    run("keys", "create", real["id"], "-c", installation.config)
    run("keys", "revoke", real["id"], "-c", installation.config)
    assert [one["revoked_at"] is None for one in _listed(run, installation)] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["create", "taken"], "an active key 'taken' already"),
        (["create", "x", "--task", "tickets", "--task", "other"], "no task 'other'; configured are tickets"),
        (["create", ""], "no name for a key"),
        (["create", " "], "no name for a key"),
        (["create", "a\nb"], "no name for a key"),
        (["create", "\x1b[2J"], "no name for a key"),
        (["create", "x" * 65], "no name for a key"),
        (["create", "x", "--rpm", "-1"], "--rpm"),
        (["revoke", "nobody"], "no active key 'nobody'; see: preceptor keys list"),
    ],
)
def test_a_mistake_makes_no_key(run, installation, arguments, problem):
    """One line says what is wrong; no secret is printed and no key is there."""
    run("keys", "create", "taken", "-c", installation.config)
    code, out, err = run("keys", *arguments, "-c", installation.config)
    assert (code, out) == (2, "")
    assert problem in err
    assert [key.name for key in _stored(installation)] == ["taken"]
