"""Every service's core can be built fresh, and answers its first message."""

import pytest

from replay.cores import fresh
from shared.config import Config, Ingest
from shared.messages import Started, Tick
from shared.service import handlers

CONFIG = Config(ingest=Ingest(ring_records=4096))


@pytest.mark.parametrize("name", ["exchange", "ingest", "scanner", "signals", "execution", "monitor"])
def test_a_fresh_core_takes_its_first_messages_twice_alike(name: str) -> None:
    answers = []
    for _ in range(2):
        known = handlers(fresh(name, 0, CONFIG))
        started = known.get("on_started", lambda *_: [])
        tick = known.get("on_tick", lambda *_: [])
        answers.append([started(Started(name, "run", 0), 10**18), tick(Tick(), 10**18 + 1)])
    assert answers[0] == answers[1]
