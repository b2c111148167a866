"""The texts of a response as its events tell them: in pieces, then whole, and whole again."""

from __future__ import annotations

from gateway.answers import add_piece

RESTATED = ".restated"  # where a text stands that its pieces did not say


class Telling:
    """Puts the texts of one response together.

    A text that is repeated as a whole counts once; where the repetition says something else, both are kept, so that
    the checks see whatever a client might read.  Texts only ever grow.
    """

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._chars: dict[str, int] = {}
        self._restated: dict[str, list[str]] = {}

    def take(self, place: str, text: str, *, piece: bool) -> tuple[str, int, int]:
        """Take a text in that is not empty; the place where it stands now, its start and its end."""
        if piece:
            add_piece(self._texts.setdefault(place, []), text)
            start = self._chars.get(place, 0)
            end = self._chars[place] = start + len(text)
            return place, start, end
        known = "".join(self._texts.get(place, ()))
        if text.startswith(known):
            self._texts[place] = [text]
            self._chars[place] = len(text)
        elif not known.startswith(text):  # else: it is the beginning of what has been seen
            return self._restate(place + RESTATED, text)
        return place, 0, len(text)

    def texts(self) -> dict[str, str]:
        """The texts so far, by place."""
        texts = {place: "".join(pieces) for place, pieces in self._texts.items()}
        return texts | {place: "\n".join(others) for place, others in self._restated.items()}

    def _restate(self, place: str, text: str) -> tuple[str, int, int]:
        others = self._restated.setdefault(place, [])
        if text not in others:
            others.append(text)
        start = sum(len(other) + 1 for other in others[: others.index(text)])  # they stand in lines
        return place, start, start + len(text)
