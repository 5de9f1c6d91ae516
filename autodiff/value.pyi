# Written by tests/tools/stubs.py from value.py and the rows of ops.py.

from typing import overload
from autodiff.engine.reals import Array, Real
from typing import Any
from autodiff.engine.modes import Note, Origin
from autodiff.engine.reals import Real
COMPILED: bool
TABLE_DIGEST: str
def look() -> None:
    """Called before the mode first changes: from now on it is checked."""
class Value:
    r"""A number that remembers how it was computed.

    Args:
        data: a real number; kept as a float64.
        name: what drawings and messages call it.

    Raises:
        TypeError: if ``data`` is not a real number: a string, a complex number, None, an array.
        ValueError: if ``data`` is beyond the range of a float64, as ``10**400`` is.

    A program may put attributes of its own on it, as an optimizer does: ``v.momentum = 0.0``.

    >>> x = Value(3.0, name="x")
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    >>> z = x * Value(4.0)
    >>> z.op, z.operands[0].name, z.partials, z.detach()
    ('mul', 'x', (4.0, 3.0), Value(12.0))
    >>> x.data, x.grad = 5.0, 0.0  # as an optimizer does; y and z keep their data
    """
    _data: float
    _grad: float
    _a: Any
    _b: Any
    _da: float
    _db: float
    _origin: Origin | None
    _mark: int
    _op: int
    def __init__(self, data: Real, name: str='') -> None: ...
    @property
    def data(self) -> float:
        """The number.  That of a leaf may be set, as an optimizer's step does."""
    @data.setter
    def data(self, number: Real) -> None: ...
    @property
    def grad(self) -> Any:
        r"""The gradient: of a leaf, added up over sweeps; of a computed Value, the last sweep's.

        A float, or a Value after ``backward(create_graph=True)``.
        """
    @grad.setter
    def grad(self, number: Real) -> None: ...
    @property
    def name(self) -> str:
        """What drawings and messages call it; may be set."""
    @name.setter
    def name(self, name: str) -> None: ...
    @property
    def scope(self) -> str:
        """The scope it was recorded in, outer first: ``"layer1/neuron0"``."""
    @property
    def op(self) -> str:
        """The primitive it was computed by; ``""`` for a leaf."""
    @property
    def operands(self) -> tuple[Value | float, ...]:
        """What it was computed from, in order: Values, and floats where a constant was given."""
    @property
    def partials(self) -> tuple[float, ...]:
        """Its partial derivative with respect to each operand; 0 for constants."""
    def detach(self) -> Value:
        """A constant: a new leaf with the same data and no history."""
    @overload
    def __add__(self, other: Real | Value) -> Value: ...
    @overload
    def __add__(self, other: Array) -> Array: ...
    @overload
    def __radd__(self, other: Real | Value) -> Value: ...
    @overload
    def __radd__(self, other: Array) -> Array: ...
    @overload
    def __sub__(self, other: Real | Value) -> Value: ...
    @overload
    def __sub__(self, other: Array) -> Array: ...
    @overload
    def __rsub__(self, other: Real | Value) -> Value: ...
    @overload
    def __rsub__(self, other: Array) -> Array: ...
    @overload
    def __mul__(self, other: Real | Value) -> Value: ...
    @overload
    def __mul__(self, other: Array) -> Array: ...
    @overload
    def __rmul__(self, other: Real | Value) -> Value: ...
    @overload
    def __rmul__(self, other: Array) -> Array: ...
    @overload
    def __truediv__(self, other: Real | Value) -> Value: ...
    @overload
    def __truediv__(self, other: Array) -> Array: ...
    @overload
    def __rtruediv__(self, other: Real | Value) -> Value: ...
    @overload
    def __rtruediv__(self, other: Array) -> Array: ...
    @overload
    def __pow__(self, other: Real | Value) -> Value: ...
    @overload
    def __pow__(self, other: Array) -> Array: ...
    @overload
    def __rpow__(self, other: Real | Value) -> Value: ...
    @overload
    def __rpow__(self, other: Array) -> Array: ...
    def __neg__(self) -> Value: ...
    def __pos__(self) -> Value: ...
    def __abs__(self) -> Value: ...
    def __eq__(self, other: object) -> bool: ...
    def __lt__(self, other: Any) -> bool: ...
    def __le__(self, other: Any) -> bool: ...
    def __gt__(self, other: Any) -> bool: ...
    def __ge__(self, other: Any) -> bool: ...
    def __hash__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __float__(self) -> float: ...
    def __int__(self) -> int: ...
    def __index__(self) -> int: ...
    def __floordiv__(self, other: Any) -> Any: ...
    def __rfloordiv__(self, other: Any) -> Any: ...
    def __mod__(self, other: Any) -> Any: ...
    def __rmod__(self, other: Any) -> Any: ...
    def __repr__(self) -> str: ...
    def _repr_html_(self) -> str: ...
    def __format__(self, spec: str) -> str: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def backward(self: Value, seed: float=1.0, create_graph: bool=False) -> None:
        r"""Compute the gradient of this Value with respect to every Value that it was computed from.

        Afterwards ``v.grad`` is ``seed * d self / d v``: added to what was there in a leaf, in
        place of it in a computed Value.  The cost is that of a few multiplications a node; no
        recursion, so graphs may be of any depth.

        Args:
            seed: the adjoint of this Value itself.
            create_graph: record the sweep, so that gradients are Values which can be
                differentiated in turn.

        Raises:
            FloatingPointError: inside ``detect_anomaly()``, at the first nan or inf.
            RuntimeError: with ``create_graph`` if a leaf's data was changed after the graph was
                recorded, since its derivatives could then not be written in terms of that leaf;
                without it, in a function that is traced.

        >>> x = Value(2.0)
        >>> (x ** 3).backward(create_graph=True)
        >>> dx = x.grad
        >>> x.grad = 0.0
        >>> dx.backward()
        >>> dx.data, x.grad
        (12.0, 12.0)
        """
    def add(self, b: Real | Value) -> Value:
        r"""The sum of two numbers: ``a + b``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a + b``
        * partial derivatives: ``1.0``, ``1.0``
        * differentiable everywhere
        """
    def sub(self, b: Real | Value) -> Value:
        r"""The difference of two numbers: ``a - b``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a - b``
        * partial derivatives: ``1.0``, ``-1.0``
        * differentiable everywhere
        """
    def subtract(self, b: Real | Value) -> Value:
        r"""The difference of two numbers: ``a - b``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a - b``
        * partial derivatives: ``1.0``, ``-1.0``
        * differentiable everywhere
        """
    def mul(self, b: Real | Value) -> Value:
        r"""The product of two numbers: ``a * b``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a * b``
        * partial derivatives: ``b``, ``a``
        * differentiable everywhere
        """
    def multiply(self, b: Real | Value) -> Value:
        r"""The product of two numbers: ``a * b``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a * b``
        * partial derivatives: ``b``, ``a``
        * differentiable everywhere
        """
    def div(self, b: Real | Value) -> Value:
        r"""The quotient of two numbers: ``a / b``.  Nothing raises: 1/0 is inf, and 0/0 is nan.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a / b``
        * partial derivatives: ``1/b``, ``-v/b``, where ``v`` is the value
        * differentiable, and tested, where ``b > 0``
        """
    def divide(self, b: Real | Value) -> Value:
        r"""The quotient of two numbers: ``a / b``.  Nothing raises: 1/0 is inf, and 0/0 is nan.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a / b``
        * partial derivatives: ``1/b``, ``-v/b``, where ``v`` is the value
        * differentiable, and tested, where ``b > 0``
        """
    def neg(self) -> Value:
        r"""A number with the opposite sign: ``-a``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``-a``
        * partial derivative: ``-1.0``
        * differentiable everywhere
        * inf at -inf, -0.0 at 0.0, -inf at inf
        """
    def negative(self) -> Value:
        r"""A number with the opposite sign: ``-a``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``-a``
        * partial derivative: ``-1.0``
        * differentiable everywhere
        * inf at -inf, -0.0 at 0.0, -inf at inf
        """
    def abs(self) -> Value:
        r"""The absolute value: ``abs(a)``.  At 0, the corner, the derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``sign(a)``
        * differentiable, and tested, where ``a != 0``
        * inf at -inf, 0.0 at 0.0, inf at inf
        """
    def square(self) -> Value:
        r"""A number times itself.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``a * a``
        * partial derivative: ``2*a``
        * differentiable everywhere
        * inf at -inf, 0.0 at 0.0, inf at inf
        """
    def pow(self, b: Real | Value) -> Value:
        r"""``a`` to the power ``b``: ``a ** b``.  0**0 is 1; the power of a negative number is nan unless ``b`` is an integer.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a*a if b == 2 else a if b == 1 else pow(a, b)``
        * partial derivatives: ``monomial(b, a, b - 1)``, ``log_monomial(1.0, a, b, 1.0)``
        * differentiable, and tested, where ``a > 0``
        """
    def power(self, b: Real | Value) -> Value:
        r"""``a`` to the power ``b``: ``a ** b``.  0**0 is 1; the power of a negative number is nan unless ``b`` is an integer.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a*a if b == 2 else a if b == 1 else pow(a, b)``
        * partial derivatives: ``monomial(b, a, b - 1)``, ``log_monomial(1.0, a, b, 1.0)``
        * differentiable, and tested, where ``a > 0``
        """
    def monomial(self, a: Real | Value, b: Real | Value) -> Value:
        r"""``c * a**b``, which is 0 where ``c`` is, even if ``a**b`` is inf: what derivatives of ``pow`` consist of.

        ``c``, ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``0.0 if c == 0 or (abs(c) > LARGEST and pow(a, b) == 0) else c*pow(a, b)``
        * partial derivatives: ``pow(a, b)``, ``monomial(b*c, a, b - 1)``, ``log_monomial(c, a, b, 1.0)``
        * differentiable, and tested, where ``a > 0``
        """
    def log_monomial(self, a: Real | Value, b: Real | Value, m: Real | Value) -> Value:
        r"""``c * a**b * log(a)**m``, which is 0 where ``c`` is: what derivatives of ``pow`` with respect to its exponent consist of.

        ``c``, ``a``, ``b`` and ``m`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``monomial(c, a, b) if m == 0 else 0.0 if c == 0 or (a == 0 and b >= 0) else monomial(c, a, b)*pow(log(a), m)``
        * partial derivatives: ``log_monomial(1.0, a, b, m)``, ``log_monomial(b*c, a, b - 1, m) + log_monomial(m*c, a, b - 1, m - 1)``, ``log_monomial(c, a, b, m + 1)``, ``v*log(log(a))``, where ``v`` is the value
        * differentiable, and tested, where ``a > 1 and 0 < m < 1.75``
        """
    def sqrt(self) -> Value:
        r"""The square root; that of a negative number is nan.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``0.5/v``, where ``v`` is the value
        * differentiable, and tested, where ``a > 0``
        * 0.0 at 0.0, inf at inf
        """
    def cbrt(self) -> Value:
        r"""The cube root, of negative numbers too.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``square(1/v)/3``, where ``v`` is the value
        * differentiable, and tested, where ``a != 0``
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def hypot(self, b: Real | Value) -> Value:
        r"""The hypotenuse of a right triangle with the legs ``a`` and ``b``: ``sqrt(a*a + b*b)``, without overflow.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * partial derivatives: ``a/v``, ``b/v``, where ``v`` is the value
        * differentiable, and tested, where ``b > 0``
        """
    def exp(self) -> Value:
        r"""e to the power ``a``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``v``, where ``v`` is the value
        * differentiable everywhere
        * 0.0 at -inf, 1.0 at 0.0, inf at inf
        """
    def expm1(self) -> Value:
        r"""``exp(a) - 1``, exact for small ``a`` too.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``exp(a)``
        * differentiable everywhere
        * -1.0 at -inf, 0.0 at 0.0, inf at inf
        """
    def log(self) -> Value:
        r"""The natural logarithm; that of a negative number is nan.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1/a``
        * differentiable, and tested, where ``a > 0``
        * -inf at 0.0, inf at inf
        """
    def log1p(self) -> Value:
        r"""``log(1 + a)``, exact for small ``a`` too.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1/(1 + a)``
        * differentiable, and tested, where ``a > -1``
        * -inf at -1.0, 0.0 at 0.0, inf at inf
        """
    def log2(self) -> Value:
        r"""The logarithm to base 2.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1/LN2/a``
        * differentiable, and tested, where ``a > 0``
        * -inf at 0.0, inf at inf
        """
    def log10(self) -> Value:
        r"""The logarithm to base 10.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1/LN10/a``
        * differentiable, and tested, where ``a > 0``
        * -inf at 0.0, inf at inf
        """
    def logaddexp(self, b: Real | Value) -> Value:
        r"""``log(exp(a) + exp(b))``, without overflow.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a + LN2 if a == b else maximum(a, b) + log1p(exp(-abs(a - b)))``
        * partial derivatives: ``sigmoid(a - b)``, ``sigmoid(b - a)``
        * differentiable everywhere
        """
    def xlogy(self, b: Real | Value) -> Value:
        r"""``a * log(b)``, which is 0 where ``a`` is, whatever number ``b`` is.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``0.0 if a == 0 and b == b else a*log(b)``
        * partial derivatives: ``log(where(equal(a, 0.0)*less_equal(b, 0.0), 1.0, b))``, ``a/b``
        * differentiable, and tested, where ``b > 0``
        """
    def sin(self) -> Value:
        r"""The sine of an angle in radians.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``cos(a)``
        * differentiable everywhere
        * nan at -inf, 0.0 at 0.0, nan at inf
        """
    def cos(self) -> Value:
        r"""The cosine of an angle in radians.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``-sin(a)``
        * differentiable everywhere
        * nan at -inf, 1.0 at 0.0, nan at inf
        """
    def tan(self) -> Value:
        r"""The tangent of an angle in radians.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1 + square(v)``, where ``v`` is the value
        * differentiable everywhere
        * nan at -inf, 0.0 at 0.0, nan at inf
        """
    def asin(self) -> Value:
        r"""The arcsine, an angle from -pi/2 to pi/2; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``asin_da(a)``
        * differentiable, and tested, where ``-1 < a < 1``
        * -1.5707963267948966 at -1.0, 0.0 at 0.0, 1.5707963267948966 at 1.0
        """
    def arcsin(self) -> Value:
        r"""The arcsine, an angle from -pi/2 to pi/2; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``asin_da(a)``
        * differentiable, and tested, where ``-1 < a < 1``
        * -1.5707963267948966 at -1.0, 0.0 at 0.0, 1.5707963267948966 at 1.0
        """
    def acos(self) -> Value:
        r"""The arccosine, an angle from 0 to pi; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``-asin_da(a)``
        * differentiable, and tested, where ``-1 < a < 1``
        * 3.141592653589793 at -1.0, 1.5707963267948966 at 0.0, 0.0 at 1.0
        """
    def arccos(self) -> Value:
        r"""The arccosine, an angle from 0 to pi; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``-asin_da(a)``
        * differentiable, and tested, where ``-1 < a < 1``
        * 3.141592653589793 at -1.0, 1.5707963267948966 at 0.0, 0.0 at 1.0
        """
    def asin_da(self) -> Value:
        r"""The derivative of ``asin``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``1/sqrt((1 - a)*(1 + a))``
        * partial derivative: ``a*v*square(v)``, where ``v`` is the value
        * differentiable, and tested, where ``-1 < a < 1``
        * inf at -1.0, 1.0 at 0.0, inf at 1.0
        """
    def atan(self) -> Value:
        r"""The arctangent, an angle between -pi/2 and pi/2.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``square(asinh_da(a))``
        * differentiable everywhere
        * -1.5707963267948966 at -inf, 0.0 at 0.0, 1.5707963267948966 at inf
        """
    def arctan(self) -> Value:
        r"""The arctangent, an angle between -pi/2 and pi/2.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``square(asinh_da(a))``
        * differentiable everywhere
        * -1.5707963267948966 at -inf, 0.0 at 0.0, 1.5707963267948966 at inf
        """
    def atan2(self, b: Real | Value) -> Value:
        r"""The angle of the point with the height ``a`` and the abscissa ``b``, from -pi to pi.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * partial derivatives: ``ratio(ratio(b, hypot(a, b)), hypot(a, b))``, ``ratio(ratio(-a, hypot(a, b)), hypot(a, b))``
        * differentiable, and tested, where ``b > 0``
        """
    def arctan2(self, b: Real | Value) -> Value:
        r"""The angle of the point with the height ``a`` and the abscissa ``b``, from -pi to pi.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * partial derivatives: ``ratio(ratio(b, hypot(a, b)), hypot(a, b))``, ``ratio(ratio(-a, hypot(a, b)), hypot(a, b))``
        * differentiable, and tested, where ``b > 0``
        """
    def sinh(self) -> Value:
        r"""The hyperbolic sine.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``cosh(a)``
        * differentiable everywhere
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def cosh(self) -> Value:
        r"""The hyperbolic cosine.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``sinh(a)``
        * differentiable everywhere
        * inf at -inf, 1.0 at 0.0, inf at inf
        """
    def tanh(self) -> Value:
        r"""The hyperbolic tangent, between -1 and 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``square(1/cosh(maximum(minimum(a, 400.0), -400.0)))``
        * differentiable everywhere
        * -1.0 at -inf, 0.0 at 0.0, 1.0 at inf
        """
    def asinh(self) -> Value:
        r"""The inverse of ``sinh``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``asinh_da(a)``
        * differentiable everywhere
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def arcsinh(self) -> Value:
        r"""The inverse of ``sinh``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``asinh_da(a)``
        * differentiable everywhere
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def asinh_da(self) -> Value:
        r"""The derivative of ``asinh``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``1/hypot(1.0, a)``
        * partial derivative: ``-(maximum(minimum(a, LARGEST), -LARGEST)*v)*square(v)``, where ``v`` is the value
        * differentiable everywhere
        * 0.0 at -inf, 1.0 at 0.0, 0.0 at inf
        """
    def acosh(self) -> Value:
        r"""The inverse of ``cosh``, from 0 up; nan below 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1/sqrt(a - 1)/sqrt(a + 1)``
        * differentiable, and tested, where ``a > 1``
        * 0.0 at 1.0, inf at inf
        """
    def arccosh(self) -> Value:
        r"""The inverse of ``cosh``, from 0 up; nan below 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``1/sqrt(a - 1)/sqrt(a + 1)``
        * differentiable, and tested, where ``a > 1``
        * 0.0 at 1.0, inf at inf
        """
    def atanh(self) -> Value:
        r"""The inverse of ``tanh``; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``atanh_da(a)``
        * differentiable, and tested, where ``-1 < a < 1``
        * -inf at -1.0, 0.0 at 0.0, inf at 1.0
        """
    def arctanh(self) -> Value:
        r"""The inverse of ``tanh``; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``atanh_da(a)``
        * differentiable, and tested, where ``-1 < a < 1``
        * -inf at -1.0, 0.0 at 0.0, inf at 1.0
        """
    def atanh_da(self) -> Value:
        r"""The derivative of ``atanh``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``1/((1 - a)*(1 + a))``
        * partial derivative: ``2*a*square(v)``, where ``v`` is the value
        * differentiable, and tested, where ``-1 < a < 1``
        * inf at -1.0, 1.0 at 0.0, inf at 1.0
        """
    def erf(self) -> Value:
        r"""The error function: how likely a normal variable with the variance 1/2 is within ``a`` of its mean.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``TWO_OVER_SQRT_PI*exp(-square(maximum(minimum(a, 40.0), -40.0)))``
        * differentiable everywhere
        * -1.0 at -inf, 0.0 at 0.0, 1.0 at inf
        """
    def erfc(self) -> Value:
        r"""``1 - erf(a)``, exact for large ``a`` too.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``-TWO_OVER_SQRT_PI*exp(-square(maximum(minimum(a, 40.0), -40.0)))``
        * differentiable everywhere
        * 2.0 at -inf, 1.0 at 0.0, 0.0 at inf
        """
    def erfinv(self) -> Value:
        r"""The inverse of ``erf``; nan outside -1 to 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``exp(square(v))/TWO_OVER_SQRT_PI``, where ``v`` is the value
        * differentiable, and tested, where ``-1 < a < 1``
        * -inf at -1.0, 0.0 at 0.0, inf at 1.0
        """
    def lgamma(self) -> Value:
        r"""The logarithm of the absolute value of the gamma function; of an integer ``n``, that of the factorial of ``n - 1``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``digamma(a)``
        * differentiable, and tested, where ``a > 0``
        * inf at 0.0, inf at inf
        """
    def digamma(self) -> Value:
        r"""The derivative of ``lgamma``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``polygamma(1.0, a)``
        * differentiable, and tested, where ``a > 0``
        * -inf at 0.0, inf at inf
        """
    def polygamma(self, b: Real | Value) -> Value:
        r"""The derivative of ``digamma`` of the order ``a``, at ``b``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * partial derivatives: ``0.0``, ``polygamma(a + 1, b)``
        * differentiable, and tested, where ``0 < a < 1.75 and b > 0 and ((a - 0.5) % 1)*(1 - (a - 0.5) % 1) != 0``
        """
    def relu(self) -> Value:
        r"""The rectifier: ``a``, and 0 for negative ``a``.  At 0, the corner, the derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``0.0 if a < 0 else a``
        * partial derivative: ``step(a)``
        * differentiable, and tested, where ``a != 0``
        * 0.0 at -inf, 0.0 at 0.0, inf at inf
        """
    def leaky_relu(self, b: Real | Value = 0.01) -> Value:
        r"""``a``, and ``b * a`` for negative ``a``; ``b`` is the slope there.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a if a > 0 else b*a``
        * partial derivatives: ``where(positive(a), 1.0, b)``, ``where(positive(a), 0.0, a)``
        * differentiable, and tested, where ``a != 0``
        * ``b`` is 0.01 where it is not given
        """
    def elu(self, b: Real | Value = 1.0) -> Value:
        r"""The exponential linear unit: ``a``, and ``b * (exp(a) - 1)`` for negative ``a``.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a if a > 0 else b*expm1(a)``
        * partial derivatives: ``where(step(a), 1.0, b*exp(-relu(-a)))``, ``expm1(-relu(-a))``
        * differentiable, and tested, where ``a != 0``
        * ``b`` is 1.0 where it is not given
        """
    def sigmoid(self) -> Value:
        r"""The logistic function ``1 / (1 + exp(-a))``, between 0 and 1.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``1/(1 + exp(-a)) if a >= 0 else exp(a)/(1 + exp(a))``
        * partial derivative: ``v*sigmoid(-a)``, where ``v`` is the value
        * differentiable everywhere
        * 0.0 at -inf, 0.5 at 0.0, 1.0 at inf
        """
    def softplus(self) -> Value:
        r"""A smooth rectifier: ``log(1 + exp(a))``, without overflow.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``(a if a > 0 else 0.0) + log1p(exp(-abs(a)))``
        * partial derivative: ``sigmoid(a)``
        * differentiable everywhere
        * 0.0 at -inf, 0.6931471805599453 at 0.0, inf at inf
        """
    def logsigmoid(self) -> Value:
        r"""``log(sigmoid(a))``, without overflow.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``(a if a < 0 else 0.0) - log1p(exp(-abs(a)))``
        * partial derivative: ``sigmoid(-a)``
        * differentiable everywhere
        * -inf at -inf, -0.6931471805599453 at 0.0, 0.0 at inf
        """
    def silu(self) -> Value:
        r"""The sigmoid linear unit, or swish: ``a * sigmoid(a)``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``a*sigmoid(a)``
        * partial derivative: ``sigmoid(a)*(1 + a*sigmoid(-a))``
        * differentiable everywhere
        * nan at -inf, 0.0 at 0.0, inf at inf
        """
    def gelu(self) -> Value:
        r"""The Gaussian error linear unit: ``a`` times how likely a standard normal variable is below ``a``.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``0.5*a*erfc(-a*SQRT_HALF)``
        * partial derivative: ``0.5*erfc(-a*SQRT_HALF) + a*(ONE_OVER_SQRT_TAU*exp(-0.5*square(maximum(minimum(a, 60.0), -60.0))))``
        * differentiable everywhere
        * nan at -inf, 0.0 at 0.0, inf at inf
        """
    def huber(self, b: Real | Value = 1.0) -> Value:
        r"""Huber's loss of a residual: ``a*a/2`` for residuals up to ``b``, linear beyond.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``0.5*a*a if abs(a) <= b else b*(abs(a) - 0.5*b)``
        * partial derivatives: ``maximum(minimum(a, b), -b)``, ``relu(abs(a) - b)``
        * differentiable, and tested, where ``b > 0 and abs(a) - b != 0``
        * ``b`` is 1.0 where it is not given
        """
    def bernoulli_entropy(self, b: Real | Value) -> Value:
        r"""The cross-entropy of the probability ``a`` of an event and a target ``b`` from 0 to 1.  As in PyTorch, logarithms are at least -100.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``-(b*maximum(log(a), -100.0) + (1 - b)*maximum(log(1 - a) if a > 0.5 else log1p(-a), -100.0))``
        * partial derivatives: ``(a - b)/maximum(a*(1 - a), 1e-12)``, ``maximum(log(1 - a), -100.0) - maximum(log(a), -100.0)``
        * differentiable, and tested, where ``1e-11 < a < 1 and 0 < b < 1``
        """
    def logit_entropy(self, b: Real | Value) -> Value:
        r"""The cross-entropy of the probability ``sigmoid(a)`` of an event and a target ``b`` from 0 to 1, without overflow.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``(0.0 if b == 0 else b*softplus(-a)) + (0.0 if b == 1 else (1 - b)*softplus(a))``
        * partial derivatives: ``(1 - b)*sigmoid(a) - b*sigmoid(-a)``, ``-a``
        * differentiable, and tested, where ``0 < b < 1``
        """
    def divergence(self, b: Real | Value) -> Value:
        r"""A term of the Kullback-Leibler divergence: of a target probability ``a`` and a logarithm ``b`` of a probability.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``0.0 if a == 0 else a*(log(a) - b)``
        * partial derivatives: ``log(a) - b + 1``, ``-a``
        * differentiable, and tested, where ``a > 0``
        """
    def maximum(self, b: Real | Value) -> Value:
        r"""The larger of two numbers; at a tie each gets half of the derivative; a nan wins.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a if a >= b or a != a else b``
        * partial derivatives: ``prefer(a, b)``, ``prefer(b, a)``
        * differentiable, and tested, where ``a - b != 0``
        """
    def minimum(self, b: Real | Value) -> Value:
        r"""The smaller of two numbers; at a tie each gets half of the derivative; a nan wins.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a if a <= b or a != a else b``
        * partial derivatives: ``prefer(b, a)``, ``prefer(a, b)``
        * differentiable, and tested, where ``a - b != 0``
        """
    def clip(self, lo: Real | Value | None, hi: Real | Value | None) -> Value:
        r"""``x``, but ``lo`` where it is less and ``hi`` where it is greater: ``numpy.clip``.

        The slope is 1 from ``lo`` to ``hi``, both included, and 0 outside, as PyTorch's.

        Args:
            x: a number, a Value, or an array of them; nan stays nan.
            lo: likewise, or None for no limit; where ``lo > hi`` the result is ``hi``.
            hi: likewise.

        Raises:
            TypeError: for anything else.

        >>> clip(3.0, 0.0, 1.0), clip(np.array([-1.0, 5.0]), 0.0, None)
        (1.0, array([0., 5.]))
        """
    def sign(self) -> Value:
        r"""1, -1 or 0, as a number is positive, negative or neither; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``1.0 if a > 0 else -1.0 if a < 0 else 0.0``
        * partial derivative: ``0.0``
        * differentiable, and tested, where ``a != 0``
        * -1.0 at -inf, 0.0 at 0.0, 1.0 at inf
        """
    def step(self) -> Value:
        r"""1 for positive numbers and nan, else 0; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``0.0 if a <= 0 else 1.0``
        * partial derivative: ``0.0``
        * differentiable, and tested, where ``a != 0``
        * 0.0 at -inf, 0.0 at 0.0, 1.0 at inf
        """
    def positive(self) -> Value:
        r"""1 for positive numbers, else 0, also for nan; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * computed as ``1.0 if a > 0 else 0.0``
        * partial derivative: ``0.0``
        * differentiable, and tested, where ``a != 0``
        * 0.0 at -inf, 0.0 at 0.0, 1.0 at inf
        """
    def prefer(self, b: Real | Value) -> Value:
        r"""1 where ``a`` is the larger of two numbers, 1/2 at a tie, else 0; its derivative is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``0.0 if a < b else 0.5 if a == b else 1.0``
        * partial derivatives: ``0.0``, ``0.0``
        * differentiable, and tested, where ``a - b != 0``
        """
    def ratio(self, b: Real | Value) -> Value:
        r"""``a / b``, and ``a`` where ``b`` is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``a if b == 0 else a/b``
        * partial derivatives: ``ratio(1.0, b)``, ``-ratio(ratio(a, b), b)``
        * differentiable, and tested, where ``b > 0``
        """
    def floor(self) -> Value:
        r"""The next integer from ``a`` downwards; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``0.0``
        * differentiable, and tested, where ``(a % 1)*(1 - a % 1) != 0``
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def ceil(self) -> Value:
        r"""The next integer from ``a`` upwards; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``0.0``
        * differentiable, and tested, where ``(a % 1)*(1 - a % 1) != 0``
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def trunc(self) -> Value:
        r"""The next integer from ``a`` towards 0; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``0.0``
        * differentiable, and tested, where ``(a % 1)*(1 - a % 1) != 0``
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def rint(self) -> Value:
        r"""The nearest integer, of two the even one; its derivative is 0.

        ``a`` is a real number, a Value, or a NumPy array, elementwise; the result is of its kind.

        * partial derivative: ``0.0``
        * differentiable, and tested, where ``((a - 0.5) % 1)*(1 - (a - 0.5) % 1) != 0``
        * -inf at -inf, 0.0 at 0.0, inf at inf
        """
    def equal(self, b: Real | Value) -> Value:
        r"""1 where ``a == b``, else 0; its derivative is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``1.0 if a == b else 0.0``
        * partial derivatives: ``0.0``, ``0.0``
        * differentiable, and tested, where ``a - b != 0``
        """
    def less(self, b: Real | Value) -> Value:
        r"""1 where ``a < b``, else 0; its derivative is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``1.0 if a < b else 0.0``
        * partial derivatives: ``0.0``, ``0.0``
        * differentiable, and tested, where ``a - b != 0``
        """
    def less_equal(self, b: Real | Value) -> Value:
        r"""1 where ``a <= b``, else 0; its derivative is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``1.0 if a <= b else 0.0``
        * partial derivatives: ``0.0``, ``0.0``
        * differentiable, and tested, where ``a - b != 0``
        """
    def greater(self, b: Real | Value) -> Value:
        r"""1 where ``a > b``, else 0; its derivative is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``1.0 if a > b else 0.0``
        * partial derivatives: ``0.0``, ``0.0``
        * differentiable, and tested, where ``a - b != 0``
        """
    def greater_equal(self, b: Real | Value) -> Value:
        r"""1 where ``a >= b``, else 0; its derivative is 0.

        ``a`` and ``b`` are real numbers, Values, or NumPy arrays, elementwise.
        The result is an array if one of them is, else a Value if one is, else a float.

        * computed as ``1.0 if a >= b else 0.0``
        * partial derivatives: ``0.0``, ``0.0``
        * differentiable, and tested, where ``a - b != 0``
        """
    def conjugate(self) -> Value:
        """The Value itself, as it is real: for NumPy's functions of arrays."""
    @property
    def real(self) -> Value:
        """The Value itself, as it is real."""
    @property
    def imag(self) -> float:
        """0.0, as a Value is real."""
    def __floor__(self) -> Value: ...
    def __ceil__(self) -> Value: ...
    def __trunc__(self) -> Value: ...

def number_or_not(x: Any) -> Any:
    """``constant(x)``, quickly where it is a float already, as it mostly is, or a small integer."""
def compare(op: int, v: Value, other: Any) -> Any:
    """Compare by data; a real number is not rounded to a float first."""
def on_integers(operation: Any, left: Any, right: Any) -> Any:
    """An operation for integers only: ``//`` or ``%``."""
def new_node(op: int, a: Any, b: Any) -> Value:
    """Allocate a node; the caller sets its data and partials."""
def record_unary(op: int, a: Value) -> Value:
    """Compute and record a primitive of one operand."""
def record_binary(op: int, left: Any, right: Any) -> Value:
    r"""Compute and record a primitive of two operands, at least one of them a Value.

    A constant's partial is not computed.  ``NotImplemented`` if an operand is of a type that may
    itself know what to do, as a NumPy array does.
    """
def finish(v: Value) -> Value:
    """Apply traces, scopes, ``no_grad()`` and ``detect_anomaly()`` to a new node."""
def written(v: Value) -> str:
    """A computed Value as it might be written: ``log(x=0.0)``."""
def inherit(v: Value, x: Any, origin: Any, trace: Any) -> int:
    r"""Refuse an operand from another frozen trace; outside any trace, join the operand's.

    So a trace's Values that another thread uses stay in the trace.
    """
def refuse_stranger(x: Any, trace: Any) -> int:
    """Raise RuntimeError for a Value of a frozen trace that is neither this one nor around it."""
def stop_gradient(v: Value) -> Value:
    """A leaf with the data of ``v``; in a trace, the instruction ``detach``."""
def number_of(v: Value) -> float:
    """``v.data``, in a trace too."""
def add_method(name: str, function: Any) -> None:
    """Add a method or a property to Value."""
def collectable(x: Any) -> None:
    """Track a Value that may be in a cycle, or those in a list, and all below, with the GC."""
def own_note(v: Value) -> Note:
    """The node's note, a new one if it has none."""
def code_of(v: Value) -> int:
    """The number of the row that a computed Value came from; 0 for a leaf."""
