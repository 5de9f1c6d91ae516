# contexts.py is compiled for its own sake: no signal's handler runs in the middle of __enter__.

from cpython.exc cimport PyErr_CheckSignals as take_signals
