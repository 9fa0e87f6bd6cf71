"""The schema as people read it: a commented config.yaml and a page of tables."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

import yaml

from shared import config_sources as sources
from shared import presets
from shared.config_leaves import Leaf, leaves, sections

_COMMENT_COLUMN = 36
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def text_of(value: object) -> str:
    """Return ``value`` as YAML writes it on one line."""
    if isinstance(value, tuple | list):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value, default=str)


def tree(
    values: Mapping[str, object], comments: Mapping[str, str], silent: Collection[str] = frozenset()
) -> Iterator[str]:
    """Yield the lines of a YAML file with ``values`` by path, each with its comment; ``silent`` ones commented out."""
    opened: list[str] = []
    for path, value in values.items():
        *parents, name = path.split(".")
        for depth, parent in enumerate(parents):
            if opened[: depth + 1] != parents[: depth + 1]:
                yield from _heading(parents[: depth + 1], parent)
                opened = parents[: depth + 1]
        opened = opened[: len(parents)]
        line = f"{'  ' * len(parents)}{'# ' if path in silent else ''}{name}: {text_of(value)}"
        yield f"{line:<{_COMMENT_COLUMN}}  # {comments[path]}" if path in comments else line


def _heading(path: list[str], name: str) -> Iterator[str]:
    indent = "  " * (len(path) - 1)
    section = sections().get(".".join(path))
    if not indent:
        yield ""
    if section and section.__doc__:
        yield f"{indent}# {section.__doc__}"
    yield f"{indent}{name}:"


def as_yaml() -> str:
    """Return config.yaml with every parameter at its default."""
    head = [
        "# Every parameter, at its default. What may stand where: docs/configuration.md; what is in force:",
        "# `peregrine config show`. Stronger than this file: .env, environment, command line. No secrets here.",
        "# Lines that begin with # are set by the preset of the strategy; without the # they win over every preset.",
        "",
    ]
    values = {path: leaf.default for path, leaf in leaves().items()}
    comments = {path: leaf.description + _by_preset(path) for path, leaf in leaves().items()}
    return "\n".join([*head, *tree(values, comments, presets.paths()), ""])


def _by_preset(path: str) -> str:
    """Return what the presets make of a parameter, as the end of its comment."""
    said = [f"{name} {text_of(value)}" for name, value in presets.values_of(path).items()]
    return f" Presets: {', '.join(said)}." if said else ""


_INTRO = """# Configuration

Written by `peregrine config docs`; a test keeps it equal to the schema.

Weakest first: defaults, the preset of the strategy in force, `config.yaml`, `.env` beside it, the environment, the
command line (`--set risk.leverage=3`).
`peregrine config show` prints every value with its origin, `peregrine config check` only says whether it is valid,
`peregrine config default` prints a fresh `config.yaml`. Unknown keys, keys given twice, wrong types and values out of
range are errors: all of them are printed, one line each, and the exit code is 4. Relative paths start at the working
directory. Percent keys are in percent: `stop_pct: 0.5` is half a percent.

## Where orders go

`venue` is `local` unless you say otherwise: an exchange of our own on this machine, without keys. `testnet` and
`mainnet` take a key pair from `.env` (mode 0600) or the environment, never from `config.yaml`. Real money takes three
things at once: `venue: mainnet`, no `BYBIT_TESTNET=true` (it turns mainnet into testnet), and
`--i-understand-real-money` on the command line. `BYBIT_TESTNET=false` alone selects nothing.

## Names in `.env` and the environment

Any parameter: `PEREGRINE__SECTION__KEY`, for example `PEREGRINE__RISK__LEVERAGE=3`. Lists are comma-separated. These
names are understood as well; a name without a value counts as absent, an unknown name in `.env` is an error.

| name | sets |
|---|---|
"""

_IMPORT = """
## Files of other bots

`peregrine config import FILE` reads a TOML or JSON file with the sections trading, risk, indicators, data, system and
bybit, or with the sections of this page, and prints the YAML that says the same. There `stop_loss_pct: 0.02` is a
fraction and becomes 2 percent. Keys of parts that this version does not have are kept as comments and named as unused;
any other key is an error.
"""


def as_markdown() -> str:
    """Return docs/configuration.md."""
    names = [
        "| `BYBIT_API_KEY`, `BYBIT_API_SECRET` | the key pair of testnet or mainnet |",
        "| `BYBIT_TESTNET`, `BOT_BYBIT_TESTNET` | `true` holds orders back from mainnet |",
        *(f"| `{name}` | `{path}` |" for name, path in sources.ALIASES.items()),
    ]
    parts = [_INTRO.rstrip("\n"), *names, _IMPORT.rstrip("\n"), *_preset_table()]
    for section, members in groupby(leaves().values(), key=lambda leaf: leaf.path.rpartition(".")[0]):
        parts += _table(section, members)
    return "\n".join([*parts, ""])


_PRESETS = """
## Presets

`strategy` chooses one; [presets.md](presets.md) says what each is for. A preset is weaker than `config.yaml`: there the
lines of these parameters begin with `#`, and one without it wins over every preset.
"""


def _preset_table() -> list[str]:
    """Return the table of everything that presets set: the default, and what each preset makes of it."""
    names = list(presets.PRESETS)
    rows = [
        f"| `{path}` | `{text_of(leaf.default)}` |"
        + "".join(f" `{text_of(said[name])}` |" if name in said else "  |" for name in names)
        for path, leaf in leaves().items()
        if (said := presets.values_of(path))
    ]
    head = [f"| key | default | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    return [_PRESETS.rstrip("\n"), "", *head, *rows]


def _table(section: str, members: Iterable[Leaf]) -> list[str]:
    title = f"`{section}`" if section else "Top level"
    doc = (sections()[section].__doc__ or "") if section else "What trades, and where."
    lines = ["", f"## {title}", "", doc, "", "| key | default | accepts | what for |", "|---|---|---|---|"]
    return lines + [
        f"| `{leaf.path}` | `{text_of(leaf.default)}` | {leaf.expected} | {leaf.description} |" for leaf in members
    ]
