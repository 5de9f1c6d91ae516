"""A call that is interrupted at any of its lines, as Ctrl-C may interrupt it."""

import _thread
import gc
import itertools
import signal
import sys
from pathlib import Path

import autodiff

PACKAGE = str(Path(autodiff.__file__).parent)


def interrupted(call, moment, kinds=("line", "call", "return")):
    """Run a call, interrupted at the moment-th line, call or return in the package; was it?

    Python itself delivers signals where a Python function is called, a function written in C
    has returned, or a loop begins anew: of these, calls are the ones that are surely such moments.
    """
    moments = itertools.count()

    def trace(frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event in kinds and next(moments) == moment:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def struck(call, moment):
    """Run a call; a signal comes at the moment-th instruction of Python's; did it take effect?

    Unlike ``interrupted``, which raises on the spot, it is Python that delivers the signal, when
    it would; so of what is compiled, no moment is inside.  A signal that is lost is an error.
    """
    moments = itertools.count()
    due = False

    def trace(frame, event, argument):
        nonlocal due
        frame.f_trace_opcodes = True
        if event == "opcode" and next(moments) == moment:
            sys.settrace(None)
            due = True
            # No call, after which Python would deliver the signal to this very function.
            (_,) = map(_thread.interrupt_main, [signal.SIGINT])
        return trace

    before = sys.gettrace()
    gc.disable()  # what others have it call would be struck too
    sys.settrace(trace)
    try:
        call()
        sys.settrace(None)  # at the latest now a signal takes effect
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        gc.enable()
    assert not due, f"the signal at moment {moment} was lost"
    return False
