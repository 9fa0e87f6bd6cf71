"""Frames of the private stream, made from what the desk has to tell at the end of an event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from services.exchange.desk import Desk, News
from services.exchange.rows import TRADE, UID, Row, position_row, wallet_row
from services.exchange.stops import Stops

NS_PER_MS = 1_000_000
# Orders and executions reach the client first, what follows from them a moment later (the venue: 3 to 5 ms and 4 to 8).
ORDER_DELAY_NS, POSITION_DELAY_NS = 1 * NS_PER_MS, 2 * NS_PER_MS
FAST_KEYS = (
    "category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "orderLinkId", "side", "execTime",
    "seq",
)  # fmt: skip


class PrivateFrame(NamedTuple):
    """One frame for every connection that listens to one of the topics, with the topic's own name in it."""

    topic: str
    delay_ns: int
    frame_id: str  # Empty for a topic whose frames have none.
    created_ms: int
    rows: list[Row]

    @property
    def topics(self) -> tuple[str, ...]:
        """The names under which it can be subscribed."""
        return (self.topic,) if self.topic == "wallet" else (self.topic, f"{self.topic}.linear")

    def encode(self, topic: str) -> bytes:
        """Return the frame as a listener of ``topic`` gets it."""
        name = {"id": self.frame_id} if self.frame_id else {}
        return orjson.dumps({"topic": topic, **name, "creationTime": self.created_ms, "data": self.rows})


def take_frames(desk: Desk, stops: Stops, now: int) -> list[PrivateFrame]:
    """Return what the event has changed, and forget it: orders, executions, then positions and the wallet."""
    if not desk.moved:  # Nor is there news: whatever is told of moves its symbol.
        return []
    news, moved = desk.news, desk.moved
    desk.news, desk.moved = [], {}
    created_ms = (now + ORDER_DELAY_NS) // NS_PER_MS
    frames = _fast_frames(news, created_ms)
    for topic in ("order", "execution"):
        for symbol in moved:
            rows = [one.row for one in news if (one.topic, one.symbol) == (topic, symbol)]
            if rows:
                frames.append(PrivateFrame(topic, ORDER_DELAY_NS, f"{UID}_{symbol}_{desk.seq}", created_ms, rows))
    created_ms = (now + POSITION_DELAY_NS) // NS_PER_MS
    positions = position_rows(desk, stops, moved)
    wallet = [wallet_row(desk.account, desk.margin())]
    for topic, rows in (("position", positions), ("wallet", wallet)):
        frames.append(PrivateFrame(topic, POSITION_DELAY_NS, f"{UID}_{topic}_{created_ms}", created_ms, rows))
    return frames


def _fast_frames(news: Iterable[News], created_ms: int) -> list[PrivateFrame]:
    """Return the short word about each symbol's fills. A maker's own name for its order is not in it."""
    fills: dict[str, list[Row]] = {}
    for one in news:
        if one.topic == "execution" and one.row["execType"] == TRADE:
            row = {key: one.row[key] for key in FAST_KEYS}
            row["orderLinkId"] = "" if row["isMaker"] else row["orderLinkId"]
            fills.setdefault(one.symbol, []).append(row)
    return [PrivateFrame("execution.fast", ORDER_DELAY_NS, "", created_ms, rows) for rows in fills.values()]


def position_rows(desk: Desk, stops: Stops, symbols: Iterable[str]) -> list[Row]:
    """Return the positions of those symbols as the stream shows them."""
    return [
        position_row(
            desk.account.position(symbol), desk.money[symbol], desk.market.mark_e8(symbol),
            desk.account.taker_rate_e8, stops.protection(symbol),
        )
        for symbol in symbols
    ]  # fmt: skip
