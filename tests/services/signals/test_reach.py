from hypothesis import given
from hypothesis import strategies as st

from services.signals.candles import Bar
from services.signals.reach import Reach, atr_of

S = 1_000_000_000
BAR = 60 * S


def fed(moments: list[tuple[int, int]], period: int = 3, least: int = 1) -> Reach:
    """Return a reach in bars of a minute that saw these (second, mid in ticks)."""
    reach = Reach(BAR, period, least)
    for second, mid in moments:
        reach.see(second * S, 2 * mid)
    return reach


def test_the_first_bar_that_counts_is_the_first_whole_one() -> None:
    assert fed([(10, 100), (30, 150), (70, 120), (119, 122)]).ticks == 0.0
    assert fed([(10, 100), (30, 150), (70, 120), (119, 122), (120, 121)]).ticks == 30.0  # From 150, where it opened.


def test_the_average_is_a_mean_first_and_smoothed_afterwards() -> None:
    moments = [(1, 100)]
    for bar, reach in enumerate((10, 20, 60, 0, 30), start=1):
        moments += [(60 * bar + 1, 100 + reach), (60 * bar + 2, 100)]
    for bars, expected in ((1, 10.0), (2, 15.0), (3, 30.0), (4, 20.0), (5, 70 / 3)):
        seen = [moment for moment in moments if moment[0] < 60 * (bars + 1)]
        assert abs(fed([*seen, (60 * (bars + 1), 100)]).ticks - expected) < 1e-9


def test_minutes_without_a_frame_are_bars_without_a_range() -> None:
    reach = fed([(1, 100), (61, 130), (62, 100), (240, 100)])
    assert reach.ticks == 10.0  # 30, 0 and 0.


def test_a_gap_spoils_the_bar_under_way_and_keeps_what_is_known() -> None:
    reach = fed([(1, 100), (61, 130), (62, 100), (121, 900)])
    assert reach.ticks == 30.0
    reach.interrupt()
    for second, mid in ((130, 5_000), (181, 5_010), (182, 5_000), (240, 5_000)):
        reach.see(second * S, 2 * mid)
    assert reach.ticks == 20.0  # The move over the gap is nobody's range.


def test_fewer_bars_than_the_least_say_nothing() -> None:
    moments = [(1, 100), (61, 130), (62, 100), (121, 100)]
    assert fed(moments, least=2).ticks == 0.0
    assert fed([*moments, (180, 100)], least=2).ticks == 15.0


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 1000)), max_size=60))
def test_the_average_is_never_negative_nor_more_than_the_whole_range(moments: list[tuple[int, int]]) -> None:
    reach = fed(moments)
    mids = [mid for _, mid in moments if mid > 0]
    assert 0.0 <= reach.ticks <= (max(mids) - min(mids) if mids else 0) + 1e-9


def test_of_candles_it_is_their_average_true_range() -> None:
    bars = [Bar(60_000 * at, 100, 100 + high, 100, 100, 1, 0) for at, high in enumerate((10, 20, 60, 0))]
    assert atr_of(bars[:2], 3) == 0.0
    assert atr_of(bars[:3], 3) == 30.0
    assert atr_of(bars, 3) == 20.0
