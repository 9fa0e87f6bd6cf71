"""State as bytes and back: the account's own objects, written as plain values that carry their type with them.

Numbers, text, containers, enums, named tuples and the slotted records of the modules named in ``known``; an order
inside another object is written as its number. Whatever else an object holds is wiring, not state.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from enum import Enum
from types import ModuleType
from typing import Any

import msgspec

from services.exchange.orders import Order

WORD_BITS = 63  # Larger integers travel as text.
_TYPE = "#"  # First item of a list that stands for something else than a list.
_AS_IT_IS = frozenset((str, bool, float, bytes, type(None)))
_LISTS = frozenset((tuple, list, set, frozenset))
_DICTS: dict[str, Callable[[], dict[Any, Any]]] = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}

_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder()


class NotPlainError(TypeError):
    """A value that is not state."""


def known(modules: Iterable[ModuleType]) -> dict[str, type]:
    """Return the enums, named tuples and slotted records that these modules define, by name."""
    return {
        name: value for module in modules for name, value in vars(module).items() if _is_record(value, module.__name__)
    }


def _is_record(value: object, module: str) -> bool:
    if not isinstance(value, type) or value.__module__ != module:
        return False
    return issubclass(value, Enum) or hasattr(value, "_fields") or "__slots__" in vars(value)


class Plain:
    """Writes and reads state. ``types`` are the classes that may occur in it."""

    def __init__(self, types: dict[str, type]) -> None:
        self._types = types

    def encode(self, value: object) -> bytes:
        """Return ``value`` as bytes. Raises NotPlainError where something in it is not state."""
        return _encoder.encode(self._write(value))

    def decode(self, data: bytes, order: Callable[[int], Order]) -> Any:
        """Return what ``encode`` was given; ``order`` finds an order by its number."""
        return self._read(_decoder.decode(data), order)

    def encode_record(self, record: object) -> bytes:
        """Return the slots of ``record`` itself, an order for example."""
        return _encoder.encode([self._write(getattr(record, name)) for name in slots(type(record))])

    def fill_record(self, record: object, data: bytes, order: Callable[[int], Order]) -> None:
        """Give ``record`` the slots that ``encode_record`` saw."""
        for name, value in zip(slots(type(record)), _decoder.decode(data), strict=True):
            setattr(record, name, self._read(value, order))

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(self, value: Any) -> Any:
        kind = type(value)
        if kind in _AS_IT_IS:
            return value
        if kind is int:
            return value if value.bit_length() <= WORD_BITS else [_TYPE, "int", str(value)]
        if kind in _LISTS:
            items = sorted(value) if kind in (set, frozenset) else value
            return [_TYPE, kind.__name__, self._write_all(items)]
        if isinstance(value, dict):
            return self._write_dict(value)
        if kind is deque:
            return [_TYPE, "deque", value.maxlen, self._write_all(value)]
        if kind is Order:
            return [_TYPE, "order", value.number]
        return self._write_known(value)

    def _write_all(self, values: Iterable[Any]) -> list[Any]:
        """Return what ``_write`` makes of each; nearly all are what they are."""
        return [value if type(value) in _AS_IT_IS else self._write(value) for value in values]

    def _write_dict(self, value: dict[Any, Any]) -> Any:
        name = "dict" if isinstance(value, defaultdict) else type(value).__name__
        if name not in _DICTS:
            raise NotPlainError(name)
        return [_TYPE, name, [self._write_all(pair) for pair in value.items()]]

    def _write_known(self, value: Any) -> Any:
        name = type(value).__name__
        if self._types.get(name) is not type(value):
            raise NotPlainError(name)
        if isinstance(value, Enum):
            return [_TYPE, name, value.value]
        items = value if isinstance(value, tuple) else [getattr(value, slot) for slot in slots(type(value))]
        return [_TYPE, name, self._write_all(items)]

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, value: Any, order: Callable[[int], Order]) -> Any:
        if not isinstance(value, list):
            return value
        _, name, *rest = value
        if name == "int":
            return int(rest[0])
        if name == "order":
            return order(rest[0])
        if name == "deque":
            return deque((self._read(item, order) for item in rest[1]), maxlen=rest[0])
        if name in _DICTS:
            found = _DICTS[name]()
            found.update({self._read(key, order): self._read(item, order) for key, item in rest[0]})
            return found
        if name in ("tuple", "list", "set", "frozenset"):
            items = [self._read(item, order) for item in rest[0]]
            return items if name == "list" else {"tuple": tuple, "set": set, "frozenset": frozenset}[name](items)
        kind = self._types[name]
        return kind(rest[0]) if issubclass(kind, Enum) else self._build(kind, rest[0], order)

    def _build(self, kind: type, items: list[Any], order: Callable[[int], Order]) -> Any:
        values = [self._read(item, order) for item in items]
        if issubclass(kind, tuple):
            return kind(*values)
        record = kind.__new__(kind)
        for name, value in zip(slots(kind), values, strict=True):
            setattr(record, name, value)
        return record


def slots(kind: type) -> tuple[str, ...]:
    """Return the names of a record's fields."""
    found: tuple[str, ...] = vars(kind)["__slots__"]
    return found
