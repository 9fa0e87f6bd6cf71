"""Recordings are read line by line, and a bad one is named with its line."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import orjson
import pytest

from shared.bybit.recordings import RecordingError, describe, load_instruments, read
from shared.messages import Instrument
from shared.scale import E8

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data" / "bybit-linear-20260809-btc-eth.ndjson.gz"
RULES = ROOT.parent / "shared" / "data" / "bybit-linear-instruments-20260809.json.gz"
real = pytest.mark.skipif(not (DATA.exists() and RULES.exists()), reason="needs ../shared/data beside the repository")

BOOK = (
    b'{"topic":"orderbook.50.SOLUSDT","type":"snapshot","ts":2,"data":{"s":"SOLUSDT",'
    b'"b":[["148.200","1.5"],["148.180","20.0"]],"a":[["148.220","0.5"]],"u":1,"seq":2},"cts":1}'
)
TRADE = b'{"topic":"publicTrade.SOLUSDT","type":"snapshot","ts":2,"data":[{"T":2,"p":"148.210","v":"0.3"}]}'
TICKER = (
    b'{"topic":"tickers.SOLUSDT","type":"snapshot","data":{"symbol":"SOLUSDT","fundingIntervalHour":"4"},"cs":1,"ts":2}'
)
LINES = b"".join(b"%d %s\n" % (1_000 * n, frame) for n, frame in enumerate((BOOK, TRADE, TICKER), start=1))
ROW = {
    "symbol": "SOLUSDT",
    "status": "Trading",
    "fundingInterval": 240,
    "priceFilter": {"tickSize": "0.010", "minPrice": "0.010"},
    "lotSizeFilter": {
        "qtyStep": "0.1",
        "minOrderQty": "0.1",
        "maxOrderQty": "96000.0",
        "maxMktOrderQty": "12000.0",
        "minNotionalValue": "5",
    },
    "leverageFilter": {"maxLeverage": "100.00"},
    "somethingNew": [1, 2],
}


def written(folder: Path, data: bytes, name: str = "frames.ndjson") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "pack"),
    [("frames.ndjson", bytes), ("frames.ndjson.gz", gzip.compress), ("frames.ndjson.zst", zstd.compress)],
)
def test_plain_and_packed_files_read_the_same(tmp_path: Path, name: str, pack: type[bytes]) -> None:
    assert list(read(written(tmp_path, pack(LINES), name))) == [(1_000, BOOK), (2_000, TRADE), (3_000, TICKER)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"topic":"x"}', "no receive time"),
        (b'-5 {"topic":"x"}', "no receive time"),
        (b'1.5 {"topic":"x"}', "no receive time"),
        (b"9" * 5_000 + b" {}", "no receive time"),
        (b"", "no receive time"),
        (b"5", "not a JSON object"),
        (b'5 {"topic":', "not a JSON object"),
        (b"5 [1]", "not a JSON object"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: bytes, reason: str) -> None:
    path = written(tmp_path, LINES + line + b"\n")
    with pytest.raises(RecordingError, match=rf"frames.ndjson:4: .*{reason}") as raised:
        list(read(path))
    assert (raised.value.path, raised.value.line) == (path, 4)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.gz: No such file"):
        list(read(tmp_path / "none.gz"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.gz", gzip.compress(LINES * 50)[:-20]),
        ("cut.zst", zstd.compress(LINES * 50)[:-8]),
        ("plain.gz", LINES),
        ("plain.zst", LINES),
    ],
)
def test_a_broken_archive_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(RecordingError, match=name):
        list(read(written(tmp_path, data, name)))


def test_symbols_depths_and_the_coarsest_grid_come_from_the_frames(tmp_path: Path) -> None:
    recording = describe(written(tmp_path, LINES))
    assert (recording.symbols, recording.depths) == (("SOLUSDT",), {"SOLUSDT": (50,)})
    assert (recording.frames, recording.duration_ns) == (3, 2_000)
    [rules] = recording.instruments
    assert (rules.tick, rules.lot, rules.funding_interval_min) == ("0.010", "0.1", 240)


def test_given_rules_outrank_the_grid(tmp_path: Path) -> None:
    answer = written(tmp_path, orjson.dumps({"result": {"list": [ROW]}}), "rules.json")
    [rules] = describe(written(tmp_path, LINES), answer).instruments
    assert rules == Instrument("SOLUSDT", "0.010", "0.1", 1, 960_000, 120_000, 5 * E8, 240, 10_000, "Trading")


def test_rules_that_the_prices_do_not_fit_are_refused(tmp_path: Path) -> None:
    coarse = ROW | {"priceFilter": {"tickSize": "0.050"}}
    answer = written(tmp_path, orjson.dumps({"result": {"list": [coarse]}}), "rules.json")
    with pytest.raises(RecordingError, match=r"SOLUSDT does not lie on tick 0\.050"):
        describe(written(tmp_path, LINES), answer)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"topic":"orderbook.50.X","data":{"b":[["1e5","1"]],"a":[]}}',
        b'{"topic":"orderbook.50.X","data":{"b":[["1"]],"a":[]}}',
        b'{"topic":"orderbook.50.X","data":{"b":[["0.00","1"]],"a":[]}}',
        b'{"topic":"orderbook.50.X"}',
        b'{"topic":"orderbook.X"}',
        b'{"topic":7}',
        b"{not json}",
    ],
)
def test_a_frame_that_cannot_be_understood_is_named(tmp_path: Path, frame: bytes) -> None:
    with pytest.raises(RecordingError, match=":4: cannot read the frame"):
        describe(written(tmp_path, LINES + b"5000 " + frame + b"\n"))


@pytest.mark.parametrize("data", [b"", b"1 " + TRADE + b"\n"])
def test_a_recording_without_a_book_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(RecordingError, match="no orderbook frame"):
        describe(written(tmp_path, data))


def test_records_that_cannot_be_read_are_skipped_and_counted(tmp_path: Path) -> None:
    bad_tick = ROW | {"symbol": "A", "priceFilter": {"tickSize": "zero"}}
    off_grid = ROW | {"symbol": "B", "lotSizeFilter": ROW["lotSizeFilter"] | {"minOrderQty": "0.15"}}  # type: ignore[operator]
    rows = [bad_tick, off_grid, {}, 5, ROW]
    loaded = load_instruments(
        written(tmp_path, gzip.compress(orjson.dumps({"result": {"list": rows}})), "rules.json.gz")
    )
    assert (list(loaded.instruments), loaded.skipped) == (["SOLUSDT"], 4)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"result":{}}', b'{"result":{"list":5}}'])
def test_what_is_not_an_instruments_answer_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(RecordingError, match="not an instruments-info answer"):
        load_instruments(written(tmp_path, data, "rules.json"))


@real
def test_the_real_recording_is_described_rightly() -> None:
    recording = describe(DATA)
    assert recording.depths == {"BTCUSDT": (200,), "ETHUSDT": (200,)}
    assert recording.frames == 1_298
    assert [(rules.tick, rules.lot) for rules in recording.instruments] == [("0.10", "0.001"), ("0.01", "0.01")]
    given = describe(DATA, RULES)
    assert [rules.max_lots for rules in given.instruments] == [1_500_000, 1_000_000]


@real
def test_all_real_instruments_can_be_read() -> None:
    loaded = load_instruments(RULES)
    assert (len(loaded.instruments), loaded.skipped) == (800, 0)
