// What C's math.h has and JavaScript's Math lacks, or defines otherwise.  Each function here stands
// by itself: a page gets only those that it needs.

// A power of 1 is 1, and so is an infinite power of -1, where Math.pow gives NaN.
function c_pow(a, b) {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b);
}

// The nearest integer, ties to even: adding 2**52 leaves no room for a fraction.
function c_rint(a) {
  const size = Math.abs(a);
  if (!(size < 2 ** 52)) return a;
  const rounded = size + 2 ** 52 - 2 ** 52;
  return a < 0 || Object.is(a, -0) ? -rounded : rounded;
}

// The error function, within 1 ulp.  Below 1 it is x + x*P(x*x), where P is a polynomial fitted at
// Chebyshev points; beyond, one minus erfc, as in s_erf.c of Sun's fdlibm.
function c_erf(a) {
  const x = Math.abs(a);
  if (x >= 1) return a < 0 ? c_erfc(x) - 1 : 1 - c_erfc(x);
  const P = [
    0.1283791670955126, -0.3761263890318375, 0.11283791670954879, -0.026866170645076792,
    0.0052239776248180145, -0.000854832698083379, 0.0001205533111164271,
    -1.4925595266831182e-05, 1.6461000484121368e-06, -1.6350312701054695e-07,
    1.4659775274047436e-08, -1.1372848856791674e-09, 5.957176147748911e-11,
  ];
  const square = a * a;
  return a + a * P.reduceRight((sum, c) => sum * square + c);
}

// Its complement, within 4 ulp.  From 1/2 to 28 it is exp(-x*x)*Q(t)/(1 + 2*x), where Q is a
// polynomial in t = (x - 4)/(x + 4), as proposed by M. Shepherd and J. Laframboise, Chebyshev
// approximation of (1 + 2x) exp(x**2) erfc x, Math. Comp. 36 (1981).  x*x is the square of z, which
// has half as many digits, and a rest, as in fdlibm; far out, e**40 keeps the digits of exp.
function c_erfc(a) {
  if (a < 0.5) return a < -0.5 ? 2 - c_erfc(-a) : 1 - c_erf(a);
  if (a > 28) return 0;
  const Q = [
    1.2329951186255526, -0.13962111684056322, 0.01537965210259143, 0.06809705425475242,
    -0.10103906603464859, 0.09373283499710319, -0.06633036584986428, 0.03716751554374136,
    -0.016197733621989317, 0.005031970048723967, -0.0007577761958682831,
    -0.00019925777826791476, 0.00015063353912507656, -2.4393060402634397e-05,
    -1.1252225274810147e-05, 5.690857585674796e-06, 3.4093622135401137e-07,
    -7.922479971955756e-07, 3.25322376486995e-08, 7.805182642579569e-08,
  ];
  const t = (a - 4) / (a + 4), z = Math.fround(a);
  const q = Q.reduceRight((sum, c) => sum * t + c) / (1 + 2 * a);
  const rest = q + q * Math.expm1((z - a) * (z + a));
  return a < 26 ? Math.exp(-z * z) * rest : Math.exp(40 - z * z) * rest * 4.248354255291589e-18;
}
