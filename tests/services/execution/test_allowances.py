"""What the venue says it will still take is what there is."""

from __future__ import annotations

from msgspec.structs import replace

from services.execution.allowances import UNTOLD, Allowances
from services.execution.wire import OrderRequest, Reply
from shared.messages import Verdict
from tests.services.execution.rig import Rig, order_row
from tests.services.execution.test_trade_line import ENTER

S = 1_000_000_000


def reply(request_id: int, code: int = 0, limit: int = 0, left: int = -1, kind: str = "OrderRequest") -> Reply:
    return Reply(request_id, kind, "accepted", code, "", b"", 0, limit, left)


def test_without_a_word_of_the_venue_nothing_is_known() -> None:
    assert Allowances().left(0) == UNTOLD


def test_the_headers_of_an_answer_are_believed() -> None:
    told = Allowances()
    told.hear(reply(1, limit=10, left=9), 0)
    assert told.left(1) == 9
    told.hear(reply(2, limit=10, left=4), 2)
    assert told.left(3) == 4


def test_what_an_answer_says_is_good_for_one_second() -> None:
    told = Allowances()
    told.hear(reply(1, limit=10, left=0), 0)
    assert told.left(S - 1) == 0
    assert told.left(S) == 10


def test_requests_without_an_answer_count() -> None:
    told = Allowances()
    told.hear(reply(1, limit=10, left=9), 0)
    told.note([replace(ENTER, request_id=number) for number in (2, 3)])
    assert told.left(1) == 7
    told.hear(reply(2), 1)
    assert told.left(1) == 8


def test_too_many_visits_mean_a_second_of_silence() -> None:
    told = Allowances()
    told.hear(reply(1, code=10006), 0)
    assert told.left(S - 1) == 0
    assert told.left(S) == UNTOLD


def test_an_address_that_was_shut_out_waits_ten_minutes_whatever_it_had_asked_for() -> None:
    told = Allowances()
    told.hear(reply(1, code=403, kind="wallet"), 0)
    assert told.left(600 * S - 1) == 0
    assert told.left(600 * S) == UNTOLD


def wished_after(answer: Reply, wait_ms: int) -> str:
    """Return the gate that stops a wish so long after ``answer`` to an earlier order that came to nothing."""
    rig = Rig().start()
    rig.wish()
    order = rig.last(OrderRequest)
    rig.feed(replace(answer, request_id=order.request_id))
    rig.push("order", order_row(order.order_link_id, "Cancelled"))
    rig.wait(wait_ms)
    rig.wish("abc-0-2")
    return rig.last(Verdict).gate


def test_entries_stop_at_the_venues_own_limit_and_leave_a_reserve() -> None:
    answer = reply(0, limit=10, left=3)
    assert wished_after(answer, 300) == "order_rate"
    assert wished_after(answer, 1_050) == ""


def test_a_shut_out_address_enters_nothing() -> None:
    assert wished_after(replace(reply(0, code=403), outcome="rejected"), 60_000) == "order_rate"
