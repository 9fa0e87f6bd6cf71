# The layout again, for C; `_same_layout` refuses to load when layout.py says otherwise.
cdef enum:
    EVENT_WORDS = 8
    CAPACITY_AT = 2
    CLAIM_AT = 8
    HEAD_AT = 16
    RECORDS_AT = 32
    LAST_BIT = 1 << 8
    K_BID = 1
    K_ASK = 2
    K_TRADE = 3
    K_TICKER = 4
    K_FUNDING = 5
    K_SNAPSHOT = 6
    K_GAP = 7
    K_LIQUIDATION = 8
    F_TAKER_BUY = 2
    F_BLOCK = 4
    F_RPI = 8

cdef enum:
    VERSION = 0
    CHECKSUM = 1
    GENERATION = 2
    SYMBOL_ID = 3
    SCALE_ID = 4
    RING_SEQ = 5
    U = 6
    SEQ = 7
    CTS_NS = 8
    TS_NS = 9
    RECV_NS = 10
    WRITE_NS = 11
    N_BIDS = 12
    N_ASKS = 13
    FLAGS = 14
    UPDATES = 15
    ROW_HEAD = 16
    VALID = 1
    REASON_SHIFT = 8

# Outcome and Reason, by number.
cdef enum:
    APPLIED = 0
    SNAPSHOT = 1
    DUPLICATE = 2
    IGNORED = 3
    GAP = 4
    CROSSED = 5
    EMPTY = 6
    OFF_GRID = 7
    MALFORMED = 8
    WHY_SEQUENCE = 1
    WHY_CROSSED = 2
    WHY_EMPTY = 3
    WHY_OFF_GRID = 4

cdef tuple OUTCOMES = tuple(Outcome(_code) for _code in range(len(Outcome)))


def _same_layout():
    """Refuse to load against another layout.py or outcome.py."""
    ring = (EVENT_WORDS, CAPACITY_AT, CLAIM_AT, HEAD_AT, RECORDS_AT, LAST_BIT, F_TAKER_BUY, F_BLOCK, F_RPI)
    kinds = (K_BID, K_ASK, K_TRADE, K_TICKER, K_FUNDING, K_SNAPSHOT, K_GAP, K_LIQUIDATION)
    row = (ROW_HEAD, VALID, REASON_SHIFT)
    words = (
        VERSION, CHECKSUM, GENERATION, SYMBOL_ID, SCALE_ID, RING_SEQ, U, SEQ, CTS_NS, TS_NS, RECV_NS, WRITE_NS,
        N_BIDS, N_ASKS, FLAGS, UPDATES,
    )
    outcomes = (APPLIED, SNAPSHOT, DUPLICATE, IGNORED, GAP, CROSSED, EMPTY, OFF_GRID, MALFORMED)
    reasons = (WHY_SEQUENCE, WHY_CROSSED, WHY_EMPTY, WHY_OFF_GRID)
    theirs = (
        (layout.EVENT_WORDS, layout.RING_CAPACITY_AT, layout.CLAIM_AT, layout.HEAD_AT, layout.RECORDS_AT,
         layout.LAST << 8, layout.TAKER_BUY, layout.BLOCK, layout.RPI),
        tuple(int(kind) for kind in layout.Kind),
        (layout.ROW_HEAD, layout.VALID, layout.REASON_SHIFT),
        tuple(int(word) for word in layout.Row),
        tuple(int(outcome) for outcome in Outcome)[: len(outcomes)],
        tuple(int(reason) for reason in layout.Reason)[1 : 1 + len(reasons)],
    )
    if (ring, kinds, row, words, outcomes, reasons) != theirs or layout.LAYOUT != 1:
        raise ImportError("the compiled kernel was built for another memory layout: run make setup")


_same_layout()
