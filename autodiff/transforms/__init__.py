"""Transforms: from a function of numbers to its derivatives, or to a program.

* ``api`` -- ``grad``, ``jacobian``, ``vjp`` ...: each runs its function at every call;
* ``vmap`` -- a function of one example, run for many at once;
* ``scan`` -- a function run step after step, ``scan`` and ``loop``;
* ``cache`` -- ``jit``: a function that keeps its programs, and what guards them;
* ``calls`` -- a call of a program, recorded as nodes, where Values come in;
* ``transform`` -- what all of them share; ``results``, from what was computed to what is returned;
* ``guards`` -- what a function reads besides its arguments;
* ``pytrees`` -- arguments and results as nested structures.
"""

from autodiff.transforms.api import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from autodiff.transforms.cache import jit
from autodiff.transforms.scan import loop, scan
from autodiff.transforms.vmap import vmap

__all__ = [
    "derivative",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "loop",
    "scan",
    "value_and_grad",
    "vjp",
    "vmap",
]
