"""What every `domain.store.Store` must keep to: client keys and stored completions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from domain.errors import StoreError
from tests.contract.store_samples import TASK, OpenStore, completion, key


async def keys_come_back_oldest_first(open_store: OpenStore) -> None:
    """Every field survives; the order is that of their creation, whatever the order of writing."""
    first, second = await open_store(), await open_store()
    assert await first.keys() == []
    for number in (2, 1, 3):
        await first.add_key(key(number))
    assert await second.keys() == [key(1), key(2), key(3)]


async def a_key_is_revoked_once(open_store: OpenStore) -> None:
    """A revoked key stays, with the time of the first revocation; an unknown one is not revoked."""
    store = await open_store()
    await store.add_key(key(1))
    await store.add_key(key(2))
    assert await store.revoke_key("key-1", at=650.0)
    assert not await store.revoke_key("key-1", at=651.0)
    assert not await store.revoke_key("client 2", at=651.0)
    assert [one.revoked_at for one in await store.keys()] == [650.0, None]
    assert (await store.keys())[0] == msgspec.structs.replace(key(1), revoked_at=650.0)


async def what_names_a_key_is_unique(open_store: OpenStore) -> None:
    """No second key of the same id, hash or, while both are active, name; a refused key leaves no trace."""
    store = await open_store()
    await store.add_key(key(1))
    for field in ("id", "sha256", "name"):
        twin = msgspec.structs.replace(key(2), **{field: getattr(key(1), field)})
        with pytest.raises(StoreError, match="taken already"):
            await store.add_key(twin)
    assert await store.keys() == [key(1)]
    await store.revoke_key("key-1", at=650.0)
    await store.add_key(key(2, name="client 1"))
    assert [one.name for one in await store.keys()] == ["client 1", "client 1"]


async def completions_come_back_in_order_of_time(open_store: OpenStore) -> None:
    """Every field survives; equal times keep the order of writing; the newest first is the exact reverse."""
    store = await open_store()
    made = [completion(1, a="b"), completion(2, at=705.0), completion(3, at=705.0), completion(9)]
    await store.put_completions([made[3], made[0]])
    await store.put_completions([])
    await store.put_completions(made[1:3])
    assert await store.completions("key-1") == made
    assert await store.completions("key-1", newest_first=True) == made[::-1]
    assert await store.completion("key-1", "chatcmpl-1") == made[0]


async def the_newest_of_an_id_replaces(open_store: OpenStore) -> None:
    """A completion that is written again is there once, as it was written last."""
    store = await open_store()
    await store.put_completions([completion(1, a="b"), completion(2)])
    newer = completion(1, at=800.0, c="d")
    await store.put_completions([newer])
    assert await store.completions("key-1") == [completion(2), newer]
    assert await store.completion("key-1", "chatcmpl-1") == newer


async def owners_are_apart(open_store: OpenStore) -> None:
    """Nobody reads, lists, changes, deletes or replaces what another owns, even under the same id."""
    store = await open_store()
    mine, others = completion(1), completion(1, owner="")
    await store.put_completions([mine, others, completion(2)])
    assert await store.completions("") == [others]
    assert await store.completion("", "chatcmpl-2") is None
    assert await store.update_completion("", "chatcmpl-2", {"a": "b"}) is None
    assert not await store.delete_completion("", "chatcmpl-2")
    assert await store.completions("", after="chatcmpl-2") == []
    assert await store.delete_completion("", "chatcmpl-1")
    assert await store.completions("key-1") == [mine, completion(2)]


async def pages_meet_without_gap_or_overlap(open_store: OpenStore) -> None:
    """Each page begins after the last id of the one before, in both orders, also among equal times."""
    store = await open_store()
    await store.put_completions([completion(number, at=700.0 + number // 4) for number in range(10)])
    for newest_first in (False, True):
        seen: list[int] = []
        after = ""
        while page := await store.completions("key-1", after=after, limit=3, newest_first=newest_first):
            assert len(page) <= 3
            after = page[-1].id
            seen += [int(one.id.removeprefix("chatcmpl-")) for one in page]
        assert seen == sorted(range(10), reverse=newest_first)
    assert await store.completions("key-1", after="unknown") == []


async def completions_are_filtered(open_store: OpenStore) -> None:
    """By task, and by metadata that has all the pairs asked for, whatever their characters."""
    store = await open_store()
    odd = {'a"] b': "c'; --", "\x00 1": "\x00 2", "é": "\U0001f600", "": ""}
    await store.put_completions(
        [
            completion(1, team="a", env="live"),
            completion(2, team="a", task="other"),
            completion(3, team="A"),
            completion(4, **odd),
        ]
    )

    async def found(metadata: Mapping[str, str], *, task: str = "", limit: int = 10) -> list[int]:
        rows = await store.completions("key-1", metadata=metadata, task=task, limit=limit)
        return [int(row.id.removeprefix("chatcmpl-")) for row in rows]

    assert await found({}) == [1, 2, 3, 4]
    assert await found({}, task=TASK) == [1, 3, 4]
    assert await found({"team": "a"}) == [1, 2]
    assert await found({"team": "a"}, limit=1) == [1]
    assert await found({"team": "a"}, task="other") == [2]
    assert await found({"env": "live", "team": "a"}) == [1]
    assert await found({"env": "live", "team": "A"}) == []
    assert await found({"a": "team"}) == []
    for pair in odd.items():
        assert await found(dict([pair])) == [4]
    assert await found({"\x00 1": "\x00 3"}) == []


async def metadata_are_replaced_whole(open_store: OpenStore) -> None:
    """An update takes the old pairs away, is found by the new ones and leaves the rest and the order alone."""
    store = await open_store()
    await store.put_completions([completion(1, a="b"), completion(2)])
    changed = completion(1, c="d")
    assert await store.update_completion("key-1", "chatcmpl-1", {"c": "d"}) == changed
    assert await store.completions("key-1") == [changed, completion(2)]
    assert await store.completions("key-1", metadata={"a": "b"}) == []
    assert await store.completions("key-1", metadata={"c": "d"}) == [changed]
    assert await store.update_completion("key-1", "unknown", {}) is None
    assert await store.update_completion("key-1", "chatcmpl-1", {}) == completion(1)


async def a_deleted_completion_is_gone(open_store: OpenStore) -> None:
    """It is deleted once, and may be written again."""
    store = await open_store()
    await store.put_completions([completion(1), completion(2)])
    assert await store.delete_completion("key-1", "chatcmpl-1")
    assert not await store.delete_completion("key-1", "chatcmpl-1")
    assert await store.completion("key-1", "chatcmpl-1") is None
    assert await store.completions("key-1") == [completion(2)]
    await store.put_completions([completion(1)])
    assert await store.completion("key-1", "chatcmpl-1") == completion(1)


CHECKS = (
    keys_come_back_oldest_first,
    a_key_is_revoked_once,
    what_names_a_key_is_unique,
    completions_come_back_in_order_of_time,
    the_newest_of_an_id_replaces,
    owners_are_apart,
    pages_meet_without_gap_or_overlap,
    completions_are_filtered,
    metadata_are_replaced_whole,
    a_deleted_completion_is_gone,
)
