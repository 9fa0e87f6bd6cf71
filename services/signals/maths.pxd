cpdef double clamp(double value)
cpdef double sigmoid(double value)


cdef class RollingVwap:
    cdef public Py_ssize_t _size, _next
    cdef public list _ticks, _lots
    cdef public object _value, _square, lots
    cdef public long long trades

    cpdef add(self, object ticks, object lots)
    cpdef double z(self, double price)
