"""No key, token or private key is in the tree, and .env never will be."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPPED_FOLDERS = {
    ".git",
    ".venv",
    "var",
    "build",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".pytest_cache",
}
SIZE_MAX = 5_000_000

PATTERNS = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "chat bot token": re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b"),
    "chat webhook": re.compile(r"hooks\.slack\.com/services/\w+|discord(app)?\.com/api/webhooks/\d+"),
    "service token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|sk-[\w-]{20,})"),
    "assigned secret": re.compile(
        r"(?i:key|secret|token|passw(?:or)?d)[\"']?\s*[:=]\s*[\"']?(?=[\w+/-]*[A-Za-z])(?=[\w+/-]*\d)[A-Za-z0-9+/_-]{16,}"
    ),
}
HARMLESS = re.compile(r"--hash=|sha256|_ns\b|\bself\.|\(\)")


def findings(text: str) -> list[str]:
    """Return "line: kind" of everything in ``text`` that looks like a secret. The secret itself is not repeated."""
    return [
        f"{number}: {kind}"
        for number, line in enumerate(text.splitlines(), 1)
        if not HARMLESS.search(line)
        for kind, pattern in PATTERNS.items()
        if pattern.search(line)
    ]


def git(*args: str) -> list[str] | None:
    """Return the names that git prints, or None where there is no git or no repository."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        return None
    done = subprocess.run(["git", *args, "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [name for name in done.stdout.split("\0") if name] if done.returncode == 0 else None


def files() -> list[Path]:
    listed = git("ls-files", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        return [ROOT / name for name in listed if (ROOT / name).is_file()]
    found = [path for path in ROOT.rglob("*") if path.is_file() and path.name != ".env"]
    return [path for path in found if not SKIPPED_FOLDERS & set(path.relative_to(ROOT).parts)]


def test_no_file_holds_a_secret() -> None:
    looked_at = [path for path in files() if path.stat().st_size < SIZE_MAX]
    assert len(looked_at) > 20
    found = {str(path.relative_to(ROOT)): findings(path.read_bytes().decode("latin-1")) for path in looked_at}
    assert not {name: lines for name, lines in found.items() if lines}


def test_git_holds_no_env_file_and_ignores_it() -> None:
    tracked = git("ls-files")
    if tracked is None:
        pytest.skip("not a git checkout")
    assert not [name for name in tracked if re.search(r"(^|/)\.env($|\.(?!example$))", name)]
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_env_file_is_for_its_owner_only() -> None:
    env = ROOT / ".env"
    if not env.exists():
        pytest.skip("no .env here")
    assert env.stat().st_mode & 0o077 == 0


def test_the_example_holds_names_without_values() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {"BYBIT_API_KEY=", "BYBIT_API_SECRET="} <= set(lines)


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN EC " + "PRIVATE KEY-----",
        'telegram = "' + "123456789" + ":" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345678" + '"',
        "BYBIT_API_KEY" + "=" + "aB3dE6gH9jK2mN5pQ8",
        "api_secret" + ": '" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dE" + "'",
        '"token"' + ': "' + "aB3dE6gH9jK2mN5pQ8" + '"',
        "AKIA" + "ABCDEFGHIJKLMNOP",
    ],
    ids=["private-key", "chat-token", "env-line", "yaml-line", "json-line", "cloud-key"],
)
def test_a_planted_secret_is_found(line: str) -> None:
    assert findings(f"first line\n{line}\n")


@pytest.mark.parametrize(
    "line", ["BYBIT_API_KEY=", "api_secret: local-secret", "api_key=os.environ[NAME]", "secret = read_credentials(x)"]
)
def test_names_without_values_are_not_secrets(line: str) -> None:
    assert not findings(line)
