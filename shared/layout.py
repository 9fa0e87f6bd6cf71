"""Every market-data segment, word by word: all words are native int64, all offsets count words from the start.

Ring segment: the history. One writer, many readers, each with its own cursor.

    0        magic, layout, capacity, generation
    8        claim     sequence up to which the writer may already be overwriting records
    16       head      sequence after the last published record; moves once per frame
    32       records   capacity x EVENT_WORDS; record n lies at 32 + (n mod capacity) x EVENT_WORDS

Books segment: the state.

    0        magic, layout, generation, depth, symbols_max, scales_max
    8        symbol count, scale count
    16       scales    scales_max x 8: tick text (32 bytes), lot text (32 bytes); appended, never changed
    ...      symbols   symbols_max x 8: name (32 bytes), scale id, state; appended, ids never reused
    ...      mirrors   symbols_max x 2 slots x row_words(depth)

A mirror row is ROW_HEAD words (see Row), then depth words each of bid ticks, bid lots, ask ticks, ask lots, best
first, unused words zero. The xor of a whole row is zero: `checksum` makes it so. The writer fills the slot with the
older version: odd version first, then the words, then the even version. A reader takes the highest even version.

An event record is EVENT_WORDS words:

    word          BID, ASK            TRADE            LIQUIDATION    TICKER          FUNDING   SNAPSHOT   GAP
    0 seq         its own sequence number in the ring
    1 meta        kind | flags << 8 | symbol id << 16 | scale id << 40
    2 venue_ns    cts                 T                T              ts              ts        cts        -
    3 recv_ns     when our socket had it, fleet time
    4 price_ticks level               trade            -              last price      -         -          -
    5 size_lots   new absolute size   traded size      forced size    open interest   -         -          -
    6 aux1        size before         cross sequence   bankruptcy e8  mark price e8   rate e8   update id  Reason
    7 aux2        cross sequence      -                -              index price e8  next ns   cross seq  last id

A liquidation's price is where the position was bankrupt, not where it traded. Its TAKER_BUY: the forced order bought.
All records of one frame are published together; the last one carries the flag LAST. A SNAPSHOT empties the book, its
levels follow. After a GAP the book is void until the next SNAPSHOT.
"""

from __future__ import annotations

from enum import IntEnum

LAYOUT = 1
RING_MAGIC = 0x474E49522D4750  # "PG-RING"
BOOKS_MAGIC = 0x534B4F422D4750  # "PG-BOKS"

WORD_BYTES = 8
TEXT_BYTES = 32  # Symbol names and step texts.

# --- ring ----------------------------------------------------------------------------------------------------------

EVENT_WORDS = 8
EVENT_BYTES = EVENT_WORDS * WORD_BYTES
RING_MAGIC_AT, RING_LAYOUT_AT, RING_CAPACITY_AT, RING_GENERATION_AT = 0, 1, 2, 3
CLAIM_AT, HEAD_AT, RECORDS_AT = 8, 16, 32
CAPACITY_MIN = 4096

SEQ, META, VENUE_NS, RECV_NS, PRICE_TICKS, SIZE_LOTS, AUX1, AUX2 = range(EVENT_WORDS)


class Kind(IntEnum):
    """What a record says."""

    BID = 1
    ASK = 2
    TRADE = 3
    TICKER = 4
    FUNDING = 5
    SNAPSHOT = 6
    GAP = 7
    LIQUIDATION = 8


LAST = 1  # The frame's final record.
TAKER_BUY = 2  # On TRADE and LIQUIDATION: the aggressor bought; absent, he sold.
BLOCK = 4  # On TRADE: a block trade, negotiated elsewhere; not for signals.
RPI = 8  # On TRADE: filled against a retail quote that the book does not show.


class Reason(IntEnum):
    """Why a book is void."""

    NONE = 0
    SEQUENCE = 1  # The feed's update id jumped.
    CROSSED = 2
    EMPTY = 3
    OFF_GRID = 4
    MALFORMED = 5  # A frame of this book was unreadable, so its changes are missing.
    STALE = 6
    DISCONNECTED = 7
    RESCALED = 8
    UNSUBSCRIBED = 9
    NEW = 10  # Never had a snapshot.
    DISAGREES = 11  # The venue's own best levels are others, at the same cross sequence.


def meta(kind: int, flags: int, symbol_id: int, scale_id: int) -> int:
    """Return a record's packed second word."""
    return kind | flags << 8 | symbol_id << 16 | scale_id << 40


def meta_kind(word: int) -> int:
    """Return the Kind of a record."""
    return word & 0xFF


def meta_flags(word: int) -> int:
    """Return the flags of a record."""
    return word >> 8 & 0xFF


def meta_symbol(word: int) -> int:
    """Return the symbol id of a record."""
    return word >> 16 & 0xFFFFFF


def meta_scale(word: int) -> int:
    """Return the scale id of a record."""
    return word >> 40 & 0x7FFFFF


def ring_bytes(capacity: int) -> int:
    """Return the size of a ring segment for ``capacity`` records, a power of two."""
    return WORD_BYTES * (RECORDS_AT + capacity * EVENT_WORDS)


# --- books ---------------------------------------------------------------------------------------------------------

DEPTH_MAX = 1000
BOOKS_MAGIC_AT, BOOKS_LAYOUT_AT, BOOKS_GENERATION_AT, DEPTH_AT, SYMBOLS_MAX_AT, SCALES_MAX_AT = range(6)
SYMBOL_COUNT_AT, SCALE_COUNT_AT = 8, 9
SCALES_AT = 16
SCALES_MAX = 256
ENTRY_WORDS = 8  # Of a scale and of a symbol.
TICK_TEXT_AT, LOT_TEXT_AT = 0, 4
NAME_AT, SCALE_ID_AT, STATE_AT = 0, 4, 5

SLOTS = 2
ROW_HEAD = 16


class Row(IntEnum):
    """The words at the head of a mirror row."""

    VERSION = 0  # Even: whole. Counts up by two with every write, over both slots.
    CHECKSUM = 1
    GENERATION = 2
    SYMBOL_ID = 3
    SCALE_ID = 4
    RING_SEQ = 5  # Ring records from here on are not in this book yet.
    U = 6
    SEQ = 7
    CTS_NS = 8
    TS_NS = 9
    RECV_NS = 10
    WRITE_NS = 11
    N_BIDS = 12
    N_ASKS = 13
    FLAGS = 14
    UPDATES = 15  # Frames applied since the generation began.


VALID = 1  # Row flag; without it the levels are the last good ones, for display only.
REASON_SHIFT = 8  # Row flags above this hold the Reason why the book is void.


class State(IntEnum):
    """What the directory says about a symbol."""

    OFF = 0
    ON = 1
    DISABLED = 2  # The venue refused the subscription.


def slots_a_side(depth: int) -> int:
    """Return how many levels a row has room for: ``depth``, made even so that slots keep to cache lines."""
    return depth + depth % 2


def row_words(depth: int) -> int:
    """Return the length of one mirror row in words."""
    return ROW_HEAD + 4 * slots_a_side(depth)


def symbols_at(scales_max: int) -> int:
    """Return where the symbol entries begin."""
    return SCALES_AT + scales_max * ENTRY_WORDS


def mirrors_at(symbols_max: int, scales_max: int) -> int:
    """Return where the mirrors begin."""
    return symbols_at(scales_max) + symbols_max * ENTRY_WORDS


def books_bytes(symbols_max: int, depth: int, scales_max: int = SCALES_MAX) -> int:
    """Return the size of a books segment."""
    return WORD_BYTES * (mirrors_at(symbols_max, scales_max) + symbols_max * SLOTS * row_words(depth))
