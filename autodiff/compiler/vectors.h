/* Run the steps of a vectorised program: see lanes.py for what they are.

   The lanes of a step are computed side by side, in blocks that fill the vector unit; each sum
   keeps the order of its terms, and no multiplication is fused with an addition, so that the
   numbers are those of run.h to the bit.  Where the C library can choose at run time, the kernels
   are compiled twice, and those for AVX2 run where the processor has it. */

#include <stddef.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define AD_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define AD_CLONES
#endif

#if defined(_MSC_VER)
#define AD_RESTRICT __restrict
#else
#define AD_RESTRICT restrict
#endif

enum {
    AD_SCATTER = -1, AD_EACH = -2, AD_IN_PLACE = -1, AD_AXES = 3, AD_OPERAND = AD_AXES + 4,
    AD_WIDTH = 4 + AD_AXES + 4 * AD_OPERAND
};

typedef struct {
    const double *at;
    const int *stride; /* one an axis, outermost first; then that of the terms */
} ad_operand;

/* -- kernels: lanes of an operand are one number apart, or all the same ------------------------ */

#define X(name) \
    AD_CLONES static void ad_lanes_##name(Py_ssize_t n, const double *AD_RESTRICT a, int da, \
                                          double *AD_RESTRICT t) { \
        Py_ssize_t i; \
        if (da) for (i = 0; i < n; i++) t[i] = ad_##name(a[i]); \
        else { const double x = ad_##name(*a); for (i = 0; i < n; i++) t[i] = x; } \
    }
AD_UNARY(X)
#undef X

#define X(name) \
    AD_CLONES static void ad_lanes_##name(Py_ssize_t n, const double *AD_RESTRICT a, int da, \
                                          const double *AD_RESTRICT b, int db, \
                                          double *AD_RESTRICT t) { \
        Py_ssize_t i; \
        if (da && db) for (i = 0; i < n; i++) t[i] = ad_##name(a[i], b[i]); \
        else if (da) { const double y = *b; for (i = 0; i < n; i++) t[i] = ad_##name(a[i], y); } \
        else { const double x = *a; for (i = 0; i < n; i++) t[i] = ad_##name(x, b[db * i]); } \
    }
AD_BINARY(X)
#undef X

/* x if i == j else y, of four operands */
AD_CLONES static void ad_lanes_pick(Py_ssize_t n, const double *const *x, const int *d, double *t) {
    const double *const a = x[0], *const b = x[1], *const c = x[2], *const e = x[3];
    const int da = d[0], db = d[1], dc = d[2], de = d[3];
    Py_ssize_t i;
    for (i = 0; i < n; i++) t[i] = b[db * i] == c[dc * i] ? a[da * i] : e[de * i];
}

/* K lanes of a sum of m products, and a block of lanes after the other.  x and y are the factors,
   dx and dy 1 or 0, sx and sy from a term to the next. */
#define AD_SUM_OF(K, TERM) \
    for (; i + K <= n; i += K) { \
        double s[K]; \
        Py_ssize_t j, l; \
        const double *x = a + da * i, *y = b + db * i; (void)y; \
        for (l = 0; l < K; l++) s[l] = t[i + l]; \
        for (j = 0; j < m; j++, x += sa, y += sb) \
            for (l = 0; l < K; l++) s[l] += TERM; \
        for (l = 0; l < K; l++) t[i + l] = s[l]; \
    }
#define AD_SUMS(TERM) AD_SUM_OF(16, TERM) AD_SUM_OF(4, TERM) AD_SUM_OF(1, TERM)

/* t += the sum of m terms */
AD_CLONES static void ad_lanes_chain(Py_ssize_t n, Py_ssize_t m, const double *AD_RESTRICT a,
                                     int da, Py_ssize_t sa, double *AD_RESTRICT t) {
    const double *b = a;
    const Py_ssize_t sb = 0, db = 0;
    Py_ssize_t i = 0;
    if (da) { AD_SUMS(x[l]) }
    else { AD_SUMS(x[0]) }
}

/* t += the sum of m products */
AD_CLONES static void ad_lanes_products(Py_ssize_t n, Py_ssize_t m, const double *AD_RESTRICT a,
                                        int da, Py_ssize_t sa, const double *AD_RESTRICT b,
                                        int db, Py_ssize_t sb, double *AD_RESTRICT t) {
    Py_ssize_t i = 0;
    if (da && db) { AD_SUMS(x[l] * y[l]) }
    else if (da) { AD_SUMS(x[l] * y[0]) }
    else if (db) { AD_SUMS(x[0] * y[l]) }
    else { AD_SUMS(x[0] * y[0]) }
}

/* Four rows of lanes at once, t += the sum of m products, so that each block of y is read once for all
   of them: x has one number for all lanes, xj from row to row; y has the same lanes in all. */
#if defined(__GNUC__)
typedef double ad_four __attribute__((vector_size(32), aligned(8), may_alias));
#define AD_AT(x) (*(ad_four *)(x))
#define AD_READ(x) (*(const ad_four *)(x))
enum { AD_BLOCK = 8 };
#else
typedef double ad_four;
#define AD_AT(x) (*(x))
#define AD_READ(x) (*(x))
enum { AD_BLOCK = 2 };
#endif
AD_CLONES static void ad_lanes_matrix(Py_ssize_t n, Py_ssize_t m, const double *AD_RESTRICT x,
                                      Py_ssize_t xj, Py_ssize_t xs, const double *AD_RESTRICT y,
                                      Py_ssize_t ys, double *AD_RESTRICT t, Py_ssize_t tj) {
    const Py_ssize_t half = AD_BLOCK / 2;
    Py_ssize_t i, j, k;
    for (i = 0; i + AD_BLOCK <= n; i += AD_BLOCK) {
        double *t0 = t + i, *t1 = t0 + tj, *t2 = t1 + tj, *t3 = t2 + tj;
        ad_four a0 = AD_AT(t0), a1 = AD_AT(t1), a2 = AD_AT(t2), a3 = AD_AT(t3);
        ad_four b0 = AD_AT(t0 + half), b1 = AD_AT(t1 + half);
        ad_four b2 = AD_AT(t2 + half), b3 = AD_AT(t3 + half);
        const double *p = x, *q = y + i;
        for (k = 0; k < m; k++, p += xs, q += ys) {
            const ad_four u = AD_READ(q), v = AD_READ(q + half);
            a0 += p[0] * u; b0 += p[0] * v;
            a1 += p[xj] * u; b1 += p[xj] * v;
            a2 += p[2 * xj] * u; b2 += p[2 * xj] * v;
            a3 += p[3 * xj] * u; b3 += p[3 * xj] * v;
        }
        AD_AT(t0) = a0; AD_AT(t1) = a1; AD_AT(t2) = a2; AD_AT(t3) = a3;
        AD_AT(t0 + half) = b0; AD_AT(t1 + half) = b1;
        AD_AT(t2 + half) = b2; AD_AT(t3 + half) = b3;
    }
    for (; i < n; i++) for (j = 0; j < 4; j++) {
        double sum = t[j * tj + i];
        for (k = 0; k < m; k++) sum += x[j * xj + k * xs] * y[k * ys + i];
        t[j * tj + i] = sum;
    }
}

/* -- steps ------------------------------------------------------------------------------------- */

/* Do one step: copy what is to be packed, and then all lanes along the last axis at a time, or the
   first so many of them. */
static void ad_vector(const int *step, const int *packed, const double *w, double *out, double *s,
                      Py_ssize_t most) {
    const int op = step[0], *size = step + 4;
    const Py_ssize_t m = step[3], all = size[AD_AXES - 1], n = all < most ? all : most;
    const double *at[4];
    const int *by[4];
    double *t = out + step[1];
    Py_ssize_t i, j, k, l;
    for (i = 0; i < 4; i++) {
        const int *o = step + 4 + AD_AXES + i * AD_OPERAND, *from = packed + o[0];
        at[i] = (o[0] == AD_IN_PLACE ? w : s) + o[2];
        by[i] = o + 3;
        if (o[0] >= 0) for (j = 0; j < o[1]; j++) s[o[2] + j] = w[from[j]];
    }
    for (i = 0; i < size[0]; i++) for (j = 0; j < size[1]; j++, t += all) {
        const double *x[4];
        int d[4];
        if (op == AD_products && j + 4 <= size[1] && n >= AD_BLOCK) {
            const int y = by[3][2] && !by[3][1] && !by[2][2] ? 3 : 2, z = 5 - y;
            if (by[y][2] && !by[y][1] && !by[z][2]) {
                for (k = 0; k < 4; k++) for (l = 0; l < n; l++)
                    t[k * all + l] = at[0][i * by[0][0] + (j + k) * by[0][1] + by[0][2] * l] *
                                     at[1][i * by[1][0] + (j + k) * by[1][1] + by[1][2] * l];
                ad_lanes_matrix(n, m, at[z] + i * by[z][0] + j * by[z][1], by[z][1], by[z][3],
                                at[y] + i * by[y][0], by[y][3], t, all);
                j += 3;
                t += 3 * all;
                continue;
            }
        }
        for (l = 0; l < 4; l++) {
            x[l] = at[l] + i * by[l][0] + j * by[l][1];
            d[l] = by[l][2];
        }
        switch (op) {
#define X(name) case AD_##name: ad_lanes_##name(n, x[0], d[0], t); break;
        AD_UNARY(X)
#undef X
#define X(name) case AD_##name: ad_lanes_##name(n, x[0], d[0], x[1], d[1], t); break;
        AD_BINARY(X)
#undef X
        case AD_detach: for (l = 0; l < n; l++) t[l] = x[0][d[0] * l]; break;
        case AD_pick: ad_lanes_pick(n, x, d, t); break;
        case AD_chain:
            for (l = 0; l < n; l++) t[l] = x[0][d[0] * l];
            ad_lanes_chain(n, m, x[1], d[1], by[1][3], t);
            break;
        case AD_products:
            for (l = 0; l < n; l++) t[l] = x[0][d[0] * l] * x[1][d[1] * l];
            ad_lanes_products(n, m, x[2], d[2], by[2][3], x[3], d[3], by[3][3], t);
            break;
        }
    }
}

/* Add numbers to some of many sums: see scatter.py. */
static void ad_scatter(const int *step, const int *packed, const double *w, double *out) {
    const Py_ssize_t terms = step[3], lists = step[4], size = step[5], n = step[6];
    const int *o = step + 4 + AD_AXES, *x = packed + o[0], *i = packed + o[AD_OPERAND];
    const int *lanes = packed + o[2 * AD_OPERAND], *elements = packed + o[3 * AD_OPERAND];
    const double index = w[i[0]];
    double *t = out + step[1];
    Py_ssize_t k, l;
    int alike = 1;
    for (k = 1; k < terms; k++) alike &= w[i[k]] == index;
    for (l = 0; l < n; l++) t[l] = 0.0;
    if (alike) for (l = 0; l < n; l++) if (w[elements[l]] == index) t[l] = -0.0;
    for (k = 0; k < terms; k++, x += lists) {
        const double at = w[i[k]];
        if (!(at >= 0 && at < (double)size && at == (double)(Py_ssize_t)at)) continue;
        for (l = 0; l < lists; l++) {
            const int lane = lanes[l * size + (Py_ssize_t)at];
            if (lane >= 0) t[lane] += w[x[l]];
        }
    }
}

/* Run from instruction k on; returns as ad_run does, which does what is not lane by lane. */
static Py_ssize_t ad_run_steps(Py_ssize_t k, Py_ssize_t n, const int *steps, const int *packed,
                               const unsigned short *ops, const int *a, const int *b,
                               const int *entries, const int *otherwise, const double *w,
                               double *out, double *s) {
    Py_ssize_t i, came;
    for (i = 0; i < n; i++) {
        const int *step = steps + AD_WIDTH * i;
        if (k >= step[2]) continue;
        if (step[0] == AD_SCATTER) ad_scatter(step, packed, w, out);
        else if (step[0]) ad_vector(step, packed, w, out, s, PY_SSIZE_T_MAX);
        else {
            came = ad_run(k, step[2], ops, a, b, entries, otherwise, w, out, s);
            if (came != step[2]) return came;
        }
        k = step[2];
    }
    return k;
}

/* An instruction for one lane after the other: how many operands, the operation, and where these
   stand in packed: their addresses in the first lane, then from lane to lane; and its number.  Of
   the instructions that fail in a lane, the least number is told. */
#define AD_FAILS(l) if (!bad[l] || bad[l] > step[6]) bad[l] = step[6]
static void ad_each(const int *step, const int *packed, double *w, double *s, Py_ssize_t lanes,
                    int *bad) {
    const Py_ssize_t n = step[3];
    const int *at = packed + step[5], *by = at + n;
    double *t = w + step[1];
    Py_ssize_t i, l;
    if (step[4] == AD_guard) {
        const double *x = w + at[0], *y = w + at[1];
        for (l = 0; l < lanes; l++) if (x[by[0] * l] != y[by[1] * l]) { AD_FAILS(l); }
        return;
    }
    for (l = 0; l < lanes; l++) {
        int failed = 0;
        for (i = 0; i < n; i++) s[i] = w[at[i] + by[i] * l];
        t[l] = ad_on_list(step[4], n, packed, s, s + n, &failed);
        if (failed) { AD_FAILS(l); }
    }
}

/* Run the steps of a block of lanes, or of the first so many of it: see batch.py.  packed begins with
   0, 1, 2 ... */
static void ad_run_lanes(Py_ssize_t n, const int *steps, const int *packed, double *w, double *s,
                         Py_ssize_t lanes, int *bad) {
    Py_ssize_t i;
    for (i = 0; i < n; i++) {
        const int *step = steps + AD_WIDTH * i;
        if (step[0] == AD_EACH) ad_each(step, packed, w, s, lanes, bad);
        else ad_vector(step, packed, w, w, s, lanes);
    }
}
