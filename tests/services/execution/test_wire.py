"""Everything the core hears and says survives its journal."""

from __future__ import annotations

from services.execution.wire import Finished, OrderRequest
from shared.messages import StopRequested, decode, encode
from tests.services.execution.rig import Rig


def test_every_message_of_a_run_comes_back_from_bytes() -> None:
    rig = Rig().start()
    rig.enter()
    rig.wait(10_100)
    rig.leave(rig.last(OrderRequest).order_link_id)
    rig.feed(StopRequested())
    rig.wait(100)
    messages = [told for _, told in rig.told] + rig.said
    assert Finished(True) in messages
    assert len({type(message) for message in messages}) > 15
    for message in messages:
        assert decode(type(message).__name__, encode(message)) == message
