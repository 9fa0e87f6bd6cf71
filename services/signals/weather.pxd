cimport cython


cdef class Weather:
    cdef public tuple _bounds
    cdef public double _hysteresis, annualised, bps_per_root_s, trend
    cdef public long long _dwell, _least, _mark, _mid2, _sample2, _since, marks
    cdef public int _level
    cdef public object _returns
    cdef public str regime

    @cython.locals(mark="long long")
    cpdef fold(self, long long at_ns, long long mid2)
