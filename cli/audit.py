"""The last question of every run: does our ledger say what the exchange's says, execution by execution?"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from shared.audit import compare, journalled

TIMEOUT_S = 5.0
DIFFERENCES_MAX = 20


@dataclass(frozen=True, slots=True)
class Audit:
    """The verdict. ``differences`` names what does not match, a sentence each."""

    differences: tuple[str, ...]
    naked_ms_max: int | None  # Measured by the exchange on its own clock; None when it does not answer.

    @property
    def matches(self) -> bool:
        """Whether both ledgers say the same."""
        return not self.differences


def audit(port: int, state_dir: Path) -> Audit:
    """Compare the order journal in ``state_dir`` with the local exchange's ledger."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/ledger", timeout=TIMEOUT_S) as answer:
            ledger = json.load(answer)["result"]
    except (urllib.error.URLError, OSError, ValueError) as error:
        return Audit((f"the exchange does not answer: {error}",), None)
    path = state_dir / "orders.sqlite"
    if not path.exists():
        return Audit((f"there is no order journal at {path}",), ledger["naked"]["naked_ms_max"])
    ours, intents, positions = journalled(path)
    return Audit(tuple(compare(ledger, ours, intents, positions)[:DIFFERENCES_MAX]), ledger["naked"]["naked_ms_max"])
