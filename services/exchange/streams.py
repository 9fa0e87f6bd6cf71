"""All public topics: the market's own, and those that every market can have (klines, liquidations, price limits).

Also the place where REST finds what has been on the tape.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import orjson

from services.exchange.candles import DAY_MS, INTERVALS, MINUTE_MS
from services.exchange.desk import Band
from services.exchange.grid import Regrid
from services.exchange.history import History
from services.exchange.kline_stream import KlineStream
from services.exchange.limit_stream import LimitStream
from services.exchange.liquidation_stream import LiquidationStream
from services.exchange.market import Market
from services.exchange.matching import Fill
from services.exchange.playback import PlaybackMarket
from services.exchange.positioning import Positioning
from services.exchange.public import PublicStreams
from shared.scale import Scale

MS = 1_000_000
FUNDING_KEPT = 200
Extra = KlineStream | LimitStream | LiquidationStream


class Streams:
    """The public face of the exchange. ``band`` says a symbol's present price band."""

    def __init__(self, market: Market, band: Callable[[str], Band], now: int) -> None:
        self._market, self._band = market, band
        self._scales = {symbol: Scale(rules.tick, rules.lot) for symbol, rules in market.instruments.items()}
        self._histories: dict[str, History] = {}
        self._positioning: dict[str, Positioning] = {}
        self._liquidations = {symbol: LiquidationStream(symbol, scale) for symbol, scale in self._scales.items()}
        self._funding: dict[str, deque[tuple[int, str]]] = {}  # (settled in ms, rate), oldest first
        self._live: dict[str, Extra] = {}  # Watched topics of ours.
        self._watchers: dict[str, int] = {}
        self._recorded = isinstance(market, PlaybackMarket)
        self._public = market if isinstance(market, PublicStreams) else None
        self._due_ns = now
        self._settles_ms = 0  # No funding is due before.
        for symbol in market.symbols:
            if market.last_ticks(symbol):
                self._found(symbol, market.last_ticks(symbol), now)
            self._funding[symbol] = self._past_funding(symbol, now // MS)
            self._positioning[symbol] = Positioning(market.ticker_row(symbol), now // MS)

    # --- the past ---------------------------------------------------------------------------------------------------

    def history(self, symbol: str) -> History | None:
        """Return what has been on the tape; None as long as the symbol never had a price."""
        return self._histories.get(symbol)

    def _found(self, symbol: str, price_ticks: int, now: int) -> History:
        found = self._histories.get(symbol)
        if found is None:
            ticker = self._market.ticker_row(symbol)
            found = History(symbol, self._scales[symbol], price_ticks, ticker, now // MS)
            self._histories[symbol] = found
        return found

    def _past_funding(self, symbol: str, now_ms: int) -> deque[tuple[int, str]]:
        """Return the settlements of the day before the opening, at the rate of the opening."""
        interval_ms, rate = self._interval_ms(symbol), self._market.ticker_row(symbol).get("fundingRate", "")
        last_ms = now_ms // interval_ms * interval_ms
        past = [last_ms - back * interval_ms for back in range(max(1, DAY_MS // interval_ms))]
        return deque(((at_ms, rate) for at_ms in reversed(past)), maxlen=FUNDING_KEPT)

    def _interval_ms(self, symbol: str) -> int:
        return max(1, self._market.instruments[symbol].funding_interval_min) * MINUTE_MS

    def _settle_funding(self, now_ms: int) -> None:
        """Keep the rates at which funding was settled."""
        if now_ms < self._settles_ms:
            return
        due_ms = {symbol: past[-1][0] + self._interval_ms(symbol) for symbol, past in self._funding.items()}
        for symbol, past in self._funding.items():
            if now_ms >= due_ms[symbol]:
                past.append((now_ms // MINUTE_MS * MINUTE_MS, self._market.ticker_row(symbol).get("fundingRate", "")))
                due_ms[symbol] = past[-1][0] + self._interval_ms(symbol)
        self._settles_ms = min(due_ms.values(), default=0)

    def funding_rates(self, symbol: str) -> deque[tuple[int, str]]:
        """Return (settled in ms, rate), oldest first."""
        return self._funding[symbol]

    def positioning(self, symbol: str) -> Positioning:
        """Return the records of open interest and of who is long."""
        return self._positioning[symbol]

    def liquidated(self, symbol: str, side: int, lots: int, bankruptcy_ticks: int, now: int) -> None:
        """A position of that side was liquidated."""
        self._liquidations[symbol].add(side, lots, bankruptcy_ticks, now)

    # --- topics -----------------------------------------------------------------------------------------------------

    def valid_topic(self, topic: str) -> bool:
        """Return whether the topic exists."""
        return self._market.valid_topic(topic) or self._kind(topic) is not None

    def _kind(self, topic: str) -> tuple[str, str] | None:
        """Return (kind or kline interval, symbol) of a topic of ours."""
        head, _, symbol = topic.rpartition(".")
        if symbol not in self._scales:
            return None
        if head in ("allLiquidation", "priceLimit"):
            return head, symbol
        name, _, interval = head.partition(".")
        return (interval, symbol) if name == "kline" and interval in INTERVALS else None

    def watch(self, topic: str) -> None:
        """Count one more subscriber: only watched topics are computed."""
        if self._market.valid_topic(topic):
            self._market.watch(topic)
        else:
            self._watchers[topic] = self._watchers.get(topic, 0) + 1

    def unwatch(self, topic: str) -> None:
        """Count one subscriber less."""
        if self._market.valid_topic(topic):
            self._market.unwatch(topic)
            return
        self._watchers[topic] -= 1
        if not self._watchers[topic]:
            del self._watchers[topic]
            self._live.pop(topic, None)

    def subscribe(self, topic: str, now: int) -> bytes | None:
        """Return the frame a new subscriber gets first, if the topic has one to give now."""
        kind = self._kind(topic)
        if self._market.valid_topic(topic) or kind is None:
            return self._market.subscribe(topic, now)
        if topic not in self._live:
            self._live[topic] = self._made(*kind, now)
        return None

    def _made(self, kind: str, symbol: str, now: int) -> Extra:
        scale = self._scales[symbol]
        if kind == "allLiquidation":
            return self._liquidations[symbol]
        if kind == "priceLimit":
            return LimitStream(symbol, scale, self._band)
        # Where the symbol never had a price, its bars begin at zero and the first trade makes them anew.
        stream = KlineStream(symbol, kind, scale, self._found(symbol, self._market.last_ticks(symbol), now).trades)
        stream.join(now)
        return stream

    def advance(self, now: int, fills: Sequence[tuple[str, Fill]]) -> list[tuple[str, bytes]]:
        """Return the (topic, frame) that are due; ``fills`` are all matches since the last call in order."""
        frames = self._market.advance(now, fills)
        for symbol, fill in fills:
            value_e8 = self._scales[symbol].value_e8(fill.price_ticks, fill.qty_lots)
            history = self._found(symbol, fill.price_ticks, now)
            history.trades.add(fill.price_ticks, fill.qty_lots, value_e8, now // MS)
        if self._recorded:
            self._listen(frames, now // MS)
        if now >= self._due_ns:
            self._due_ns = (now // (100 * MS) + 1) * (100 * MS)
            for symbol, history in self._histories.items():
                if now // MS >= history.due_ms:
                    history.sample(self._market.mark_e8(symbol), self._market.index_e8(symbol), now // MS)
            self._settle_funding(now // MS)
            for symbol, records in self._positioning.items():
                if now // MS >= records.due_ms:
                    records.sample(self._market.ticker_row(symbol), now // MS)
            for topic, stream in self._live.items():
                frames += [(topic, frame) for frame in stream.advance(now)]
        return frames

    def _listen(self, frames: list[tuple[str, bytes]], now_ms: int) -> None:
        """Learn the trades of a recording from its frames. A frame that cannot be read has no trades.

        None of them is of a later time than now, whatever it says itself.
        """
        for topic, frame in frames:
            if not topic.startswith("publicTrade."):
                continue
            try:
                for row in orjson.loads(frame)["data"]:
                    scale = self._scales[row["s"]]
                    ticks, lots = scale.price_ticks(row["p"]), scale.qty_lots(row["v"])
                    at_ms = max(0, min(int(row["T"]), now_ms))
                    history = self._found(row["s"], ticks, at_ms * MS)
                    history.trades.add(ticks, lots, scale.value_e8(ticks, lots), at_ms)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue

    def regrid(self, change: Regrid, symbol: str, now: int) -> list[tuple[str, bytes]]:
        """Go on in the steps of another grid, on which the market already is; return its new snapshots."""
        scale = self._scales[symbol] = change.new
        if symbol in self._histories:
            self._histories[symbol].regrid(change)
        self._liquidations[symbol].regrid(scale)
        for topic in self._live:
            kind = self._kind(topic)
            if kind is not None and kind[1] == symbol:
                self._live[topic] = self._made(*kind, now)
        return self._public.show(symbol, now) if self._public is not None else []

    @property
    def next_due_ns(self) -> int | None:
        """When the market's next frame is due; None while nobody listens."""
        return self._public.next_due_ns if self._public is not None else None

    def restart_streams(self, now: int) -> list[tuple[str, bytes]]:
        """Begin every topic anew, as the push service does when it is restarted: books come again with u = 1."""
        return self._public.restart_streams(now) if self._public is not None else []
