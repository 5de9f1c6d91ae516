# The C types of loops.py.

cimport cython

@cython.locals(k=Py_ssize_t, i=Py_ssize_t)
cpdef rename(const unsigned short[::1] ops, int[::1] a, int[::1] b, int[::1] entries,
             const unsigned char[::1] arity, const int[::1] to)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t)
cpdef mark_live(Py_ssize_t inputs, const unsigned short[::1] ops, const int[::1] a,
                const int[::1] b, const int[::1] entries, const unsigned char[::1] arity,
                unsigned char[::1] live, unsigned char[::1] read)

@cython.locals(last=Py_ssize_t, n=Py_ssize_t, c=Py_ssize_t, at=Py_ssize_t, x=cython.longlong,
               h=cython.longlong)
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

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, high=cython.int)
cpdef find_levels(Py_ssize_t inputs, const unsigned short[::1] ops, const int[::1] a,
                  const int[::1] b, const int[::1] entries, const unsigned char[::1] arity,
                  int[::1] level)

@cython.locals(row=Py_ssize_t, n=Py_ssize_t, first=Py_ssize_t, top=Py_ssize_t, s=Py_ssize_t,
               k=Py_ssize_t, i=Py_ssize_t, count=Py_ssize_t)
cpdef Py_ssize_t reach(Py_ssize_t inputs, Py_ssize_t start, Py_ssize_t width,
                       const unsigned short[::1] ops, const int[::1] a, const int[::1] b,
                       const int[::1] entries, const unsigned char[::1] arity,
                       const unsigned char[::1] held, const int[::1] results,
                       const int[::1] columns, int[::1] seen, int[::1] stack, int[::1] found,
                       long long[::1] ends) except -1

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t, at=Py_ssize_t, half=Py_ssize_t,
               count=Py_ssize_t, turns=cython.int, rule=cython.int, want=cython.int,
               ref=cython.int)
cpdef Py_ssize_t rewrite(Py_ssize_t inputs, unsigned short[::1] ops, int[::1] a, int[::1] b,
                         int[::1] entries, const unsigned char[::1] arity,
                         const long long[::1] bits, const int[::1] first, const int[::1] rules,
                         const long long[::1] numbers, int[::1] to, int[::1] refs) except? -1

@cython.locals(slots=Py_ssize_t, last=Py_ssize_t, k=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t,
               at=Py_ssize_t, repeats=Py_ssize_t, length=Py_ssize_t, hashed=cython.bint,
               op=cython.int, low=cython.int, high=cython.int, h=cython.longlong)
cpdef Py_ssize_t find_equal(Py_ssize_t inputs, const unsigned short[::1] ops, int[::1] a,
                            int[::1] b, int[::1] entries, const unsigned char[::1] arity,
                            const unsigned char[::1] commutes, int[::1] heads,
                            int[::1] following, int[::1] same) except -1

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t, e=Py_ssize_t, ref=cython.int)
cpdef Py_ssize_t find_chains(Py_ssize_t inputs, int add, const unsigned short[::1] ops,
                             const int[::1] a, const int[::1] b, const unsigned char[::1] inner,
                             int[::1] chain, int[::1] starts) except -1
