"""Server-sent events, as the HTML standard frames them (section 9.2.6), in and out."""

from __future__ import annotations

DONE = b"[DONE]"
KEEP_ALIVE = b": keep-alive\n\n"  # a comment: clients drop it, proxies see traffic


class EventParser:
    """Bytes in any pieces to the data of events; comments, ids, names and events without data are dropped.

    The data of an event does not depend on how the bytes were cut.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # pieces of a line that has not ended
        self._data: list[bytes] = []
        self._skip_newline = False  # the last piece ended with CR: a LF that follows belongs to it
        self.pending_bytes = 0  # of an event that has not ended

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in this piece."""
        if self._is_one_event(piece):  # as most come
            return [piece[6:-2]] if len(piece) > 8 else []
        if self._skip_newline and piece:
            piece = piece.removeprefix(b"\n")
            self._skip_newline = False
        self.pending_bytes += len(piece)
        if piece.endswith(b"\r"):
            self._skip_newline = True
        first, *others = _lines(piece)
        self._rest.append(first)
        if not others:
            return []
        lines = [b"".join(self._rest), *others]
        self._rest = [lines.pop()]
        found = [data for line in lines if (data := self._line(line)) is not None]
        if b"" in lines:  # an event ended, and another one may have begun
            self.pending_bytes = sum(map(len, self._rest)) + sum(map(len, self._data))
        return found

    def _is_one_event(self, piece: bytes) -> bool:
        """Whether a piece that begins an event is that event, whole, on one line, and nothing else."""
        if self.pending_bytes or self._data or self._skip_newline or not piece.startswith(b"data: "):
            return False
        return piece.endswith(b"\n\n") and piece.count(b"\n") == 2 and b"\r" not in piece

    def _line(self, line: bytes) -> bytes | None:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        data, self._data = b"\n".join(self._data), []
        return data or None


def event(data: bytes) -> bytes:
    """One event on the wire; JSON has no line ends in it unless it was written with some."""
    if b"\n" not in data and b"\r" not in data:
        return b"data: %b\n\n" % data
    return b"".join(b"data: %b\n" % line for line in _lines(data)) + b"\n"


def _lines(text: bytes) -> list[bytes]:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
