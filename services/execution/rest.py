"""Requests on their way to the venue: six lanes, each a thread with a REST session of its own.

A lane carries one request at a time, in order. Entries, exits, cancels, stops that are missing, stops that move, and
readings have a lane each, so nothing that reduces risk ever waits behind something else. Whatever happens to a request,
one Reply comes back.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

from services.execution import outcomes
from services.execution.answers import Allowance, Answer, allowance_of, not_sent, reply_to
from services.execution.calls import ENTRY, LANES, READ, Call
from services.execution.wire import OrderRequest, Reply
from shared.clock import NS_PER_S, Clock
from shared.config import Credentials
from shared.fleet import Histogram
from shared.messages import Message

QUEUED_MAX = 256
JSON_ERROR = 409  # What pybit calls an answer that it cannot read.
FORBIDDEN = 403
SHUT_OUT_NS = 600 * NS_PER_S
NO_RETRIES = {0}  # Never an error; an empty set would bring back pybit's own, which sleep and send again.

Hear = Callable[[Reply], None]


class Session(HTTP):  # type: ignore[misc]
    """pybit's client, with the venue's time on what it sends instead of the wall clock's."""

    stamp_ms: Callable[[], int]

    def _prepare_headers(
        self, payload: Any, recv_window: int, content_type: str = "application/json"
    ) -> dict[str, str]:
        stamp = self.stamp_ms()
        return {
            "Content-Type": content_type,
            "X-BAPI-API-KEY": self.api_key,
            "X-BAPI-SIGN": self._auth(payload, recv_window, stamp),
            "X-BAPI-SIGN-TYPE": "2",
            "X-BAPI-TIMESTAMP": str(stamp),
            "X-BAPI-RECV-WINDOW": str(recv_window),
        }


class Sessions:
    """Makes REST sessions that neither retry, nor sleep, nor log what they send."""

    def __init__(
        self, rest_url: str, keys: Credentials, stamp_ms: Callable[[], int], *, timeout_s: float, recv_window_ms: int
    ) -> None:
        self._rest_url, self._keys, self._stamp_ms = rest_url, keys, stamp_ms
        self._timeout_s, self._recv_window_ms = timeout_s, recv_window_ms
        for name in ("pybit", "urllib3"):
            logging.getLogger(name).addHandler(logging.NullHandler())
            logging.getLogger(name).propagate = False

    def make(self) -> Session:
        """Return a new session."""
        session = Session(
            api_key=self._keys.key,
            api_secret=self._keys.secret,
            timeout=self._timeout_s,
            recv_window=self._recv_window_ms,
            max_retries=1,
            retry_codes=NO_RETRIES,
            logging_level=logging.CRITICAL,
            return_response_headers=True,
        )
        session.stamp_ms = self._stamp_ms
        session.endpoint = self._rest_url
        session.client.trust_env = False  # Neither a proxy nor a .netrc stands between us and the venue.
        return session


class Shutout:
    """The venue's answer to an address that asks too much, and worse for one that goes on: 403 for ten minutes.

    Readings wait it out; what reduces risk is tried all the same.
    """

    def __init__(self) -> None:
        self.until_ns = 0

    def hear(self, code: int, now: int) -> None:
        """Take the code of an answer that a lane got."""
        if code == FORBIDDEN:
            self.until_ns = now + SHUT_OUT_NS

    def lasts(self, now: int) -> bool:
        """Whether nothing should be read now."""
        return now < self.until_ns


class Rest:
    """The lanes. ``hear`` is called on their threads."""

    def __init__(self, sessions: Sessions, clock: Clock, hear: Hear, decision_to_sent: Histogram) -> None:
        shutout = Shutout()
        self._lanes = {name: _Lane(name, sessions, clock, hear, decision_to_sent, shutout) for name in LANES}

    def send(self, request: Message, call: Call) -> bool:
        """Queue a request; False when its lane is full (nothing was sent then)."""
        return self._lanes[call.lane].put(request, call)

    def close(self) -> None:
        """Let every lane end after what it is doing now."""
        for lane in self._lanes.values():
            lane.close()


class _Lane:
    def __init__(
        self, name: str, sessions: Sessions, clock: Clock, hear: Hear, decision_to_sent: Histogram, shutout: Shutout
    ) -> None:
        self._clock, self._hear, self._decision_to_sent = clock, hear, decision_to_sent
        self._shutout, self._waits = shutout, name in (ENTRY, READ)
        self._session = sessions.make()
        self._queue: queue.Queue[tuple[Message, Call] | None] = queue.Queue(QUEUED_MAX)
        self._thread = threading.Thread(target=self._run, name=f"rest-{name}", daemon=True)
        self._thread.start()

    def put(self, request: Message, call: Call) -> bool:
        try:
            self._queue.put_nowait((request, call))
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        self._queue.put_nowait(None)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                self._session.client.close()
                return
            self._hear(self._carry_out(*item))

    def _carry_out(self, request: Message, call: Call) -> Reply:
        now = self._clock.now()
        if isinstance(request, OrderRequest) and request.decided_ns:
            if not now <= request.expires_ns:
                return not_sent(request, "expired before it was sent", now)
            self._decision_to_sent.observe(now - request.decided_ns)
        if self._waits and self._shutout.lasts(now):
            return not_sent(request, "the venue has shut our address out", now, FORBIDDEN)
        answer = ask(self._session, call)
        now = self._clock.now()
        self._shutout.hear(answer.code, now)
        return reply_to(request, answer, now)


def ask(session: HTTP, call: Call) -> Answer:
    """Carry out one call; return what became of it. Nothing is ever sent twice."""
    try:
        answer = getattr(session, call.method)(**call.params)
    except InvalidRequestError as error:
        code, allowance = error.status_code, _allowance(error.resp_headers)
        return Answer(outcomes.of_code(code), code, str(error.message), b"", allowance)
    except FailedRequestError as error:
        status = 0 if error.status_code == JSON_ERROR else error.status_code
        return Answer(outcomes.of_http(status), error.status_code, str(error.message))
    except (requests.RequestException, OSError) as error:
        return Answer(outcomes.UNKNOWN, 0, type(error).__name__)
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # An answer of another shape than any answer.
        return Answer(outcomes.UNKNOWN, 0, f"unreadable answer: {type(error).__name__}")
    body, headers = (answer[0], answer[-1]) if isinstance(answer, tuple) and answer else (answer, None)
    if not isinstance(body, dict) or body.get("retCode") != 0:
        return Answer(outcomes.UNKNOWN, 0, "unreadable answer: no retCode")
    return Answer(outcomes.ACCEPTED, 0, "", orjson.dumps(body), _allowance(headers))


def _allowance(headers: object) -> Allowance:
    return allowance_of(headers if isinstance(headers, Mapping) else None)
