"""Records as bytes (msgpack), the same in every store.

A field that a release adds has a default, so that rows of earlier releases stay readable; a field is never renamed.
"""

from __future__ import annotations

import msgspec

from domain.clients import ClientKey, StoredCompletion
from domain.follow_up import Expected, Recheck, SignalEvent
from domain.records import Deployment, Exchange, Pair, Reading, Signal
from domain.store import Judged

encode = msgspec.msgpack.Encoder().encode
decode_exchange = msgspec.msgpack.Decoder(Exchange).decode
decode_judged = msgspec.msgpack.Decoder(Judged).decode  # of an exchange: what it does not name is skipped
decode_pair = msgspec.msgpack.Decoder(Pair).decode
decode_reading = msgspec.msgpack.Decoder(Reading).decode
decode_signal = msgspec.msgpack.Decoder(Signal).decode
decode_deployment = msgspec.msgpack.Decoder(Deployment).decode
decode_recheck = msgspec.msgpack.Decoder(Recheck).decode
decode_event = msgspec.msgpack.Decoder(SignalEvent).decode
decode_expected = msgspec.msgpack.Decoder(Expected).decode
decode_key = msgspec.msgpack.Decoder(ClientKey).decode
decode_completion = msgspec.msgpack.Decoder(StoredCompletion).decode
