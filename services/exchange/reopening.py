"""What a restarted exchange does with the account it has been given back, before anybody may speak."""

from __future__ import annotations

from collections.abc import Mapping

from services.exchange.desk import Desk
from services.exchange.matching import AGENTS, Fill, MatchingBook
from services.exchange.orders import RESTING
from services.exchange.trading import OWNER


def put_back(desk: Desk, books: Mapping[str, MatchingBook]) -> list[tuple[str, Fill]]:
    """Put the account's resting orders, oldest first, into books that were made anew; return what traded meanwhile.

    The market has opened at the last price, so its own orders may stand where ours crosses them. They are taken out by
    another of the market's before ours comes back: an order that rested goes on resting.
    """
    matches: list[tuple[str, Fill]] = []
    for symbol, book in books.items():
        book.held_lots[OWNER] = desk.account.position(symbol).lots
    for order in desk.orders.open_orders():
        book = books.get(order.symbol)  # type: ignore[assignment]
        if book is None or order.status not in RESTING:
            continue
        in_its_way = book.available(order.side, order.price_ticks)
        if in_its_way:
            way = book.submit(-2 * order.book_id - 1, AGENTS, order.side, order.price_ticks, in_its_way, "IOC")
            matches += [(order.symbol, fill) for fill in way.fills]
        rested = book.submit(
            order.book_id, OWNER, order.side, order.price_ticks, order.left_lots, "PostOnly",
            reduce_only=order.closes,
        )  # fmt: skip
        assert rested.resting_lots == order.left_lots, order.order_id
    return matches
