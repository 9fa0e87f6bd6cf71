"""Fresh cores, built as the processes build them, over private memory."""

from __future__ import annotations

from services.exchange.main import make_core as exchange_core
from services.execution.main import make_core as execution_core
from services.ingest.main import make_core as ingest_core
from services.monitor.main import make_core as monitor_core
from services.scanner.main import make_core as scanner_core
from services.signals.main import make_core as signals_core
from shared import layout
from shared.config import Config, Ingest
from shared.fleet import Counters
from shared.mirror import BookTable, format_books
from shared.ring import RingWriter, format_ring


def data_memory(config: Ingest, generation: int) -> tuple[bytearray, bytearray]:
    """Return an empty book table and event ring in ordinary memory."""
    books = bytearray(layout.books_bytes(config.symbols_max, config.depth))
    events = bytearray(layout.ring_bytes(config.ring_records))
    format_books(books, symbols_max=config.symbols_max, depth=config.depth, generation=generation)
    format_ring(events, config.ring_records, generation)
    return books, events


def fresh(name: str, epoch: int, config: Config) -> object:
    """Return the core of service ``name`` as its process number ``epoch`` of a run began with it."""
    if name == "ingest":  # Each of its starts gets the next generation, counted from 1.
        books, events = data_memory(config.ingest, epoch + 1)
        return ingest_core(config.ingest, config.exchange.seed, epoch, BookTable(books), RingWriter(events), Counters())
    makers = {
        "exchange": exchange_core,
        "scanner": scanner_core,
        "signals": signals_core,
        "execution": execution_core,
        "monitor": monitor_core,
    }
    return makers[name](config)
