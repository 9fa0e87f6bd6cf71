# The book kernel itself. See plain.py, which says the same in few words.


cdef enum:
    USUAL_RECORDS = 16  # Changes of a frame, most often fewer.


cdef class Meant:
    """Which frames are meant, for C: keeps the texts that its spec points to."""

    cdef Spec spec
    cdef readonly object plain  # The same for the reference.
    cdef bytes _topic, _symbol, _head, _middle

    def __init__(self, symbol, Py_ssize_t depth, scale):
        plain = self.plain = BookSpec.of(symbol, depth, scale)
        assert symbol.isascii() and symbol.isprintable() and not set('"\\') & set(symbol)
        self._topic, self._symbol = plain.topic.encode(), symbol.encode()
        self._head = b'{"topic":"' + self._topic + b'","type":"'
        self._middle = b',"data":{"s":"' + self._symbol + b'","b":'
        cdef Spec* ours = &self.spec
        ours.topic, ours.topic_size = <Bytes>PyBytes_AS_STRING(self._topic), len(self._topic)
        ours.symbol, ours.symbol_size = <Bytes>PyBytes_AS_STRING(self._symbol), len(self._symbol)
        ours.head, ours.head_size = <Bytes>PyBytes_AS_STRING(self._head), len(self._head)
        ours.middle, ours.middle_size = <Bytes>PyBytes_AS_STRING(self._middle), len(self._middle)
        ours.levels_max = 2 * depth
        set_grid(&ours.tick, plain.tick.decimals, plain.tick.step)
        set_grid(&ours.lot, plain.lot.decimals, plain.lot.step)
        ours.is_fast = max(ours.tick.decimals, ours.lot.decimals) <= FAST_DECIMALS_MAX

    cdef bint scan(self, frame, Frame* found) except -1:
        """Read a whole frame; False means: ask the reference."""
        cdef Py_buffer view
        cdef bint is_known
        if PyBytes_CheckExact(frame):
            return scan_frame(<Bytes>PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), &self.spec, found)
        PyObject_GetBuffer(frame, &view, PyBUF_SIMPLE)
        is_known = scan_frame(<Bytes>view.buf, view.len, &self.spec, found)
        PyBuffer_Release(&view)
        return is_known


cdef levels_of(Side* side):
    """Return the best level as the reference does."""
    return [(side.ticks[0], side.lots[0])] if side.count else []


cdef class BookKernel:
    """One symbol's book: frames in, mirror and ring out."""

    cdef object _table, _ring_words
    cdef Meant _meant
    cdef int64_t* _slots
    cdef int64_t* _ring
    cdef int64_t* _memory
    cdef int64_t* _records
    cdef Py_ssize_t _row_words, _side_words, _depth, _count
    cdef Frame _frame
    cdef Side _bids, _asks
    cdef Stamp _stamp
    cdef int64_t _generation, _symbol_id, _scale_id, _u, _seq
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
        self._stamp.meta = layout.meta(0, 0, mirror.symbol_id, mirror.scale_id)
        self._meant = Meant(mirror.symbol, depth, mirror.scale)
        self._allocate()

    cdef _allocate(self):
        """One block: four scratch arrays, four book arrays with room for a frame more, and the frame's records."""
        cdef Py_ssize_t scratch = 2 * self._depth, book = self._depth + scratch
        cdef Py_ssize_t records = 2 + 2 * scratch + 2 * scratch
        self._memory = <int64_t*>calloc(4 * scratch + 4 * book + records * EVENT_WORDS, sizeof(int64_t))
        if self._memory == NULL:
            raise MemoryError
        cdef int64_t* at = self._memory
        self._frame.bid_ticks, self._frame.bid_lots = at, at + scratch
        self._frame.ask_ticks, self._frame.ask_lots = at + 2 * scratch, at + 3 * scratch
        at += 4 * scratch
        self._bids.ticks, self._bids.lots = at, at + book
        self._asks.ticks, self._asks.lots = at + 2 * book, at + 3 * book
        self._records = at + 4 * book

    def __dealloc__(self):
        free(self._memory)

    def apply(self, frame not None, int64_t recv_ns, int64_t write_ns):
        """Take one ``orderbook`` frame (any bytes), received at ``recv_ns``; ``write_ns`` is now."""
        expect_records(self._ring, USUAL_RECORDS)
        if not self._meant.scan(frame, &self._frame):
            parsed = parse_book(bytes(frame), self._meant.plain)
            if isinstance(parsed, Outcome):
                if parsed == Outcome.OFF_GRID:
                    self._void(WHY_OFF_GRID, recv_ns, write_ns)
                return parsed
            self._take(parsed)
        return OUTCOMES[self._apply(recv_ns, write_ns)]

    @property
    def touch(self):
        """The best levels, as of the newest frame in the book."""
        return Touch(self._seq, levels_of(&self._bids), levels_of(&self._asks))

    cdef _take(self, parsed):
        """Put what the reference parser read into scratch."""
        self._frame.is_snapshot, self._frame.u, self._frame.seq = parsed.is_snapshot, parsed.u, parsed.seq
        self._frame.ts_ms, self._frame.cts_ms = parsed.ts_ms, parsed.cts_ms
        cdef Py_ssize_t index
        assert len(parsed.bids) <= self._meant.spec.levels_max and len(parsed.asks) <= self._meant.spec.levels_max
        self._frame.n_bids, self._frame.n_asks = len(parsed.bids), len(parsed.asks)
        for index, (ticks, lots) in enumerate(parsed.bids):
            self._frame.bid_ticks[index], self._frame.bid_lots[index] = ticks, lots
        for index, (ticks, lots) in enumerate(parsed.asks):
            self._frame.ask_ticks[index], self._frame.ask_lots[index] = ticks, lots

    cdef int _apply(self, int64_t recv_ns, int64_t write_ns) noexcept:
        cdef Frame* frame = &self._frame
        cdef Stamp* stamp = &self._stamp
        cdef int64_t* records = self._records
        cdef Py_ssize_t count
        stamp.cts_ns, stamp.recv_ns, stamp.seq = frame.cts_ms * NS_PER_MS, recv_ns, frame.seq
        if frame.is_snapshot:
            write_change(records, stamp, K_SNAPSHOT, 0, 0, frame.u)
            count = 1
            count += replace(
                &self._bids, K_BID, frame.bid_ticks, frame.bid_lots, frame.n_bids, stamp, records + count * EVENT_WORDS
            )
            count += replace(
                &self._asks, K_ASK, frame.ask_ticks, frame.ask_lots, frame.n_asks, stamp, records + count * EVENT_WORDS
            )
            return self._finish(SNAPSHOT, count, write_ns)
        if not self.valid:
            return IGNORED
        if frame.u == self._u:
            return DUPLICATE
        if frame.u != self._u + 1:
            self._void(WHY_SEQUENCE, recv_ns, write_ns)
            return GAP
        count = put_all(&self._bids, K_BID, frame.bid_ticks, frame.bid_lots, frame.n_bids, stamp, records)
        count += put_all(
            &self._asks, K_ASK, frame.ask_ticks, frame.ask_lots, frame.n_asks, stamp, records + count * EVENT_WORDS
        )
        count += trim(&self._bids, K_BID, self._depth, stamp, records + count * EVENT_WORDS)
        count += trim(&self._asks, K_ASK, self._depth, stamp, records + count * EVENT_WORDS)
        return self._finish(APPLIED, count, write_ns)

    cdef inline int _finish(self, int outcome, Py_ssize_t count, int64_t write_ns) noexcept:
        """Publish the changed book if it is sound: mirror first, then the ring, so that whoever hears finds it."""
        if self._bids.count == 0 or self._asks.count == 0:
            self._void(WHY_EMPTY, self._stamp.recv_ns, write_ns)
            return EMPTY
        if self._bids.ticks[0] >= self._asks.ticks[0]:
            self._void(WHY_CROSSED, self._stamp.recv_ns, write_ns)
            return CROSSED
        self._u, self._seq, self.valid = self._frame.u, self._frame.seq, True
        self._publish(self._ring[HEAD_AT] + count, write_ns)
        if count:
            self._records[(count - 1) * EVENT_WORDS + 1] |= LAST_BIT
            append(self._ring, self._records, count)
        return outcome

    cdef inline void _publish(self, int64_t ring_seq, int64_t write_ns) noexcept:
        """Bring the older slot up to date."""
        cdef Frame* frame = &self._frame
        cdef int64_t* latest = newest(self._slots, self._row_words)
        cdef int64_t* target = older(self._slots, self._row_words, latest)
        cdef int64_t version = latest[VERSION] + 2, updates = latest[UPDATES] + 1, ts_ns = frame.ts_ms * NS_PER_MS
        cdef int64_t* side = target + ROW_HEAD
        cdef Py_ssize_t old_bids = max(0, min(target[N_BIDS], self._side_words))
        cdef Py_ssize_t old_asks = max(0, min(target[N_ASKS], self._side_words))
        cdef int64_t folded = version ^ self._generation ^ self._symbol_id ^ self._scale_id ^ ring_seq
        folded ^= frame.u ^ frame.seq ^ self._stamp.cts_ns ^ ts_ns ^ self._stamp.recv_ns ^ write_ns
        folded ^= self._bids.count ^ self._asks.count ^ VALID ^ updates ^ self._bids.folded ^ self._asks.folded
        pg_announce(target, version - 1)
        target[CHECKSUM], target[GENERATION], target[SYMBOL_ID] = folded, self._generation, self._symbol_id
        target[SCALE_ID], target[RING_SEQ], target[U], target[SEQ] = self._scale_id, ring_seq, frame.u, frame.seq
        target[CTS_NS], target[TS_NS] = self._stamp.cts_ns, ts_ns
        target[RECV_NS], target[WRITE_NS] = self._stamp.recv_ns, write_ns
        target[N_BIDS], target[N_ASKS] = self._bids.count, self._asks.count
        target[FLAGS], target[UPDATES] = VALID, updates
        fill(side, &self._bids, old_bids, self._side_words)
        fill(side + 2 * self._side_words, &self._asks, old_asks, self._side_words)
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
        cdef int64_t* target = older(self._slots, self._row_words, latest)
        cdef int64_t version = latest[VERSION] + 2
        pg_announce(target, version - 1)
        memcpy(target + 1, latest + 1, (self._row_words - 1) * sizeof(int64_t))
        target[RING_SEQ] = self._ring[HEAD_AT] + 1
        target[RECV_NS], target[WRITE_NS] = recv_ns, write_ns
        target[FLAGS], target[CHECKSUM] = reason << REASON_SHIFT, 0
        target[CHECKSUM] = version ^ xor_words(target + 1, self._row_words - 1)
        pg_store(target, version)
        self._stamp.cts_ns, self._stamp.recv_ns, self._stamp.seq = 0, recv_ns, self._u
        write_change(self._records, &self._stamp, K_GAP | LAST_BIT, 0, 0, reason)
        append(self._ring, self._records, 1)
        return True
