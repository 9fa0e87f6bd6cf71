"""Set-up on machines that lack something, played with a stand-in for the interpreter: no network, nothing installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shared.config_load import load
from shared.config_sources import NAMES

ROOT = Path(__file__).resolve().parents[1]
TOOLS = (
    "sh",
    "dirname",
    "rm",
    "mkdir",
    "touch",
    "grep",
    "tail",
    "ls",
    "basename",
    "cat",
    "make",
    "sed",
    "expand",
    "find",
    "cp",
)


class Newcomer:
    """A checkout's set-up script in a folder of its own, and a PATH with nothing but basic tools."""

    def __init__(self, folder: Path) -> None:
        self.project, self.path = folder / "project", folder / "bin"
        for made in (self.project / "scripts", self.project / "shared" / "kernel", self.path):
            made.mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "setup.sh", self.project / "scripts")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.path / tool).symlink_to(found)

    def script(self, place: Path, text: str) -> None:
        """Put an executable stand-in somewhere."""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\n{text}\n")
        place.chmod(0o755)

    def set_up(self, step: str, **environ: str) -> tuple[int, list[str]]:
        """Return the exit code and what was said, line by line."""
        done = subprocess.run(
            ["sh", "scripts/setup.sh", step],
            cwd=self.project,
            env={"PATH": str(self.path), **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def test_no_python_is_one_line(newcomer: Newcomer) -> None:
    code, lines = newcomer.set_up("venv")
    assert code == 1
    (line,) = lines
    assert "Python 3.11 or newer is needed (found: none)" in line


def test_an_old_python_and_one_that_only_pretends_are_passed_over(newcomer: Newcomer) -> None:
    newcomer.script(newcomer.path / "python3.13", "echo 'command not found' >&2; exit 127")
    newcomer.script(newcomer.path / "python3", '[ "$1" = -V ] && { echo Python 3.9.2; exit 0; }; exit 1')
    code, lines = newcomer.set_up("venv")
    assert code == 1
    (line,) = lines
    assert "found: Python 3.9.2" in line


def test_a_missing_venv_module_names_the_package(newcomer: Newcomer) -> None:
    newcomer.script(newcomer.path / "python3", f'case "$2" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"')
    code, lines = newcomer.set_up("venv")
    assert code == 1
    (line,) = lines
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert line == f"set-up: python3 has no venv module; install it, for example: apt install python{version}-venv"


def test_an_unfinished_environment_is_made_anew(newcomer: Newcomer) -> None:
    made = 'mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo "$*" >>made'
    newcomer.script(newcomer.path / "python3.11", f'case "$*" in "-m venv .venv") {made};; esac; exit 0')
    assert newcomer.set_up("venv")[0] == 0
    assert (newcomer.project / ".venv" / ".ok").exists()
    assert newcomer.set_up("venv")[0] == 0
    assert (newcomer.project / "made").read_text().count("-m venv") == 1
    (newcomer.project / ".venv" / ".unfinished").touch()
    assert newcomer.set_up("venv")[0] == 0
    assert (newcomer.project / "made").read_text().count("-m venv") == 2


def test_an_unreachable_registry_is_said_and_leaves_no_stamp(newcomer: Newcomer) -> None:
    made = 'mkdir -p .venv/bin; cp "$0" .venv/bin/python'
    newcomer.script(
        newcomer.path / "python3.11",
        f'case "$*" in "-m venv .venv") {made};; *install*) echo ERROR: no route >&2; exit 1;; esac; exit 0',
    )
    code, lines = newcomer.set_up("venv")
    assert code == 1
    assert lines[-2] == "ERROR: no route"
    assert "is the package registry reachable?" in lines[-1]
    assert not (newcomer.project / ".venv" / ".ok").exists()


@pytest.fixture
def with_venv(newcomer: Newcomer) -> Newcomer:
    """One step further: there is a .venv and a kernel to compile."""
    newcomer.script(newcomer.project / ".venv" / "bin" / "python", f'exec "{sys.executable}" "$@"')
    newcomer.script(newcomer.path / "cc", "exit 1")
    (newcomer.project / "shared" / "kernel" / "fast.pyx").write_text("x = 1\n")
    (newcomer.project / "shared" / "kernel" / "fast.old.so").write_text("stale")
    (newcomer.project / "services").mkdir()
    (newcomer.project / "services" / "twin.old.so").write_text("stale")
    (newcomer.project / "setup.py").write_text("raise SystemExit('no luck')\n")
    return newcomer


@pytest.mark.parametrize(
    ("environ", "reason"),
    [({"CC": "no-such-compiler"}, "no C compiler"), ({"CC": "cc"}, "build failed (log: .venv/kernel.log)")],
)
def test_without_a_kernel_one_line_is_said_and_plain_python_runs(
    with_venv: Newcomer, environ: dict[str, str], reason: str
) -> None:
    if "build" in reason:
        has_headers = (
            "import sysconfig, pathlib; print(pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists())"
        )
        there = subprocess.run([sys.executable, "-c", has_headers], capture_output=True, text=True, check=True).stdout
        if there.strip() != "True":
            pytest.skip("no Python headers here: the build is not even tried")
    code, lines = with_venv.set_up("kernel", **environ)
    assert (code, lines) == (0, [f"kernel: {reason}; running on plain Python"])
    assert not list(with_venv.project.rglob("*.so"))
    assert (with_venv.project / ".venv" / ".kernel").exists()


def test_make_alone_prints_every_target_with_its_meaning() -> None:
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["make"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    said = {line.split()[1] for line in done.stdout.splitlines()}
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    assert said == set(targets[1].split())


def locked() -> dict[str, str]:
    found = re.findall(r"^([a-z0-9-]+)==([^ \\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return dict(found)


def test_the_lock_pins_with_hashes_and_names_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry
    assert not re.search(r"://|index|find-links|file:| @ ", text)


def test_what_the_project_asks_for_is_what_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    for line in wanted:
        name, version = re.match(r"([\w.-]+)==([^;\s]+)", line).groups()  # type: ignore[union-attr]
        assert locked()[re.sub(r"[._]", "-", name.lower())] == version


def test_the_env_example_is_valid_and_names_every_known_name(tmp_path: Path) -> None:
    example = ROOT / ".env.example"
    effective = load(config_file=ROOT / "config.yaml", env_file=example)
    assert effective.config.venue == "local"
    text = example.read_text()
    assert not [name for name in NAMES if not re.search(rf"^(# )?{name}=", text, re.MULTILINE)]
    everything = tmp_path / ".env"
    everything.write_text(re.sub(r"^# (?=[A-Z_]+=)", "", text, flags=re.MULTILINE))
    assert load(config_file=ROOT / "config.yaml", env_file=everything).config.scanner.symbols == ("BTCUSDT",)


@pytest.mark.parametrize(("command", "compiles"), [("editable_wheel", False), ("build_ext", True)])
def test_only_the_kernel_step_compiles_anything(command: str, compiles: bool) -> None:
    look = (
        "import setuptools; from distutils.core import run_setup; "
        f"print(bool(run_setup('setup.py', [{command!r}], stop_after='init').ext_modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == str(compiles)
