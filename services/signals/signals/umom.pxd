cimport cython

from services.signals.maths cimport clamp
from services.signals.market cimport Market
from services.signals.weather cimport Weather


cdef class TakerFlow:
    cdef public long long _window_ns
    cdef public double _agree, _agreed, _disagree, _disagreed
    cdef public object _frames, _bought, _sold

    cpdef fold(self, long long at_ns, object bought_lots, object sold_lots)
    cpdef double factor(self, double direction)


cdef class Umom:
    cdef public double _fast_ns, _slow_ns, _deviations, _calmest, _wildest, _wide, _fast, _slow, _per_bps
    cdef public TakerFlow _flow
    cdef public long long _now_ns, _at_ns, _marks
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(at_ns="long long", mid2="long long", elapsed_ns="long long", weather=Weather, momentum_bps=double)
    cpdef update(self, Market market)
    cpdef _look(self, Weather weather)
