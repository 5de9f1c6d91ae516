"""A call that is interrupted at any of its lines, as Ctrl-C may interrupt it."""

import itertools
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
