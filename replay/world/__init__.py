"""The whole fleet in one thread on a virtual clock: real cores, a real local exchange, and a network made of delays.

    clock.py     what is due, in order
    actor.py     one core, told one message at a time as `Service` tells it
    network.py   the exchange, and the lines to it: requests and sockets, each with its delay
    feeds.py     what reads the market: ingest, scanner, signals
    executor.py  what trades: execution with its lanes, private stream and order journal
    fleet.py     all of it together

Nothing here sleeps, reads a clock or opens a socket; the same seed gives the same run.
"""
