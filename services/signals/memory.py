"""What the weights have learned, on disk: one small file beside the order journal, replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from services.signals.wire import Learned
from shared import log
from shared.config import Config

BYTES_MAX = 4 << 20


class Memory:
    """One file for each venue and strategy: what was learned in one place says nothing about another."""

    def __init__(self, folder: Path, config: Config) -> None:
        self._path = folder / f"weights-{config.venue}-{config.strategy}.json"
        self._failed = False

    def load(self) -> Learned | None:
        """Return what an earlier run has learned; None when there is nothing, or nothing that can be read."""
        try:
            with self._path.open("rb") as file:
                data = file.read(BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.failed("weights.read", error)
            return None
        try:
            if len(data) > BYTES_MAX:
                raise msgspec.DecodeError(f"more than {BYTES_MAX} bytes")
            return msgspec.json.decode(data, type=Learned)
        except msgspec.DecodeError as error:
            log.say("WARNING", "weights.damaged", f"{self._path.name} is ignored: {error}")
            return None

    def save(self, learned: Learned) -> None:
        """Replace the file. A full disk costs what was learned, never the process; said once."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(learned))
            fresh.replace(self._path)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.failed("weights.write", error)
            self._failed = True
