cimport cython


cdef class _Held:
    cdef public long long asked_ns, faded_ns, since_ns, sure_ns
    cdef public int side
    cdef public str why


cdef class Holds:
    cdef public double _enter, _trail, _exit
    cdef public long long _hold_ns, _dwell_ns
    cdef public dict _held

    cpdef int side(self, str symbol)

    @cython.locals(held=_Held, confidence=double)
    cpdef str stance(self, str symbol, opinion, long long now)
