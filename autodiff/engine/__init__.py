"""What ``Value`` stands on, and knows nothing of: from numbers and rows of the table up.

* ``choice`` -- which engine runs, the compiled or the interpreted one;
* ``expressions`` -- a row's expressions as Python for floats and for arrays, and as C;
* ``special`` -- functions that C's library lacks; ``translation`` -- the same in other languages;
* ``ieee``, ``kernels`` -- rows as Python functions; ``ckernels`` -- the same rows in C;
* ``reals`` -- numbers that come in, and the words for what is refused;
* ``modes``, ``traces``, ``anomalies`` -- how operations are recorded, for which transform, and what
  is said of the first nan;
* ``instructions`` -- beside the table's rows, what only traces and programs contain;
* ``pickling`` -- by what name a function is pickled;
* ``lock`` -- one traversal of a graph at a time;
* ``interpreted`` -- what ``memory.h`` and the ``.pxd`` files do in C, in Python.
"""

from autodiff.engine import instructions as instructions  # it gives them their numbers
