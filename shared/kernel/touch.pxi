# The venue's own best levels beside the deeper book. See touch.py, which says the same.


cdef class TouchKernel:
    """Holds the newest orderbook.1 frame until the book has come as far."""

    cdef Meant _meant
    cdef Frame _frame
    cdef int64_t[8] _scratch
    cdef int64_t _seq
    cdef int64_t[4] _best  # Ticks and lots of bid and ask, zeros where the side is empty.
    cdef public bint is_waiting

    def __init__(self, symbol, scale):
        self._meant = Meant(symbol, 1, scale)
        self._seq = -1
        cdef Frame* frame = &self._frame
        frame.bid_ticks, frame.bid_lots = self._scratch, self._scratch + 2
        frame.ask_ticks, frame.ask_lots = self._scratch + 4, self._scratch + 6

    @property
    def touch(self):
        """The newest frame."""
        cdef int64_t* best = self._best
        return Touch(self._seq, [(best[0], best[1])] if best[0] else [], [(best[2], best[3])] if best[2] else [])

    def hear(self, frame not None):
        """Take one ``orderbook.1`` frame (any bytes); SNAPSHOT when it is a good one."""
        cdef Frame* found = &self._frame
        if not self._meant.scan(frame, found):
            parsed = parse_book(bytes(frame), self._meant.plain)
            if isinstance(parsed, Outcome):
                return parsed
            found.is_snapshot, found.seq = parsed.is_snapshot, parsed.seq
            found.n_bids, found.n_asks = len(parsed.bids), len(parsed.asks)
            if parsed.is_snapshot and parsed.bids:
                found.bid_ticks[0], found.bid_lots[0] = parsed.bids[0]
            if parsed.is_snapshot and parsed.asks:
                found.ask_ticks[0], found.ask_lots[0] = parsed.asks[0]
        if not found.is_snapshot:
            return OUTCOMES[MALFORMED]  # A delta of one level is no touch.
        self._seq, self.is_waiting = found.seq, True
        memset(self._best, 0, sizeof(self._best))
        if found.n_bids:
            self._best[0], self._best[1] = found.bid_ticks[0], found.bid_lots[0]
        if found.n_asks:
            self._best[2], self._best[3] = found.ask_ticks[0], found.ask_lots[0]
        return OUTCOMES[SNAPSHOT]

    def agrees(self, BookKernel book not None):
        """Whether nothing speaks against the book. Sequences that differ say nothing."""
        if not book.valid:
            return True
        self.is_waiting = book._seq < self._seq
        return book._seq != self._seq or (
            is_best(&book._bids, self._best) and is_best(&book._asks, self._best + 2)
        )


cdef inline bint is_best(const Side* side, const int64_t* best) noexcept nogil:
    """Whether a side begins with this level; a valid book has one."""
    return side.ticks[0] == best[0] and side.lots[0] == best[1]
