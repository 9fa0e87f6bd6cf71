"""Paper trading names the real market and fetches its rules."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli.paper import LATENCY_MS, PaperError, fetch, wishes
from shared.bybit.venue import LIVE

PAGES = {"": (["A"], "next"), "next": (["B"], "")}


class Market(BaseHTTPRequestHandler):
    """Answers with two pages of rules."""

    def do_GET(self) -> None:
        rows, cursor = PAGES[self.path.partition("cursor=")[2]]
        body = json.dumps({"retCode": 0, "result": {"list": rows, "nextPageCursor": cursor}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def market() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Market)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_page_of_the_rules_is_kept(market: str, tmp_path: Path) -> None:
    path = fetch(f"http://{market}", tmp_path / "paper" / "rules.json")
    assert json.loads(path.read_text())["result"]["list"] == ["A", "B"]


def test_a_market_that_does_not_answer_is_no_market(tmp_path: Path) -> None:
    with pytest.raises(PaperError):
        fetch("http://127.0.0.1:1", tmp_path / "rules.json")


def test_another_market_may_be_named_and_latency_is_never_nothing(market: str, tmp_path: Path) -> None:
    found = wishes(f"live:ws://{market}/v5/public/linear", "", 0, tmp_path)
    assert found["exchange.market"] == f"live:ws://{market}/v5/public/linear"
    assert found["exchange.instruments"] == str(tmp_path / "paper" / "instruments.json")
    assert found["exchange.latency_ms"] == LATENCY_MS


def test_without_a_name_it_is_the_real_one(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text("{}")
    found = wishes("synthetic", str(rules), 80, tmp_path)
    assert (found["exchange.market"], found["exchange.latency_ms"]) == (f"live:{LIVE}", 80)
