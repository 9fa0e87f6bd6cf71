"""Paper trading: the real market, our own exchange. What the exchange has to know of the market's rules is fetched."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from shared.bybit.venue import LIVE, market_rest_url

SCHEME = "live:"
TIMEOUT_S = 10.0
PAGES_MAX = 20
LATENCY_MS = 50  # From here to the venue and back, where nothing else is set.


class PaperError(RuntimeError):
    """The market's rules could not be read."""


def wishes(market: str, instruments: str, latency_ms: int, var_dir: Path) -> dict[str, object]:
    """Return what paper trading sets, by configuration path; ``market`` is the address of a public WebSocket."""
    address = market.removeprefix(SCHEME) if market.startswith(SCHEME) else LIVE
    path = Path(instruments) if instruments else fetch(market_rest_url(address), var_dir / "paper" / "instruments.json")
    return {
        "exchange.market": SCHEME + address,
        "exchange.instruments": str(path.resolve()),
        "exchange.latency_ms": latency_ms or LATENCY_MS,
    }


def fetch(rest_url: str, path: Path) -> Path:
    """Write the rules of all linear symbols to ``path``, as one answer, and return it.

    Raises:
        PaperError: The market does not answer, or not with rules.
    """
    rows: list[Any] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        query = {"category": "linear", "limit": "1000"} | ({"cursor": cursor} if cursor else {})
        url = f"{rest_url}/v5/market/instruments-info?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                result = json.load(answer)["result"]
                rows += result["list"]
                cursor = result.get("nextPageCursor", "")
        except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError) as error:
            raise PaperError(f"{url}: no rules of the market: {error}") from error
        if not cursor:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"retCode": 0, "result": {"list": rows}}))
    return path
