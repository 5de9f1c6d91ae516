# The C types of machine.py, and what runs programs from run.h.

cimport cython

cdef extern from "engine/kernels.h":
    pass

cdef extern from "compiler/run.h":
    pass

cdef extern from "compiler/vectors.h":
    Py_ssize_t ad_run_steps(Py_ssize_t, Py_ssize_t, const int *, const int *,
                            const unsigned short *, const int *, const int *, const int *,
                            const int *, const double *, double *, double *) nogil
    void ad_run_lanes(Py_ssize_t, const int *, const int *, double *, double *, Py_ssize_t,
                      int *) nogil
    enum: AD_WIDTH

cdef inline Py_ssize_t run_steps(
    Py_ssize_t start, Py_ssize_t constants, Py_ssize_t out, const int[::1] steps,
    const int[::1] packed, const unsigned short[::1] ops, const int[::1] a, const int[::1] b,
    const int[::1] entries, const int[::1] otherwise, double[::1] w, double[::1] s,
) noexcept:
    cdef Py_ssize_t end
    cdef double *slots
    with cython.boundscheck(False), nogil:  # of an empty array the address is only taken
        slots = &w[constants]
        end = ad_run_steps(start, steps.shape[0] // AD_WIDTH, &steps[0], &packed[0], &ops[0], &a[0],
                           &b[0], &entries[0], &otherwise[0], slots, slots + out, &s[0])
    return end

cdef inline void run_lanes(
    const int[::1] steps, const int[::1] packed, double[::1] w, double[::1] s,
    int[::1] bad, Py_ssize_t first,
) noexcept:
    with cython.boundscheck(False), nogil:
        ad_run_lanes(steps.shape[0] // AD_WIDTH, &steps[0], &packed[0], &w[first], &s[0],
                     bad.shape[0], &bad[0])

cpdef run_batch(const int[::1] steps, const int[::1] packed, double[::1] w, double[::1] s,
                int[::1] bad, Py_ssize_t first)

@cython.final
cdef class Machine:
    cdef readonly object program
    cdef Py_ssize_t _constants, _inputs, _room
    cdef const unsigned short[::1] _ops
    cdef const int[::1] _a, _b, _entries, _otherwise, _results, _sizes, _steps, _packed
    cdef list _idle
    cdef dict _vmaps

    cdef tuple _buffer(self)
    @cython.locals(k=Py_ssize_t)
    cdef Py_ssize_t _run(self, object buffer, object inputs, object ends) except? -2
    @cython.locals(i=Py_ssize_t)
    cdef Py_ssize_t _begin(self, const double[::1] given, double[::1] w, double[::1] s) except? -1
    cdef Py_ssize_t _go_on(self, Py_ssize_t start, double[::1] w, double[::1] s) except? -1
    @cython.locals(i=Py_ssize_t, run=Py_ssize_t, first=Py_ssize_t, done=Py_ssize_t)
    cdef object _read(self, const double[::1] w, double[::1] found)
