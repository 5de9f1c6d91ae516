"""Programs leave: written as text that runs by itself elsewhere, one file for each format.

A function that was jitted, transformed or lowered is written with its derivatives, if that is what
it computes; ``listing`` gives every format the same statements.

* ``to_c`` -- a file of C.
"""

from autodiff.export.c import to_c

__all__ = ["to_c"]
