"""The audit of a run asks the exchange."""

from pathlib import Path

from cli.audit import audit


def test_a_silent_exchange_is_no_match(tmp_path: Path) -> None:
    found = audit(1, tmp_path)
    assert not found.matches
    assert "does not answer" in found.differences[0]
    assert found.naked_ms_max is None
