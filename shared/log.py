"""Logging: one JSON-lines file per process and one line for people on stderr. Never on the tick path.

The only module that imports loguru. Sinks are added after the fork, without a queue: two processes never share one.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

FILE_BYTES_MAX = 32 << 20
FILES_MAX = 7
SECRET_CHARS_MIN = 6

_secrets: set[str] = set()
_SHORT = {"WARNING": "WARN", "CRITICAL": "CRIT"}


def hide(*secrets: str) -> None:
    """Never let these strings reach a sink."""
    _secrets.update(text for text in secrets if len(text) >= SECRET_CHARS_MIN)


def redact(text: str) -> str:
    """Return ``text`` with every known secret blotted out, after rendering, so arguments and tracebacks count too."""
    for secret in _secrets:
        text = text.replace(secret, "***")
    return text


def _fault(record: Record) -> str:
    error = record["exception"]
    if error is None or error.value is None:
        return ""
    return f"{type(error.value).__name__}: {error.value}"


def _trace(record: Record) -> str:
    error = record["exception"]
    return "" if error is None else "".join(traceback.format_exception(error.type, error.value, error.traceback))


def _human(process: str, colour: bool) -> Callable[[Message], None]:
    tint = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"} if colour else {}

    def write(message: Message) -> None:
        record = message.record
        level = record["level"].name
        stamp = f"{record['time']:%H:%M:%S}.{record['time'].microsecond // 1000:03d}"
        event = record["extra"].get("event", "")
        head = f"{stamp} {process:<10} {_SHORT.get(level, level):<5} {event + ' ' if event else ''}"
        tail = _fault(record)
        line = redact(f"{head}{record['message']}{' | ' + tail if tail else ''}")
        start = tint.get(level, "")
        sys.stderr.write(f"{start}{line}{chr(27) + '[0m' if start else ''}\n")

    return write


class _Lines:
    """A sink of JSON lines that rotates by itself."""

    def __init__(self, process: str, run_id: str, path: Path) -> None:
        self._fixed = {"proc": process, "pid": os.getpid(), "run": run_id}
        self._path = path
        self._file = path.open("ab", buffering=0)

    def write(self, message: Message) -> None:
        record = message.record
        entry: dict[str, Any] = {
            "ts": record["time"].astimezone(UTC).isoformat(),
            "lvl": record["level"].name,
            **self._fixed,
            "ev": record["extra"].get("event", ""),
            "sym": record["extra"].get("symbol", ""),
            "msg": record["message"],
        }
        tail = _fault(record)
        if tail:
            entry["error"], entry["trace"] = tail, _trace(record)
        if self._file.tell() > FILE_BYTES_MAX:
            self._rotate()
        self._file.write(redact(orjson.dumps(entry).decode()).encode() + b"\n")

    def _rotate(self) -> None:
        self._file.close()
        for number in range(FILES_MAX - 1, 0, -1):
            older = self._path.with_suffix(f".{number}.jsonl")
            if older.exists():
                older.replace(self._path.with_suffix(f".{number + 1}.jsonl"))
        self._path.replace(self._path.with_suffix(".1.jsonl"))
        self._path.with_suffix(f".{FILES_MAX}.jsonl").unlink(missing_ok=True)
        self._file = self._path.open("ab", buffering=0)

    def stop(self) -> None:
        self._file.close()


def set_up(process: str, run_id: str, folder: Path | None, level: str) -> None:
    """Point this process's log at ``folder/<process>.jsonl`` and stderr. Call once, after the fork."""
    logger.remove()
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    logger.add(_human(process, colour), level=level, format="{message}", backtrace=False, diagnose=False)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = _Lines(process, run_id, folder / f"{process}.jsonl")
        logger.add(lines, level=level, format="{message}", backtrace=False, diagnose=False)


def stop() -> None:
    """Close every sink."""
    logger.remove()


def say(level: str, event: str, text: str, symbol: str = "") -> None:
    """Write one log line. ``event`` is a stable dotted name."""
    logger.bind(event=event, symbol=symbol).log(level, "{}", text)


def failed(event: str, error: BaseException) -> None:
    """Write an unexpected exception with its place."""
    logger.bind(event=event).opt(exception=error).error("{}", _place(error))


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno} in {trace.tb_frame.f_code.co_name}"
