"""Addresses follow the configured venue and nothing else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shared.bybit.venue import VenueNotReadyError, market_rest_url, venue_of
from shared.config import Config
from shared.fleet import SIZE, FleetPage, Word


@pytest.mark.parametrize("venue", ["local", "paper"])
def test_our_own_exchange_is_where_it_says(venue: str) -> None:
    fleet, config = FleetPage(bytearray(SIZE)), replace(Config(), venue=venue)  # type: ignore[arg-type]
    with pytest.raises(VenueNotReadyError):
        venue_of(config, fleet)
    fleet.put(Word.EXCHANGE_PORT, 4321)
    http, ws = "http://127.0.0.1:4321", "ws://127.0.0.1:4321/v5"
    assert venue_of(config, fleet) == (http, f"{ws}/public/linear", f"{ws}/private", f"{ws}/trade", http)


@pytest.mark.parametrize(("venue", "rest", "stream"), [
    ("testnet", "api-testnet.bybit.com", "stream-testnet.bybit.com"),
    ("mainnet", "api.bybit.com", "stream.bybit.com"),
])  # fmt: skip
def test_real_venues_are_encrypted_and_need_no_local_exchange(venue: str, rest: str, stream: str) -> None:
    config = replace(Config(), venue=venue)  # type: ignore[arg-type]
    ws = f"wss://{stream}/v5"
    assert venue_of(config, FleetPage(bytearray(SIZE))) == (
        f"https://{rest}", f"{ws}/public/linear", f"{ws}/private", f"{ws}/trade", f"https://{rest}",
    )  # fmt: skip


def test_demo_trading_looks_at_the_real_market_and_has_no_socket_for_orders() -> None:
    found = venue_of(replace(Config(), venue="demo"), FleetPage(bytearray(SIZE)))
    assert (found.rest_url, found.market_url) == ("https://api-demo.bybit.com", "https://api.bybit.com")
    assert found.public_url == "wss://stream.bybit.com/v5/public/linear"
    assert found.private_url == "wss://stream-demo.bybit.com/v5/private"
    assert found.trade_url == ""


def test_a_markets_rest_address_follows_from_its_stream() -> None:
    assert market_rest_url("wss://stream.bybit.com/v5/public/linear") == "https://api.bybit.com"
    assert market_rest_url("wss://stream-testnet.bybit.com/v5/public/linear") == "https://api-testnet.bybit.com"
    assert market_rest_url("ws://127.0.0.1:8899/v5/public/linear") == "http://127.0.0.1:8899"
