"""The way of an entry is a whole table; every way through it ends, and none buys more than was allowed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.execution.routing import (
    ROUTES,
    Act,
    Happening,
    IllegalRouteError,
    RouteLimits,
    Stage,
    away_ticks,
    choose,
    far_touch,
    is_liquid,
    is_narrow,
    moved,
    near_touch,
    route_limits,
    step,
)
from services.execution.wire import OrderRequest, Quote
from shared.config import Router
from shared.messages import BUY, SELL
from shared.scale import E8, Scale
from tests.services.execution.poster import Venue
from tests.services.execution.rig import MS, intent, quote

SCALE = Scale("0.10", "0.001")
SMART = RouteLimits(mode="smart")


def deep(spread_ticks: int, lots: int) -> Quote:
    """Return a book of this spread and depth around 60,000 USDT."""
    return quote(best_ask_ticks=600_000 + spread_ticks, bid_depth_lots=lots, ask_depth_lots=lots)


@pytest.mark.parametrize(("stage", "happening"), [*itertools.product(Stage, Happening)])
def test_every_pair_is_decided(stage: Stage, happening: Happening) -> None:
    if happening in ROUTES[stage]:
        after, act = step(stage, happening)
        assert after in Stage
        assert act in Act
    else:
        with pytest.raises(IllegalRouteError, match=f"{happening} while {stage}"):
            step(stage, happening)


def test_a_resting_order_is_never_left_but_by_its_end() -> None:
    """So the last leg is never on its way while the first can still fill."""
    into_taking = {(stage, happening) for stage, row in ROUTES.items() for happening, (after, _) in row.items()
                   if after is Stage.TAKING}  # fmt: skip
    assert into_taking == {(Stage.CHOOSING, Happening.NARROW), (Stage.LOOKING, Happening.QUOTED)}
    into_looking = {happening for row in ROUTES.values() for happening, (after, _) in row.items()
                    if after is Stage.LOOKING}  # fmt: skip
    assert into_looking == {Happening.SHORT}


def test_every_way_can_end_and_nothing_leaves_the_end() -> None:
    reach = {stage: {after for after, _ in row.values()} for stage, row in ROUTES.items()}
    for _ in Stage:
        reach = {stage: found.union(*(reach[after] for after in found)) for stage, found in reach.items()}
    assert not reach[Stage.DONE]
    assert all(Stage.DONE in found for stage, found in reach.items() if stage is not Stage.DONE)
    assert Stage.TAKING not in reach[Stage.TAKING]


def test_each_act_is_asked_for_somewhere() -> None:
    assert {act for row in ROUTES.values() for _, act in row.values()} == set(Act)


def test_a_narrow_and_liquid_book_is_taken_from_and_any_other_is_joined() -> None:
    assert choose(deep(1, 1_000), SCALE, SMART) is Happening.NARROW
    assert choose(deep(1, 10), SCALE, SMART) is Happening.WIDE
    assert choose(deep(700, 1_000), SCALE, SMART) is Happening.WIDE


def test_ten_basis_points_are_not_below_ten_basis_points() -> None:
    at = quote(best_bid_ticks=99_950, best_ask_ticks=100_050)
    assert not is_narrow(at, SMART)
    assert is_narrow(replace(at, best_ask_ticks=100_049), SMART)
    assert not is_narrow(replace(at, best_bid_ticks=0, best_ask_ticks=0), SMART)


def test_a_book_is_liquid_when_both_sides_are_worth_enough() -> None:
    enough = quote(best_bid_ticks=500_000, best_ask_ticks=500_001, bid_depth_lots=100, ask_depth_lots=100)
    assert is_liquid(enough, SCALE, SMART)
    assert not is_liquid(replace(enough, bid_depth_lots=99), SCALE, SMART)
    assert not is_liquid(replace(enough, ask_depth_lots=99), SCALE, SMART)


def test_the_mode_may_decide_alone() -> None:
    assert choose(deep(700, 0), SCALE, RouteLimits(mode="take")) is Happening.NARROW
    assert choose(deep(1, 1_000), SCALE, RouteLimits(mode="post")) is Happening.WIDE
    assert choose(None, SCALE, RouteLimits(mode="post")) is Happening.NARROW
    assert choose(deep(1, 1_000), None, SMART) is Happening.NARROW


def test_touches_and_what_is_away_from_them_mirror_each_other() -> None:
    book = quote(best_bid_ticks=100, best_ask_ticks=103)
    assert (near_touch(book, BUY), far_touch(book, BUY)) == (100, 103)
    assert (near_touch(book, SELL), far_touch(book, SELL)) == (103, 100)
    assert away_ticks(book, BUY, 98) == 2
    assert away_ticks(book, SELL, 105) == 2
    assert away_ticks(book, BUY, 101) == -1


@given(st.integers(1, 10**9), st.sampled_from([BUY, SELL]))
def test_a_bracket_keeps_its_distances_wherever_the_entry_goes(price_ticks: int, side: int) -> None:
    wish = intent(side=side)
    carried = moved(wish, price_ticks)
    assert price_ticks - carried.stop_ticks == wish.entry_ticks - wish.stop_ticks
    assert carried.target_ticks - price_ticks == wish.target_ticks - wish.entry_ticks
    assert carried.entry_ticks == wish.entry_ticks


def test_limits_come_from_the_configuration_in_the_core_s_units() -> None:
    made = route_limits(Router(post_timeout_ms=700, liquid_usdt=1.5, signal_ttl_ms=10))
    assert (made.post_timeout_ns, made.liquid_e8, made.stand_ns) == (700 * MS, 3 * E8 // 2, 10 * MS)
    usual = route_limits(Router())
    assert (usual.mode, usual.narrow_bps, usual.post_timeout_ns) == ("smart", 10.0, 600 * MS)
    assert (usual.trigger_ticks, usual.attempts_max, usual.pmin) == (1, 3, 0.65)


# --- whatever happens ---------------------------------------------------------------------------------------------

OPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 20)),
        st.tuples(st.just("trade"), st.integers(1, 8)),
        st.tuples(st.just("deliver"), st.integers(0, 20)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("move"), st.integers(-3, 3)),
        st.tuples(st.just("lose"), st.integers(0, 20)),
        st.tuples(st.just("arrives"), st.integers(0, 1)),
        st.tuples(st.just("replies"), st.integers(0, 1)),
        st.tuples(st.just("again"), st.integers(0, 20)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(OPS)
def test_one_intent_never_buys_more_than_its_size_whatever_fills_late_or_is_lost(ops: list[tuple[str, int]]) -> None:
    rig = Venue()
    rig.start().wish()
    size = rig.last(OrderRequest).qty_lots
    for op, number in [*ops, ("arrives", 1), ("replies", 1)]:
        _carry_out(rig, op, number)
        assert rig.exposure_lots() <= size
    for _ in range(200):
        if not [order for order in rig.core._desk.orders.open() if order.role == "entry"]:
            return
        rig.answer()
        rig.wait(50)
        assert rig.exposure_lots() <= size
    pytest.fail("an entry was left resting")


def _carry_out(rig: Venue, op: str, number: int) -> None:
    if op == "wait":
        rig.wait(50 * number)
    elif op == "trade":
        for link in list(rig.books):
            rig.trade(link, number)
    elif op == "deliver":
        rig.deliver(number)
    elif op == "answer":
        rig.answer()
    elif op == "move":
        rig.move(number)
    elif op == "lose" and rig.news:
        rig.news.pop(number % len(rig.news))
    elif op == "again" and rig.news:
        rig.push(*rig.news[number % len(rig.news)])
    elif op in ("arrives", "replies"):
        setattr(rig, op, bool(number))
