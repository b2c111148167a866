"""Server-sent events: framing must not depend on how a network cut the bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import sse

LINES = st.lists(
    st.one_of(
        st.builds(lambda text: b"data: " + text, st.binary(max_size=20).filter(lambda t: not set(t) & {10, 13})),
        st.sampled_from([b"", b"", b": comment", b"event: x", b"data", b"data:", b"data:tight", b"id: 7"]),
    ),
    max_size=30,
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


def _parse(pieces):
    parser = sse.EventParser()
    return [data for piece in pieces for data in parser.feed(piece)]


def _cut(text, places):
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(LINES, ENDS, st.lists(st.integers(0, 10_000), max_size=40))
def test_any_chunking_gives_the_same_events(lines, end, places):
    """However a stream is cut, empty pieces included, its events are the same."""
    text = end.join([*lines, b"", b""])
    assert _parse(_cut(text, places)) == _parse([text]) == _parse([text[i : i + 1] for i in range(len(text))])


def test_an_event_that_begins_behind_another_is_not_forgotten():
    """Also when its first line says nothing, and the next piece looks like an event of its own."""
    assert _parse([b"\ndata: \n", b"data: a\n\n"]) == [b"\na"]
    parser = sse.EventParser()
    parser.feed(b"data: a\n\ndata: bcd\n")
    assert parser.pending_bytes == 3


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1024, 65536])
def test_large_events_survive_every_piece_size(size):
    """An event of 100 KB comes out whole, from pieces of 1 byte to 64 KiB."""
    data = b'{"x":"' + b"a" * 100_000 + b'"}'
    text = sse.event(data) + sse.event(sse.DONE)
    assert _parse(text[i : i + size] for i in range(0, len(text), size)) == [data, sse.DONE]


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b": hello\n\ndata: a\n\n", [b"a"]),
        (b"event: e\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
        (b"data:\n\ndata: a\n\n", [b"a"]),
        (b"data: a\r\rdata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"datax: a\n\n", []),
        (b"\n\n\n", []),
    ],
)
def test_frames(text, events):
    """Each row of the standard's grammar that servers use is understood."""
    assert _parse([text]) == events


@given(st.binary(max_size=60))
def test_an_event_comes_back_as_it_was(data):
    """What the writer frames the parser reads; only the kind of line end is lost, and no data is no event."""
    text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert _parse([sse.event(data)]) == ([text] if text else [])


def test_a_keep_alive_is_no_event():
    """Clients must not see the comment that keeps a connection open."""
    assert _parse([sse.KEEP_ALIVE]) == []


def test_pending_bytes_bound_an_endless_event():
    """What has come of an unfinished event is counted, and forgotten when the event ends."""
    parser = sse.EventParser()
    for _ in range(10):
        parser.feed(b"data: aaaa")
    assert parser.pending_bytes == 100
    parser.feed(b"\n\n")
    assert parser.pending_bytes == 0
