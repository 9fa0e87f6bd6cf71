"""CPUs that stay awake: a process is woken sooner on a CPU that looks for work than on one that sleeps.

The kernel is told how long a wake-up may take (PM QoS): 0 us means that no CPU goes idle deeper than a loop. It holds
for the whole box and for as long as the device is open, so whatever ends the process that holds it ends it, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICE = Path("/dev/cpu_dma_latency")
_NO_LATENCY = struct.pack("i", 0)


@contextmanager
def awake(*, wanted: bool = True, device: Path = DEVICE) -> Iterator[str]:
    """Keep the CPUs awake while this is held; yield why that cannot be, empty when it is done or not wanted."""
    if not wanted:
        yield ""
        return
    try:
        held = device.open("r+b", buffering=0)
    except OSError as error:
        yield f"the CPUs may fall asleep: {error.strerror}: {device} (it is root's; let this user's group write to it)"
        return
    with held:
        held.write(_NO_LATENCY)
        yield ""
