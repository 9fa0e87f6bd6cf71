cimport cython


cdef class Order:
    cdef public int side
    cdef public long long key, number, at_ns, recv_ns, prints
    cdef public double usual_lots
    cdef public object lots, value, counted
    cdef public set prices

    cpdef add(self, long long ticks, object lots)


cdef class Takers:
    cdef public long long _window_ns, since_ns, _number
    cdef public object orders, turnover
    cdef public list _sizes

    @cython.locals(order=Order)
    cpdef Order fold(self, int side, long long key, long long at_ns, long long recv_ns, long long ticks, object lots)

    cpdef double _usual_lots(self)

    @cython.locals(order=Order)
    cpdef _forget(self, long long now)
