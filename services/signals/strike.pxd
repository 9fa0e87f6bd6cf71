cdef class Strike:
    cdef public long long _at_ns, _hold_ns
    cdef public double _score

    cpdef hit(self, long long at_ns, double score)
    cpdef double at(self, long long now)
