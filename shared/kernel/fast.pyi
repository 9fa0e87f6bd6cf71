"""What the compiled kernel offers: the same as plain.py, touch.py, flow.py and words.py."""

from shared.kernel.flow import FlowKernel as FlowKernel
from shared.kernel.plain import BookKernel as BookKernel
from shared.kernel.touch import TouchKernel as TouchKernel
from shared.kernel.words import RowReader as RowReader
from shared.kernel.words import append_records as append_records
from shared.kernel.words import copy_newest as copy_newest
from shared.kernel.words import publish_row as publish_row
from shared.kernel.words import take_records as take_records
