"""The vocabulary survives the wire, and nonsense does not."""

import pytest

from shared.messages import Instrument, ProtocolError, Tick, Universe, Verdict, decode, encode

INSTRUMENT = Instrument("BTCUSDT", "0.10", "0.001", 1, 1_190_000, 500_000, 500_000_000, 480, 10_000, "Trading")


def test_a_message_survives_the_wire() -> None:
    sent = Universe(3, (INSTRUMENT,), (1.5,))
    assert decode("Universe", encode(sent)) == sent


def test_the_handler_is_the_name_in_small_letters() -> None:
    assert (Tick.HANDLER, Verdict.HANDLER) == ("on_tick", "on_verdict")


@pytest.mark.parametrize(
    ("name", "payload"),
    [("Nonsense", b"\x90"), ("Verdict", b"\x90"), ("Verdict", b"\xc1"), ("Verdict", b""), ("Tick", b"\x81\x01\x02")],
)
def test_what_does_not_fit_is_a_protocol_error(name: str, payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(name, payload)


def test_a_newer_sender_may_append_fields() -> None:
    assert decode("Tick", b"\x91\x01") == Tick()
