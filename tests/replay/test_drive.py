"""The same recording gives the same decisions, byte for byte."""

from pathlib import Path

import pytest

from replay.drive import drive
from shared.bybit.recordings import describe, read
from shared.config import Config, Ingest, Signals, Weights
from shared.messages import Decision, Intent, encode

RECORDING = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "bybit-linear-20260809-btc-eth.ndjson.gz"
TWO = Weights(obi=0.30, umom=0.20, prt=0, ltb=0, sweep=0, ice=0, vwap=0, regime=0)  # Enough for entries in a calm hour.
CONFIG = Config(ingest=Ingest(depth=200, ring_records=1 << 16), signals=Signals(weights=TWO))


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recording {RECORDING.name} beside the project")
def test_a_recording_driven_twice_gives_the_same_decisions_byte_for_byte() -> None:
    runs = []
    for _ in range(2):
        said = list(drive(describe(RECORDING), read(RECORDING), CONFIG))
        assert any(isinstance(message, Intent) for message in said)
        assert sum(isinstance(message, Decision) for message in said) > 20
        runs.append(b"".join(encode(message) for message in said))
    assert runs[0] == runs[1]
