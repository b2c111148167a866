"""Reload: what may change, and when the mark in the store counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain import config
from domain.errors import ConfigError, StoreError
from domain.reload import ReloadMark, require_reloadable

MODEL = {"upstream": "u", "model": "m"}
DOCUMENT = {
    "upstreams": {"u": {"base_url": "http://x"}},
    "tasks": {"t": {"teacher": MODEL, "student": MODEL, "output": {"text": {}}}},
    "embedders": {"minilm": {}},
    "students": {},
}


def settings(**sections):
    """The document with sections replaced."""
    document = {key: value for key, value in (DOCUMENT | sections).items() if value is not None}
    return config.parse(document, environ={}, root=Path("/nowhere"))


@pytest.mark.parametrize(
    ("sections", "path"),
    [
        ({"server": {"host": "0.0.0.0"}}, "server.host"),
        ({"server": {"port": 9000}}, "server.port"),
        ({"server": {"admin_port": 9001}}, "server.admin_port"),
        ({"server": {"workers": 2}}, "server.workers"),
        ({"store": {"url": "sqlite:///pass-word.db"}}, "store.url"),
        ({"students": {"port": 9002}}, "students.port"),
        ({"students": {"host": "0.0.0.0"}}, "students.host"),
        ({"students": None}, "students.host"),
    ],
)
def test_a_change_of_sockets_or_store_needs_a_restart(sections, path):
    """Such a file is refused, in both directions, with the key's path and no value of it."""
    for pair in [(settings(), settings(**sections)), (settings(**sections), settings())]:
        with pytest.raises(ConfigError, match=f"^{path}: this change needs a restart") as caught:
            require_reloadable(*pair)
        assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"server": {"admin_token": "new", "max_body_bytes": 2048, "max_concurrency": 3}},
        {"upstreams": {"u": {"base_url": "http://y"}}},
        {"tasks": {"other": DOCUMENT["tasks"]["t"]}},
        {"students": {"path": "elsewhere"}},
    ],
)
def test_everything_else_may_change(sections):
    """Tasks, upstreams, limits and tokens can change while the processes run."""
    require_reloadable(settings(), settings(**sections))


class Marks:
    """A store whose mark is read from a script; it stays at the last, and an exception is raised."""

    def __init__(self, *marks):
        self.marks = list(marks)
        self.starts = 0

    async def start(self):
        self.starts += 1

    async def reload_requested(self):
        mark = self.marks.pop(0) if len(self.marks) > 1 else self.marks[0]
        if isinstance(mark, Exception):
            raise mark
        return mark


class OverError(Exception):
    """The script has ended and nothing has happened."""


async def looks(mark, *, most=10):
    """How often the mark was looked at until it was renewed; raises `OverError` after `most`."""
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == most:
            raise OverError

    await mark.renewed(sleep=sleep)
    assert set(pauses) <= {1.0}
    return len(pauses) + 1


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((101.0,), 1),  # asked while this process was starting
        ((0.0, 0.0, 500.0), 3),
        ((99.0, 99.0, 200.0), 3),
        ((99.0, 99.5), 2),  # by a console whose clock is behind
        ((StoreError("locked"), 99.0, StoreError("locked"), 200.0), 4),
    ],
)
async def test_a_new_mark_is_heard(marks, expected):
    """A mark later than the reading of the file, or another than before, means reload; a broken store means nothing."""
    assert await looks(ReloadMark(Marks(*marks), since=100.0)) == expected


@pytest.mark.parametrize("marks", [(0.0,), (99.0,), (100.0,), (StoreError("gone"),)])
async def test_an_old_mark_is_no_news(marks):
    """What was asked before the file was read has been obeyed; without a store nobody asks."""
    with pytest.raises(OverError):
        await looks(ReloadMark(Marks(*marks), since=100.0))


async def test_a_mark_is_heard_once():
    """After it was heard the same mark is silent, until there is another, earlier or later."""
    store = Marks(200.0)
    mark = ReloadMark(store, since=100.0)
    assert await looks(mark) == 1
    with pytest.raises(OverError):
        await looks(mark)
    for asked in (300.0, 250.0):  # the second by a console whose clock is behind
        store.marks = [asked]
        assert await looks(mark) == 1
    assert store.starts > 10


def test_a_longer_queue_needs_a_restart():
    """The queue of the journal outlives a reload, so a file that wants another one is refused, not half obeyed."""
    longer = settings(tasks={"t": DOCUMENT["tasks"]["t"] | {"journal": {"queue": 7}}})
    with pytest.raises(ConfigError, match=r"journal\.queue needs a restart"):
        require_reloadable(settings(), longer)
