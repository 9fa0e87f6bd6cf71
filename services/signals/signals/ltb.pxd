cimport cython

from services.signals.market cimport Market
from services.signals.maths cimport clamp, sigmoid

cdef Py_ssize_t _AT, _NUMBER, _SIDE, _USDT


cdef class Ltb:
    cdef public double _bought_usdt, _sold_usdt, _floor_usdt, _medians, _min_usdt, _share, _turnover_share
    cdef public long long _buys, _orders, _window_ns
    cdef public object _large
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(orders=list, at_ns="long long")
    cpdef update(self, Market market)
