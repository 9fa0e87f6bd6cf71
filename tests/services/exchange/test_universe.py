"""As many symbols as are wanted, each with rules that hold together."""

from __future__ import annotations

from services.exchange.flow import SPAN_TICKS
from services.exchange.universe import FOUR, TOYS_MAX, universe
from shared.scale import E8, Scale


def test_every_symbol_has_sound_rules() -> None:
    listed = universe(4 + TOYS_MAX)
    assert len(listed) == 100
    for symbol, one in listed.items():
        scale = Scale(one.rules.tick, one.rules.lot)
        assert one.rules.symbol == symbol
        assert one.start_ticks > 4 * SPAN_TICKS
        assert E8 // 100 <= scale.value_e8(one.start_ticks, 1) < 100 * E8
        if symbol.startswith("TOY"):
            assert E8 <= scale.value_e8(one.start_ticks, 1) < 10 * E8
        assert scale.price_ticks(scale.price_text(one.start_ticks)) == one.start_ticks
    assert len({one.rules.tick for one in listed.values()}) >= 6


def test_the_four_come_first_and_fewer_are_fewer() -> None:
    assert list(universe(50))[:4] == [one.rules.symbol for one in FOUR]
    assert [len(universe(count)) for count in (1, 4, 5, 50)] == [1, 4, 5, 50]
