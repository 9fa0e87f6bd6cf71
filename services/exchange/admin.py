"""The back door of the local exchange, for this machine only: faults while it runs, and the truth about its market."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson

from services.exchange.auth import whole
from services.exchange.faults import NS_PER_MS, TEXT_MAX, Fault, FaultError, Faults
from services.exchange.rest import LOOPBACK, Reply
from services.exchange.wire import HttpRequest

FAULTS_PATH, TRUTH_PATH = "/admin/faults", "/admin/truth"
_JSON = (("content-type", "application/json; charset=utf-8"),)

Truth = Callable[[int], dict[str, Any]]


class Admin:
    """Answers /admin/faults and /admin/truth. ``refuse`` says why this exchange cannot do what a fault asks, or ""."""

    def __init__(self, faults: Faults, truth: Truth | None, refuse: Callable[[Fault], str]) -> None:
        self._faults, self._truth, self._refuse = faults, truth, refuse

    def answer(self, request: HttpRequest, now: int) -> Reply | None:
        """Return the answer; None if this door is not meant."""
        if request.path not in (FAULTS_PATH, TRUTH_PATH):
            return None
        if request.remote not in LOOPBACK:
            return _reply(403, "for this machine only", {}, now)
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        match request.method, request.path:
            case "GET", "/admin/truth":
                return self._tell(query, now)
            case "GET", _:
                return _reply(200, "OK", {"list": self._faults.rows(now)}, now)
            case "POST", "/admin/faults":
                return self._add(request.body, now)
            case "DELETE", "/admin/faults":
                return self._remove(query, now)
        return _reply(400, "method not supported", {}, now)

    def _add(self, body: bytes, now: int) -> Reply:
        """Set what the body says, as text (see faults)."""
        if len(body) > TEXT_MAX:
            return _reply(400, f"line 1, column 1: longer than {TEXT_MAX} bytes", {"line": 1, "column": 1}, now)
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            line, column = body[: error.start].count(b"\n") + 1, error.start - body.rfind(b"\n", 0, error.start)
            return _reply(400, f"line {line}, column {column}: not UTF-8", {"line": line, "column": column}, now)
        try:
            added = self._faults.add(text, now)
        except FaultError as error:
            return _reply(400, str(error), {"line": error.line, "column": error.column}, now)
        reason = next((f"{one.name}: {why}" for one in added if (why := self._refuse(one))), "")
        if reason:
            for one in added:
                self._faults.remove(one.number)
            return _reply(400, reason, {}, now)
        return _reply(200, "OK", {"list": [one.row(now) for one in added]}, now)

    def _remove(self, query: dict[str, str], now: int) -> Reply:
        """Take back the fault of that number, or all."""
        number = whole(query["number"]) if "number" in query else None
        if "number" in query and (number is None or not self._faults.remove(number)):
            return _reply(404, f"there is no fault number {query['number'][:20]}", {}, now)
        return _reply(200, "OK", {"removed": 1 if "number" in query else self._faults.remove(None)}, now)

    def _tell(self, query: dict[str, str], now: int) -> Reply:
        since = whole(query.get("since", "0"))
        if self._truth is None:
            return _reply(404, "this market does not know what it does: it is a recording", {}, now)
        if since is None:
            return _reply(400, "since: expected a whole number", {}, now)
        return _reply(200, "OK", self._truth(since), now)


def _reply(status: int, text: str, result: dict[str, Any], now: int) -> Reply:
    code = 0 if status == 200 else status
    body = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now // NS_PER_MS}
    return Reply(status, code, _JSON, orjson.dumps(body), False)
