"""One answer to every question, whatever the venue does; a bug is nobody's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

import aiohttp
import pytest

from services.signals.venue_bars import ANSWER_BYTES_MAX, VenueBars
from services.signals.wire import KlineAnswer, KlineFailed, KlineRequest
from shared.bybit.venue import VenueNotReadyError

ASKED = KlineRequest(7, "BTCUSDT", "5", 300_000, 900_000, 3)
Heard = list[KlineAnswer | KlineFailed]


class Content:
    """A body that comes in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def read(self, _: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


class Answer:
    """What a request leads to."""

    def __init__(self, status: int, pieces: list[bytes]) -> None:
        self.status, self.content = status, Content(pieces)

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None


class Session:
    """Stands in for aiohttp's: answers everything alike."""

    def __init__(self, answer: Callable[[], Answer]) -> None:
        self._answer, self.closed = answer, False
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, url: str, params: dict[str, str]) -> Answer:
        self.asked.append((url, params))
        return self._answer()

    async def close(self) -> None:
        self.closed = True


def ask(answer: Callable[[], Answer], url: Callable[[], str] = lambda: "http://venue") -> tuple[Heard, Session, int]:
    """Ask once; return what was heard, the session, and how often a bug was reported."""
    heard: Heard = []
    bugs: list[None] = []
    session = Session(answer)

    async def run() -> None:
        bars = VenueBars(url, heard.append, lambda: bugs.append(None))
        bars._session = session  # type: ignore[assignment]
        bars.ask(ASKED)
        await asyncio.gather(*bars._tasks, return_exceptions=True)
        await asyncio.sleep(0)
        await bars.close()

    asyncio.run(run())
    return heard, session, len(bugs)


def failure(error: Exception) -> Callable[[], Answer]:
    def fail() -> Answer:
        raise error

    return fail


def test_the_answer_is_passed_on_as_it_came() -> None:
    heard, session, _ = ask(lambda: Answer(200, [b'{"ret', b'Code":0}']))
    assert heard == [KlineAnswer(7, b'{"retCode":0}')]
    (url, params) = session.asked[0]
    assert url == "http://venue/v5/market/kline"
    assert params == {
        "category": "linear", "symbol": "BTCUSDT", "interval": "5", "start": "300000", "end": "900000", "limit": "3",
    }  # fmt: skip
    assert session.closed


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: Answer(503, [b"busy"]), "HTTP 503"),
        (lambda: Answer(200, [b"x" * ANSWER_BYTES_MAX, b"x", b"x"]), f"more than {ANSWER_BYTES_MAX} bytes"),
        (failure(TimeoutError()), "TimeoutError"),
        (failure(aiohttp.ClientPayloadError("half of it")), "ClientPayloadError half of it"),
        (failure(VenueNotReadyError("not yet")), "VenueNotReadyError not yet"),
    ],
)
def test_what_goes_wrong_is_said(answer: Callable[[], Answer], reason: str) -> None:
    assert ask(answer)[0] == [KlineFailed(7, reason)]


def test_a_bug_ends_the_process_and_is_raised_there() -> None:
    heard: Heard = []
    with pytest.raises(ZeroDivisionError):
        heard += ask(failure(ZeroDivisionError()))[0]
    assert heard == []


def test_nothing_is_opened_when_nothing_is_asked() -> None:
    async def run() -> None:
        bars = VenueBars(lambda: "http://venue", lambda _: None, lambda: None)
        await bars.close()
        assert bars._session is None

    asyncio.run(run())
