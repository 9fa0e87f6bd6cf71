"""The schema as a flat table: one leaf per parameter, which knows what it accepts and says so in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect as schema

from shared.config import Config
from shared.config_base import Section

Path = str  # Dotted: risk.leverage


@dataclass(frozen=True)
class Leaf:
    """One parameter: where it lives, what it accepts, what it is without being set, and what it is for."""

    path: Path
    kind: Any  # The annotated type.
    default: Any
    description: str

    @property
    def is_list(self) -> bool:
        """Whether it holds several values."""
        return isinstance(_bare(schema.type_info(self.kind)), schema.VarTupleType)

    @property
    def expected(self) -> str:
        """What it accepts, in words."""
        return _words(schema.type_info(self.kind))

    def take(self, value: object) -> object:
        """Return ``value`` as this leaf holds it. Raises ValueError when it does not fit."""
        return msgspec.convert(value, self.kind)

    def take_text(self, text: str) -> object:
        """Return what ``text`` from an environment or a command line means here. Raises ValueError likewise."""
        if self.is_list:
            return self.take([item.strip() for item in text.strip(" []").split(",") if item.strip()])
        if isinstance(_bare(schema.type_info(self.kind)), schema.BoolType):
            text = _BOOLEANS.get(text.strip().lower(), text)
        return msgspec.convert(text, self.kind, strict=False)


_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}


@cache
def leaves() -> dict[Path, Leaf]:
    """Return every parameter by its path, in the order of the schema."""
    return {leaf.path: leaf for leaf in _walk(Config, "")}


@cache
def sections() -> dict[Path, type[Section]]:
    """Return every section by its path."""
    return dict(_sections(Config, ""))


def build(values: dict[Path, object]) -> Config:
    """Return the configuration with these leaves; those not named have their defaults."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return msgspec.convert(tree, Config)


def value_at(config: Config, path: Path) -> Any:
    """Return the value of one leaf."""
    node: Any = config
    for name in path.split("."):
        node = getattr(node, name)
    return node


def _walk(section: type[Section], prefix: str) -> list[Leaf]:
    found: list[Leaf] = []
    for item in msgspec.structs.fields(section):
        path = prefix + item.name
        if isinstance(item.type, type) and issubclass(item.type, Section):
            found += _walk(item.type, path + ".")
        else:
            info = schema.type_info(item.type)
            extra = (info.extra_json_schema or {}) if isinstance(info, schema.Metadata) else {}
            found.append(Leaf(path, item.type, item.default, extra.get("description", "")))
    return found


def _sections(section: type[Section], prefix: str) -> list[tuple[Path, type[Section]]]:
    found: list[tuple[Path, type[Section]]] = []
    for item in msgspec.structs.fields(section):
        if isinstance(item.type, type) and issubclass(item.type, Section):
            found += [(prefix + item.name, item.type), *_sections(item.type, f"{prefix}{item.name}.")]
    return found


def _bare(info: schema.Type) -> schema.Type:
    return info.type if isinstance(info, schema.Metadata) else info


def _words(info: schema.Type) -> str:
    info = _bare(info)
    if isinstance(info, schema.IntType):
        return "a whole number" + _range(info)
    if isinstance(info, schema.FloatType):
        return "a number" + _range(info)
    if isinstance(info, schema.BoolType):
        return "true or false"
    if isinstance(info, schema.LiteralType):
        words = ", ".join(str(value) for value in info.values)
        return f"one of {words}" if len(info.values) > 1 else words
    if isinstance(info, schema.UnionType):
        return " or ".join(_words(part) for part in info.types)
    if isinstance(info, schema.VarTupleType):
        least = f"{info.min_length} to " if info.min_length else "at most "
        return f"a list of {least}{info.max_length}, each {_words(info.item_type)}"
    if isinstance(info, schema.StrType) and info.pattern:
        return "a symbol such as BTCUSDT"
    return "text" + (", not empty" if isinstance(info, schema.StrType) and info.min_length else "")


def _range(info: schema.IntType | schema.FloatType) -> str:
    parts = [
        f"{word} {limit:,}"
        for word, limit in ((">=", info.ge), (">", info.gt), ("<=", info.le), ("<", info.lt))
        if limit is not None
    ]
    return " " + " and ".join(parts) if parts else ""
