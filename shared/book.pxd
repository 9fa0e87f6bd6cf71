cimport cython

from shared.layout cimport meta_flags, meta_kind, meta_scale
from shared.side cimport Side

cdef long long LAST, _BID, _ASK, _SNAPSHOT, _GAP


cdef class Book:
    cdef public Side bids, asks
    cdef public bint valid, _filling
    cdef public long long ring_seq, scale_id, recv_ns, updates

    @cython.locals(seq="long long", word="long long", recv_ns="long long", ticks="long long", lots="long long", kind="long long")
    cpdef bint on_record(self, tuple record)

    cpdef clear(self)

    cpdef double imbalance(self, Py_ssize_t levels)
