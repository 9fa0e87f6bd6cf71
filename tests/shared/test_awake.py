"""CPUs that stay awake, on a device that is a file."""

from pathlib import Path

from shared.awake import awake


def test_the_device_is_told_that_no_latency_is_wanted(tmp_path: Path) -> None:
    device = tmp_path / "latency"
    device.touch()
    with awake(device=device) as fault:
        assert fault == ""
        assert device.read_bytes() == bytes(4)


def test_whoever_does_not_want_it_touches_nothing(tmp_path: Path) -> None:
    device = tmp_path / "latency"
    device.touch()
    with awake(wanted=False, device=device) as fault:
        assert (fault, device.read_bytes()) == ("", b"")


def test_a_device_that_is_not_ours_is_said_and_not_fatal(tmp_path: Path) -> None:
    with awake(device=tmp_path / "missing") as fault:
        assert "No such file" in fault
        assert str(tmp_path / "missing") in fault
