cimport cython

from services.signals.market cimport Market
from shared.tape cimport Split, Tape

cdef Py_ssize_t _AT, _TICKS, _MID2, _TRADED, _REFILLED


cdef class _Eaten:
    cdef public long long at_ns, before, ticks
    cdef public object traded
    cdef public Split split


cdef class Level:
    cdef public long long _best, _lots, _mid2, _needed, _refill_ns, _ticks, _window_ns, ends_ns
    cdef public double _most2, _refill_share, strength
    cdef public list _eaten
    cdef public object _refills
    cdef public bint _is_fresh, busy

    @cython.locals(eaten=_Eaten, is_new=bint)
    cpdef trade(self, long long at_ns, Split split, long long best)

    cpdef look(self, long long at_ns, long long best, long long best_lots, long long mid2)

    @cython.locals(eaten=_Eaten, left=list)
    cpdef _fill(self, long long at_ns, long long mid2)


cdef class Ice:
    cdef public Level _bids, _asks
    cdef public long long _joins
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(tape=Tape, bids=Level, asks=Level, split=Split)
    cpdef update(self, Market market)
    cpdef _sum_up(self)
