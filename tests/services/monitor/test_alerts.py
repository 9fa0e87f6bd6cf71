import pytest

from services.monitor.alerts import CALM_NS, Alerts, Finding, Limits, findings
from services.monitor.figures import Figures
from shared.messages import Log

S = 1_000_000_000


def seen(**changes: float) -> Figures:
    plain = Figures("SOLUSDT", 100, 101, 0.1, 0.0, 1_000.0, 150_000.0, 150.0, 20, 7)
    return plain._replace(**changes)  # type: ignore[arg-type]


def wrong(found: Figures, limits: Limits = Limits(0.8, 150.0, 5.0, 0.0), btc_mid: float = 20_000.0) -> set[str]:  # noqa: B008
    return {each.kind for each in findings(found, limits, btc_mid) if each.wrong}


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, set()),
        ({"spread_pct": 0.8}, set()),
        ({"spread_pct": 0.81}, {"spread"}),
        ({"latency_ms": 150}, set()),
        ({"latency_ms": 151}, {"latency"}),
        ({"latency_ms": None}, set()),
        ({"latency_ms": 160, "latency_error_ms": 10}, set()),
        ({"latency_ms": 161, "latency_error_ms": 10}, {"latency"}),
        ({"liquidity_usdt": 100_000.0}, set()),
        ({"liquidity_usdt": 99_999.0}, {"liquidity"}),
    ],
)
def test_each_limit_on_both_sides_of_its_edge(changes: dict[str, float], kinds: set[str]) -> None:
    assert wrong(seen(**changes)) == kinds


def test_liquidity_in_bitcoin_needs_its_price() -> None:
    assert wrong(seen(liquidity_usdt=1.0), btc_mid=0.0) == set()


def test_liquidity_may_be_asked_for_in_usdt() -> None:
    limits = Limits(0.8, 150.0, 5.0, 10_000.0)
    assert wrong(seen(liquidity_usdt=10_000.0), limits, 0.0) == set()
    assert wrong(seen(liquidity_usdt=9_999.0), limits, 0.0) == {"liquidity"}


def test_an_alert_is_said_when_it_begins_and_when_it_is_over() -> None:
    alerts, bad, good = Alerts(), Finding("spread", True, "wide"), Finding("spread", False, "")
    assert alerts.hear("SOLUSDT", good, 0) is None
    assert alerts.hear("SOLUSDT", bad, S) == Log("WARNING", "alert.spread", "SOLUSDT: wide", "SOLUSDT")
    assert alerts.on == ["SOLUSDT:spread"]
    assert alerts.hear("SOLUSDT", bad, 2 * S) is None
    assert alerts.hear("SOLUSDT", good, 2 * S + CALM_NS - 1) is None
    over = alerts.hear("SOLUSDT", good, 2 * S + CALM_NS)
    assert over is not None
    assert over.event == "alert.spread.over"
    assert alerts.on == []


def test_what_flickers_is_one_alert() -> None:
    alerts = Alerts()
    said = [alerts.hear("A", Finding("latency", second % 2 == 0, "x"), second * S) for second in range(40)]
    assert len([log for log in said if log is not None]) == 1


def test_symbols_that_are_gone_are_forgotten() -> None:
    alerts = Alerts()
    alerts.hear("A", Finding("spread", True, "x"), 0)
    alerts.keep({"B"})
    assert alerts.on == []
