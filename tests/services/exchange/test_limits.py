"""Windows of requests: per endpoint, per address, with a ban where the venue bans."""

from __future__ import annotations

from services.exchange import limits
from services.exchange.limits import AccountLimits, AddressLimits, Grant, Window, limit_headers


def test_limits_are_counted_per_endpoint() -> None:
    account = AccountLimits()
    assert account.take("a", 1, 0) == Grant(1, 0, 0)
    assert account.take("a", 1, 999) == Grant(0, 0, 1_000)
    assert account.take("b", 1, 999) == Grant(1, 0, 999)
    assert account.take("a", 1, 1_000) == Grant(1, 0, 1_000)


def test_a_batch_gets_what_is_left() -> None:
    window = Window(10, 1_000)
    assert window.take(0, 7) == Grant(7, 3, 0)
    assert window.take(500, 5) == Grant(3, 0, 1_000)
    assert window.take(500, 1) == Grant(0, 0, 1_000)
    assert window.take(1_000, 9) == Grant(7, 0, 1_500)


def test_an_address_that_breaks_the_limit_stays_out_until_its_ban_is_over() -> None:
    visits = AddressLimits(2, 5_000, 600_000)
    assert [visits.admit("a", 0) for _ in range(3)] == [True, True, False]
    assert visits.admit("b", 0)
    assert not visits.admit("a", 599_999)
    assert visits.admit("a", 600_000)


def test_without_a_ban_only_the_window_counts() -> None:
    visits = AddressLimits(1, 1_000)
    assert [visits.admit("a", at) for at in (0, 999, 1_000)] == [True, False, True]


def test_addresses_are_bounded() -> None:
    visits = AddressLimits(1, 1_000_000)
    for number in range(limits.ADDRESSES_MAX + 1):
        assert visits.admit(str(number), 0)
    assert visits.admit("0", 1)  # Forgotten by now.
    assert not visits.admit(str(limits.ADDRESSES_MAX), 1)


def test_headers_are_numbers_in_text() -> None:
    assert dict(limit_headers(10, Grant(1, 9, 1_790_000_000_301))) == {
        "X-Bapi-Limit": "10",
        "X-Bapi-Limit-Status": "9",
        "X-Bapi-Limit-Reset-Timestamp": "1790000000301",
    }
