import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.figures import e8_rounded, figures, fixed_text, flow_line, line, mid_text
from shared.messages import Decision
from shared.mirror import BookView
from shared.offset import Offset
from shared.scale import Scale
from tests.services import feed
from tests.services.feed import MS, S

BTC = Scale("0.01", "0.001")


def view(
    bids: list[feed.Level], asks: list[feed.Level], scale: Scale = BTC, symbol: str = "BTCUSDT", **more: int
) -> BookView:
    return BookView.from_row(feed.row(bids, asks, **more), symbol, scale)  # type: ignore[arg-type]


def test_the_line_is_in_the_agreed_format() -> None:
    book = view(
        [(5_000_000, 7_000), (4_999_900, 187)], [(5_000_100, 5_313)], recv_ns=S, cts_ns=S - 45 * MS, updates=1234
    )
    found = figures(book)
    assert found is not None
    assert line(found, BTC) == (
        "📊 BTCUSDT | Bid: $50000.00 | Ask: $50001.00 | Mid: $50000.50 | Spread: 0.0020% | Imbalance: 0.150"
        " | Liquidity: 12.50 BTC | Latency: 45ms | Updates: 1234"
    )


def test_only_the_best_ten_levels_count() -> None:
    bids = [(1_000 - at, 1) for at in range(20)]
    found = figures(view(bids, [(1_001, 10)]))
    assert found is not None
    assert (found.imbalance, found.liquidity) == (0.0, pytest.approx(0.02))


@pytest.mark.parametrize(("bids", "asks"), [([], []), ([(1, 1)], []), ([], [(1, 1)]), ([(2, 1)], [(2, 1)])])
def test_a_book_without_two_sides_has_no_figures(bids: list[feed.Level], asks: list[feed.Level]) -> None:
    assert figures(view(bids, asks)) is None


def test_the_latency_is_freed_of_the_clocks_difference_and_says_how_sure_it_is() -> None:
    book = view([(10, 1)], [(11, 1)], recv_ns=S, cts_ns=S + 200 * MS)
    found = figures(book, Offset(offset_ns=230 * MS, uncertainty_ns=4 * MS, at_ns=S))
    assert found is not None
    assert (found.latency_ms, found.latency_error_ms) == (30, 4)
    assert "Latency: 30±4ms" in line(found, BTC)


def test_an_unknown_matching_time_is_no_latency() -> None:
    found = figures(view([(10, 1)], [(11, 1)], recv_ns=S))
    assert found is not None
    assert found.latency_ms is None
    assert "Latency: n/a" in line(found, BTC)


@pytest.mark.parametrize(
    ("scale", "bid", "ask", "text"),
    [
        (Scale("0.10", "1"), 651_142, 651_143, "65114.25"),
        (Scale("0.01", "1"), 100, 101, "1.01"),  # 1.005: a half goes up.
        (Scale("5", "1"), 10, 13, "58"),
        (Scale("0.0005", "1"), 3, 4, "0.0018"),
    ],
)
def test_the_mid_has_the_instruments_decimals(scale: Scale, bid: int, ask: int, text: str) -> None:
    assert mid_text(scale, bid, ask) == text


@given(st.integers(-(10**15), 10**15), st.integers(0, 8))
def test_rounded_text_is_within_half_of_its_last_place(value_e8: int, decimals: int) -> None:
    text = e8_rounded(value_e8, decimals)
    assert abs(int(text.replace(".", "")) * 10 ** (8 - decimals) - value_e8) * 2 <= 10 ** (8 - decimals)


def test_fixed_text() -> None:
    assert [fixed_text(*each) for each in ((5, 2), (-5, 2), (1234, 2), (7, 0))] == ["0.05", "-0.05", "12.34", "7"]


def test_the_line_of_the_order_flow_names_bias_and_score() -> None:
    names, scores = ("imbalance", "flow", "pressure", "trend", "bias"), (0.15, -0.5, 0.25, 0.5, -1.0)
    said = Decision(1, "BTCUSDT", 1, 0.0345, 0.17, scores, names, 10, 11, 1, 1, 1, "report", "orderflow", "normal")
    assert flow_line(said) == (
        "🧭 BTCUSDT | Bias: short | Regime: normal | Score: +0.035 | Confidence: 0.17"
        " | imbalance +0.150 flow -0.500 pressure +0.250 trend +0.500"
    )
    assert "Bias: none | Regime: n/a" in flow_line(Decision(1, "A", 0, 0.0, 0.0, (), (), 1, 2, 1, 1, 1, "report"))
