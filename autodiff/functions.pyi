# Written by tests/tools/stubs.py from functions.py and the rows of ops.py.

from typing import overload
from autodiff.engine.reals import Array, Real
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex, TypeVar, overload
from autodiff.choices import clip as clip, round as round, stop_gradient as stop_gradient, where as where
from autodiff.engine.reals import Array, Real
from autodiff.value import Value
_T = TypeVar('_T')
@overload
def sum(xs: Sequence[float]) -> float: ...
@overload
def sum(xs: Sequence[Value]) -> Value: ...
@overload
def sum(xs: Sequence[Any] | Array) -> Any:
    r"""The sum of ``xs``, as one node.

    Args:
        xs: a list, tuple or array of numbers, Values, or arrays of one shape.

    Returns:
        A Value if there is one among them, an array of arrays, else a float.

    Raises:
        ValueError: if ``xs`` is empty.
        TypeError: if it is no list, or something in it neither a number, a Value nor an array.

    >>> sum([1.0, 2.0, 3.0])
    6.0
    """
@overload
def mean(xs: Sequence[float]) -> float: ...
@overload
def mean(xs: Sequence[Value]) -> Value: ...
@overload
def mean(xs: Sequence[Any] | Array) -> Any:
    r"""The arithmetic mean of ``xs``, as one node.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
@overload
def dot(xs: Sequence[float], ys: Sequence[float]) -> float: ...
@overload
def dot(xs: Sequence[Value], ys: Sequence[Real | Value]) -> Value: ...
@overload
def dot(xs: Sequence[Real | Value], ys: Sequence[Value]) -> Value: ...
@overload
def dot(xs: Sequence[Any] | Array, ys: Sequence[Any] | Array) -> Any:
    r"""The sum of ``x * y`` over two lists of one length, as one node.

    Args:
        xs, ys: as the list of ``sum``.

    Raises:
        ValueError: if the lists are empty or differ in length.
        TypeError: as ``sum``.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
@overload
def logsumexp(xs: Sequence[float]) -> float: ...
@overload
def logsumexp(xs: Sequence[Value]) -> Value: ...
@overload
def logsumexp(xs: Sequence[Any] | Array) -> Any:
    r"""``log(sum(exp(x)))`` over ``xs``, computed without overflow, as one node.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
@overload
def norm(xs: Sequence[float]) -> float: ...
@overload
def norm(xs: Sequence[Value]) -> Value: ...
@overload
def norm(xs: Sequence[Any] | Array) -> Any:
    r"""The Euclidean norm of ``xs``: ``sqrt(sum(x * x))`` without over- or underflow, as one node.

    The gradient is ``x / norm(xs)`` for each ``x``, and 0 where all are 0, as PyTorch's.

    Raises:
        ValueError: if ``xs`` is empty.

    >>> norm([3.0, 4.0]), norm([1e200, 0.0])
    (5.0, 1e+200)
    """
@overload
def softmax(xs: Sequence[float]) -> list[float]: ...
@overload
def softmax(xs: Sequence[Value]) -> list[Value]: ...
@overload
def softmax(xs: Array) -> Array: ...
@overload
def softmax(xs: Sequence[Any]) -> list[Any]:
    r"""``exp(x) / sum(exp(xs))`` for each ``x``, computed without overflow: a list, or an array.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
@overload
def log_softmax(xs: Sequence[float]) -> list[float]: ...
@overload
def log_softmax(xs: Sequence[Value]) -> list[Value]: ...
@overload
def log_softmax(xs: Array) -> Array: ...
@overload
def log_softmax(xs: Sequence[Any]) -> list[Any]:
    r"""``log(softmax(xs))``, computed without overflow or cancellation: a list, or an array.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> log_softmax([0.0, -1000.0])
    [0.0, -1000.0]
    """
@overload
def take(values: Array, i: Any) -> Any: ...
@overload
def take(values: Sequence[_T], i: Sequence[int] | Array) -> list[_T]: ...
@overload
def take(values: Sequence[_T], i: SupportsIndex) -> _T:
    r"""``values[i]`` for an integer, also for one that a function was given which jit traces.

    Args:
        values: numbers, Values, or rows of them.
        i: an integer from 0 to ``len(values) - 1``, or a list or array of them.

    Returns:
        The element, or row; for several integers, as many in a list, or if ``values`` is an array,
        in an array.

    Raises:
        IndexError: if there is no such element.
        TypeError: if ``i`` is not an integer, or ``values`` no list or array.
        ValueError: if ``values`` is empty.

    >>> take([10.0, 20.0, 30.0], 2)
    30.0
    """
def take_known(xs: list[Any], i: Any) -> Any:
    """``xs[i]`` where ``i`` is a float or, in a trace, a Value."""
PUBLIC: dict[str, Callable[..., Any]]
@overload
def add(a: Real, b: Real) -> float:
    ...
@overload
def add(a: Value, b: Real | Value) -> Value:
    ...
@overload
def add(a: Real, b: Value) -> Value:
    ...
@overload
def add(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def add(a: Real | Value, b: Array) -> Array:
    r"""The sum of two numbers: ``a + b``.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a + b``
    * partial derivatives: ``1.0``, ``1.0``
    * differentiable everywhere

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> add(2.0, 3.0)
    5.0
    """
@overload
def sub(a: Real, b: Real) -> float:
    ...
@overload
def sub(a: Value, b: Real | Value) -> Value:
    ...
@overload
def sub(a: Real, b: Value) -> Value:
    ...
@overload
def sub(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def sub(a: Real | Value, b: Array) -> Array:
    r"""The difference of two numbers: ``a - b``.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a - b``
    * partial derivatives: ``1.0``, ``-1.0``
    * differentiable everywhere

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> sub(2.0, 3.0)
    -1.0
    """
@overload
def mul(a: Real, b: Real) -> float:
    ...
@overload
def mul(a: Value, b: Real | Value) -> Value:
    ...
@overload
def mul(a: Real, b: Value) -> Value:
    ...
@overload
def mul(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def mul(a: Real | Value, b: Array) -> Array:
    r"""The product of two numbers: ``a * b``.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a * b``
    * partial derivatives: ``b``, ``a``
    * differentiable everywhere

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> mul(2.0, 3.0)
    6.0
    """
@overload
def div(a: Real, b: Real) -> float:
    ...
@overload
def div(a: Value, b: Real | Value) -> Value:
    ...
@overload
def div(a: Real, b: Value) -> Value:
    ...
@overload
def div(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def div(a: Real | Value, b: Array) -> Array:
    r"""The quotient of two numbers: ``a / b``.  Nothing raises: 1/0 is inf, and 0/0 is nan.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a / b``
    * partial derivatives: ``1/b``, ``-v/b``, where ``v`` is the value
    * differentiable, and tested, where ``b > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> div(2.0, 3.0)
    0.6666666666666666
    """
@overload
def neg(a: Real) -> float:
    ...
@overload
def neg(a: Value) -> Value:
    ...
@overload
def neg(a: Array) -> Array:
    r"""A number with the opposite sign: ``-a``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``-a``
    * partial derivative: ``-1.0``
    * differentiable everywhere
    * inf at -inf, -0.0 at 0.0, -inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> neg(2.0)
    -2.0
    """
@overload
def abs(a: Real) -> float:
    ...
@overload
def abs(a: Value) -> Value:
    ...
@overload
def abs(a: Array) -> Array:
    r"""The absolute value: ``abs(a)``.  At 0, the corner, the derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``sign(a)``
    * differentiable, and tested, where ``a != 0``
    * inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> abs(2.0)
    2.0
    """
@overload
def square(a: Real) -> float:
    ...
@overload
def square(a: Value) -> Value:
    ...
@overload
def square(a: Array) -> Array:
    r"""A number times itself.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``a * a``
    * partial derivative: ``2*a``
    * differentiable everywhere
    * inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> square(2.0)
    4.0
    """
@overload
def pow(a: Real, b: Real) -> float:
    ...
@overload
def pow(a: Value, b: Real | Value) -> Value:
    ...
@overload
def pow(a: Real, b: Value) -> Value:
    ...
@overload
def pow(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def pow(a: Real | Value, b: Array) -> Array:
    r"""``a`` to the power ``b``: ``a ** b``.  0**0 is 1; the power of a negative number is nan unless ``b`` is an integer.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a*a if b == 2 else a if b == 1 else pow(a, b)``
    * partial derivatives: ``monomial(b, a, b - 1)``, ``log_monomial(1.0, a, b, 1.0)``
    * differentiable, and tested, where ``a > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> pow(2.0, 3.0)
    8.0
    """
@overload
def monomial(c: Real, a: Real, b: Real) -> float:
    ...
@overload
def monomial(c: Value, a: Real | Value, b: Real | Value) -> Value:
    ...
@overload
def monomial(c: Real, a: Value, b: Real | Value) -> Value:
    ...
@overload
def monomial(c: Real, a: Real, b: Value) -> Value:
    ...
@overload
def monomial(c: Array, a: Real | Value | Array, b: Real | Value | Array) -> Array:
    ...
@overload
def monomial(c: Real | Value, a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def monomial(c: Real | Value, a: Real | Value, b: Array) -> Array:
    r"""``c * a**b``, which is 0 where ``c`` is, even if ``a**b`` is inf: what derivatives of ``pow`` consist of.

    ``c``, ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``0.0 if c == 0 or (abs(c) > LARGEST and pow(a, b) == 0) else c*pow(a, b)``
    * partial derivatives: ``pow(a, b)``, ``monomial(b*c, a, b - 1)``, ``log_monomial(c, a, b, 1.0)``
    * differentiable, and tested, where ``a > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> monomial(2.0, 3.0, 0.5)
    3.4641016151377544
    """
@overload
def log_monomial(c: Real, a: Real, b: Real, m: Real) -> float:
    ...
@overload
def log_monomial(c: Value, a: Real | Value, b: Real | Value, m: Real | Value) -> Value:
    ...
@overload
def log_monomial(c: Real, a: Value, b: Real | Value, m: Real | Value) -> Value:
    ...
@overload
def log_monomial(c: Real, a: Real, b: Value, m: Real | Value) -> Value:
    ...
@overload
def log_monomial(c: Real, a: Real, b: Real, m: Value) -> Value:
    ...
@overload
def log_monomial(c: Array, a: Real | Value | Array, b: Real | Value | Array, m: Real | Value | Array) -> Array:
    ...
@overload
def log_monomial(c: Real | Value, a: Array, b: Real | Value | Array, m: Real | Value | Array) -> Array:
    ...
@overload
def log_monomial(c: Real | Value, a: Real | Value, b: Array, m: Real | Value | Array) -> Array:
    ...
@overload
def log_monomial(c: Real | Value, a: Real | Value, b: Real | Value, m: Array) -> Array:
    r"""``c * a**b * log(a)**m``, which is 0 where ``c`` is: what derivatives of ``pow`` with respect to its exponent consist of.

    ``c``, ``a``, ``b`` and ``m`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``monomial(c, a, b) if m == 0 else 0.0 if c == 0 or (a == 0 and b >= 0) else monomial(c, a, b)*pow(log(a), m)``
    * partial derivatives: ``log_monomial(1.0, a, b, m)``, ``log_monomial(b*c, a, b - 1, m) + log_monomial(m*c, a, b - 1, m - 1)``, ``log_monomial(c, a, b, m + 1)``, ``v*log(log(a))``, where ``v`` is the value
    * differentiable, and tested, where ``a > 1 and 0 < m < 1.75``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> log_monomial(2.0, 3.0, 0.5, 1.5)
    3.9889381446353473
    """
@overload
def sqrt(a: Real) -> float:
    ...
@overload
def sqrt(a: Value) -> Value:
    ...
@overload
def sqrt(a: Array) -> Array:
    r"""The square root; that of a negative number is nan.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``0.5/v``, where ``v`` is the value
    * differentiable, and tested, where ``a > 0``
    * 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> sqrt(2.0)
    1.4142135623730951
    """
@overload
def cbrt(a: Real) -> float:
    ...
@overload
def cbrt(a: Value) -> Value:
    ...
@overload
def cbrt(a: Array) -> Array:
    r"""The cube root, of negative numbers too.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``square(1/v)/3``, where ``v`` is the value
    * differentiable, and tested, where ``a != 0``
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> cbrt(2.0)
    1.2599210498948734
    """
@overload
def hypot(a: Real, b: Real) -> float:
    ...
@overload
def hypot(a: Value, b: Real | Value) -> Value:
    ...
@overload
def hypot(a: Real, b: Value) -> Value:
    ...
@overload
def hypot(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def hypot(a: Real | Value, b: Array) -> Array:
    r"""The hypotenuse of a right triangle with the legs ``a`` and ``b``: ``sqrt(a*a + b*b)``, without overflow.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * partial derivatives: ``a/v``, ``b/v``, where ``v`` is the value
    * differentiable, and tested, where ``b > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> hypot(2.0, 3.0)
    3.605551275463989
    """
@overload
def exp(a: Real) -> float:
    ...
@overload
def exp(a: Value) -> Value:
    ...
@overload
def exp(a: Array) -> Array:
    r"""e to the power ``a``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``v``, where ``v`` is the value
    * differentiable everywhere
    * 0.0 at -inf, 1.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> exp(2.0)
    7.38905609893065
    """
@overload
def expm1(a: Real) -> float:
    ...
@overload
def expm1(a: Value) -> Value:
    ...
@overload
def expm1(a: Array) -> Array:
    r"""``exp(a) - 1``, exact for small ``a`` too.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``exp(a)``
    * differentiable everywhere
    * -1.0 at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> expm1(2.0)
    6.38905609893065
    """
@overload
def log(a: Real) -> float:
    ...
@overload
def log(a: Value) -> Value:
    ...
@overload
def log(a: Array) -> Array:
    r"""The natural logarithm; that of a negative number is nan.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``1/a``
    * differentiable, and tested, where ``a > 0``
    * -inf at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> log(2.0)
    0.6931471805599453
    """
@overload
def log1p(a: Real) -> float:
    ...
@overload
def log1p(a: Value) -> Value:
    ...
@overload
def log1p(a: Array) -> Array:
    r"""``log(1 + a)``, exact for small ``a`` too.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``1/(1 + a)``
    * differentiable, and tested, where ``a > -1``
    * -inf at -1.0, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> log1p(2.0)
    1.0986122886681096
    """
@overload
def log2(a: Real) -> float:
    ...
@overload
def log2(a: Value) -> Value:
    ...
@overload
def log2(a: Array) -> Array:
    r"""The logarithm to base 2.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``1/LN2/a``
    * differentiable, and tested, where ``a > 0``
    * -inf at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> log2(2.0)
    1.0
    """
@overload
def log10(a: Real) -> float:
    ...
@overload
def log10(a: Value) -> Value:
    ...
@overload
def log10(a: Array) -> Array:
    r"""The logarithm to base 10.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``1/LN10/a``
    * differentiable, and tested, where ``a > 0``
    * -inf at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> log10(2.0)
    0.3010299956639812
    """
@overload
def logaddexp(a: Real, b: Real) -> float:
    ...
@overload
def logaddexp(a: Value, b: Real | Value) -> Value:
    ...
@overload
def logaddexp(a: Real, b: Value) -> Value:
    ...
@overload
def logaddexp(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def logaddexp(a: Real | Value, b: Array) -> Array:
    r"""``log(exp(a) + exp(b))``, without overflow.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a + LN2 if a == b else maximum(a, b) + log1p(exp(-abs(a - b)))``
    * partial derivatives: ``sigmoid(a - b)``, ``sigmoid(b - a)``
    * differentiable everywhere

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> logaddexp(2.0, 3.0)
    3.313261687518223
    """
@overload
def xlogy(a: Real, b: Real) -> float:
    ...
@overload
def xlogy(a: Value, b: Real | Value) -> Value:
    ...
@overload
def xlogy(a: Real, b: Value) -> Value:
    ...
@overload
def xlogy(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def xlogy(a: Real | Value, b: Array) -> Array:
    r"""``a * log(b)``, which is 0 where ``a`` is, whatever number ``b`` is.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``0.0 if a == 0 and b == b else a*log(b)``
    * partial derivatives: ``log(where(equal(a, 0.0)*less_equal(b, 0.0), 1.0, b))``, ``a/b``
    * differentiable, and tested, where ``b > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> xlogy(2.0, 3.0)
    2.1972245773362196
    """
@overload
def sin(a: Real) -> float:
    ...
@overload
def sin(a: Value) -> Value:
    ...
@overload
def sin(a: Array) -> Array:
    r"""The sine of an angle in radians.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``cos(a)``
    * differentiable everywhere
    * nan at -inf, 0.0 at 0.0, nan at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> sin(2.0)
    0.9092974268256817
    """
@overload
def cos(a: Real) -> float:
    ...
@overload
def cos(a: Value) -> Value:
    ...
@overload
def cos(a: Array) -> Array:
    r"""The cosine of an angle in radians.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``-sin(a)``
    * differentiable everywhere
    * nan at -inf, 1.0 at 0.0, nan at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> cos(2.0)
    -0.4161468365471424
    """
@overload
def tan(a: Real) -> float:
    ...
@overload
def tan(a: Value) -> Value:
    ...
@overload
def tan(a: Array) -> Array:
    r"""The tangent of an angle in radians.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``1 + square(v)``, where ``v`` is the value
    * differentiable everywhere
    * nan at -inf, 0.0 at 0.0, nan at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> tan(2.0)
    -2.185039863261519
    """
@overload
def asin(a: Real) -> float:
    ...
@overload
def asin(a: Value) -> Value:
    ...
@overload
def asin(a: Array) -> Array:
    r"""The arcsine, an angle from -pi/2 to pi/2; nan outside -1 to 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``asin_da(a)``
    * differentiable, and tested, where ``-1 < a < 1``
    * -1.5707963267948966 at -1.0, 0.0 at 0.0, 1.5707963267948966 at 1.0

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> asin(0.5)
    0.5235987755982989
    """
@overload
def acos(a: Real) -> float:
    ...
@overload
def acos(a: Value) -> Value:
    ...
@overload
def acos(a: Array) -> Array:
    r"""The arccosine, an angle from 0 to pi; nan outside -1 to 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``-asin_da(a)``
    * differentiable, and tested, where ``-1 < a < 1``
    * 3.141592653589793 at -1.0, 1.5707963267948966 at 0.0, 0.0 at 1.0

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> acos(0.5)
    1.0471975511965979
    """
@overload
def asin_da(a: Real) -> float:
    ...
@overload
def asin_da(a: Value) -> Value:
    ...
@overload
def asin_da(a: Array) -> Array:
    r"""The derivative of ``asin``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``1/sqrt((1 - a)*(1 + a))``
    * partial derivative: ``a*v*square(v)``, where ``v`` is the value
    * differentiable, and tested, where ``-1 < a < 1``
    * inf at -1.0, 1.0 at 0.0, inf at 1.0

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> asin_da(0.5)
    1.1547005383792517
    """
@overload
def atan(a: Real) -> float:
    ...
@overload
def atan(a: Value) -> Value:
    ...
@overload
def atan(a: Array) -> Array:
    r"""The arctangent, an angle between -pi/2 and pi/2.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``square(asinh_da(a))``
    * differentiable everywhere
    * -1.5707963267948966 at -inf, 0.0 at 0.0, 1.5707963267948966 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> atan(2.0)
    1.1071487177940904
    """
@overload
def atan2(a: Real, b: Real) -> float:
    ...
@overload
def atan2(a: Value, b: Real | Value) -> Value:
    ...
@overload
def atan2(a: Real, b: Value) -> Value:
    ...
@overload
def atan2(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def atan2(a: Real | Value, b: Array) -> Array:
    r"""The angle of the point with the height ``a`` and the abscissa ``b``, from -pi to pi.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * partial derivatives: ``ratio(ratio(b, hypot(a, b)), hypot(a, b))``, ``ratio(ratio(-a, hypot(a, b)), hypot(a, b))``
    * differentiable, and tested, where ``b > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> atan2(2.0, 3.0)
    0.5880026035475675
    """
@overload
def sinh(a: Real) -> float:
    ...
@overload
def sinh(a: Value) -> Value:
    ...
@overload
def sinh(a: Array) -> Array:
    r"""The hyperbolic sine.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``cosh(a)``
    * differentiable everywhere
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> sinh(2.0)
    3.626860407847019
    """
@overload
def cosh(a: Real) -> float:
    ...
@overload
def cosh(a: Value) -> Value:
    ...
@overload
def cosh(a: Array) -> Array:
    r"""The hyperbolic cosine.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``sinh(a)``
    * differentiable everywhere
    * inf at -inf, 1.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> cosh(2.0)
    3.7621956910836314
    """
@overload
def tanh(a: Real) -> float:
    ...
@overload
def tanh(a: Value) -> Value:
    ...
@overload
def tanh(a: Array) -> Array:
    r"""The hyperbolic tangent, between -1 and 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``square(1/cosh(maximum(minimum(a, 400.0), -400.0)))``
    * differentiable everywhere
    * -1.0 at -inf, 0.0 at 0.0, 1.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> tanh(2.0)
    0.9640275800758169
    """
@overload
def asinh(a: Real) -> float:
    ...
@overload
def asinh(a: Value) -> Value:
    ...
@overload
def asinh(a: Array) -> Array:
    r"""The inverse of ``sinh``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``asinh_da(a)``
    * differentiable everywhere
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> asinh(2.0)
    1.4436354751788103
    """
@overload
def asinh_da(a: Real) -> float:
    ...
@overload
def asinh_da(a: Value) -> Value:
    ...
@overload
def asinh_da(a: Array) -> Array:
    r"""The derivative of ``asinh``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``1/hypot(1.0, a)``
    * partial derivative: ``-(maximum(minimum(a, LARGEST), -LARGEST)*v)*square(v)``, where ``v`` is the value
    * differentiable everywhere
    * 0.0 at -inf, 1.0 at 0.0, 0.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> asinh_da(2.0)
    0.4472135954999579
    """
@overload
def acosh(a: Real) -> float:
    ...
@overload
def acosh(a: Value) -> Value:
    ...
@overload
def acosh(a: Array) -> Array:
    r"""The inverse of ``cosh``, from 0 up; nan below 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``1/sqrt(a - 1)/sqrt(a + 1)``
    * differentiable, and tested, where ``a > 1``
    * 0.0 at 1.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> acosh(2.0)
    1.3169578969248166
    """
@overload
def atanh(a: Real) -> float:
    ...
@overload
def atanh(a: Value) -> Value:
    ...
@overload
def atanh(a: Array) -> Array:
    r"""The inverse of ``tanh``; nan outside -1 to 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``atanh_da(a)``
    * differentiable, and tested, where ``-1 < a < 1``
    * -inf at -1.0, 0.0 at 0.0, inf at 1.0

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> atanh(0.5)
    0.5493061443340548
    """
@overload
def atanh_da(a: Real) -> float:
    ...
@overload
def atanh_da(a: Value) -> Value:
    ...
@overload
def atanh_da(a: Array) -> Array:
    r"""The derivative of ``atanh``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``1/((1 - a)*(1 + a))``
    * partial derivative: ``2*a*square(v)``, where ``v`` is the value
    * differentiable, and tested, where ``-1 < a < 1``
    * inf at -1.0, 1.0 at 0.0, inf at 1.0

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> atanh_da(0.5)
    1.3333333333333333
    """
@overload
def erf(a: Real) -> float:
    ...
@overload
def erf(a: Value) -> Value:
    ...
@overload
def erf(a: Array) -> Array:
    r"""The error function: how likely a normal variable with the variance 1/2 is within ``a`` of its mean.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``TWO_OVER_SQRT_PI*exp(-square(maximum(minimum(a, 40.0), -40.0)))``
    * differentiable everywhere
    * -1.0 at -inf, 0.0 at 0.0, 1.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> erf(2.0)
    0.9953222650189527
    """
@overload
def erfc(a: Real) -> float:
    ...
@overload
def erfc(a: Value) -> Value:
    ...
@overload
def erfc(a: Array) -> Array:
    r"""``1 - erf(a)``, exact for large ``a`` too.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``-TWO_OVER_SQRT_PI*exp(-square(maximum(minimum(a, 40.0), -40.0)))``
    * differentiable everywhere
    * 2.0 at -inf, 1.0 at 0.0, 0.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> erfc(2.0)
    0.004677734981047265
    """
@overload
def erfinv(a: Real) -> float:
    ...
@overload
def erfinv(a: Value) -> Value:
    ...
@overload
def erfinv(a: Array) -> Array:
    r"""The inverse of ``erf``; nan outside -1 to 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``exp(square(v))/TWO_OVER_SQRT_PI``, where ``v`` is the value
    * differentiable, and tested, where ``-1 < a < 1``
    * -inf at -1.0, 0.0 at 0.0, inf at 1.0

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> erfinv(0.5)
    0.4769362762044699
    """
@overload
def lgamma(a: Real) -> float:
    ...
@overload
def lgamma(a: Value) -> Value:
    ...
@overload
def lgamma(a: Array) -> Array:
    r"""The logarithm of the absolute value of the gamma function; of an integer ``n``, that of the factorial of ``n - 1``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``digamma(a)``
    * differentiable, and tested, where ``a > 0``
    * inf at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> lgamma(2.0)
    0.0
    """
@overload
def digamma(a: Real) -> float:
    ...
@overload
def digamma(a: Value) -> Value:
    ...
@overload
def digamma(a: Array) -> Array:
    r"""The derivative of ``lgamma``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``polygamma(1.0, a)``
    * differentiable, and tested, where ``a > 0``
    * -inf at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> digamma(2.0)
    0.42278433509846713
    """
@overload
def polygamma(a: Real, b: Real) -> float:
    ...
@overload
def polygamma(a: Value, b: Real | Value) -> Value:
    ...
@overload
def polygamma(a: Real, b: Value) -> Value:
    ...
@overload
def polygamma(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def polygamma(a: Real | Value, b: Array) -> Array:
    r"""The derivative of ``digamma`` of the order ``a``, at ``b``.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * partial derivatives: ``0.0``, ``polygamma(a + 1, b)``
    * differentiable, and tested, where ``0 < a < 1.75 and b > 0 and ((a - 0.5) % 1)*(1 - (a - 0.5) % 1) != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> polygamma(0.5, 3.0)
    0.9227843350984671
    """
@overload
def relu(a: Real) -> float:
    ...
@overload
def relu(a: Value) -> Value:
    ...
@overload
def relu(a: Array) -> Array:
    r"""The rectifier: ``a``, and 0 for negative ``a``.  At 0, the corner, the derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``0.0 if a < 0 else a``
    * partial derivative: ``step(a)``
    * differentiable, and tested, where ``a != 0``
    * 0.0 at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> relu(2.0)
    2.0
    """
@overload
def leaky_relu(a: Real, b: Real = 0.01) -> float:
    ...
@overload
def leaky_relu(a: Value, b: Real | Value = 0.01) -> Value:
    ...
@overload
def leaky_relu(a: Real, b: Value) -> Value:
    ...
@overload
def leaky_relu(a: Array, b: Real | Value | Array = 0.01) -> Array:
    ...
@overload
def leaky_relu(a: Real | Value, b: Array) -> Array:
    r"""``a``, and ``b * a`` for negative ``a``; ``b`` is the slope there.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a if a > 0 else b*a``
    * partial derivatives: ``where(positive(a), 1.0, b)``, ``where(positive(a), 0.0, a)``
    * differentiable, and tested, where ``a != 0``
    * ``b`` is 0.01 where it is not given

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> leaky_relu(2.0)
    2.0
    """
@overload
def elu(a: Real, b: Real = 1.0) -> float:
    ...
@overload
def elu(a: Value, b: Real | Value = 1.0) -> Value:
    ...
@overload
def elu(a: Real, b: Value) -> Value:
    ...
@overload
def elu(a: Array, b: Real | Value | Array = 1.0) -> Array:
    ...
@overload
def elu(a: Real | Value, b: Array) -> Array:
    r"""The exponential linear unit: ``a``, and ``b * (exp(a) - 1)`` for negative ``a``.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a if a > 0 else b*expm1(a)``
    * partial derivatives: ``where(step(a), 1.0, b*exp(-relu(-a)))``, ``expm1(-relu(-a))``
    * differentiable, and tested, where ``a != 0``
    * ``b`` is 1.0 where it is not given

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> elu(2.0)
    2.0
    """
@overload
def sigmoid(a: Real) -> float:
    ...
@overload
def sigmoid(a: Value) -> Value:
    ...
@overload
def sigmoid(a: Array) -> Array:
    r"""The logistic function ``1 / (1 + exp(-a))``, between 0 and 1.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``1/(1 + exp(-a)) if a >= 0 else exp(a)/(1 + exp(a))``
    * partial derivative: ``v*sigmoid(-a)``, where ``v`` is the value
    * differentiable everywhere
    * 0.0 at -inf, 0.5 at 0.0, 1.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> sigmoid(2.0)
    0.8807970779778823
    """
@overload
def softplus(a: Real) -> float:
    ...
@overload
def softplus(a: Value) -> Value:
    ...
@overload
def softplus(a: Array) -> Array:
    r"""A smooth rectifier: ``log(1 + exp(a))``, without overflow.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``(a if a > 0 else 0.0) + log1p(exp(-abs(a)))``
    * partial derivative: ``sigmoid(a)``
    * differentiable everywhere
    * 0.0 at -inf, 0.6931471805599453 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> softplus(2.0)
    2.1269280110429727
    """
@overload
def logsigmoid(a: Real) -> float:
    ...
@overload
def logsigmoid(a: Value) -> Value:
    ...
@overload
def logsigmoid(a: Array) -> Array:
    r"""``log(sigmoid(a))``, without overflow.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``(a if a < 0 else 0.0) - log1p(exp(-abs(a)))``
    * partial derivative: ``sigmoid(-a)``
    * differentiable everywhere
    * -inf at -inf, -0.6931471805599453 at 0.0, 0.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> logsigmoid(2.0)
    -0.1269280110429725
    """
@overload
def silu(a: Real) -> float:
    ...
@overload
def silu(a: Value) -> Value:
    ...
@overload
def silu(a: Array) -> Array:
    r"""The sigmoid linear unit, or swish: ``a * sigmoid(a)``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``a*sigmoid(a)``
    * partial derivative: ``sigmoid(a)*(1 + a*sigmoid(-a))``
    * differentiable everywhere
    * nan at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> silu(2.0)
    1.7615941559557646
    """
@overload
def gelu(a: Real) -> float:
    ...
@overload
def gelu(a: Value) -> Value:
    ...
@overload
def gelu(a: Array) -> Array:
    r"""The Gaussian error linear unit: ``a`` times how likely a standard normal variable is below ``a``.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``0.5*a*erfc(-a*SQRT_HALF)``
    * partial derivative: ``0.5*erfc(-a*SQRT_HALF) + a*(ONE_OVER_SQRT_TAU*exp(-0.5*square(maximum(minimum(a, 60.0), -60.0))))``
    * differentiable everywhere
    * nan at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> gelu(2.0)
    1.9544997361036416
    """
@overload
def huber(a: Real, b: Real = 1.0) -> float:
    ...
@overload
def huber(a: Value, b: Real | Value = 1.0) -> Value:
    ...
@overload
def huber(a: Real, b: Value) -> Value:
    ...
@overload
def huber(a: Array, b: Real | Value | Array = 1.0) -> Array:
    ...
@overload
def huber(a: Real | Value, b: Array) -> Array:
    r"""Huber's loss of a residual: ``a*a/2`` for residuals up to ``b``, linear beyond.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``0.5*a*a if abs(a) <= b else b*(abs(a) - 0.5*b)``
    * partial derivatives: ``maximum(minimum(a, b), -b)``, ``relu(abs(a) - b)``
    * differentiable, and tested, where ``b > 0 and abs(a) - b != 0``
    * ``b`` is 1.0 where it is not given

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> huber(2.0)
    1.5
    """
@overload
def bernoulli_entropy(a: Real, b: Real) -> float:
    ...
@overload
def bernoulli_entropy(a: Value, b: Real | Value) -> Value:
    ...
@overload
def bernoulli_entropy(a: Real, b: Value) -> Value:
    ...
@overload
def bernoulli_entropy(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def bernoulli_entropy(a: Real | Value, b: Array) -> Array:
    r"""The cross-entropy of the probability ``a`` of an event and a target ``b`` from 0 to 1.  As in PyTorch, logarithms are at least -100.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``-(b*maximum(log(a), -100.0) + (1 - b)*maximum(log(1 - a) if a > 0.5 else log1p(-a), -100.0))``
    * partial derivatives: ``(a - b)/maximum(a*(1 - a), 1e-12)``, ``maximum(log(1 - a), -100.0) - maximum(log(a), -100.0)``
    * differentiable, and tested, where ``1e-11 < a < 1 and 0 < b < 1``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> bernoulli_entropy(0.5, 0.5)
    0.6931471805599453
    """
@overload
def logit_entropy(a: Real, b: Real) -> float:
    ...
@overload
def logit_entropy(a: Value, b: Real | Value) -> Value:
    ...
@overload
def logit_entropy(a: Real, b: Value) -> Value:
    ...
@overload
def logit_entropy(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def logit_entropy(a: Real | Value, b: Array) -> Array:
    r"""The cross-entropy of the probability ``sigmoid(a)`` of an event and a target ``b`` from 0 to 1, without overflow.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``(0.0 if b == 0 else b*softplus(-a)) + (0.0 if b == 1 else (1 - b)*softplus(a))``
    * partial derivatives: ``(1 - b)*sigmoid(a) - b*sigmoid(-a)``, ``-a``
    * differentiable, and tested, where ``0 < b < 1``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> logit_entropy(2.0, 0.5)
    1.1269280110429727
    """
@overload
def divergence(a: Real, b: Real) -> float:
    ...
@overload
def divergence(a: Value, b: Real | Value) -> Value:
    ...
@overload
def divergence(a: Real, b: Value) -> Value:
    ...
@overload
def divergence(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def divergence(a: Real | Value, b: Array) -> Array:
    r"""A term of the Kullback-Leibler divergence: of a target probability ``a`` and a logarithm ``b`` of a probability.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``0.0 if a == 0 else a*(log(a) - b)``
    * partial derivatives: ``log(a) - b + 1``, ``-a``
    * differentiable, and tested, where ``a > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> divergence(2.0, 3.0)
    -4.613705638880109
    """
@overload
def maximum(a: Real, b: Real) -> float:
    ...
@overload
def maximum(a: Value, b: Real | Value) -> Value:
    ...
@overload
def maximum(a: Real, b: Value) -> Value:
    ...
@overload
def maximum(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def maximum(a: Real | Value, b: Array) -> Array:
    r"""The larger of two numbers; at a tie each gets half of the derivative; a nan wins.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a if a >= b or a != a else b``
    * partial derivatives: ``prefer(a, b)``, ``prefer(b, a)``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> maximum(2.0, 3.0)
    3.0
    """
@overload
def minimum(a: Real, b: Real) -> float:
    ...
@overload
def minimum(a: Value, b: Real | Value) -> Value:
    ...
@overload
def minimum(a: Real, b: Value) -> Value:
    ...
@overload
def minimum(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def minimum(a: Real | Value, b: Array) -> Array:
    r"""The smaller of two numbers; at a tie each gets half of the derivative; a nan wins.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a if a <= b or a != a else b``
    * partial derivatives: ``prefer(b, a)``, ``prefer(a, b)``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> minimum(2.0, 3.0)
    2.0
    """
@overload
def sign(a: Real) -> float:
    ...
@overload
def sign(a: Value) -> Value:
    ...
@overload
def sign(a: Array) -> Array:
    r"""1, -1 or 0, as a number is positive, negative or neither; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``1.0 if a > 0 else -1.0 if a < 0 else 0.0``
    * partial derivative: ``0.0``
    * differentiable, and tested, where ``a != 0``
    * -1.0 at -inf, 0.0 at 0.0, 1.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> sign(2.0)
    1.0
    """
@overload
def step(a: Real) -> float:
    ...
@overload
def step(a: Value) -> Value:
    ...
@overload
def step(a: Array) -> Array:
    r"""1 for positive numbers and nan, else 0; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``0.0 if a <= 0 else 1.0``
    * partial derivative: ``0.0``
    * differentiable, and tested, where ``a != 0``
    * 0.0 at -inf, 0.0 at 0.0, 1.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> step(2.0)
    1.0
    """
@overload
def positive(a: Real) -> float:
    ...
@overload
def positive(a: Value) -> Value:
    ...
@overload
def positive(a: Array) -> Array:
    r"""1 for positive numbers, else 0, also for nan; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * computed as ``1.0 if a > 0 else 0.0``
    * partial derivative: ``0.0``
    * differentiable, and tested, where ``a != 0``
    * 0.0 at -inf, 0.0 at 0.0, 1.0 at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> positive(2.0)
    1.0
    """
@overload
def prefer(a: Real, b: Real) -> float:
    ...
@overload
def prefer(a: Value, b: Real | Value) -> Value:
    ...
@overload
def prefer(a: Real, b: Value) -> Value:
    ...
@overload
def prefer(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def prefer(a: Real | Value, b: Array) -> Array:
    r"""1 where ``a`` is the larger of two numbers, 1/2 at a tie, else 0; its derivative is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``0.0 if a < b else 0.5 if a == b else 1.0``
    * partial derivatives: ``0.0``, ``0.0``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> prefer(2.0, 3.0)
    0.0
    """
@overload
def ratio(a: Real, b: Real) -> float:
    ...
@overload
def ratio(a: Value, b: Real | Value) -> Value:
    ...
@overload
def ratio(a: Real, b: Value) -> Value:
    ...
@overload
def ratio(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def ratio(a: Real | Value, b: Array) -> Array:
    r"""``a / b``, and ``a`` where ``b`` is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``a if b == 0 else a/b``
    * partial derivatives: ``ratio(1.0, b)``, ``-ratio(ratio(a, b), b)``
    * differentiable, and tested, where ``b > 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> ratio(2.0, 3.0)
    0.6666666666666666
    """
@overload
def floor(a: Real) -> float:
    ...
@overload
def floor(a: Value) -> Value:
    ...
@overload
def floor(a: Array) -> Array:
    r"""The next integer from ``a`` downwards; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``0.0``
    * differentiable, and tested, where ``(a % 1)*(1 - a % 1) != 0``
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> floor(2.0)
    2.0
    """
@overload
def ceil(a: Real) -> float:
    ...
@overload
def ceil(a: Value) -> Value:
    ...
@overload
def ceil(a: Array) -> Array:
    r"""The next integer from ``a`` upwards; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``0.0``
    * differentiable, and tested, where ``(a % 1)*(1 - a % 1) != 0``
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> ceil(2.0)
    2.0
    """
@overload
def trunc(a: Real) -> float:
    ...
@overload
def trunc(a: Value) -> Value:
    ...
@overload
def trunc(a: Array) -> Array:
    r"""The next integer from ``a`` towards 0; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``0.0``
    * differentiable, and tested, where ``(a % 1)*(1 - a % 1) != 0``
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> trunc(2.0)
    2.0
    """
@overload
def rint(a: Real) -> float:
    ...
@overload
def rint(a: Value) -> Value:
    ...
@overload
def rint(a: Array) -> Array:
    r"""The nearest integer, of two the even one; its derivative is 0.

    ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

    * partial derivative: ``0.0``
    * differentiable, and tested, where ``((a - 0.5) % 1)*(1 - (a - 0.5) % 1) != 0``
    * -inf at -inf, 0.0 at 0.0, inf at inf

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> rint(2.0)
    2.0
    """
@overload
def equal(a: Real, b: Real) -> float:
    ...
@overload
def equal(a: Value, b: Real | Value) -> Value:
    ...
@overload
def equal(a: Real, b: Value) -> Value:
    ...
@overload
def equal(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def equal(a: Real | Value, b: Array) -> Array:
    r"""1 where ``a == b``, else 0; its derivative is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``1.0 if a == b else 0.0``
    * partial derivatives: ``0.0``, ``0.0``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> equal(2.0, 3.0)
    0.0
    """
@overload
def less(a: Real, b: Real) -> float:
    ...
@overload
def less(a: Value, b: Real | Value) -> Value:
    ...
@overload
def less(a: Real, b: Value) -> Value:
    ...
@overload
def less(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def less(a: Real | Value, b: Array) -> Array:
    r"""1 where ``a < b``, else 0; its derivative is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``1.0 if a < b else 0.0``
    * partial derivatives: ``0.0``, ``0.0``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> less(2.0, 3.0)
    1.0
    """
@overload
def less_equal(a: Real, b: Real) -> float:
    ...
@overload
def less_equal(a: Value, b: Real | Value) -> Value:
    ...
@overload
def less_equal(a: Real, b: Value) -> Value:
    ...
@overload
def less_equal(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def less_equal(a: Real | Value, b: Array) -> Array:
    r"""1 where ``a <= b``, else 0; its derivative is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``1.0 if a <= b else 0.0``
    * partial derivatives: ``0.0``, ``0.0``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> less_equal(2.0, 3.0)
    1.0
    """
@overload
def greater(a: Real, b: Real) -> float:
    ...
@overload
def greater(a: Value, b: Real | Value) -> Value:
    ...
@overload
def greater(a: Real, b: Value) -> Value:
    ...
@overload
def greater(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def greater(a: Real | Value, b: Array) -> Array:
    r"""1 where ``a > b``, else 0; its derivative is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``1.0 if a > b else 0.0``
    * partial derivatives: ``0.0``, ``0.0``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> greater(2.0, 3.0)
    0.0
    """
@overload
def greater_equal(a: Real, b: Real) -> float:
    ...
@overload
def greater_equal(a: Value, b: Real | Value) -> Value:
    ...
@overload
def greater_equal(a: Real, b: Value) -> Value:
    ...
@overload
def greater_equal(a: Array, b: Real | Value | Array) -> Array:
    ...
@overload
def greater_equal(a: Real | Value, b: Array) -> Array:
    r"""1 where ``a >= b``, else 0; its derivative is 0.

    ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
    The result is an array if one of them is, else a Value if one is, else a float.

    * computed as ``1.0 if a >= b else 0.0``
    * partial derivatives: ``0.0``, ``0.0``
    * differentiable, and tested, where ``a - b != 0``

    Raises:
        TypeError: for what is neither a real number nor a Value, nor an array of them.

    >>> greater_equal(2.0, 3.0)
    0.0
    """
__all__ = [
    'add',
    'sub',
    'mul',
    'div',
    'neg',
    'abs',
    'square',
    'pow',
    'monomial',
    'log_monomial',
    'sqrt',
    'cbrt',
    'hypot',
    'exp',
    'expm1',
    'log',
    'log1p',
    'log2',
    'log10',
    'logaddexp',
    'xlogy',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'asin_da',
    'atan',
    'atan2',
    'sinh',
    'cosh',
    'tanh',
    'asinh',
    'asinh_da',
    'acosh',
    'atanh',
    'atanh_da',
    'erf',
    'erfc',
    'erfinv',
    'lgamma',
    'digamma',
    'polygamma',
    'relu',
    'leaky_relu',
    'elu',
    'sigmoid',
    'softplus',
    'logsigmoid',
    'silu',
    'gelu',
    'huber',
    'bernoulli_entropy',
    'logit_entropy',
    'divergence',
    'maximum',
    'minimum',
    'clip',
    'sign',
    'step',
    'positive',
    'prefer',
    'ratio',
    'floor',
    'ceil',
    'trunc',
    'rint',
    'equal',
    'less',
    'less_equal',
    'greater',
    'greater_equal',
    'sum',
    'mean',
    'dot',
    'norm',
    'logsumexp',
    'softmax',
    'log_softmax',
    'where',
    'stop_gradient',
    'round',
    'take',
]
