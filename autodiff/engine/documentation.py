"""The docstrings of the table's functions: words, and what follows from the row.

* ``WORDS`` -- what each primitive is, in a sentence or two, with its ties and edges;
* ``documentation(row)`` -- those, with formula, partial derivatives, domain, limits and an example.
"""

from __future__ import annotations

import re
from math import inf

from autodiff.engine import kernels
from autodiff.ops import REALS, Interval, Row

WORDS = {
    "add": "The sum of two numbers: ``a + b``.",
    "sub": "The difference of two numbers: ``a - b``.",
    "mul": "The product of two numbers: ``a * b``.",
    "div": "The quotient of two numbers: ``a / b``.  Nothing raises: 1/0 is inf, and 0/0 is nan.",
    "neg": "A number with the opposite sign: ``-a``.",
    "abs": "The absolute value: ``abs(a)``.  At 0, the corner, the derivative is 0.",
    "square": "A number times itself.",
    "pow": "``a`` to the power ``b``: ``a ** b``.  0**0 is 1; the power of a negative number is "
    "nan unless ``b`` is an integer.",
    "monomial": "``c * a**b``, which is 0 where ``c`` is, even if ``a**b`` is inf: what "
    "derivatives of ``pow`` consist of.",
    "log_monomial": "``c * a**b * log(a)**m``, which is 0 where ``c`` is: what derivatives of "
    "``pow`` with respect to its exponent consist of.",
    "sqrt": "The square root; that of a negative number is nan.",
    "cbrt": "The cube root, of negative numbers too.",
    "hypot": "The hypotenuse of a right triangle with the legs ``a`` and ``b``: "
    "``sqrt(a*a + b*b)``, without overflow.",
    "exp": "e to the power ``a``.",
    "expm1": "``exp(a) - 1``, exact for small ``a`` too.",
    "log": "The natural logarithm; that of a negative number is nan.",
    "log1p": "``log(1 + a)``, exact for small ``a`` too.",
    "log2": "The logarithm to base 2.",
    "log10": "The logarithm to base 10.",
    "logaddexp": "``log(exp(a) + exp(b))``, without overflow.",
    "xlogy": "``a * log(b)``, which is 0 where ``a`` is, whatever number ``b`` is.",
    "sin": "The sine of an angle in radians.",
    "cos": "The cosine of an angle in radians.",
    "tan": "The tangent of an angle in radians.",
    "asin": "The arcsine, an angle from -pi/2 to pi/2; nan outside -1 to 1.",
    "acos": "The arccosine, an angle from 0 to pi; nan outside -1 to 1.",
    "asin_da": "The derivative of ``asin``.",
    "atan": "The arctangent, an angle between -pi/2 and pi/2.",
    "atan2": "The angle of the point with the height ``a`` and the abscissa ``b``, from -pi to pi.",
    "sinh": "The hyperbolic sine.",
    "cosh": "The hyperbolic cosine.",
    "tanh": "The hyperbolic tangent, between -1 and 1.",
    "asinh": "The inverse of ``sinh``.",
    "asinh_da": "The derivative of ``asinh``.",
    "acosh": "The inverse of ``cosh``, from 0 up; nan below 1.",
    "atanh": "The inverse of ``tanh``; nan outside -1 to 1.",
    "atanh_da": "The derivative of ``atanh``.",
    "erf": "The error function: how likely a normal variable with the variance 1/2 is within ``a`` "
    "of its mean.",
    "erfc": "``1 - erf(a)``, exact for large ``a`` too.",
    "erfinv": "The inverse of ``erf``; nan outside -1 to 1.",
    "lgamma": "The logarithm of the absolute value of the gamma function; of an integer ``n``, "
    "that of the factorial of ``n - 1``.",
    "digamma": "The derivative of ``lgamma``.",
    "polygamma": "The derivative of ``digamma`` of the order ``a``, at ``b``.",
    "relu": "The rectifier: ``a``, and 0 for negative ``a``.  At 0, the corner, the derivative "
    "is 0.",
    "leaky_relu": "``a``, and ``b * a`` for negative ``a``; ``b`` is the slope there.",
    "elu": "The exponential linear unit: ``a``, and ``b * (exp(a) - 1)`` for negative ``a``.",
    "sigmoid": "The logistic function ``1 / (1 + exp(-a))``, between 0 and 1.",
    "softplus": "A smooth rectifier: ``log(1 + exp(a))``, without overflow.",
    "logsigmoid": "``log(sigmoid(a))``, without overflow.",
    "silu": "The sigmoid linear unit, or swish: ``a * sigmoid(a)``.",
    "gelu": "The Gaussian error linear unit: ``a`` times how likely a standard normal variable is "
    "below ``a``.",
    "huber": "Huber's loss of a residual: ``a*a/2`` for residuals up to ``b``, linear beyond.",
    "bernoulli_entropy": "The cross-entropy of the probability ``a`` of an event and a target "
    "``b`` from 0 to 1.  As in PyTorch, logarithms are at least -100.",
    "logit_entropy": "The cross-entropy of the probability ``sigmoid(a)`` of an event and a target "
    "``b`` from 0 to 1, without overflow.",
    "divergence": "A term of the Kullback-Leibler divergence: of a target probability ``a`` and a "
    "logarithm ``b`` of a probability.",
    "maximum": "The larger of two numbers; at a tie each gets half of the derivative; a nan wins.",
    "minimum": "The smaller of two numbers; at a tie each gets half of the derivative; a nan wins.",
    "clip": "``a``, but ``b`` where it is less and ``c`` where it is greater.",
    "sign": "1, -1 or 0, as a number is positive, negative or neither; its derivative is 0.",
    "step": "1 for positive numbers and nan, else 0; its derivative is 0.",
    "positive": "1 for positive numbers, else 0, also for nan; its derivative is 0.",
    "prefer": "1 where ``a`` is the larger of two numbers, 1/2 at a tie, else 0; its derivative "
    "is 0.",
    "ratio": "``a / b``, and ``a`` where ``b`` is 0.",
    "floor": "The next integer from ``a`` downwards; its derivative is 0.",
    "ceil": "The next integer from ``a`` upwards; its derivative is 0.",
    "trunc": "The next integer from ``a`` towards 0; its derivative is 0.",
    "rint": "The nearest integer, of two the even one; its derivative is 0.",
    "equal": "1 where ``a == b``, else 0; its derivative is 0.",
    "less": "1 where ``a < b``, else 0; its derivative is 0.",
    "less_equal": "1 where ``a <= b``, else 0; its derivative is 0.",
    "greater": "1 where ``a > b``, else 0; its derivative is 0.",
    "greater_equal": "1 where ``a >= b``, else 0; its derivative is 0.",
}


#: Numbers for examples; an operand takes the next of them that is in its domain.
_EXAMPLES = (2.0, 3.0, 0.5, 1.5)


def documentation(row: Row) -> str:
    """The docstring of the function and the method of a row over scalars.

    >>> from autodiff.ops import row
    >>> facts, raises, example = documentation(row("softplus")).rsplit("\\n\\n", 2)
    >>> print(facts)
    A smooth rectifier: ``log(1 + exp(a))``, without overflow.
    <BLANKLINE>
    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.
    <BLANKLINE>
    * computed as ``(a if a > 0 else 0.0) + log1p(exp(-abs(a)))``
    * partial derivative: ``sigmoid(a)``
    * differentiable everywhere
    * 0.0 at -inf, 0.6931471805599453 at 0.0, inf at inf
    >>> example
    '>>> softplus(2.0)\\n2.1269280110429727'
    """
    facts = [f"differentiable{_differentiable(row)}"]
    partials = ", ".join(f"``{p}``" for p in row.partials)
    plural = "s" if len(row.partials) > 1 else ""
    where = ", where ``v`` is the value" if re.search(r"\bv\b", partials) else ""
    facts.insert(0, f"partial derivative{plural}: {partials}{where}")
    if row.value != f"{row.name}({', '.join(row.names)})":
        facts.insert(0, f"computed as ``{row.value}``")
    given = row.default is not None
    if given:
        facts.append(f"``{row.names[-1]}`` is {row.default} where it is not given")
    value = kernels.FLOATS[row.name]
    if len(row.names) == 1:  # what it is at 0 and at the ends of its domain
        ends = [a for a in sorted({0.0, *row.domain[0]}) if row.domain[0][0] <= a]
        facts.append(", ".join(f"{value(a)!r} at {a!r}" for a in ends))
    operands = [
        next(x for x in _EXAMPLES[i:] + _EXAMPLES if low < x < high)
        for i, (low, high) in zip(range(len(row.names) - given), row.domain, strict=False)
    ]
    return "\n".join(
        [
            *(WORDS.get(row.name, f"``{row.value}``."), ""),
            _operands(row.names),
            "",
            *(f"* {fact}" for fact in facts),
            *("", "Raises:"),
            "    TypeError: for what is neither a real number nor a Value, nor an array of them.",
            "",
            f">>> {row.name}({', '.join(map(repr, operands))})",
            repr(value(*operands, *([row.default] if given else []))),
        ]
    )


def _operands(names: list[str]) -> str:
    """What operands may be, and what then comes out."""
    *most, last = (f"``{name}``" for name in names)
    if not most:
        return (
            f"{last} is a real number, a Value, or a NumPy array, elementwise; the result is of "
            "its kind."
        )
    return (
        f"{', '.join(most)} and {last} are real numbers, Values, or NumPy arrays, elementwise.\n"
        "The result is an array if one of them is, else a Value if one is, else a float."
    )


def _differentiable(row: Row) -> str:
    """Where a row is differentiable, in words."""
    conditions = [_inside(*pair) for pair in zip(row.names, row.domain, strict=False)]
    if row.kink:
        conditions.append(f"{row.kink} != 0")
    words = " and ".join(filter(None, conditions))
    return f", and tested, where ``{words}``" if words else " everywhere"


def _inside(name: str, interval: Interval) -> str:
    """That an operand is in its domain; "" where any number is."""
    low, high = interval
    if interval == REALS:
        return ""
    return f"{name} > {low:g}" if high == inf else f"{low:g} < {name} < {high:g}"
