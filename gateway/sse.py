"""Server-sent events, as the HTML standard frames them (section 9.2.6), in and out."""

from __future__ import annotations

DONE = b"[DONE]"


class EventParser:
    """Bytes in any pieces to the data of events; comments, ids and names are dropped.

    The data of an event does not depend on how the bytes were cut.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._skip_newline = False  # the last piece ended with CR: a LF that follows belongs to it

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in this piece."""
        if self._skip_newline and piece:
            piece = piece.removeprefix(b"\n")
            self._skip_newline = False
        text = self._rest + piece
        self._skip_newline = text.endswith(b"\r")
        lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        return [data for line in lines if (data := self._line(line)) is not None]

    @property
    def pending(self) -> bool:
        """Whether an event has begun that has not ended."""
        return bool(self._rest or self._data)

    def _line(self, line: bytes) -> bytes | None:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        if not self._data:
            return None
        data, self._data = b"\n".join(self._data), []
        return data


def event(data: bytes) -> bytes:
    """One event on the wire; JSON has no line ends in it unless it was written with some."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"".join(b"data: %b\n" % line for line in lines) + b"\n"
