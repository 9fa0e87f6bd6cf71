"""Addresses follow the configured venue and nothing else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.bybit.venue import VenueNotReadyError, venue_of
from shared.config import Config
from shared.fleet import SIZE, FleetPage, Word


def test_the_local_exchange_is_where_it_says() -> None:
    fleet = FleetPage(bytearray(SIZE))
    with pytest.raises(VenueNotReadyError):
        venue_of(Config(), fleet)
    fleet.put(Word.EXCHANGE_PORT, 4321)
    assert venue_of(Config(), fleet) == (
        "http://127.0.0.1:4321",
        "ws://127.0.0.1:4321/v5/public/linear",
        "ws://127.0.0.1:4321/v5/private",
    )


@pytest.mark.parametrize(("venue", "rest", "stream"), [
    ("testnet", "api-testnet.bybit.com", "stream-testnet.bybit.com"),
    ("mainnet", "api.bybit.com", "stream.bybit.com"),
])  # fmt: skip
def test_real_venues_are_encrypted_and_need_no_local_exchange(venue: str, rest: str, stream: str) -> None:
    config = replace(Config(), venue=venue)  # type: ignore[arg-type]
    assert venue_of(config, FleetPage(bytearray(SIZE))) == (
        f"https://{rest}",
        f"wss://{stream}/v5/public/linear",
        f"wss://{stream}/v5/private",
    )
