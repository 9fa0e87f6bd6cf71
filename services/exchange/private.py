"""Frames of the private stream, made from what the desk has to tell at the end of an event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from services.exchange.desk import Desk
from services.exchange.rows import UID, Row, position_row, wallet_row
from services.exchange.stops import Stops

NS_PER_MS = 1_000_000
# Orders and executions reach the client first, what follows from them a moment later.
ORDER_DELAY_NS, POSITION_DELAY_NS = 3 * NS_PER_MS, 4 * NS_PER_MS


class PrivateFrame(NamedTuple):
    """One frame for every connection that listens to one of the topics, with the topic's own name in it."""

    topic: str
    delay_ns: int
    frame_id: str
    created_ms: int
    rows: list[Row]

    @property
    def topics(self) -> tuple[str, ...]:
        """The names under which it can be subscribed."""
        return (self.topic,) if self.topic == "wallet" else (self.topic, f"{self.topic}.linear")

    def encode(self, topic: str) -> bytes:
        """Return the frame as a listener of ``topic`` gets it."""
        return orjson.dumps({"topic": topic, "id": self.frame_id, "creationTime": self.created_ms, "data": self.rows})


def take_frames(desk: Desk, stops: Stops, now: int) -> list[PrivateFrame]:
    """Return what the event has changed, and forget it: orders, executions, then positions and the wallet."""
    news, moved = desk.news, desk.moved
    desk.news, desk.moved = [], {}
    if not moved:
        return []
    created_ms = (now + ORDER_DELAY_NS) // NS_PER_MS
    frames = []
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


def position_rows(desk: Desk, stops: Stops, symbols: Iterable[str]) -> list[Row]:
    """Return the positions of those symbols as the stream shows them."""
    return [
        position_row(
            desk.account.position(symbol), desk.money[symbol], desk.market.mark_e8(symbol),
            desk.account.taker_rate_e8, stops.protection(symbol),
        )
        for symbol in symbols
    ]  # fmt: skip
