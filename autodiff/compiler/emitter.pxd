# The C types of emitter.py.

cimport cython

@cython.final
cdef class Emitter:
    cdef object program
    cdef list room, bodies, spare
    cdef readonly int zero
    cdef int none, add, mul, neg, take, pick, part
    cdef Py_ssize_t inputs, n, e, c, base
    cdef unsigned short[::1] ops
    cdef int[::1] a, b, entries
    cdef const int[::1] of, t_first, t_outs, t_constants, t_arity
    cdef const unsigned short[::1] t_ops
    cdef const int[::1] t_a, t_b, t_entries, t_out
    cdef const unsigned char[::1] arity
    cdef const double[::1] constants

    @cython.locals(n=Py_ssize_t, e=Py_ssize_t, c=Py_ssize_t, slot=cython.int, first=Py_ssize_t,
                   end=Py_ssize_t)
    cpdef vmap(self, object body, object operands, object which)
    cdef int emit(self, int op, int a, int b) noexcept nogil
    cpdef int sum(self, int left, int right) noexcept nogil
    cdef int choose(self, int x, int i, int j, int y) noexcept nogil
    cdef int operand(self, Py_ssize_t k, int i) noexcept nogil
    cdef bint decides(self, int op, int i, int count) noexcept nogil
    cdef int operands(self, Py_ssize_t k) noexcept nogil
    cdef int translate(self, int ref, Py_ssize_t k) noexcept nogil
    @cython.locals(t=Py_ssize_t, j=Py_ssize_t, i=Py_ssize_t, op=cython.int, e=Py_ssize_t)
    cdef void instantiate(self, Py_ssize_t k) noexcept nogil
    cdef int times(self, int factor, int partial) noexcept nogil
    cdef int partial(self, Py_ssize_t k, int i) noexcept nogil
    @cython.locals(k=Py_ssize_t, given=cython.int, op=cython.int, count=cython.int, i=cython.int,
                   x=cython.int, c=cython.int, zero=cython.int)
    cpdef reverse(self, Py_ssize_t start, Py_ssize_t end, const unsigned char[::1] active, int[::1] adjoint)
    @cython.locals(k=Py_ssize_t, op=cython.int, count=cython.int, i=cython.int, x=cython.int,
                   c=cython.int, total=cython.int, e=Py_ssize_t, zero=cython.int, moving=bint)
    cpdef forward(self, Py_ssize_t start, Py_ssize_t end, const unsigned char[::1] active, int[::1] tangent)
