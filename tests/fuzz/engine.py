"""A small coverage-guided fuzzer for the compiled kernel: inputs that reach new edges are kept and mutated further.

The kernel is compiled once more with a call at every edge of its machine code (gcc and clang both can), so that it
needs nothing that is not there for building the kernel itself.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

KERNEL = Path(__file__).resolve().parents[2] / "shared" / "kernel"
EDGES = 1 << 16
COUNTER = """
#include <stdint.h>
static unsigned char edges[65536];
static uintptr_t before;
void __sanitizer_cov_trace_pc(void) {
    uintptr_t here = (uintptr_t)__builtin_return_address(0);
    edges[(here ^ (before << 1)) & 65535] = 1;
    before = here;
}
unsigned char *pg_edges(void) { return edges; }
"""
KEPT_MAX = 4_000

PIECES = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"\xff", b" ", b"\n", b"0", b"9", b"-", b".", b"e"]
PIECES += [b"null", b"true", b'"u":1,', b'"x":{},', b'"x":1.5,', b'"x":"\\u0041",', b'"x":[1],', b'"b":[],', b"1e999"]
PIECES += [b'"0"', b"00000000", b"99999999", b".00000000", b'["1.0","1"],', b'"delta"', b'"snapshot"', b'"cts":']
PIECES += [b"\\ud800", b"\xc3\xa9", b"18446744073709551616", b"1E2", b"-0", b'"seq":', b'"type":', b"[" * 40]


def build(folder: Path, *options: str) -> Path | None:
    """Return the kernel compiled with ``options``; None where that cannot be done."""
    source, target = folder / "fast.c", folder / "fast.so"
    if not source.exists() and not _done([sys.executable, "-m", "cython", "-3", KERNEL / "fast.pyx", "-o", source]):
        return None
    counter = folder / "counter.c"
    counter.write_text(COUNTER)
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    flags = ["-O1", "-g", "-fPIC", "-w", f"-I{sysconfig.get_path('include')}"]
    steps = [
        [*compiler, *flags, "-c", counter, "-o", folder / "counter.o"],
        [*compiler, *flags, *options, "-c", source, "-o", folder / "fast.o"],
        [*compiler, "-shared", *options, folder / "fast.o", folder / "counter.o", "-o", target],
    ]
    return target if all(_done(step) for step in steps) else None


def _done(command: list[Any]) -> bool:
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def load(path: Path) -> ModuleType:
    """Return a compiled kernel under a name of its own."""
    spec = importlib.util.spec_from_file_location("fast", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mutated(rng: random.Random, frame: bytes, other: bytes) -> bytes:
    """Return ``frame`` with some bytes replaced, removed, doubled or put in, or with the end of ``other``."""
    text = bytearray(frame)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        action = rng.randrange(9)
        if action == 0:
            text[at : at + 1] = rng.choice(PIECES)
        elif action == 1:
            text[at:at] = rng.choice(PIECES)
        elif action == 2:
            del text[at : min(end, at + rng.randint(1, 12))]
        elif action == 3:
            text[at:at] = text[at : min(end, at + rng.randint(1, 40))]
        elif action == 4 and text:
            text[rng.randrange(len(text))] = rng.randrange(256)
        elif action == 5:
            del text[at:]
        elif action == 6:
            text[at:] = other[rng.randrange(len(other) + 1) :]
        else:
            _change_digit(rng, text)
    return bytes(text)


def _change_digit(rng: random.Random, text: bytearray) -> None:
    places = [at for at, byte in enumerate(text) if 0x30 <= byte <= 0x39]
    if places:
        text[rng.choice(places)] = rng.choice(b"0123456789")


class Fuzzer:
    """Keeps what reached an edge that nothing before it had reached."""

    def __init__(self, seed: int, edges: Callable[[], int] | None = None) -> None:
        self.kept: list[bytes] = []  # The caller puts the first ones in.
        self.found = 0
        self._rng, self._edges = random.Random(seed), edges
        self._known = 0

    def next(self) -> bytes:
        """Return the next input."""
        rng = self._rng
        return mutated(rng, rng.choice(self.kept), rng.choice(self.kept))

    def judge(self, frame: bytes) -> None:
        """Keep ``frame`` if running it has just reached something new."""
        reached = self._edges() if self._edges else 0
        if reached > self._known and len(self.kept) < KEPT_MAX:
            self._known = reached
            self.found += 1
            self.kept.append(frame)
