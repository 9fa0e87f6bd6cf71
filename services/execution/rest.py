"""Requests on their way to the venue: three lanes, each a thread with a REST session of its own.

A lane carries one request at a time, in order. Entries, exits (with cancels and stops) and readings have a lane each,
so nothing that reduces risk ever waits behind something else. Whatever happens to a request, one Reply comes back.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import orjson
import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

from services.execution import outcomes
from services.execution.calls import ENTRY, EXIT, READ, Call, call_of, kind_of
from services.execution.wire import OrderRequest, Reply
from shared.clock import Clock
from shared.config import Credentials
from shared.fleet import Histogram
from shared.messages import Message

QUEUED_MAX = 256
JSON_ERROR = 409  # What pybit calls an answer that it cannot read.
NO_RETRIES = {0}  # Never an error; an empty set would bring back pybit's own, which sleep and send again.

Hear = Callable[[Reply], None]


class Sessions:
    """Makes REST sessions that neither retry, nor sleep, nor log what they send."""

    def __init__(self, rest_url: str, keys: Credentials, *, timeout_s: float, recv_window_ms: int) -> None:
        self._rest_url, self._keys = rest_url, keys
        self._timeout_s, self._recv_window_ms = timeout_s, recv_window_ms
        for name in ("pybit", "urllib3"):
            logging.getLogger(name).addHandler(logging.NullHandler())
            logging.getLogger(name).propagate = False

    def make(self) -> HTTP:
        """Return a new session."""
        session = HTTP(
            api_key=self._keys.key,
            api_secret=self._keys.secret,
            timeout=self._timeout_s,
            recv_window=self._recv_window_ms,
            max_retries=1,
            retry_codes=NO_RETRIES,
            logging_level=logging.CRITICAL,
        )
        session.endpoint = self._rest_url
        session.client.trust_env = False  # Neither a proxy nor a .netrc stands between us and the venue.
        return session


class Rest:
    """The three lanes. ``hear`` is called on their threads."""

    def __init__(self, sessions: Sessions, clock: Clock, hear: Hear, decision_to_sent: Histogram) -> None:
        self._lanes = {name: _Lane(name, sessions, clock, hear, decision_to_sent) for name in (ENTRY, EXIT, READ)}

    def send(self, request: Message) -> bool:
        """Queue a request; False when its lane is full (nothing was sent then)."""
        call = call_of(request)
        return self._lanes[call.lane].put(request, call)

    def close(self) -> None:
        """Let every lane end after what it is doing now."""
        for lane in self._lanes.values():
            lane.close()


class _Lane:
    def __init__(self, name: str, sessions: Sessions, clock: Clock, hear: Hear, decision_to_sent: Histogram) -> None:
        self._clock, self._hear, self._decision_to_sent = clock, hear, decision_to_sent
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
        if isinstance(request, OrderRequest) and request.decided_ns:
            now = self._clock.now()
            if not now <= request.expires_ns:
                return _reply(request, outcomes.REJECTED, 0, "expired before it was sent", b"", now)
            self._decision_to_sent.observe(now - request.decided_ns)
        outcome, code, text, data = ask(self._session, call)
        return _reply(request, outcome, code, text, data, self._clock.now())


def _reply(request: Message, outcome: str, code: int, text: str, data: bytes, now: int) -> Reply:
    request_id: int = request.request_id  # type: ignore[attr-defined]
    return Reply(request_id, kind_of(request), outcome, code, text[:300], data, now)


def not_sent(request: Message, now: int) -> Reply:
    """Return the answer to a request for which there was no room: certainly not sent."""
    return _reply(request, outcomes.REJECTED, 0, "too many requests are waiting", b"", now)


def ask(session: HTTP, call: Call) -> tuple[str, int, str, bytes]:
    """Carry out one call; return its outcome, code, text and the venue's whole answer. Nothing is ever sent twice."""
    try:
        answer = getattr(session, call.method)(**call.params)
    except InvalidRequestError as error:
        return outcomes.of_code(error.status_code), error.status_code, error.message, b""
    except FailedRequestError as error:
        status = 0 if error.status_code == JSON_ERROR else error.status_code
        return outcomes.of_http(status), error.status_code, error.message, b""
    except (requests.RequestException, OSError) as error:
        return outcomes.UNKNOWN, 0, type(error).__name__, b""
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # An answer of another shape than any answer.
        return outcomes.UNKNOWN, 0, f"unreadable answer: {type(error).__name__}", b""
    if not isinstance(answer, dict) or answer.get("retCode") != 0:
        return outcomes.UNKNOWN, 0, "unreadable answer: no retCode", b""
    return outcomes.ACCEPTED, 0, "", orjson.dumps(answer)
