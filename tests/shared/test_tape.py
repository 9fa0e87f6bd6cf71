"""The tape against its definition: every trade in the frame it belongs to, every level change taken apart."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book import Book
from shared.layout import BLOCK, LAST, RPI, TAKER_BUY, Kind, Reason, meta
from shared.ring import Record
from shared.tape import ASK, BID, BUY, SELL, Changes, Flow, Forced, Moment, Tape

MS = 1_000_000


class Desk:
    """A book and its tape, fed by hand. Sequence n stands at n ms, and everything arrives one ms later."""

    def __init__(self, bids: dict[int, int], asks: dict[int, int], *, levels: int = 10) -> None:
        self.book, self.number = Book(), 0
        self.tape = Tape(self.book, levels=levels)
        sides = ((Kind.BID, sorted(bids, reverse=True), bids), (Kind.ASK, sorted(asks), asks))
        rows = [(kind, ticks, held[ticks], 0) for kind, order, held in sides for ticks in order]
        self._say([(Kind.SNAPSHOT, 0, 0, 0, 1, 100), *[(*row, 100) for row in rows]], 100)

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


def test_a_level_that_comes_twice_in_a_frame_went_from_the_first_size_to_the_last() -> None:
    one = desk()
    one.trade(104, SELL, 99, 12)
    one.frame(105, (Kind.BID, 99, 40), (Kind.BID, 99, 30))
    assert one.tape.changes(BID, 0) == Changes(12, 8, 0)
    (split,) = one.tape.splits(BID, 0)
    assert (split.before, split.after) == (50, 30)


def test_a_gap_ends_what_can_be_told_apart() -> None:
    one = desk()
    one.frame(105, (Kind.BID, 99, 40))
    one.gap()
    assert one.tape.splits(BID, 0) == []


def test_what_is_older_than_the_window_is_gone_and_questions_may_ask_for_less() -> None:
    one = Desk({99: 50}, {101: 50})
    one.tape._window_ns = 10 * MS
    for seq in range(105, 125):
        one.trade(seq, SELL, 99, 1)
        one.frame(seq, (Kind.BID, 99, 50 - (seq - 104)))
    assert one.tape.changes(BID, 0).traded == one.tape.flow(0).sold_lots == 11
    assert one.tape.changes(BID, 123 * MS).traded == one.tape.flow(123 * MS).sold_lots == 3


# --- orders ---------------------------------------------------------------------------------------------------------


def test_prints_of_one_taker_order_are_one_order() -> None:
    one = desk()
    for ticks, lots in ((101, 50), (102, 20), (102, 3)):
        one.trade(104, BUY, ticks, lots)
    one.trade(104, SELL, 99, 1)
    one.trade(105, SELL, 99, 2)
    assert [(order.side, order.lots, order.prints, len(order.prices)) for order in one.tape.orders] == [
        (BUY, 73, 3, 2),
        (SELL, 1, 1, 1),
        (SELL, 2, 1, 1),
    ]
    assert one.tape.orders[0].value == 101 * 50 + 102 * 23
    assert one.tape.flow(0) == Flow(73, 3, 1, 2)


def test_forced_orders_are_kept_apart_with_the_side_that_they_took() -> None:
    one = desk()
    for seq, taker, lots in ((104, SELL, 5), (105, SELL, 6), (106, BUY, 7)):
        one.liquidation(seq, taker, lots)
    assert one.tape.forced[0] == Forced(SELL, 5, 98_00000000, 104 * MS, 105 * MS)
    assert one.tape.forced_flow(106 * MS) == Flow(7, 6, 1, 1)
    assert one.tape.flow(0) == Flow(0, 0, 0, 0)


# --- moments --------------------------------------------------------------------------------------------------------


def test_what_was_displayed_can_be_asked_for_any_time_within_the_window() -> None:
    one = desk(levels=2)
    one.frame(105, (Kind.BID, 99, 40))
    one.frame(107, (Kind.ASK, 101, 0))
    start, first = Moment(101 * MS, 99, 50, 101, 50, 70, 70), Moment(106 * MS, 99, 40, 101, 50, 60, 70)
    last = Moment(108 * MS, 99, 40, 102, 20, 60, 20)
    assert [one.tape.moment(at * MS) for at in (100, 101, 105, 106, 107, 108, 200)] == [
        None, start, start, first, first, last, last,
    ]  # fmt: skip
    assert one.tape.moments(0) == [first, last]
    assert one.tape.moments(107 * MS) == [last]


def test_nothing_is_known_of_the_time_before_the_first_book() -> None:
    assert Tape(Book()).moment(10**18) is None


# --- against the definition -----------------------------------------------------------------------------------------


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
    rng, one = random.Random(seed), desk()
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
    for side in (BID, ASK):
        splits = one.tape.splits(side, 0)
        sums = (sum(getattr(split, name) for split in splits) for name in Changes._fields)
        assert one.tape.changes(side, 0) == Changes(*sums)
    bought = sum(lots for step in steps for taker, _, lots in step.trades if taker == BUY)
    assert one.tape.flow(0).bought_lots == bought
