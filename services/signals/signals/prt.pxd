cimport cython

from services.signals.maths cimport clamp
from services.signals.market cimport Market
from services.signals.strike cimport Strike
from shared.side cimport Side
from shared.tape cimport News, Tape

cdef Py_ssize_t _AT, _SHOWN, _MID2, _PULLED, _TRADED, _BEHIND


cdef class Wall:
    cdef public long long _window_ns, _mid2
    cdef public double _most2, _pulled_share, _traded_share, _replaced_share
    cdef public object _frames, _shown, _pulled, _traded, _behind

    @cython.locals(gone=tuple)
    cpdef double look(self, long long at_ns, News news, Side side, long long mid2)


cdef class Prt:
    cdef public Wall _bids, _asks
    cdef public Strike _long, _short
    cdef public long long _joins
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(tape=Tape, at_ns="long long")
    cpdef update(self, Market market)
    cpdef _hit(self, Strike strike, long long at_ns, double strength)
