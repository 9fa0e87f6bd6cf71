cimport cython

from services.signals.maths cimport clamp
from services.signals.market cimport Market
from shared.book cimport Book


cdef class Obi:
    cdef public Py_ssize_t _levels
    cdef public double _gain, _tick_penalty, _flow_share, _pressure_share, _tau_ns, _net, _gross, _pressure, _penalty
    cdef public long long _bid_ticks, _bid_lots, _ask_ticks, _ask_lots, _at_ns, _standing, _seen
    cdef public double score
    cdef public long long fresh_until_ns

    @cython.locals(book=Book, elapsed_ns="long long", fading=double, standing=double, rate=double, leaning=double, penalty=double)
    cpdef update(self, Market market)

    @cython.locals(bid="long long", bid_lots="long long", ask="long long", ask_lots="long long", old_bid="long long", old_ask="long long", flow="long long", standing="long long", spread="long long")
    cpdef _look(self, Market market)
