# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The book kernel, compiled: same effects as plain.py and words.py, word for word.

The scanner knows only the everyday shape of a frame. Whatever else it meets (white space, escapes, strange numbers,
repeated or missing keys, rubbish) it leaves to the reference parser, so what a good frame is stands in parse.py alone.
Every byte is read through a check against the frame's end; nothing is written before the whole frame is known good.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memmove, memset

from shared import layout
from shared.kernel.outcome import Outcome
from shared.kernel.parse import COUNT_MAX, ID_MAX, MS_MAX, BookSpec, parse_book
from shared.kernel.words import READ_TRIES, LappedError

cdef extern from *:
    """
    #include <stdint.h>
    static inline int64_t pg_load(const int64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
    static inline void pg_store(int64_t *word, int64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
    /* After this store, later stores stay after it. */
    static inline void pg_announce(int64_t *word, int64_t value) {
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_RELEASE);
    }
    /* Earlier loads stay before this one. */
    static inline int64_t pg_check(const int64_t *word) {
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        return __atomic_load_n(word, __ATOMIC_RELAXED);
    }
    """
    int64_t pg_load(const int64_t* word) noexcept nogil
    void pg_store(int64_t* word, int64_t value) noexcept nogil
    void pg_announce(int64_t* word, int64_t value) noexcept nogil
    int64_t pg_check(const int64_t* word) noexcept nogil

ctypedef const unsigned char* Bytes

# The layout again, for C; `_same_layout` below refuses to load when layout.py says otherwise.
cdef enum:
    EVENT_WORDS = 8
    CAPACITY_AT = 2
    CLAIM_AT = 8
    HEAD_AT = 16
    RECORDS_AT = 32
    LAST_BIT = 1 << 8
    K_BID = 1
    K_ASK = 2
    K_SNAPSHOT = 6
    K_GAP = 7
    VERSION = 0
    CHECKSUM = 1
    GENERATION = 2
    SYMBOL_ID = 3
    SCALE_ID = 4
    RING_SEQ = 5
    U = 6
    SEQ = 7
    CTS_NS = 8
    TS_NS = 9
    RECV_NS = 10
    WRITE_NS = 11
    N_BIDS = 12
    N_ASKS = 13
    FLAGS = 14
    UPDATES = 15
    ROW_HEAD = 16
    VALID = 1
    REASON_SHIFT = 8

cdef enum:
    SEEN_TOPIC = 1
    SEEN_TYPE = 2
    SEEN_TS = 4
    SEEN_CTS = 8
    SEEN_DATA = 16
    SEEN_S = 32
    SEEN_B = 64
    SEEN_A = 128
    SEEN_U = 256
    SEEN_SEQ = 512
    NEEDED = 1023 - SEEN_CTS
    DIGITS_MAX = 18

cdef int64_t NS_PER_MS = 1000000
cdef int64_t C_COUNT_MAX = COUNT_MAX
cdef int64_t C_ID_MAX = ID_MAX
cdef int64_t C_MS_MAX = MS_MAX
cdef int64_t[19] POWERS
POWERS[0] = 1
cdef int _power
for _power in range(1, 19):
    POWERS[_power] = POWERS[_power - 1] * 10
cdef tuple OUTCOMES = tuple(Outcome(_code) for _code in range(len(Outcome)))
cdef int READ_TRIES_C = READ_TRIES


def _same_layout():
    """Refuse to load against another layout.py."""
    ours = (EVENT_WORDS, CAPACITY_AT, CLAIM_AT, HEAD_AT, RECORDS_AT, LAST_BIT, ROW_HEAD, VALID, REASON_SHIFT, UPDATES)
    theirs = (
        layout.EVENT_WORDS, layout.RING_CAPACITY_AT, layout.CLAIM_AT, layout.HEAD_AT, layout.RECORDS_AT,
        layout.LAST << 8, layout.ROW_HEAD, layout.VALID, layout.REASON_SHIFT, int(layout.Row.UPDATES),
    )
    rows = [int(row) for row in layout.Row] == list(range(ROW_HEAD))
    kinds = (int(layout.Kind.BID), int(layout.Kind.ASK), int(layout.Kind.SNAPSHOT), int(layout.Kind.GAP))
    if ours != theirs or not rows or kinds != (K_BID, K_ASK, K_SNAPSHOT, K_GAP) or layout.LAYOUT != 1:
        raise ImportError("the compiled kernel was built for another memory layout: run make setup")


_same_layout()


# --- live words ----------------------------------------------------------------------------------------------------


cdef inline int64_t* newest(int64_t* slots, Py_ssize_t row_words) noexcept nogil:
    """Return the slot with the highest even version."""
    cdef int64_t one = pg_load(slots), two = pg_load(slots + row_words)
    if one & 1 or two & 1:
        return slots + row_words if one & 1 else slots
    return slots + row_words if two > one else slots


cdef inline int64_t xor_words(const int64_t* words, Py_ssize_t count) noexcept nogil:
    cdef int64_t value = 0
    cdef Py_ssize_t index
    for index in range(count):
        value ^= words[index]
    return value


cdef inline int64_t* slots_of(int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words) except NULL:
    if first < 0 or row_words < ROW_HEAD or first + 2 * row_words > words.shape[0]:
        raise IndexError("no mirror lies there")
    return &words[first]


cdef inline int64_t* ring_of(int64_t[::1] words) except NULL:
    if words.shape[0] < RECORDS_AT or words.shape[0] < RECORDS_AT + words[CAPACITY_AT] * EVENT_WORDS:
        raise IndexError("the ring is shorter than it says")
    return &words[0]


def publish_row(int64_t[::1] words, Py_ssize_t first, int64_t[::1] row):
    """Write ``row`` over the older of the two slots at ``first``; its version and checksum are set here."""
    cdef Py_ssize_t count = row.shape[0]
    cdef int64_t* slots = slots_of(words, first, count)
    cdef int64_t* latest = newest(slots, count)
    cdef int64_t* target = slots + count if latest == slots else slots
    cdef int64_t version = latest[VERSION] + 2
    row[VERSION], row[CHECKSUM] = version, 0
    row[CHECKSUM] = xor_words(&row[0], count)
    pg_announce(target, version - 1)
    memcpy(target + 1, &row[1], (count - 1) * sizeof(int64_t))
    pg_store(target, version)


def copy_newest(int64_t[::1] words, Py_ssize_t first, Py_ssize_t row_words, int64_t seen):
    """Return a whole row with a version above ``seen``; None when there is none (or none could be had just now)."""
    cdef int64_t* slots = slots_of(words, first, row_words)
    cdef const int64_t* slot
    cdef int64_t version
    cdef int64_t* copy
    cdef int _
    cdef bytes row = None
    for _ in range(READ_TRIES_C):
        slot = newest(slots, row_words)
        version = pg_load(slot)
        if version & 1:
            continue
        if version <= seen:
            return None
        if row is None:
            row = PyBytes_FromStringAndSize(NULL, row_words * sizeof(int64_t))
        copy = <int64_t*><void*>PyBytes_AS_STRING(row)
        memcpy(copy, slot, row_words * sizeof(int64_t))
        if pg_check(slot) == version == copy[VERSION] and xor_words(copy, row_words) == 0:
            return row
    return None


cdef int64_t append(int64_t* ring, int64_t* records, Py_ssize_t count) noexcept nogil:
    """Number ``records`` and publish them; the caller has checked that count < capacity."""
    cdef int64_t capacity = ring[CAPACITY_AT], head = ring[HEAD_AT]
    cdef int64_t* base = ring + RECORDS_AT
    cdef Py_ssize_t start = head & (capacity - 1)
    cdef Py_ssize_t fits = min(count, capacity - start)
    cdef Py_ssize_t index
    for index in range(count):
        records[index * EVENT_WORDS] = head + index
    pg_announce(ring + CLAIM_AT, head + count)
    memcpy(base + start * EVENT_WORDS, records, fits * EVENT_WORDS * sizeof(int64_t))
    memcpy(base, records + fits * EVENT_WORDS, (count - fits) * EVENT_WORDS * sizeof(int64_t))
    pg_store(ring + HEAD_AT, head + count)
    return head + count


def append_records(int64_t[::1] words, int64_t[:, ::1] records):
    """Put ``records`` (shape (n, EVENT_WORDS)) at the ring's head, number them, publish; return the new head."""
    cdef int64_t* ring = ring_of(words)
    assert records.shape[1] == EVENT_WORDS and records.shape[0] < ring[CAPACITY_AT]
    if records.shape[0] == 0:
        return ring[HEAD_AT]
    return append(ring, &records[0, 0], records.shape[0])


def take_records(int64_t[::1] words, int64_t cursor, int64_t count_max):
    """Return published records from ``cursor`` on, at most ``count_max``; raises LappedError when overwritten."""
    cdef int64_t* ring = ring_of(words)
    cdef int64_t capacity = ring[CAPACITY_AT], head = pg_load(ring + HEAD_AT)
    cdef int64_t count = min(head - cursor, count_max)
    if count <= 0:
        return b""
    if cursor < 0 or head - cursor > capacity:
        raise LappedError
    cdef Py_ssize_t start = cursor & (capacity - 1)
    cdef Py_ssize_t fits = min(count, capacity - start)
    cdef bytes data = PyBytes_FromStringAndSize(NULL, count * EVENT_WORDS * sizeof(int64_t))
    cdef int64_t* out = <int64_t*><void*>PyBytes_AS_STRING(data)
    memcpy(out, ring + RECORDS_AT + start * EVENT_WORDS, fits * EVENT_WORDS * sizeof(int64_t))
    memcpy(out + fits * EVENT_WORDS, ring + RECORDS_AT, (count - fits) * EVENT_WORDS * sizeof(int64_t))
    if pg_check(ring + CLAIM_AT) - cursor > capacity:
        raise LappedError
    return data


# --- scanning ------------------------------------------------------------------------------------------------------


cdef struct Scan:
    Bytes at
    Bytes end


cdef struct Grid:
    int decimals
    int64_t step


cdef struct Frame:
    int seen
    bint is_snapshot
    int64_t u
    int64_t seq
    int64_t ts_ms
    int64_t cts_ms
    Py_ssize_t n_bids
    Py_ssize_t n_asks
    # Scratch of levels_max each.
    int64_t* bid_ticks
    int64_t* bid_lots
    int64_t* ask_ticks
    int64_t* ask_lots


cdef struct Spec:
    Bytes topic
    Py_ssize_t topic_size
    Bytes symbol
    Py_ssize_t symbol_size
    Py_ssize_t levels_max
    Grid tick
    Grid lot


cdef inline unsigned char peek(Scan* scan) noexcept nogil:
    """Return the next byte, 0 at the end (which no frame contains)."""
    return scan.at[0] if scan.at < scan.end else 0


cdef inline bint accept(Scan* scan, unsigned char byte) noexcept nogil:
    """Step over ``byte`` if it comes next."""
    if scan.at < scan.end and scan.at[0] == byte:
        scan.at += 1
        return True
    return False


cdef inline bint word(Scan* scan, Bytes* text, Py_ssize_t* size) noexcept nogil:
    """Step over a string of plain characters; its inside is ``text``."""
    if not accept(scan, c'"'):
        return False
    text[0] = scan.at
    while scan.at < scan.end:
        if scan.at[0] == c'"':
            size[0] = scan.at - text[0]
            scan.at += 1
            return True
        if scan.at[0] < 0x20 or scan.at[0] > 0x7E or scan.at[0] == c'\\':
            return False
        scan.at += 1
    return False


cdef inline bint digits(Scan* scan, int64_t* value, int* count) noexcept nogil:
    """Read up to DIGITS_MAX digits on top of ``value``, raising ``count`` by their number; at least one."""
    cdef unsigned char digit
    cdef int before = count[0]
    cdef int64_t total = value[0]
    while scan.at < scan.end:
        digit = scan.at[0] - c'0'
        if digit > 9:
            break
        if count[0] >= DIGITS_MAX:
            return False
        total = total * 10 + digit
        count[0] += 1
        scan.at += 1
    value[0] = total
    return count[0] > before


cdef inline bint integer(Scan* scan, int64_t limit, int64_t* value) noexcept nogil:
    """Read a JSON integer 0 <= value < limit."""
    cdef int count = 0
    cdef unsigned char first = peek(scan)
    value[0] = 0
    if not digits(scan, value, &count) or value[0] >= limit:
        return False
    return first != c'0' or count == 1


cdef inline bint steps(Scan* scan, Grid* grid, int64_t* value) noexcept nogil:
    """Read quoted decimal text as a whole number of steps."""
    cdef int count = 0, places = 0, zeros = 0
    cdef int64_t total = 0
    cdef unsigned char digit
    if not accept(scan, c'"') or not digits(scan, &total, &count):
        return False
    if accept(scan, c'.'):
        while scan.at < scan.end:
            digit = scan.at[0] - c'0'
            if digit > 9:
                break
            if places < grid.decimals:
                if count >= DIGITS_MAX:
                    return False
                total = total * 10 + digit
                count += 1
                places += 1
            elif digit != 0 or zeros >= DIGITS_MAX - places:
                return False
            else:
                zeros += 1
            scan.at += 1
        if places + zeros == 0:
            return False
    if not accept(scan, c'"'):
        return False
    if count + grid.decimals - places > DIGITS_MAX:
        return False
    total *= POWERS[grid.decimals - places]
    if grid.step != 1:
        if total % grid.step:
            return False
        total //= grid.step
    value[0] = total
    return total <= C_COUNT_MAX


cdef inline bint levels(Scan* scan, Spec* spec, int64_t* ticks, int64_t* lots, Py_ssize_t* count) noexcept nogil:
    """Read [["price","size"],...] into scratch."""
    cdef Py_ssize_t found = 0
    count[0] = 0
    if not accept(scan, c'['):
        return False
    if accept(scan, c']'):
        return True
    while found < spec.levels_max:
        if not accept(scan, c'[') or not steps(scan, &spec.tick, ticks + found) or ticks[found] == 0:
            return False
        if not accept(scan, c',') or not steps(scan, &spec.lot, lots + found) or not accept(scan, c']'):
            return False
        found += 1
        if not accept(scan, c','):
            count[0] = found
            return accept(scan, c']')
    return False


cdef inline bint claim(Frame* frame, int bit) noexcept nogil:
    """Note that a key was seen; False if it was seen before."""
    if frame.seen & bit:
        return False
    frame.seen |= bit
    return True


cdef bint skip(Scan* scan) noexcept nogil:
    """Step over the value of an unknown key, if it is a plain string or a short integer."""
    cdef Bytes text
    cdef Py_ssize_t size
    cdef int64_t value
    if peek(scan) == c'"':
        return word(scan, &text, &size)
    return integer(scan, C_ID_MAX, &value)


cdef bint data_value(Scan* scan, Spec* spec, Frame* frame, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key inside "data"."""
    cdef Bytes text
    cdef Py_ssize_t length
    if size == 1:
        if key[0] == c'b':
            return claim(frame, SEEN_B) and levels(scan, spec, frame.bid_ticks, frame.bid_lots, &frame.n_bids)
        if key[0] == c'a':
            return claim(frame, SEEN_A) and levels(scan, spec, frame.ask_ticks, frame.ask_lots, &frame.n_asks)
        if key[0] == c'u':
            return claim(frame, SEEN_U) and integer(scan, C_ID_MAX, &frame.u)
        if key[0] == c's':
            if not claim(frame, SEEN_S) or not word(scan, &text, &length):
                return False
            return length == spec.symbol_size and memcmp(text, spec.symbol, length) == 0
    if size == 3 and memcmp(key, b"seq", 3) == 0:
        return claim(frame, SEEN_SEQ) and integer(scan, C_ID_MAX, &frame.seq)
    return skip(scan)


cdef bint root_value(Scan* scan, Spec* spec, Frame* frame, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key of the frame itself."""
    cdef Bytes text
    cdef Py_ssize_t length
    if size == 2 and memcmp(key, b"ts", 2) == 0:
        return claim(frame, SEEN_TS) and integer(scan, C_MS_MAX, &frame.ts_ms)
    if size == 3 and memcmp(key, b"cts", 3) == 0:
        return claim(frame, SEEN_CTS) and integer(scan, C_MS_MAX, &frame.cts_ms)
    if size == 4 and memcmp(key, b"data", 4) == 0:
        return claim(frame, SEEN_DATA) and members(scan, spec, frame, data_value)
    if size == 4 and memcmp(key, b"type", 4) == 0:
        if not claim(frame, SEEN_TYPE) or not word(scan, &text, &length):
            return False
        frame.is_snapshot = length == 8
        if frame.is_snapshot:
            return memcmp(text, b"snapshot", 8) == 0
        return length == 5 and memcmp(text, b"delta", 5) == 0
    if size == 5 and memcmp(key, b"topic", 5) == 0:
        if not claim(frame, SEEN_TOPIC) or not word(scan, &text, &length):
            return False
        return length == spec.topic_size and memcmp(text, spec.topic, length) == 0
    return skip(scan)


ctypedef bint (*Value)(Scan*, Spec*, Frame*, Bytes, Py_ssize_t) noexcept nogil


cdef bint members(Scan* scan, Spec* spec, Frame* frame, Value value) noexcept nogil:
    """Read an object, its keys in any order."""
    cdef Bytes key
    cdef Py_ssize_t size
    if not accept(scan, c'{'):
        return False
    while True:
        if not word(scan, &key, &size) or not accept(scan, c':'):
            return False
        if not value(scan, spec, frame, key, size):
            return False
        if not accept(scan, c','):
            return accept(scan, c'}')


cdef bint is_ladder(const int64_t* ticks, const int64_t* lots, Py_ssize_t count, int sign) noexcept nogil:
    """Whether a snapshot's side is strictly sorted, best first, and every level has a size."""
    cdef Py_ssize_t index
    for index in range(count):
        if lots[index] == 0 or (index and sign * ticks[index] <= sign * ticks[index - 1]):
            return False
    return True


cdef bint scan_frame(Bytes text, Py_ssize_t size, Spec* spec, Frame* frame) noexcept nogil:
    """Read a whole everyday frame into ``frame``; False means: ask the reference."""
    cdef Scan scan
    cdef Py_ssize_t depth = spec.levels_max // 2
    scan.at, scan.end = text, text + size
    frame.seen = 0
    if not members(&scan, spec, frame, root_value) or scan.at != scan.end:
        return False
    if frame.seen & NEEDED != NEEDED:
        return False
    if not frame.seen & SEEN_CTS:
        frame.cts_ms = frame.ts_ms
    if not frame.is_snapshot:
        return True
    if frame.n_bids > depth or frame.n_asks > depth:
        return False
    return is_ladder(frame.bid_ticks, frame.bid_lots, frame.n_bids, -1) and is_ladder(
        frame.ask_ticks, frame.ask_lots, frame.n_asks, 1
    )


# --- the book ------------------------------------------------------------------------------------------------------


cdef struct Side:
    int64_t* ticks
    int64_t* lots
    Py_ssize_t count
    int sign  # -1 for bids, 1 for asks: sign x ticks rises away from the touch.


cdef inline Py_ssize_t find(Side* side, int64_t ticks, Py_ssize_t hint) noexcept nogil:
    """Return the first level at or beyond ``ticks``. Changes come sorted, so the last place is a good hint."""
    cdef int64_t key = side.sign * ticks
    cdef Py_ssize_t low = 0, high = side.count, middle
    if 0 < hint <= high and side.sign * side.ticks[hint - 1] < key:
        low = hint
    while low < high:
        middle = (low + high) >> 1
        if side.sign * side.ticks[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline int64_t put(Side* side, int64_t ticks, int64_t lots, Py_ssize_t* hint) noexcept nogil:
    """Set the size at a price (0 deletes); return the size before. The arrays have room for a whole frame more."""
    cdef Py_ssize_t at = find(side, ticks, hint[0])
    cdef Py_ssize_t beyond = side.count - at
    cdef int64_t before
    hint[0] = at
    if beyond and side.ticks[at] == ticks:
        before = side.lots[at]
        if lots:
            side.lots[at] = lots
        else:
            side.count -= 1
            memmove(side.ticks + at, side.ticks + at + 1, (beyond - 1) * sizeof(int64_t))
            memmove(side.lots + at, side.lots + at + 1, (beyond - 1) * sizeof(int64_t))
        return before
    if lots:
        memmove(side.ticks + at + 1, side.ticks + at, beyond * sizeof(int64_t))
        memmove(side.lots + at + 1, side.lots + at, beyond * sizeof(int64_t))
        side.ticks[at], side.lots[at] = ticks, lots
        side.count += 1
    return 0


cdef class BookKernel:
    """One symbol's book: frames in, mirror and ring out. See plain.py, which says the same in few words."""

    cdef object _table, _ring_words, _spec, _topic, _symbol
    cdef int64_t* _slots
    cdef int64_t* _ring
    cdef int64_t* _memory
    cdef int64_t* _records
    cdef Py_ssize_t _row_words, _side_words, _depth, _count
    cdef Spec _c_spec
    cdef Frame _frame
    cdef Side _bids, _asks
    cdef int64_t _identity, _generation, _symbol_id, _scale_id, _u
    cdef readonly bint valid

    def __init__(self, mirror, ring, Py_ssize_t depth):
        table = mirror.table
        assert 1 <= depth <= table.depth, f"the table has room for {table.depth} levels, not {depth}"
        assert ring.capacity >= 16 * depth, f"a ring of {ring.capacity} records is too small for depth {depth}"
        assert self._memory == NULL
        cdef int64_t[::1] words = table.words
        cdef int64_t[::1] ring_words = ring.words
        self._table, self._ring_words = words, ring_words  # Keeps the memory mapped.
        self._row_words, self._depth = table.row_words, depth
        self._side_words = (self._row_words - ROW_HEAD) // 4
        self._slots = slots_of(words, mirror.first, self._row_words)
        self._ring = ring_of(ring_words)
        self._generation, self._symbol_id, self._scale_id = table.generation, mirror.symbol_id, mirror.scale_id
        self._identity = layout.meta(0, 0, mirror.symbol_id, mirror.scale_id)
        self._spec = BookSpec.of(mirror.symbol, depth, mirror.scale)
        self._set_spec()
        self._allocate()

    cdef _set_spec(self):
        spec = self._spec
        self._topic, self._symbol = spec.topic.encode(), spec.symbol.encode()
        self._c_spec.topic, self._c_spec.topic_size = <Bytes>PyBytes_AS_STRING(self._topic), len(self._topic)
        self._c_spec.symbol, self._c_spec.symbol_size = <Bytes>PyBytes_AS_STRING(self._symbol), len(self._symbol)
        self._c_spec.levels_max = 2 * self._depth
        assert spec.tick.decimals < DIGITS_MAX and spec.lot.decimals < DIGITS_MAX
        self._c_spec.tick.decimals, self._c_spec.tick.step = spec.tick
        self._c_spec.lot.decimals, self._c_spec.lot.step = spec.lot

    cdef _allocate(self):
        """One block: four scratch arrays, four book arrays with room for a frame more, and the frame's records."""
        cdef Py_ssize_t scratch = 2 * self._depth, book = self._depth + scratch
        cdef Py_ssize_t records = 1 + 2 * scratch + 2 * scratch
        self._memory = <int64_t*>calloc(4 * scratch + 4 * book + records * EVENT_WORDS, sizeof(int64_t))
        if self._memory == NULL:
            raise MemoryError
        cdef int64_t* at = self._memory
        self._frame.bid_ticks, self._frame.bid_lots = at, at + scratch
        self._frame.ask_ticks, self._frame.ask_lots = at + 2 * scratch, at + 3 * scratch
        at += 4 * scratch
        self._bids.ticks, self._bids.lots, self._bids.sign = at, at + book, -1
        self._asks.ticks, self._asks.lots, self._asks.sign = at + 2 * book, at + 3 * book, 1
        self._records = at + 4 * book

    def __dealloc__(self):
        free(self._memory)

    def apply(self, bytes frame not None, int64_t recv_ns, int64_t write_ns):
        """Take one ``orderbook`` frame, received at ``recv_ns``; ``write_ns`` is now."""
        cdef Bytes text = <Bytes>PyBytes_AS_STRING(frame)
        if not scan_frame(text, PyBytes_GET_SIZE(frame), &self._c_spec, &self._frame):
            parsed = parse_book(frame, self._spec)
            if isinstance(parsed, Outcome):
                if parsed == Outcome.OFF_GRID:
                    self.void(layout.Reason.OFF_GRID, recv_ns, write_ns)
                return parsed
            self._take(parsed)
        return OUTCOMES[self._apply(recv_ns, write_ns)]

    cdef _take(self, parsed):
        """Put what the reference parser read into scratch."""
        self._frame.is_snapshot, self._frame.u, self._frame.seq = parsed.is_snapshot, parsed.u, parsed.seq
        self._frame.ts_ms, self._frame.cts_ms = parsed.ts_ms, parsed.cts_ms
        cdef Py_ssize_t index
        assert len(parsed.bids) <= self._c_spec.levels_max and len(parsed.asks) <= self._c_spec.levels_max
        self._frame.n_bids, self._frame.n_asks = len(parsed.bids), len(parsed.asks)
        for index, (ticks, lots) in enumerate(parsed.bids):
            self._frame.bid_ticks[index], self._frame.bid_lots[index] = ticks, lots
        for index, (ticks, lots) in enumerate(parsed.asks):
            self._frame.ask_ticks[index], self._frame.ask_lots[index] = ticks, lots

    cdef int _apply(self, int64_t recv_ns, int64_t write_ns) except -1:
        cdef Frame* frame = &self._frame
        self._count = 0
        if frame.is_snapshot:
            return self._snapshot(recv_ns, write_ns)
        if not self.valid:
            return 3  # IGNORED
        if frame.u == self._u:
            return 2  # DUPLICATE
        if frame.u != self._u + 1:
            self._void(1, recv_ns, write_ns)
            return 4  # GAP
        self._put_all(&self._bids, K_BID, frame.bid_ticks, frame.bid_lots, frame.n_bids, recv_ns)
        self._put_all(&self._asks, K_ASK, frame.ask_ticks, frame.ask_lots, frame.n_asks, recv_ns)
        self._trim(&self._bids, K_BID, recv_ns)
        self._trim(&self._asks, K_ASK, recv_ns)
        return self._finish(0, recv_ns, write_ns)

    cdef int _snapshot(self, int64_t recv_ns, int64_t write_ns) except -1:
        cdef Frame* frame = &self._frame
        self._bids.count, self._asks.count = 0, 0
        self._record(K_SNAPSHOT, recv_ns, 0, 0, frame.u, frame.seq)
        self._put_all(&self._bids, K_BID, frame.bid_ticks, frame.bid_lots, frame.n_bids, recv_ns)
        self._put_all(&self._asks, K_ASK, frame.ask_ticks, frame.ask_lots, frame.n_asks, recv_ns)
        return self._finish(1, recv_ns, write_ns)

    cdef int _finish(self, int outcome, int64_t recv_ns, int64_t write_ns) except -1:
        """Publish the changed book if it is sound: mirror first, then the ring, so that whoever hears finds it."""
        if self._bids.count == 0 or self._asks.count == 0:
            self._void(3, recv_ns, write_ns)
            return 6  # EMPTY
        if self._bids.ticks[0] >= self._asks.ticks[0]:
            self._void(2, recv_ns, write_ns)
            return 5  # CROSSED
        self._u, self.valid = self._frame.u, True
        self._publish(recv_ns, write_ns)
        if self._count:
            self._records[(self._count - 1) * EVENT_WORDS + 1] |= LAST_BIT
            append(self._ring, self._records, self._count)
        return outcome

    cdef void _put_all(
        self, Side* side, int kind, const int64_t* ticks, const int64_t* lots, Py_ssize_t count, int64_t recv_ns
    ) noexcept:
        cdef Py_ssize_t index, hint = 0
        cdef int64_t before
        for index in range(count):
            before = put(side, ticks[index], lots[index], &hint)
            if before != lots[index]:
                self._record(kind, recv_ns, ticks[index], lots[index], before, self._frame.seq)

    cdef void _trim(self, Side* side, int kind, int64_t recv_ns) noexcept:
        """Drop what lies beyond the topic's depth: the venue sends no more news of it."""
        while side.count > self._depth:
            side.count -= 1
            self._record(kind, recv_ns, side.ticks[side.count], 0, side.lots[side.count], self._frame.seq)

    cdef inline void _record(
        self, int kind, int64_t recv_ns, int64_t ticks, int64_t lots, int64_t aux1, int64_t aux2
    ) noexcept:
        cdef int64_t* record = self._records + self._count * EVENT_WORDS
        self._count += 1
        record[1] = self._identity | kind
        record[2] = self._frame.cts_ms * NS_PER_MS if kind != K_GAP else 0
        record[3], record[4], record[5], record[6], record[7] = recv_ns, ticks, lots, aux1, aux2

    cdef void _publish(self, int64_t recv_ns, int64_t write_ns) noexcept:
        """Write the book over the older slot."""
        cdef int64_t* latest = newest(self._slots, self._row_words)
        cdef int64_t* target = self._slots + self._row_words if latest == self._slots else self._slots
        cdef int64_t version = latest[VERSION] + 2, updates = latest[UPDATES] + 1
        cdef int64_t* side = target + ROW_HEAD
        cdef Py_ssize_t old_bids = max(0, min(target[N_BIDS], self._side_words))
        cdef Py_ssize_t old_asks = max(0, min(target[N_ASKS], self._side_words))
        pg_announce(target, version - 1)
        target[GENERATION], target[SYMBOL_ID], target[SCALE_ID] = self._generation, self._symbol_id, self._scale_id
        target[RING_SEQ] = self._ring[HEAD_AT] + self._count
        target[U], target[SEQ] = self._frame.u, self._frame.seq
        target[CTS_NS], target[TS_NS] = self._frame.cts_ms * NS_PER_MS, self._frame.ts_ms * NS_PER_MS
        target[RECV_NS], target[WRITE_NS] = recv_ns, write_ns
        target[N_BIDS], target[N_ASKS] = self._bids.count, self._asks.count
        target[FLAGS], target[UPDATES] = VALID, updates
        cdef int64_t checksum = version ^ xor_words(target + GENERATION, ROW_HEAD - GENERATION)
        checksum ^= fill(side, &self._bids, old_bids, self._side_words)
        checksum ^= fill(side + 2 * self._side_words, &self._asks, old_asks, self._side_words)
        target[CHECKSUM] = checksum
        pg_store(target, version)

    def void(self, int64_t reason, int64_t recv_ns, int64_t write_ns):
        """Declare the book unusable until the next snapshot; False when it was so already."""
        return self._void(reason, recv_ns, write_ns)

    cdef bint _void(self, int64_t reason, int64_t recv_ns, int64_t write_ns) noexcept:
        """Levels in the mirror stay as they were; the private book is emptied."""
        self._bids.count, self._asks.count = 0, 0
        if not self.valid:
            return False
        self.valid = False
        cdef int64_t* latest = newest(self._slots, self._row_words)
        cdef int64_t* target = self._slots + self._row_words if latest == self._slots else self._slots
        cdef int64_t version = latest[VERSION] + 2
        pg_announce(target, version - 1)
        memcpy(target + 1, latest + 1, (self._row_words - 1) * sizeof(int64_t))
        target[RING_SEQ] = self._ring[HEAD_AT] + 1
        target[RECV_NS], target[WRITE_NS] = recv_ns, write_ns
        target[FLAGS], target[CHECKSUM] = reason << REASON_SHIFT, 0
        target[CHECKSUM] = version ^ xor_words(target + 1, self._row_words - 1)
        pg_store(target, version)
        self._count = 0
        self._record(K_GAP, recv_ns, 0, 0, reason, self._u)
        self._records[1] |= LAST_BIT
        append(self._ring, self._records, 1)
        return True


cdef inline int64_t fill(int64_t* target, Side* side, Py_ssize_t old, Py_ssize_t side_words) noexcept nogil:
    """Copy one side into a slot that held ``old`` levels, unused words zero; return the xor of its words."""
    cdef Py_ssize_t count = side.count
    memcpy(target, side.ticks, count * sizeof(int64_t))
    memcpy(target + side_words, side.lots, count * sizeof(int64_t))
    if old > count:
        memset(target + count, 0, (old - count) * sizeof(int64_t))
        memset(target + side_words + count, 0, (old - count) * sizeof(int64_t))
    return xor_words(side.ticks, count) ^ xor_words(side.lots, count)
