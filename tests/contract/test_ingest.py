"""What ingest's core asks the local exchange for, and makes of what it is told: nothing in between but a socket."""

from __future__ import annotations

from collections.abc import Callable

from services.ingest.wire import Connected, Subscribe, text_of
from shared.book import Book
from shared.layout import META, SIZE_LOTS, Kind, meta_kind
from shared.messages import BUY, ExecutionState, Message
from shared.ring import Record, records
from shared.scale import Scale
from shared.takers import SELL
from shared.tape import Tape
from tests.contract.client import LINEAR, SYMBOL, Line, Lines, Rest
from tests.services.ingest.rig import Rig, of, rules, universe

FRAMES_MAX = 2_000


class Fed:
    """An ingest core on one line of the exchange, with a book and a tape that follow its ring."""

    def __init__(self, line: Line, scale: Scale) -> None:
        self.rig = Rig(capacity=1 << 16)
        self.book = Book()
        self.tape = Tape(self.book)
        self.seen: list[Record] = []
        self._line = line
        self.rig.say(ExecutionState("running", "", (), 0))
        self._act(self.rig.say(universe(rules(SYMBOL, scale.tick, scale.lot))))
        self._act(self.rig.say(Connected(0)))

    def _act(self, outputs: list[Message]) -> None:
        for request in of(Subscribe, outputs):
            self._line.say(text_of(request).decode())

    def until(self, met: Callable[[], object]) -> None:
        """Hear frames, one read each, until something is so."""
        for _ in range(FRAMES_MAX):
            if met():
                return
            self._act(self.rig.frame(self._line.hear_text().encode()))
            for record in records(self.rig.events.take() or b""):
                self.seen.append(record)
                self.book.on_record(record)
                self.tape.hear(record)
        raise AssertionError(f"not within {FRAMES_MAX} frames")

    def has(self, kind: Kind) -> bool:
        return any(meta_kind(record[META]) == kind for record in self.seen)


def scale_of(rest: Rest) -> Scale:
    (row,) = rest.public("/v5/market/instruments-info", **LINEAR).rows
    return Scale(row["priceFilter"]["tickSize"], row["lotSizeFilter"]["qtyStep"])


def test_every_topic_that_ingest_asks_for_comes_and_is_understood(lines: Lines, flat: Rest) -> None:
    """Source: v5/websocket/public/{orderbook,trade,ticker,all-liquidation}."""
    fed = Fed(lines.open(), scale_of(flat))
    fed.until(lambda: fed.book.valid and fed.has(Kind.TRADE) and fed.has(Kind.TICKER) and fed.has(Kind.FUNDING))
    counts = fed.rig.counts
    assert [counts[name] for name in ("malformed", "unknown", "off_grid", "book_gaps", "wrong_symbol")] == [0] * 5


def test_a_liquidation_goes_through_the_ring_to_the_tape(lines: Lines, flat: Rest) -> None:
    """Source: v5/websocket/public/all-liquidation."""
    scale = scale_of(flat)
    fed = Fed(lines.open(), scale)
    fed.until(lambda: fed.book.valid)
    flat.order(qty="0.500")
    assert flat.send("POST", "/admin/faults", f"liquidate symbol={SYMBOL}".encode()).code == 0
    fed.until(lambda: any(forced.lots == scale.qty_lots("0.500") for forced in fed.tape.forced))
    (forced,) = (one for one in fed.tape.forced if one.lots == scale.qty_lots("0.500"))
    assert forced.side == SELL != BUY  # A long is closed by selling.
    assert forced.bankruptcy_e8 > 0
    assert fed.tape.forced_flow(0).sold_lots >= forced.lots
    assert forced.lots in [record[SIZE_LOTS] for record in fed.seen if meta_kind(record[META]) == Kind.LIQUIDATION]
