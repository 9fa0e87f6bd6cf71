# Trades, liquidations and tickers. What is not written as Bybit writes it today goes to flow.py, which has the say.

cdef enum:
    HAS_T = 1
    HAS_S = 2
    HAS_SIDE = 4
    HAS_SIZE = 8
    HAS_PRICE = 16
    HAS_SEQ = 32
    HAS_BT = 64
    HAS_RPI = 128
    ROW_NEEDED = 31
    HAS_TOPIC = 1
    HAS_DATA = 2
    HAS_TS = 4
    T_LAST = 8
    T_INTEREST = 16
    T_MARK = 32
    T_INDEX = 64
    T_RATE = 128
    T_NEXT = 256
    T_SYMBOL = 512
    ROWS_MAX = 1024

cdef int64_t[ROWS_MAX * EVENT_WORDS] FLOW_RECORDS  # One frame's records; shared by all, as one frame is taken at a time.
assert ROWS_MAX == TRADES_MAX


cdef struct Flow:
    Bytes topic
    Py_ssize_t topic_size
    Bytes symbol
    Py_ssize_t symbol_size
    Grid tick
    Grid lot
    int64_t lot_e8
    int64_t meta
    int64_t recv_ns
    int kind  # Of the rows in "data".
    int seen  # In the frame.
    int row_seen
    Py_ssize_t count
    int64_t ts_ms
    # Last price in ticks, open interest in lots, mark and index price at 1e-8; funding rate at 1e-8, next funding in ms.
    int64_t[6] ticker


cdef inline bint truth(Scan* scan, bint* value) noexcept nogil:
    """Read true or false."""
    value[0] = accept_text(scan, b"true", 4)
    return value[0] or accept_text(scan, b"false", 5)


cdef bint fixed_e8(Scan* scan, int64_t* value) noexcept nogil:
    """Read quoted decimal text at 1e-8, rounded towards zero; empty text is 0."""
    cdef int count = 0, places = 0
    cdef bint negative
    cdef unsigned char digit
    value[0] = 0
    if not accept(scan, c'"'):
        return False
    if accept(scan, c'"'):
        return True
    negative = accept(scan, c'-')
    if not digits(scan, value, &count) or count > 10:
        return False
    if accept(scan, c'.'):
        while scan.at < scan.end and scan.at[0] - c'0' <= 9 and scan.at[0] >= c'0':
            digit = scan.at[0] - c'0'
            if places < 8:
                value[0] = value[0] * 10 + digit
            places += 1
            scan.at += 1
        if places == 0 or places > 18:
            return False
    value[0] *= POWERS[8 - min(places, 8)]
    if negative:
        value[0] = -value[0]
    return accept(scan, c'"')


cdef bint row_value(Scan* scan, void* what, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key of a trade or a liquidation."""
    cdef Flow* flow = <Flow*>what
    cdef int64_t* record = FLOW_RECORDS + flow.count * EVENT_WORDS
    cdef bint value
    if size == 1:
        if key[0] == c'T':
            return claim(&flow.row_seen, HAS_T) and integer(scan, C_MS_MAX, record + 2)
        if key[0] == c's':
            return claim(&flow.row_seen, HAS_S) and is_word(scan, flow.symbol, flow.symbol_size)
        if key[0] == c'v':
            return claim(&flow.row_seen, HAS_SIZE) and steps(scan, &flow.lot, record + 5) and record[5] != 0
        if key[0] == c'p':
            if not claim(&flow.row_seen, HAS_PRICE):
                return False
            if flow.kind == K_LIQUIDATION:
                return fixed_e8(scan, record + 6) and record[6] > 0
            return steps(scan, &flow.tick, record + 4) and record[4] != 0
        if key[0] == c'S':
            if not claim(&flow.row_seen, HAS_SIDE):
                return False
            value = scan.end - scan.at > 1 and scan.at[1] == c'B'
            if value == (flow.kind == K_TRADE):  # A liquidated short, "Sell", is closed by buying.
                record[1] |= F_TAKER_BUY << 8
            return is_word(scan, b"Buy", 3) if value else is_word(scan, b"Sell", 4)
    if flow.kind == K_TRADE:
        if size == 3 and memcmp(key, b"seq", 3) == 0:
            return claim(&flow.row_seen, HAS_SEQ) and integer(scan, C_ID_MAX, record + 6)
        if size == 2 and memcmp(key, b"BT", 2) == 0:
            if not claim(&flow.row_seen, HAS_BT) or not truth(scan, &value):
                return False
            record[1] |= (F_BLOCK << 8) * value
            return True
        if size == 3 and memcmp(key, b"RPI", 3) == 0:
            if not claim(&flow.row_seen, HAS_RPI) or not truth(scan, &value):
                return False
            record[1] |= (F_RPI << 8) * value
            return True
    return skip(scan)


cdef bint flow_rows(Scan* scan, Flow* flow) noexcept nogil:
    """Read the list of trades or liquidations into records."""
    cdef int64_t* record
    if not accept(scan, c'['):
        return False
    while flow.count < ROWS_MAX:
        record = FLOW_RECORDS + flow.count * EVENT_WORDS
        memset(record, 0, EVENT_WORDS * sizeof(int64_t))
        record[1], record[3] = flow.meta | flow.kind, flow.recv_ns
        flow.row_seen = 0
        if not members(scan, flow, row_value) or flow.row_seen & ROW_NEEDED != ROW_NEEDED:
            return False
        record[2] *= NS_PER_MS
        flow.count += 1
        if not accept(scan, c','):
            return accept(scan, c']')
    return False


cdef bint ticker_value(Scan* scan, void* what, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key of a ticker."""
    cdef Flow* flow = <Flow*>what
    cdef int64_t* news = flow.ticker
    cdef int64_t value = 0
    cdef int count = 0
    if size == 6 and memcmp(key, b"symbol", 6) == 0:
        return claim(&flow.seen, T_SYMBOL) and is_word(scan, flow.symbol, flow.symbol_size)
    if size == 9 and memcmp(key, b"lastPrice", 9) == 0:
        return claim(&flow.seen, T_LAST) and steps(scan, &flow.tick, news)
    if size == 9 and memcmp(key, b"markPrice", 9) == 0:
        return claim(&flow.seen, T_MARK) and fixed_e8(scan, news + 2)
    if size == 10 and memcmp(key, b"indexPrice", 10) == 0:
        return claim(&flow.seen, T_INDEX) and fixed_e8(scan, news + 3)
    if size == 11 and memcmp(key, b"fundingRate", 11) == 0:
        return claim(&flow.seen, T_RATE) and fixed_e8(scan, news + 4)
    if size == 12 and memcmp(key, b"openInterest", 12) == 0:
        if not claim(&flow.seen, T_INTEREST) or not fixed_e8(scan, &value) or value < 0 or flow.lot_e8 < 1:
            return False
        news[1] = value // flow.lot_e8
        return True
    if size == 15 and memcmp(key, b"nextFundingTime", 15) == 0:
        if not claim(&flow.seen, T_NEXT) or not accept(scan, c'"'):
            return False
        if not accept(scan, c'"') and not (digits(scan, &value, &count) and count <= 13 and accept(scan, c'"')):
            return False
        news[5] = value
        return value < C_MS_MAX
    return skip(scan)


cdef bint flow_value(Scan* scan, void* what, Bytes key, Py_ssize_t size) noexcept nogil:
    """Read the value of one key of the frame itself."""
    cdef Flow* flow = <Flow*>what
    if size == 5 and memcmp(key, b"topic", 5) == 0:
        return claim(&flow.seen, HAS_TOPIC) and is_word(scan, flow.topic, flow.topic_size)
    if size == 4 and memcmp(key, b"data", 4) == 0:
        if not claim(&flow.seen, HAS_DATA):
            return False
        return members(scan, flow, ticker_value) if flow.kind == K_TICKER else flow_rows(scan, flow)
    if flow.kind == K_TICKER and size == 2 and memcmp(key, b"ts", 2) == 0:
        return claim(&flow.seen, HAS_TS) and integer(scan, C_MS_MAX, &flow.ts_ms)
    return skip(scan)


cdef class FlowKernel:
    """What happens to one symbol beside its book: the compiled twin of flow.py's."""

    cdef object _plain, _ring_words
    cdef bytes _trades, _liquidations, _tickers, _symbol
    cdef int64_t* _ring
    cdef Flow _flow

    def __init__(self, mirror, ring):
        self._plain = PlainFlow(mirror, ring)
        cdef int64_t[::1] ring_words = ring.words
        self._ring_words = ring_words  # Keeps the memory mapped.
        self._ring = ring_of(ring_words)
        assert self._ring[CAPACITY_AT] > ROWS_MAX
        symbol = mirror.symbol
        self._trades, self._tickers = f"publicTrade.{symbol}".encode(), f"tickers.{symbol}".encode()
        self._liquidations, self._symbol = f"allLiquidation.{symbol}".encode(), symbol.encode()
        cdef Flow* flow = &self._flow
        flow.symbol, flow.symbol_size = <Bytes>PyBytes_AS_STRING(self._symbol), len(self._symbol)
        tick, lot = mirror.scale.tick_grid, mirror.scale.lot_grid
        set_grid(&flow.tick, tick[0], tick[1])
        set_grid(&flow.lot, lot[0], lot[1])
        flow.lot_e8 = to_e8(mirror.scale.lot)
        flow.meta = layout.meta(0, 0, mirror.symbol_id, mirror.scale_id)

    def trades(self, frame not None, int64_t recv_ns):
        """Take one ``publicTrade`` frame: one TRADE record each, in order."""
        if self._scan(frame, K_TRADE, self._trades, recv_ns):
            return self._publish()
        return self._plain.trades(bytes(frame), recv_ns)

    def liquidations(self, frame not None, int64_t recv_ns):
        """Take one ``allLiquidation`` frame: one LIQUIDATION record each, in order."""
        if self._scan(frame, K_LIQUIDATION, self._liquidations, recv_ns):
            return self._publish()
        return self._plain.liquidations(bytes(frame), recv_ns)

    def ticker(self, frame not None, int64_t recv_ns):
        """Take one ``tickers`` frame; keys that are absent keep their values, only news is recorded."""
        cdef int64_t[6] before
        cdef int64_t* ticker = self._flow.ticker
        cdef int64_t ts_ns
        memcpy(before, ticker, sizeof(before))
        if self._scan(frame, K_TICKER, self._tickers, recv_ns):
            ts_ns = self._flow.ts_ms * NS_PER_MS
            if memcmp(before, ticker, 4 * sizeof(int64_t)) != 0:
                self._note(K_TICKER, ts_ns, ticker[0], ticker[1], ticker[2], ticker[3])
            if memcmp(&before[4], ticker + 4, 2 * sizeof(int64_t)) != 0:
                self._note(K_FUNDING, ts_ns, 0, 0, ticker[4], ticker[5] * NS_PER_MS)
            return self._publish()
        self._plain.known = (before[0], before[1], before[2], before[3]), (before[4], before[5] * NS_PER_MS)
        outcome = self._plain.ticker(bytes(frame), recv_ns)
        prices, (rate, next_ns) = self._plain.known
        ticker[0], ticker[1], ticker[2], ticker[3] = prices
        ticker[4], ticker[5] = rate, next_ns // NS_PER_MS
        return outcome

    cdef bint _scan(self, frame, int kind, bytes topic, int64_t recv_ns) except -1:
        """Read a whole frame; False means: ask the reference."""
        cdef Py_buffer view
        cdef Scan scan
        cdef Flow* flow = &self._flow
        cdef int needed = HAS_TOPIC | HAS_DATA
        flow.topic, flow.topic_size = <Bytes>PyBytes_AS_STRING(topic), PyBytes_GET_SIZE(topic)
        flow.kind, flow.seen, flow.count, flow.recv_ns = kind, 0, 0, recv_ns
        if kind == K_TICKER:
            needed |= HAS_TS | T_SYMBOL
        PyObject_GetBuffer(frame, &view, PyBUF_SIMPLE)
        scan.at = <Bytes>view.buf
        scan.end = scan.at + view.len
        cdef bint is_known = members(&scan, flow, flow_value) and scan.at == scan.end
        PyBuffer_Release(&view)
        return is_known and flow.seen & needed == needed

    cdef void _note(self, int kind, int64_t ts_ns, int64_t price, int64_t size, int64_t one, int64_t two) noexcept:
        cdef int64_t* record = FLOW_RECORDS + self._flow.count * EVENT_WORDS
        record[1], record[2], record[3] = self._flow.meta | kind, ts_ns, self._flow.recv_ns
        record[4], record[5], record[6], record[7] = price, size, one, two
        self._flow.count += 1

    cdef _publish(self):
        if self._flow.count:
            FLOW_RECORDS[(self._flow.count - 1) * EVENT_WORDS + 1] |= LAST_BIT
            append(self._ring, FLOW_RECORDS, self._flow.count)
        return OUTCOMES[APPLIED]
