"""Endless sound frames of many symbols: a few walks, told again under every name with update ids that count on."""

from __future__ import annotations

from bench.frames import MARKETS, Market, Walk

CYCLE = 250  # Deltas between two snapshots of a symbol.
DEPTH = 50


def markets(count: int) -> list[Market]:
    """Return that many symbols in the shapes of the real ones."""
    shapes = [MARKETS[number % len(MARKETS)] for number in range(count)]
    return [Market(f"S{number:03d}USDT", shape.scale, shape.mid_ticks) for number, shape in enumerate(shapes)]


class Streams:
    """One stream a symbol. Update ids begin at 1 and never skip one, snapshots included."""

    def __init__(self, symbols: list[Market], seed: int) -> None:
        cycles = [cycle(number, seed) for number in range(len(MARKETS))]
        self.symbols = [market.symbol for market in symbols]
        names = [symbol.encode() for symbol in self.symbols]
        self._parts = [
            [(head.replace(b"@", name), tail) for head, tail in map(_cut, cycles[number % len(MARKETS)])]
            for number, name in enumerate(names)
        ]
        self._updates = [0] * len(symbols)
        self._at = [0] * len(symbols)

    def position(self, number: int) -> int:
        """Return how far in its cycle the symbol's next frame lies; 0 is the snapshot."""
        return self._at[number]

    def next(self, number: int, seq: int) -> bytes:
        """Return the symbol's next frame."""
        at = self._at[number]
        self._at[number] = (at + 1) % (CYCLE + 1)
        self._updates[number] += 1
        head, tail = self._parts[number][at]
        return b'%b"u":%d,"seq":%d%b' % (head, self._updates[number], seq, tail)

    def rewind(self, number: int) -> None:
        """Make the symbol's next frame a snapshot."""
        self._at[number] = 0


def cycle(number: int, seed: int) -> list[bytes]:
    """Return the frames of one of MARKETS, a sign in the place of its symbol."""
    market = MARKETS[number]
    return [frame.replace(market.symbol.encode(), b"@") for frame in Walk(market, seed=seed, depth=DEPTH).frames(CYCLE)]


def _cut(frame: bytes) -> tuple[bytes, bytes]:
    """Cut where update id and cross sequence stand."""
    head, _, rest = frame.partition(b'"u":')
    return head, rest[rest.index(b"}") :]
