import csv
from pathlib import Path

from services.monitor.csvfile import FILES_MAX, CsvFile, replace_file, utc_text

COLUMNS = ("time", "what")
AT_NS = 1_700_000_000_123_456_789


def read(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_time_is_utc_with_microseconds() -> None:
    assert utc_text(AT_NS) == "2023-11-14T22:13:20.123456Z"
    assert utc_text(1_700_000_000_000_000_000) == "2023-11-14T22:13:20.000000Z"


def test_a_new_file_has_its_header_and_lines_appear_with_a_flush(tmp_path: Path) -> None:
    file = CsvFile(tmp_path / "a.csv", COLUMNS)
    file.write(AT_NS, ['a "b", c\nd'])
    assert read(tmp_path / "a.csv") == [list(COLUMNS)]
    file.flush()
    assert read(tmp_path / "a.csv") == [list(COLUMNS), [utc_text(AT_NS), 'a "b", c\nd']]
    file.close()


def test_a_restart_appends_without_a_second_header_and_cuts_a_torn_line(tmp_path: Path) -> None:
    file = CsvFile(tmp_path / "a.csv", COLUMNS)
    file.write(AT_NS, ["one"])
    file.close()
    with (tmp_path / "a.csv").open("a") as torn:
        torn.write("2023-11-14T22:1")
    file = CsvFile(tmp_path / "a.csv", COLUMNS)
    file.write(AT_NS, ["two"])
    file.close()
    assert [line[1] for line in read(tmp_path / "a.csv")] == ["what", "one", "two"]


def test_full_files_move_on_and_their_number_is_bounded(tmp_path: Path) -> None:
    file = CsvFile(tmp_path / "a.csv", COLUMNS, bytes_max=60)
    for number in range(20):
        file.write(AT_NS, [str(number)])
        file.flush()
    file.close()
    assert len(list(tmp_path.iterdir())) == FILES_MAX
    for path in tmp_path.iterdir():
        assert path.stat().st_size <= 60
        assert read(path)[0] == list(COLUMNS)
    assert read(tmp_path / "a.csv")[-1][1] == "19"


def test_a_document_is_replaced_whole(tmp_path: Path) -> None:
    replace_file(tmp_path / "state.json", b"one")
    replace_file(tmp_path / "state.json", b"2")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("state.json", b"2")]
