from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.stores.sqlite import SqliteStore
from domain.errors import StoreError
from tests.contract.store_samples import completion, key


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open, empty store."""
    opened = SqliteStore(tmp_path / "p.db")
    await opened.start()
    yield opened
    await opened.aclose()


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_METADATA = st.dictionaries(_TEXTS, _TEXTS, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=_METADATA, wanted=_METADATA, shared=st.booleans())
async def test_a_filter_finds_what_has_all_its_pairs(
    store: SqliteStore, kept: dict[str, str], wanted: dict[str, str], shared: bool
) -> None:
    """SQL and Python agree on any text: found is what has every pair that was asked for."""
    asked = dict(list(kept.items())[:2]) if shared else wanted
    one = msgspec.structs.replace(completion(1), metadata=kept)
    await store.put_completions([one])
    assert await store.completions("key-1", metadata=asked) == ([one] if asked.items() <= kept.items() else [])


async def test_one_completion_that_does_not_fit_keeps_all_out(store: SqliteStore) -> None:
    """A batch goes in whole or not at all, so that it can be tried again."""
    poisoned = completion(2, a="\ud800")
    with pytest.raises(StoreError, match="does not fit"):
        await store.put_completions([completion(1), poisoned])
    assert await store.completions("key-1") == []


async def test_a_record_with_a_new_field_can_be_read(store: SqliteStore) -> None:
    """During a rolling upgrade the old release reads keys and completions that the new one wrote."""
    await store.add_key(key(1))
    await store.put_completions([completion(1)])
    for table, record in (("client_keys", key(1)), ("completions", completion(1))):
        values = msgspec.to_builtins(record, builtin_types=(bytes,)) | {"from_the_future": 1}
        await store._write(f"UPDATE {table} SET body = ?", msgspec.msgpack.encode(values))
    assert await store.keys() == [key(1)]
    assert await store.completions("key-1") == [completion(1)]
