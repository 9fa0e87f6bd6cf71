"""The tape against its definition: every trade in the frame it belongs to, every level change taken apart."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book import Book
from shared.layout import BLOCK, LAST, META, RPI, TAKER_BUY, Kind, Reason, meta, meta_flags
from shared.ring import Record
from shared.takers import BUY, SELL, WINDOW_NS, Flow
from shared.tape import ASK, BID, Changes, Forced, Tape

MS = 1_000_000


class Desk:
    """A book and its tape, fed by hand. Sequence n stands at n ms, and everything arrives one ms later."""

    def __init__(
        self, bids: dict[int, int], asks: dict[int, int], *, levels: int = 10, window_ns: int = WINDOW_NS
    ) -> None:
        self.book, self.number = Book(), 0
        self.tape = Tape(self.book, levels=levels, window_ns=window_ns)
        self.snapshot(100, bids, asks)

    def snapshot(self, seq: int, bids: dict[int, int], asks: dict[int, int]) -> None:
        """Begin with another book."""
        sides = ((Kind.BID, sorted(bids, reverse=True), bids), (Kind.ASK, sorted(asks), asks))
        rows = [(kind, ticks, held[ticks], 0) for kind, order, held in sides for ticks in order]
        self._say([(Kind.SNAPSHOT, 0, 0, 0, 1, seq), *[(*row, seq) for row in rows]], seq)

    def frame(self, seq: int, *changes: tuple[Kind, int, int]) -> None:
        """Say the new sizes of some levels."""
        rows = []
        for kind, ticks, lots in changes:
            side = self.book.bids if kind is Kind.BID else self.book.asks
            rows.append((kind, ticks, lots, side.lots_at(ticks), seq))
        self._say(rows, seq)

    def trade(self, seq: int, taker: int, ticks: int, lots: int, *, flags: int = 0, recv: int = 0) -> None:
        """Say one print."""
        word = meta(Kind.TRADE, flags | LAST | (TAKER_BUY if taker == BUY else 0), 0, 0)
        self._hear((self.number, word, seq * MS, (recv or seq + 1) * MS, ticks, lots, seq, 0))

    def liquidation(self, seq: int, taker: int, lots: int) -> None:
        """Say one forced order."""
        word = meta(Kind.LIQUIDATION, LAST | (TAKER_BUY if taker == BUY else 0), 0, 0)
        self._hear((self.number, word, seq * MS, (seq + 1) * MS, 0, lots, 98_00000000, 0))

    def gap(self) -> None:
        self._hear((self.number, meta(Kind.GAP, LAST, 0, 0), 0, 0, 0, 0, int(Reason.SEQUENCE), 0))

    def _say(self, rows: list[tuple[int, ...]], seq: int) -> None:
        for at, (kind, ticks, lots, aux1, *rest) in enumerate(rows, 1):
            flags = LAST if at == len(rows) else 0
            self._hear((self.number, meta(kind, flags, 0, 0), seq * MS, (seq + 1) * MS, ticks, lots, aux1, rest[-1]))

    def _hear(self, record: Record) -> None:
        self.number += 1
        self.book.on_record(record)
        self.tape.hear(record)


def desk(**changes: int) -> Desk:
    return Desk({99: 50, 98: 20}, {101: 50, 102: 20}, **changes)


# --- splits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("traded", "after", "cancelled", "added"), [(12, 30, 8, 0), (40, 48, 0, 38), (0, 50, 0, 0), (50, 0, 0, 0)]
)
@pytest.mark.parametrize("trade_is_late", [False, True])
def test_a_level_change_is_taken_apart(
    traded: int, after: int, cancelled: int, added: int, trade_is_late: bool
) -> None:
    one = desk()
    steps = [lambda: one.trade(104, SELL, 99, traded), lambda: one.frame(105, (Kind.BID, 99, after))]
    for step in reversed(steps) if trade_is_late else steps:
        if traded or step is not steps[0]:
            step()
    assert one.tape.changes(BID, 0) == Changes(traded, cancelled, added)
    assert one.tape.changes(ASK, 0) == Changes(0, 0, 0)


def test_a_level_that_looks_unchanged_after_a_trade_was_refilled() -> None:
    one = desk()
    one.trade(104, BUY, 101, 7)
    one.frame(105, (Kind.BID, 98, 21))
    assert one.tape.changes(ASK, 0) == Changes(7, 0, 7)


def test_a_trade_belongs_to_the_first_frame_that_is_not_before_it() -> None:
    one = desk()
    one.frame(105, (Kind.BID, 99, 40))
    one.trade(106, SELL, 99, 5)
    one.frame(107, (Kind.BID, 99, 35))
    assert [(split.traded, split.cancelled) for split in one.tape.splits(BID, 0)] == [(0, 10), (5, 0)]


def test_a_late_trade_in_a_frame_that_did_not_touch_its_level_is_a_refill_there() -> None:
    one = desk()
    one.frame(105, (Kind.ASK, 102, 19))
    one.frame(107, (Kind.BID, 99, 40))
    one.trade(104, SELL, 99, 6)
    assert [(split.before, split.after, split.traded) for split in one.tape.splits(BID, 0)] == [
        (50, 50, 6),
        (50, 40, 0),
    ]


def test_trades_that_the_book_never_showed_are_not_taken_from_it() -> None:
    one = desk()
    one.trade(104, SELL, 99, 6, flags=RPI)
    one.trade(104, SELL, 99, 6, flags=BLOCK)
    one.trade(100, SELL, 99, 6)  # In the snapshot already.
    one.frame(105, (Kind.BID, 99, 40))
    assert one.tape.changes(BID, 0) == Changes(0, 10, 0)


def test_what_vanishes_at_the_far_end_of_the_window_is_no_cancel() -> None:
    one = desk(levels=1)
    one.frame(105, (Kind.BID, 98, 0), (Kind.ASK, 102, 0))
    assert (one.tape.changes(BID, 0), one.tape.changes(ASK, 0)) == (Changes(0, 0, 0), Changes(0, 0, 0))
    one.frame(106, (Kind.BID, 99, 10))
    assert one.tape.changes(BID, 0).cancelled == 40


def test_a_gap_ends_what_can_be_told_apart() -> None:
    one = desk()
    one.frame(105, (Kind.BID, 99, 40))
    one.gap()
    assert one.tape.splits(BID, 0) == []


def test_what_is_older_than_the_window_is_gone_and_questions_may_ask_for_less() -> None:
    one = Desk({99: 50}, {101: 50}, window_ns=10 * MS)
    for seq in range(105, 125):
        one.trade(seq, SELL, 99, 1)
        one.frame(seq, (Kind.BID, 99, 50 - (seq - 104)))
    assert one.tape.changes(BID, 0).traded == one.tape.takers.flow(0).sold_lots == 11
    assert one.tape.changes(BID, 123 * MS).traded == one.tape.takers.flow(123 * MS).sold_lots == 3


# --- what is new ------------------------------------------------------------------------------------------------------


def test_prints_of_one_taker_order_are_one_order() -> None:
    one = desk()
    for ticks, lots in ((101, 50), (102, 20), (102, 3)):
        one.trade(104, BUY, ticks, lots)
    one.trade(104, SELL, 99, 1)
    assert [(order.side, order.lots, order.prints) for order in one.tape.takers.orders] == [(BUY, 73, 3), (SELL, 1, 1)]
    assert one.tape.takers.flow(0) == Flow(73, 1, 1, 1)


def news(one: Desk) -> tuple[tuple[int, ...], ...]:
    return tuple((side.traded, side.cancelled, side.added, side.behind) for side in (one.tape.bids, one.tape.asks))


def test_news_is_of_one_frame_only() -> None:
    one = desk()
    one.trade(105, SELL, 99, 12)
    assert [order.lots for order in one.tape.fresh_orders] == [12]
    assert (one.tape.bids.stirred, one.tape.fresh_splits) == (False, [])
    one.frame(105, (Kind.BID, 99, 30), (Kind.ASK, 101, 55))
    assert one.tape.fresh_orders == []
    assert one.tape.bids.stirred
    assert one.tape.asks.stirred
    assert [(split.side, split.ticks, split.before, split.traded) for split in one.tape.fresh_splits] == [
        (BID, 99, 50, 12)
    ]
    assert news(one) == ((12, 8, 0, 0), (0, 0, 5, 0))
    one.frame(106, (Kind.BID, 98, 21))
    assert one.tape.fresh_splits == []
    assert news(one) == ((0, 0, 1, 0), (0, 0, 0, 0))
    one.trade(107, BUY, 101, 1)
    assert not one.tape.bids.stirred
    assert news(one) == ((0, 0, 0, 0), (0, 0, 0, 0))


def test_a_level_that_was_traded_out_is_no_cancel_and_a_late_trade_says_so_late() -> None:
    one = desk()
    one.trade(105, SELL, 99, 50)
    one.frame(105, (Kind.BID, 99, 0))
    assert news(one)[0] == (50, 0, 0, 0)
    one.frame(106, (Kind.BID, 98, 0))
    assert news(one)[0] == (0, 20, 0, 0)
    one.trade(106, SELL, 98, 15)
    assert news(one)[0] == (15, -15, 0, 0)
    one.trade(106, SELL, 98, 5)
    assert news(one)[0] == (5, -5, 0, 0)
    assert [(split.told, split.traded) for split in one.tape.fresh_splits] == [(15, 20)]


def test_behind_is_what_comes_further_out_within_the_window_of_the_topic() -> None:
    one = Desk({100 - n: 10 for n in range(8)}, {101 + n: 10 for n in range(8)}, levels=2)
    one.frame(105, (Kind.BID, 99, 15), (Kind.BID, 98, 16), (Kind.BID, 95, 17), (Kind.BID, 94, 3), (Kind.BID, 92, 9))
    assert news(one)[0] == (0, 0, 5, 13)
    one.frame(106, (Kind.BID, 92, 0), (Kind.BID, 91, 5), (Kind.BID, 93, 30))
    assert news(one)[0] == (0, 0, 0, 20)


def test_a_snapshot_and_a_gap_are_no_news() -> None:
    one = desk()
    joins = one.tape.joins
    one.snapshot(110, {98: 5}, {103: 5})
    assert (one.tape.joins, one.tape.bids.stirred) == (joins + 1, False)
    one.gap()
    assert not one.tape.bids.stirred


# --- forced orders --------------------------------------------------------------------------------------------------


def test_forced_orders_are_kept_apart_with_the_side_that_they_took() -> None:
    one = desk()
    for seq, taker, lots in ((104, SELL, 5), (105, SELL, 6), (106, BUY, 7)):
        one.liquidation(seq, taker, lots)
    assert one.tape.forced[0] == Forced(SELL, 5, 98_00000000, 104 * MS, 105 * MS)
    assert one.tape.forced_flow(106 * MS) == Flow(7, 6, 1, 1)
    assert one.tape.takers.flow(0) == Flow(0, 0, 0, 0)


# --- against the definition -----------------------------------------------------------------------------------------


class Tally(Desk):
    """Adds up what was new of either side, frame by frame."""

    def __init__(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.sums = {BID: [0, 0, 0], ASK: [0, 0, 0]}
        super().__init__(bids, asks)

    def _hear(self, record: Record) -> None:
        super()._hear(record)
        if meta_flags(record[META]) & LAST:
            for side, new in ((BID, self.tape.bids), (ASK, self.tape.asks)):
                for at, lots in enumerate((new.traded, new.cancelled, new.added)):
                    self.sums[side][at] += lots


class Step(NamedTuple):
    seq: int
    trades: list[tuple[int, int, int]]  # (taker, ticks, lots)
    changes: dict[tuple[int, int], int]  # (side, ticks) -> new size


def story(rng: random.Random) -> list[Step]:
    """Frames of a market in which levels are eaten, pulled and refilled between the frames."""
    steps, seq = [], 100
    held = {(BID, 99): 50, (BID, 98): 20, (ASK, 101): 50, (ASK, 102): 20}
    for _ in range(rng.randint(1, 25)):
        seq += rng.randint(1, 5)
        trades, changes = [], {}
        for side, ticks in held:
            if rng.random() < 0.5:
                trades.append((-side, ticks, rng.randint(1, 30)))
            if rng.random() < 0.5:
                size = rng.randint(1, 60)
                if size != held[side, ticks]:
                    changes[side, ticks] = held[side, ticks] = size
        if changes:
            steps.append(Step(seq, trades, changes))
    return steps


def by_definition(steps: list[Step]) -> dict[int, Changes]:
    held = {(BID, 99): 50, (BID, 98): 20, (ASK, 101): 50, (ASK, 102): 20}
    sums = {BID: [0, 0, 0], ASK: [0, 0, 0]}
    for step in steps:
        for key, before in list(held.items()):
            traded = sum(lots for taker, ticks, lots in step.trades if (-taker, ticks) == key)
            after = step.changes.get(key, before)
            sums[key[0]][0] += traded
            sums[key[0]][1] += max(0, before - traded - after)
            sums[key[0]][2] += max(0, after - (before - traded))
            held[key] = after
    return {side: Changes(*values) for side, values in sums.items()}


@given(st.integers(0, 2**32))
def test_the_splits_are_those_of_the_definition_however_late_the_trades_come(seed: int) -> None:
    rng, one = random.Random(seed), Tally({99: 50, 98: 20}, {101: 50, 102: 20})
    steps = story(rng)
    late: list[tuple[int, tuple[int, int, int]]] = []
    for step in steps:
        for trade in step.trades:
            if rng.random() < 0.3:
                late.append((step.seq, trade))
            else:
                one.trade(step.seq, *trade)
        kinds = {BID: Kind.BID, ASK: Kind.ASK}
        one.frame(step.seq, *((kinds[side], ticks, lots) for (side, ticks), lots in step.changes.items()))
        while late and rng.random() < 0.4:
            seq, trade = late.pop(rng.randrange(len(late)))
            one.trade(seq, *trade)
    for seq, trade in late:
        one.trade(seq, *trade)
    assert {side: one.tape.changes(side, 0) for side in (BID, ASK)} == by_definition(steps)
    assert {side: Changes(*values) for side, values in one.sums.items()} == by_definition(steps)
    bought = sum(lots for step in steps for taker, _, lots in step.trades if taker == BUY)
    assert one.tape.takers.flow(0).bought_lots == bought
