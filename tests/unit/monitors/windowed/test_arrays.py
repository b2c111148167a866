from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.windowed import arrays
from monitors.windowed.arrays import Floats


class Thing(msgspec.Struct):
    rows: Floats
    pairs: tuple[tuple[Floats, Floats], ...] = ()


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1))
def test_numbers_survive_exactly(rows: list[list[float]]) -> None:
    """What is decoded is, to the last bit, what was encoded, also inside tuples."""
    value = Thing(np.array(rows), ((np.array(rows[0]), np.zeros((2, 1))),))
    again = arrays.decode(arrays.encode(value), Thing)
    np.testing.assert_array_equal(again.rows, value.rows)
    np.testing.assert_array_equal(again.pairs[0][0], value.pairs[0][0])
    assert again.pairs[0][1].shape == (2, 1)


@pytest.mark.parametrize("body", [b'{"rows": "many"}', b'{"rows": [[1, 2], [3]]}', b'{"rows": {"a": 1}}', b"{}", b"["])
def test_refuses_what_is_no_array(body: bytes) -> None:
    """A stored state that is damaged or of another kind is a ValueError, so that a detector can start afresh."""
    with pytest.raises(ValueError, match=r"."):
        arrays.decode(body, Thing)


def test_encodes_nothing_but_arrays() -> None:
    """A value that could not be read again is refused when it is written."""
    with pytest.raises(NotImplementedError, match="complex"):
        arrays.encode(1j)
