"""One order book in plain Python integers: what a strategy asks questions of, and the reference for the kernel."""

from __future__ import annotations

from shared.layout import LAST, Kind, meta_flags, meta_kind, meta_scale
from shared.mirror import BookView
from shared.ring import Record
from shared.side import Side

_BID, _ASK, _SNAPSHOT, _GAP = map(int, (Kind.BID, Kind.ASK, Kind.SNAPSHOT, Kind.GAP))


class Book:
    """Bids and asks in ticks and lots, best first.

    Fed either by levels (``replace``, ``set_bid``, ``set_ask``) or by a mirror copy and then ring records (``load``,
    ``on_record``). Ask it only while ``valid``; between the records of one frame it is half-way, so ask it when
    ``on_record`` returned True.
    """

    __slots__ = ("_filling", "asks", "bids", "recv_ns", "ring_seq", "scale_id", "updates", "valid")

    def __init__(self) -> None:
        self.bids, self.asks = Side(-1), Side(1)
        self.valid = False
        self.ring_seq = 0  # Records below are in the book already.
        self.scale_id = -1
        self.recv_ns = 0  # When the newest frame in it was received.
        self.updates = 0  # Frames since ``load``.
        self._filling = False

    # --- feeding -----------------------------------------------------------------------------------------------

    def load(self, view: BookView) -> None:
        """Become a copy of a mirror; records below its ring_seq will be skipped."""
        self.bids.replace(zip(view.bid_ticks.tolist(), view.bid_lots.tolist(), strict=True))
        self.asks.replace(zip(view.ask_ticks.tolist(), view.ask_lots.tolist(), strict=True))
        self.valid, self.ring_seq, self.scale_id = view.valid, view.ring_seq, view.scale_id
        self.recv_ns, self.updates, self._filling = view.recv_ns, 0, False
        if not self.valid:
            self.clear()

    def on_record(self, record: Record) -> bool:
        """Take one ring record of this symbol; True when it completes a frame that touched the book."""
        seq, word, _, recv_ns, ticks, lots, _, _ = record
        if seq < self.ring_seq:
            return False
        self.ring_seq = seq + 1
        kind = meta_kind(word)
        if kind == _BID:
            self.bids.put(ticks, lots)
        elif kind == _ASK:
            self.asks.put(ticks, lots)
        elif kind == _SNAPSHOT:
            self.clear()
            self._filling, self.scale_id = True, meta_scale(word)
        elif kind == _GAP:
            self.clear()
            self._filling = False
        else:
            return False
        if not meta_flags(word) & LAST:
            return False
        self.valid = self.valid or self._filling
        self._filling = False
        self.recv_ns = recv_ns
        self.updates += 1
        return True

    def clear(self) -> None:
        """Forget everything: no book until the next snapshot."""
        self.bids.clear()
        self.asks.clear()
        self.valid = False

    # --- asking ------------------------------------------------------------------------------------------------

    @property
    def best_bid(self) -> int:
        """Best bid in ticks, 0 when there is none."""
        return self.bids.best

    @property
    def best_ask(self) -> int:
        """Best ask in ticks, 0 when there is none."""
        return self.asks.best

    @property
    def mid2(self) -> int:
        """Twice the mid, in ticks (so an integer); 0 when a side is empty."""
        bid, ask = self.bids.best, self.asks.best
        return bid + ask if bid and ask else 0

    @property
    def spread_ticks(self) -> int:
        """Best ask minus best bid; 0 when a side is empty."""
        bid, ask = self.bids.best, self.asks.best
        return ask - bid if bid and ask else 0

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        bid, ask = self.bids.best, self.asks.best
        return bool(bid and ask and bid >= ask)

    def imbalance(self, levels: int) -> float:
        """Return (bid lots - ask lots) / (bid lots + ask lots) over the best ``levels`` a side, -1..1; 0 if empty."""
        bid, ask = self.bids.depth(levels), self.asks.depth(levels)
        return (bid - ask) / (bid + ask) if bid + ask else 0.0

    def microprice(self) -> float:
        """Return the mid weighted by the opposite touch's size, in ticks; nan when a side is empty."""
        bid, ask = self.bids.best, self.asks.best
        if not (bid and ask):
            return float("nan")
        bid_lots, ask_lots = self.bids.lots_at_best, self.asks.lots_at_best
        return (bid * ask_lots + ask * bid_lots) / (bid_lots + ask_lots)
