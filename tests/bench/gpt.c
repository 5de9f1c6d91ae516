/* microgpt's loss and its gradient by hand: what the benchmark compares programs with.

   One layer, width 16, 4 heads, context 16, RMS norm, ReLU, no biases.  Parameters stand in one
   array, matrix after matrix, row after row: wte, wpe, wq, wk, wv, wo, fc1, fc2, head. */

#include <math.h>
#include <string.h>

enum { V = 27, W = 16, C = 16, H = 4, D = W / H, F = 4 * W };
enum {
    WTE = 0, WPE = WTE + V * W, WQ = WPE + C * W, WK = WQ + W * W, WV = WK + W * W,
    WO = WV + W * W, FC1 = WO + W * W, FC2 = FC1 + F * W, HEAD = FC2 + W * F, N = HEAD + V * W
};

typedef struct {
    double x0[W], x[W], s0, r[W], s1, n1[W], q[W], k[W], v[W], a[H][C], o[W], y[W], s2, n2[W], f[F],
        z[W], e[V];
} position;

static void linear(int rows, int columns, const double *m, const double *x, double *y) {
    for (int i = 0; i < rows; i++) {
        double t = 0;
        for (int j = 0; j < columns; j++) t += m[i * columns + j] * x[j];
        y[i] = t;
    }
}

/* dx += m' dy, dm += dy x' */
static void linear_back(int rows, int columns, const double *m, const double *x, const double *dy,
                        double *dm, double *dx) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            dx[j] += m[i * columns + j] * dy[i];
            dm[i * columns + j] += dy[i] * x[j];
        }
}

static double norm(const double *x, double *y) {
    double t = 0;
    for (int i = 0; i < W; i++) t += x[i] * x[i];
    t = 1 / sqrt(t / W + 1e-5);
    for (int i = 0; i < W; i++) y[i] = x[i] * t;
    return t;
}

/* dx += the gradient of y = x s, s = (mean of x^2 + 1e-5)^-1/2 */
static void norm_back(const double *x, double s, const double *dy, double *dx) {
    double t = 0;
    for (int i = 0; i < W; i++) t += dy[i] * x[i];
    t *= s * s * s / W;
    for (int i = 0; i < W; i++) dx[i] += dy[i] * s - t * x[i];
}

double loss_and_gradient(const double *p, const double *tokens, int n, double *g) {
    static position at[C];
    double loss = 0, dk[C][W] = {{0}}, dv[C][W] = {{0}};
    for (int t = 0; t < n; t++) {
        position *c = at + t;
        const int token = (int)tokens[t];
        for (int i = 0; i < W; i++) c->x0[i] = p[WTE + token * W + i] + p[WPE + t * W + i];
        c->s0 = norm(c->x0, c->r);
        c->s1 = norm(c->r, c->n1);
        linear(W, W, p + WQ, c->n1, c->q);
        linear(W, W, p + WK, c->n1, c->k);
        linear(W, W, p + WV, c->n1, c->v);
        for (int h = 0; h < H; h++) {
            double total = 0;
            for (int s = 0; s <= t; s++) {
                double z = 0;
                for (int i = 0; i < D; i++) z += c->q[h * D + i] * at[s].k[h * D + i];
                total += c->a[h][s] = exp(0.5 * z);
            }
            for (int s = 0; s <= t; s++) c->a[h][s] /= total;
            for (int i = 0; i < D; i++) {
                double z = 0;
                for (int s = 0; s <= t; s++) z += c->a[h][s] * at[s].v[h * D + i];
                c->o[h * D + i] = z;
            }
        }
        linear(W, W, p + WO, c->o, c->y);
        for (int i = 0; i < W; i++) c->y[i] += c->r[i];
        c->s2 = norm(c->y, c->n2);
        linear(F, W, p + FC1, c->n2, c->f);
        for (int i = 0; i < F; i++) c->f[i] = c->f[i] > 0 ? c->f[i] : 0;
        linear(W, F, p + FC2, c->f, c->z);
        for (int i = 0; i < W; i++) c->z[i] += c->y[i];
        linear(V, W, p + HEAD, c->z, c->e);
        double total = 0;
        const double target = c->e[(int)tokens[t + 1]];
        for (int i = 0; i < V; i++) total += c->e[i] = exp(c->e[i]);
        for (int i = 0; i < V; i++) c->e[i] /= total;
        loss += log(total) - target;
    }
    memset(g, 0, N * sizeof(double));
    for (int t = n - 1; t >= 0; t--) {
        position *c = at + t;
        const int token = (int)tokens[t];
        double de[V], dz[W] = {0}, df[F] = {0}, dn2[W] = {0}, dy[W], d_o[W] = {0}, dq[W] = {0};
        double dn1[W] = {0}, dr[W], dx[W] = {0};
        for (int i = 0; i < V; i++) de[i] = c->e[i] / n;
        de[(int)tokens[t + 1]] -= 1.0 / n;
        linear_back(V, W, p + HEAD, c->z, de, g + HEAD, dz);
        linear_back(W, F, p + FC2, c->f, dz, g + FC2, df);
        for (int i = 0; i < F; i++) if (!(c->f[i] > 0)) df[i] = 0;
        linear_back(F, W, p + FC1, c->n2, df, g + FC1, dn2);
        memcpy(dy, dz, sizeof dy);
        norm_back(c->y, c->s2, dn2, dy);
        linear_back(W, W, p + WO, c->o, dy, g + WO, d_o);
        for (int h = 0; h < H; h++) {
            double da[C], total = 0;
            for (int s = 0; s <= t; s++) {
                double z = 0;
                for (int i = 0; i < D; i++) {
                    z += d_o[h * D + i] * at[s].v[h * D + i];
                    dv[s][h * D + i] += c->a[h][s] * d_o[h * D + i];
                }
                da[s] = z;
                total += z * c->a[h][s];
            }
            for (int s = 0; s <= t; s++) {
                const double z = 0.5 * c->a[h][s] * (da[s] - total);
                for (int i = 0; i < D; i++) {
                    dq[h * D + i] += z * at[s].k[h * D + i];
                    dk[s][h * D + i] += z * c->q[h * D + i];
                }
            }
        }
        linear_back(W, W, p + WQ, c->n1, dq, g + WQ, dn1);
        linear_back(W, W, p + WK, c->n1, dk[t], g + WK, dn1);
        linear_back(W, W, p + WV, c->n1, dv[t], g + WV, dn1);
        memcpy(dr, dy, sizeof dr);
        norm_back(c->r, c->s1, dn1, dr);
        norm_back(c->x0, c->s0, dr, dx);
        for (int i = 0; i < W; i++) {
            g[WTE + token * W + i] += dx[i];
            g[WPE + t * W + i] += dx[i];
        }
    }
    return loss / n;
}
