# One order book frame in integers: at a stroke when it has Bybit's usual shape, key by key when it has not.

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
    LEVEL_BYTES = 48  # More than fast_level looks at: 32, and eight bytes from any of them.


cdef struct Spec:
    Bytes topic
    Py_ssize_t topic_size
    Bytes symbol
    Py_ssize_t symbol_size
    Bytes head  # {"topic":"<topic>","type":"
    Py_ssize_t head_size
    Bytes middle  # ,"data":{"s":"<symbol>","b":
    Py_ssize_t middle_size
    Py_ssize_t levels_max
    bint is_fast  # Both grids have few enough decimals for fast_steps.
    Grid tick
    Grid lot


cdef struct Frame:
    Spec* spec
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


cdef inline unsigned fast_level(
    Bytes at, const Grid* tick, const Grid* lot, int64_t* ticks, int64_t* lots
) noexcept nogil:
    """Read ["price","size"] when all of it lies in 32 bytes; return its length, 0 if it is anything else.

    LEVEL_BYTES must be there. Both texts' ends are found first, so that the next level need not wait for the numbers.
    """
    cdef uint32_t quotes = pg_marks(at, c'"'), points = (quotes | pg_marks(at, c'.')) & ~3u
    cdef uint32_t second = quotes & ~3u, third = second & (second - 1), fourth = third & (third - 1)
    cdef unsigned price_end, size_end
    if quotes & 3 != 2 or fourth == 0:
        return 0
    price_end, size_end = pg_first(second), pg_first(fourth)
    if (
        pg_first(third) != price_end + 2 or at[0] != c'[' or at[price_end + 1] != c',' or at[size_end + 1] != c']'
    ):
        return 0
    cdef uint64_t price = fast_steps(at + 2, pg_first(points) - 2, price_end - 2, tick)
    cdef unsigned start = price_end + 3
    cdef uint64_t size = fast_steps(at + start, pg_first(points >> start), size_end - start, lot)
    ticks[0], lots[0] = price, size
    return size_end + 2 if price - 1 < PG_OFF - 1 and size != PG_OFF else 0


cdef inline bint slow_level(Scan* scan, Spec* spec, int64_t* ticks, int64_t* lots) noexcept nogil:
    """Read ["price","size"]."""
    if not accept(scan, c'[') or not steps(scan, &spec.tick, ticks) or ticks[0] == 0:
        return False
    return accept(scan, c',') and steps(scan, &spec.lot, lots) and accept(scan, c']')


cdef bint levels(Scan* scan, Spec* spec, int64_t* ticks, int64_t* lots, Py_ssize_t* count) noexcept nogil:
    """Read [["price","size"],...] into scratch."""
    cdef Py_ssize_t found = 0
    cdef unsigned length
    cdef Scan here
    cdef Grid tick = spec.tick, lot = spec.lot  # Copies, so that writing to scratch cannot change them.
    here.at, here.end = scan.at, scan.end
    count[0] = 0
    if not accept(&here, c'['):
        return False
    if accept(&here, c']'):
        scan.at = here.at
        return True
    while found < spec.levels_max:
        length = 0
        if here.end - here.at >= LEVEL_BYTES and spec.is_fast:
            length = fast_level(here.at, &tick, &lot, ticks + found, lots + found)
        here.at += length
        if length == 0 and not slow_level(&here, spec, ticks + found, lots + found):
            return False
        found += 1
        if not accept(&here, c','):
            count[0], scan.at = found, here.at
            return accept(scan, c']')
    return False


cdef inline bint usual_frame(Scan* scan, Spec* spec, Frame* frame) noexcept nogil:
    """Read a frame whose keys come in the order in which Bybit sends them today. False: it is another."""
    if not accept_text(scan, spec.head, spec.head_size):
        return False
    frame.is_snapshot = peek(scan) == c's'
    if frame.is_snapshot:
        if not accept_text(scan, b'snapshot","ts":', 15):
            return False
    elif not accept_text(scan, b'delta","ts":', 12):
        return False
    if not integer(scan, C_MS_MAX, &frame.ts_ms) or not accept_text(scan, spec.middle, spec.middle_size):
        return False
    if not levels(scan, spec, frame.bid_ticks, frame.bid_lots, &frame.n_bids) or not accept_text(scan, b',"a":', 5):
        return False
    if not levels(scan, spec, frame.ask_ticks, frame.ask_lots, &frame.n_asks) or not accept_text(scan, b',"u":', 5):
        return False
    if not integer(scan, C_ID_MAX, &frame.u) or not accept_text(scan, b',"seq":', 7):
        return False
    if not integer(scan, C_ID_MAX, &frame.seq) or not accept_text(scan, b'},"cts":', 8):
        return False
    return integer(scan, C_MS_MAX, &frame.cts_ms) and accept(scan, c'}') and scan.at == scan.end


cdef bint data_value(Scan* scan, void* what, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key inside "data"."""
    cdef Frame* frame = <Frame*>what
    cdef Spec* spec = frame.spec
    if size == 1:
        if key[0] == c'b':
            return claim(&frame.seen, SEEN_B) and levels(scan, spec, frame.bid_ticks, frame.bid_lots, &frame.n_bids)
        if key[0] == c'a':
            return claim(&frame.seen, SEEN_A) and levels(scan, spec, frame.ask_ticks, frame.ask_lots, &frame.n_asks)
        if key[0] == c'u':
            return claim(&frame.seen, SEEN_U) and integer(scan, C_ID_MAX, &frame.u)
        if key[0] == c's':
            return claim(&frame.seen, SEEN_S) and is_word(scan, spec.symbol, spec.symbol_size)
    if size == 3 and memcmp(key, b"seq", 3) == 0:
        return claim(&frame.seen, SEEN_SEQ) and integer(scan, C_ID_MAX, &frame.seq)
    return skip(scan)


cdef bint root_value(Scan* scan, void* what, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key of the frame itself."""
    cdef Frame* frame = <Frame*>what
    cdef Spec* spec = frame.spec
    if size == 2 and memcmp(key, b"ts", 2) == 0:
        return claim(&frame.seen, SEEN_TS) and integer(scan, C_MS_MAX, &frame.ts_ms)
    if size == 3 and memcmp(key, b"cts", 3) == 0:
        return claim(&frame.seen, SEEN_CTS) and integer(scan, C_MS_MAX, &frame.cts_ms)
    if size == 4 and memcmp(key, b"data", 4) == 0:
        return claim(&frame.seen, SEEN_DATA) and members(scan, frame, data_value)
    if size == 4 and memcmp(key, b"type", 4) == 0:
        if not claim(&frame.seen, SEEN_TYPE):
            return False
        frame.is_snapshot = scan.end - scan.at > 1 and scan.at[1] == c's'
        return is_word(scan, b"snapshot", 8) if frame.is_snapshot else is_word(scan, b"delta", 5)
    if size == 5 and memcmp(key, b"topic", 5) == 0:
        return claim(&frame.seen, SEEN_TOPIC) and is_word(scan, spec.topic, spec.topic_size)
    return skip(scan)


cdef bint any_frame(Scan* scan, Spec* spec, Frame* frame) noexcept nogil:
    """Read a frame with its keys in any order, without white space."""
    frame.seen = 0
    if not members(scan, frame, root_value) or scan.at != scan.end:
        return False
    if frame.seen & NEEDED != NEEDED:
        return False
    if not frame.seen & SEEN_CTS:
        frame.cts_ms = frame.ts_ms
    return True


cdef bint is_ladder(const int64_t* ticks, const int64_t* lots, Py_ssize_t count, int sign) noexcept nogil:
    """Whether a snapshot's side is strictly sorted, best first, and every level has a size."""
    cdef Py_ssize_t index
    for index in range(count):
        if lots[index] == 0 or (index and sign * ticks[index] <= sign * ticks[index - 1]):
            return False
    return True


cdef bint scan_frame(Bytes text, Py_ssize_t size, Spec* spec, Frame* frame) noexcept nogil:
    """Read a whole frame into ``frame``; False means: ask the reference."""
    cdef Scan scan
    cdef Py_ssize_t depth = spec.levels_max // 2
    scan.at, scan.end, frame.spec = text, text + size, spec
    if not usual_frame(&scan, spec, frame):
        scan.at = text
        if not any_frame(&scan, spec, frame):
            return False
    if not frame.is_snapshot:
        return True
    if frame.n_bids > depth or frame.n_asks > depth:
        return False
    return is_ladder(frame.bid_ticks, frame.bid_lots, frame.n_bids, -1) and is_ladder(
        frame.ask_ticks, frame.ask_lots, frame.n_asks, 1
    )
