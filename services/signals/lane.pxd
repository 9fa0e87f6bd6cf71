cimport cython

from services.signals.markouts cimport Course
from services.signals.market cimport Market
from shared.book cimport Book
from shared.layout cimport meta_flags, meta_kind

cdef Py_ssize_t META, PRICE_TICKS, RECV_NS, SEQ, SIZE_LOTS, VENUE_NS
cdef long long BLOCK, LAST, TAKER_BUY, _TRADE, _SNAPSHOT, _GAP


cdef class Lane:
    cdef public long long _joined_ms, _scale_id, said_ns
    cdef public object _make_strategy, reach, scale, strategy
    cdef public Course course
    cdef public Book book
    cdef public Market market
    cdef public tuple said
    cdef public str symbol
    cdef public bint tradable

    @cython.locals(word="long long", kind="long long", flags="long long", market=Market, changed=bint)
    cpdef bint hear(self, tuple record)

    @cython.locals(market=Market, ready=bint)
    cpdef bint _complete(self, long long at_ns, bint changed)
