"""Where the venue is: the only place that knows Bybit's addresses."""

from __future__ import annotations

from typing import NamedTuple

from shared.config import Config
from shared.fleet import FleetPage, Word

_HOSTS = {
    "mainnet": ("api.bybit.com", "stream.bybit.com"),
    "testnet": ("api-testnet.bybit.com", "stream-testnet.bybit.com"),
}


class Venue(NamedTuple):
    """Addresses of one venue; ``rest_url`` has no path."""

    rest_url: str
    public_url: str
    private_url: str


class VenueNotReadyError(RuntimeError):
    """The local exchange does not listen yet."""


def venue_of(config: Config, fleet: FleetPage) -> Venue:
    """Return the addresses that ``config.venue`` names.

    Raises:
        VenueNotReadyError: the local exchange has not published its port yet.
    """
    if config.venue == "local":
        port = fleet.get(Word.EXCHANGE_PORT)
        if not port:
            raise VenueNotReadyError("the local exchange does not listen yet")
        return _venue("http", "ws", f"127.0.0.1:{port}", f"127.0.0.1:{port}")
    return _venue("https", "wss", *_HOSTS[config.venue])


def _venue(http: str, ws: str, rest_host: str, stream_host: str) -> Venue:
    stream = f"{ws}://{stream_host}/v5"
    return Venue(f"{http}://{rest_host}", f"{stream}/public/linear", f"{stream}/private")
