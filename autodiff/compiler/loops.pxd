# The C types of loops.py, and what runs programs from _run.h.

cimport cython
from autodiff.value cimport Value, trace_of

cdef extern from "_kernels.h":
    pass

cdef extern from "compiler/_run.h":
    Py_ssize_t ad_run(Py_ssize_t, Py_ssize_t, const unsigned short *, const int *, const int *,
                      const int *, const double *, double *, double *) nogil

cdef enum:
    NONE = -2147483647

cdef inline Py_ssize_t run_span(
    Py_ssize_t start, Py_ssize_t constants, Py_ssize_t out, const unsigned short[::1] ops,
    const int[::1] a, const int[::1] b, const int[::1] entries, double[::1] w, double[::1] s,
) noexcept:
    cdef Py_ssize_t end
    cdef double *slots
    with cython.boundscheck(False), nogil:  # of an empty array the address is only taken
        slots = &w[constants]
        end = ad_run(start, ops.shape[0], &ops[0], &a[0], &b[0], &entries[0], slots, slots + out, &s[0])
    return end

@cython.locals(v=Value, leaves=list)
cpdef list inputs_of(object note, object numbers)

cdef bint belongs(Value v, object trace, object note) except -1

@cython.locals(v=Value, slot=Py_ssize_t, n=Py_ssize_t, entries=Py_ssize_t, constants=Py_ssize_t, i=Py_ssize_t)
cpdef tuple lay_out(list order, object trace, list inputs)

@cython.locals(v=Value)
cpdef int slot_of(object x, object trace, dict frozen) except -1

@cython.locals(v=Value, k=Py_ssize_t, e=Py_ssize_t, c=Py_ssize_t)
cpdef fill(list order, object trace, dict frozen, unsigned short[::1] ops, int[::1] a, int[::1] b,
           int[::1] entries, double[::1] constants)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t)
cpdef rename(const unsigned short[::1] ops, int[::1] a, int[::1] b, int[::1] entries,
             const unsigned char[::1] arity, const int[::1] to)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t)
cpdef mark_live(Py_ssize_t inputs, const unsigned short[::1] ops, const int[::1] a,
                const int[::1] b, const int[::1] entries, const unsigned char[::1] arity,
                unsigned char[::1] live, unsigned char[::1] read)

@cython.locals(last=Py_ssize_t, n=Py_ssize_t, c=Py_ssize_t, at=Py_ssize_t, x=cython.longlong,
               h=cython.ulonglong)
cpdef Py_ssize_t number_constants(long long[::1] bits, const unsigned char[::1] read,
                                  int[::1] table, int[::1] to) except -1

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, n=Py_ssize_t, e=Py_ssize_t, first=Py_ssize_t,
               ref=cython.int)
cpdef tuple compact(Py_ssize_t inputs, unsigned short[::1] ops, int[::1] a, int[::1] b,
                    int[::1] entries, const unsigned char[::1] arity,
                    const unsigned char[::1] live, int[::1] slots, const int[::1] constants)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t)
cpdef mark_dependent(Py_ssize_t inputs, const unsigned short[::1] ops, const int[::1] a,
                     const int[::1] b, const int[::1] entries, const unsigned char[::1] arity,
                     const unsigned char[::1] held, unsigned char[::1] active)

@cython.locals(top=Py_ssize_t, found=Py_ssize_t, s=Py_ssize_t, k=Py_ssize_t, i=Py_ssize_t,
               count=Py_ssize_t)
cpdef Py_ssize_t reach(Py_ssize_t inputs, int stamp, Py_ssize_t root,
                       const unsigned short[::1] ops, const int[::1] a, const int[::1] b,
                       const int[::1] entries, const unsigned char[::1] arity,
                       const unsigned char[::1] held, int[::1] seen, int[::1] stack,
                       int[::1] met) except -1

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t, at=Py_ssize_t, last=Py_ssize_t,
               op=cython.int, h=cython.ulonglong)
cpdef find_equal(Py_ssize_t inputs, const unsigned short[::1] ops, int[::1] a, int[::1] b,
                 int[::1] entries, const unsigned char[::1] arity,
                 const unsigned char[::1] commutes, int[::1] table, int[::1] same)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t, e=Py_ssize_t, ref=cython.int)
cpdef Py_ssize_t find_chains(Py_ssize_t inputs, int add, const unsigned short[::1] ops,
                             const int[::1] a, const int[::1] b, const unsigned char[::1] inner,
                             int[::1] chain, int[::1] starts) except -1

@cython.locals(i=Py_ssize_t)
cpdef resolve(int[::1] to)

@cython.final
cdef class Emitter:
    cdef Py_ssize_t inputs, n, e, base
    cdef unsigned short[::1] ops
    cdef int[::1] a, b, entries
    cdef const int[::1] of, t_first, t_outs, t_constants, t_arity
    cdef const unsigned short[::1] t_ops
    cdef const int[::1] t_a, t_b, t_entries, t_out
    cdef const unsigned char[::1] arity
    cdef const double[::1] constants

    cdef int emit(self, int op, int a, int b) noexcept
    cdef int emit3(self, int op, int x, int y, int z) noexcept
    cdef int operand(self, Py_ssize_t k, int i) noexcept
    cdef int operands(self, Py_ssize_t k) noexcept
    cdef int translate(self, int ref, Py_ssize_t k) noexcept
    @cython.locals(t=Py_ssize_t, j=Py_ssize_t, i=Py_ssize_t, op=cython.int)
    cdef void instantiate(self, Py_ssize_t k) noexcept
    cdef int times(self, int factor, int partial, tuple codes) except -2147483648
    cdef int partial(self, Py_ssize_t k, int i) noexcept
    @cython.locals(add=cython.int, take=cython.int, pick=cython.int,
                   k=Py_ssize_t, given=cython.int, op=cython.int, count=cython.int, i=cython.int,
                   x=cython.int, c=cython.int)
    cpdef reverse(self, Py_ssize_t n, tuple codes, int numbers, const unsigned char[::1] active,
                  int[::1] adjoint)
    @cython.locals(add=cython.int, take=cython.int, pick=cython.int,
                   k=Py_ssize_t, op=cython.int, count=cython.int, i=cython.int, x=cython.int,
                   c=cython.int, total=cython.int, e=Py_ssize_t)
    cpdef forward(self, Py_ssize_t n, tuple codes, int zero, const unsigned char[::1] active,
                  int[::1] tangent)
    cpdef tuple filled(self)
    cpdef int append(self, int op, int a, int b)

@cython.final
cdef class Runner:
    cdef Py_ssize_t constants, inputs
    cdef const unsigned short[::1] ops
    cdef const int[::1] a, b, entries, outputs

    @cython.locals(i=Py_ssize_t)
    cpdef Py_ssize_t begin(self, const double[::1] given, double[::1] w, double[::1] s) except? -1
    cpdef Py_ssize_t go_on(self, Py_ssize_t start, double[::1] w, double[::1] s) except? -1
    @cython.locals(i=Py_ssize_t)
    cpdef read(self, const double[::1] w, double[::1] found)
