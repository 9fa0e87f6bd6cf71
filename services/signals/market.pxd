cimport cython

from services.signals.weather cimport Weather
from shared.book cimport Book
from shared.side cimport Side
from shared.tape cimport Tape


cdef class Market:
    cdef public Book book
    cdef public Tape tape
    cdef public Weather weather
    cdef public object scale, candles, bought_lots, sold_lots
    cdef public double unit_usdt
    cdef public long long at_ns, book_ns, bid_ticks, bid_lots, ask_ticks, ask_lots, mid2
    cdef public list trades

    @cython.locals(bids=Side, asks=Side)
    cpdef complete(self, long long at_ns)
