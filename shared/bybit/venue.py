"""Where the venue is: the only place that knows Bybit's addresses."""

from __future__ import annotations

from typing import NamedTuple

from shared.config import OWN, Config
from shared.fleet import FleetPage, Word

LIVE = "wss://stream.bybit.com/v5/public/linear"  # The market that paper trading is about,
LIVE_REST = "https://api.bybit.com"  # and where its rules are read.


class Venue(NamedTuple):
    """Addresses of one venue; those of REST have no path. ``market_url`` answers what needs no key."""

    rest_url: str
    public_url: str
    private_url: str
    trade_url: str  # Of order entry; empty where there is none.
    market_url: str


class VenueNotReadyError(RuntimeError):
    """The local exchange does not listen yet."""


def _venue(http: str, ws: str, rest_host: str, stream_host: str) -> Venue:
    rest, stream = f"{http}://{rest_host}", f"{ws}://{stream_host}/v5"
    return Venue(rest, f"{stream}/public/linear", f"{stream}/private", f"{stream}/trade", rest)


_VENUES = {
    "mainnet": _venue("https", "wss", "api.bybit.com", "stream.bybit.com"),
    "testnet": _venue("https", "wss", "api-testnet.bybit.com", "stream-testnet.bybit.com"),
    # The real market with play money: it has no public side of its own, and takes no orders by socket.
    "demo": Venue("https://api-demo.bybit.com", LIVE, "wss://stream-demo.bybit.com/v5/private", "", LIVE_REST),
}


def market_rest_url(stream_url: str) -> str:
    """Return where the market behind a public WebSocket answers by REST."""
    scheme, _, rest = stream_url.partition("://")
    host = rest.partition("/")[0]
    http = "https" if scheme == "wss" else "http"
    return f"{http}://{host.replace('stream', 'api', 1) if host.endswith('.bybit.com') else host}"


def venue_of(config: Config, fleet: FleetPage) -> Venue:
    """Return the addresses that ``config.venue`` names.

    Raises:
        VenueNotReadyError: the local exchange has not published its port yet.
    """
    if config.venue in OWN:
        port = fleet.get(Word.EXCHANGE_PORT)
        if not port:
            raise VenueNotReadyError("the local exchange does not listen yet")
        return _venue("http", "ws", f"127.0.0.1:{port}", f"127.0.0.1:{port}")
    return _VENUES[config.venue]
