from __future__ import annotations

import pytest

from domain import codec
from domain.follow_up import Expected, Recheck, RecheckKind, SignalEvent, SignalState

_EVENT = SignalEvent(id="e", task="t", signal_id="s", state=SignalState.RETRAINING, at=1.0, by="loop", note="n")
_EXPECTED = Expected(task="t", first_day="2026-01-01", last_day="2026-01-02", at=1.0, by="ada")
_RECHECK = Recheck(id="r", task="t", kind=RecheckKind.CANARY, key="k", at=1.0, teacher="gpt", agreed=False, score=0.5)


@pytest.mark.parametrize(
    ("value", "decode"),
    [(_EVENT, codec.decode_event), (_EXPECTED, codec.decode_expected), (_RECHECK, codec.decode_recheck)],
)
def test_values_survive_the_store(value: object, decode: object) -> None:
    """Bytes of the codec give back an equal value, enums included."""
    assert callable(decode)
    assert decode(codec.encode(value)) == value
