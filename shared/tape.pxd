cimport cython

from shared.book cimport Book
from shared.layout cimport meta_flags, meta_kind
from shared.side cimport Side
from shared.takers cimport Order, Takers

cdef Py_ssize_t AUX1, AUX2, META, PRICE_TICKS, RECV_NS, SIZE_LOTS, VENUE_NS
cdef long long BLOCK, LAST, RPI, TAKER_BUY, _BID, _ASK, _TRADE, _SNAPSHOT, _GAP, _LIQUIDATION


cdef class Split:
    cdef public int side
    cdef public long long ticks, before, after, recv_ns
    cdef public long long traded, told


cdef class News:
    cdef public bint stirred
    cdef public object traded, cancelled, added, behind

    cpdef clear(self)


cdef class _Trade:
    cdef public int side
    cdef public long long ticks, lots, seq, at_ns


cdef class _Frame:
    cdef public long long seq, cts_ns, recv_ns, bid_near, ask_near
    cdef public list bids, asks
    cdef public dict splits

    cpdef bint covers(self, _Trade trade)
    cpdef bint is_near(self, int side, long long ticks)

    @cython.locals(record=tuple)
    cpdef tuple change(self, int side, long long ticks)


cdef class Tape:
    cdef public Book _book
    cdef public Py_ssize_t _levels
    cdef public long long _late_ns
    cdef public Takers takers
    cdef public object forced, _frames, _waiting
    cdef public list fresh_orders, fresh_splits, _new_bids, _new_asks
    cdef public News bids, asks
    cdef public long long joins
    cdef public _Frame _base
    cdef public bint _is_snapshot, _is_over
    cdef public long long _bid_near, _ask_near, _bid_end, _ask_end

    @cython.locals(word="long long", kind="long long", flags="long long")
    cpdef hear(self, tuple record)

    @cython.locals(split=Split)
    cpdef _begin_frame(self)

    @cython.locals(side=Side, frame=_Frame, oldest=_Frame, now="long long", near="long long", end="long long", bids=list, asks=list)
    cpdef _end_frame(self, tuple last)

    @cython.locals(record=tuple, lots="long long", key="long long")
    cpdef _read(self, list changes, int sign, long long near, long long end, News news)

    @cython.locals(frame=_Frame, trade=_Trade)
    cpdef _settle(self)

    @cython.locals(order=Order, trade=_Trade, frame=_Frame, taker=int, ticks="long long", seq="long long", at_ns="long long", owner=Py_ssize_t)
    cpdef _trade(self, tuple record, long long flags)

    @cython.locals(frame=_Frame, split=Split, news=News, side=int, ticks="long long", lots="long long")
    cpdef _assign(self, _Trade trade, Py_ssize_t owner)

    @cython.locals(frame=_Frame, later=_Frame, record=tuple, side_=Side)
    cpdef Split _split(self, int side, long long ticks, Py_ssize_t owner)

    @cython.locals(oldest=_Frame)
    cpdef _forget_frames(self, long long now)
    cpdef _look(self)
