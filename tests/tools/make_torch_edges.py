"""Write seeds/torch_edges.json: what PyTorch's float64 gives at the edges of every primitive.

Run by hand, where PyTorch is installed: ``python tests/tools/make_torch_edges.py``.  In the file::

    torch    its version of PyTorch
    points   [a, ...]: where functions of one operand are evaluated
    pairs    [x, ...]: functions of two operands are evaluated at (x0, x0), (x0, x1), ...
    triples  [x, ...]: functions of three operands likewise
    unary    name: [[value, da], ...], one entry a point
    binary   name: [[value, da, db], ...], one entry a pair
    ternary  name: [[value, da, db, dc], ...], one entry a triple
    higher   name: [[d2, d3], ...] or, of two operands, [[daa, dab, dbb, daaa, daab ...], ...]
    lists    name: [[operands, values, jacobian], ...], the operands of dot end to end

Numbers are written as Python writes them; inf and nan, which JSON has not, are strings.
"""

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

TARGET = Path(__file__).parents[1] / "seeds" / "torch_edges.json"
INF, NAN, TINIEST, NORMAL = math.inf, math.nan, 5e-324, 2.2250738585072014e-308

MAGNITUDES = (0.0, TINIEST, NORMAL, 0.5, 1.0, 2.0, 30.0, 1e300, INF)
POINTS = [sign * x for x in MAGNITUDES for sign in (1.0, -1.0)] + [NAN]
PAIRS = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 1e300, -2.0, 0.5, TINIEST]
TRIPLES = [0.0, -0.0, 1.0, 2.0, INF, -INF, NAN]
LISTS = [
    [3.0],
    [INF],
    [-INF],
    [0.1, 0.2, 0.3],
    [-0.0, -0.0],
    [TINIEST, -TINIEST],
    [1000.0, 1000.0],
    [1000.0, 0.0],
    [-1000.0, -1001.0],
    [1e300, -1e300],
    [1e300, 1e300],
    [1e308, 1e308],
    [INF, 1.0],
    [INF, INF],
    [-INF, 1.0],
    [-INF, -INF],
    [INF, -INF],
    [NAN, 1.0],
    [0.0, NAN, INF],
]

UNARY: dict[str, Callable] = {
    **{
        name: getattr(torch, name)
        for name in [
            *("neg", "abs", "square", "sqrt"),
            *("exp", "expm1", "log", "log1p", "log2", "log10"),
            *("sin", "cos", "tan", "asin", "acos", "atan"),
            *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
            *("erf", "erfc", "erfinv", "lgamma", "digamma", "relu", "sigmoid"),
        ]
    },
    # of two operands, the second their default: PyTorch takes it as a plain number only
    **{
        name: getattr(functional, name)
        for name in ["leaky_relu", "elu", "softplus", "logsigmoid", "silu", "gelu"]
    },
}
BINARY: dict[str, Callable] = {
    name: getattr(torch, name)
    for name in [
        *("add", "sub", "mul", "div", "pow", "hypot", "logaddexp", "xlogy", "atan2"),
        *("maximum", "minimum"),
    ]
}
TERNARY: dict[str, Callable] = {"clip": torch.clamp}
OVER_LISTS: dict[str, Callable] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "dot": lambda xs: torch.dot(*xs.chunk(2)),
    "norm": torch.linalg.vector_norm,
    "logsumexp": lambda xs: torch.logsumexp(xs, 0),
    "softmax": lambda xs: torch.softmax(xs, 0),
    "log_softmax": lambda xs: torch.log_softmax(xs, 0),
}


def value_and_partials(function: Callable, *operands: float) -> list[float]:
    """``[v, d v / d operand, ...]``."""
    xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in operands]
    v = function(*xs)
    return [v.item(), *(dx.item() for dx in torch.autograd.grad(v, xs))]


def higher(function: Callable, *operands: float) -> list[float]:
    """All second, then all third derivatives, of each operands' indices in ascending order."""
    xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in operands]
    found = []
    for order in (2, 3):
        for indices in itertools.combinations_with_replacement(range(len(xs)), order):
            v = function(*xs)
            for i in indices:
                if v.requires_grad:
                    v = torch.autograd.grad(v, xs[i], create_graph=True, materialize_grads=True)[0]
                else:
                    v = torch.zeros(())
            found.append(v.item())
    return found


def values_and_jacobian(function: Callable, operands: list[float]) -> list[list]:
    """``[operands, values, [d value / d operands, ...]]``."""
    xs = torch.tensor(operands, dtype=torch.float64, requires_grad=True)
    values = function(xs).reshape(-1)
    jacobian = [torch.autograd.grad(v, xs, retain_graph=True)[0].tolist() for v in values]
    return [operands, values.tolist(), jacobian]


def operand_lists(name: str) -> list[list[float]]:
    """Where a function of lists is evaluated."""
    if name != "dot":
        return LISTS
    return [xs + ys for xs, ys in itertools.product(LISTS, LISTS) if len(xs) == len(ys) < 3]


def writable(x: object) -> object:
    """``x`` with inf and nan as strings."""
    if isinstance(x, float):
        return x if math.isfinite(x) else str(x)
    if isinstance(x, dict):
        return {key: writable(value) for key, value in x.items()}
    return [writable(value) for value in x] if isinstance(x, list) else x


def main() -> None:
    """Compute everything and write the file, one line a function."""
    pairs = list(itertools.product(PAIRS, PAIRS))
    data = {
        "torch": torch.__version__.split("+")[0],
        "points": POINTS,
        "pairs": PAIRS,
        "triples": TRIPLES,
        "unary": {n: [value_and_partials(f, a) for a in POINTS] for n, f in UNARY.items()},
        "binary": {n: [value_and_partials(f, *ab) for ab in pairs] for n, f in BINARY.items()},
        "ternary": {
            n: [value_and_partials(f, *abc) for abc in itertools.product(TRIPLES, repeat=3)]
            for n, f in TERNARY.items()
        },
        "higher": {
            **{n: [higher(f, a) for a in POINTS] for n, f in UNARY.items()},
            **{n: [higher(f, *ab) for ab in pairs] for n, f in BINARY.items()},
        },
        "lists": {
            n: [values_and_jacobian(f, xs) for xs in operand_lists(n)]
            for n, f in OVER_LISTS.items()
        },
    }
    text = json.dumps(writable(data), separators=(",", ":"), allow_nan=False)
    TARGET.write_text(text.replace('],"', '],\n"').replace(']]},"', ']]},\n"') + "\n")


if __name__ == "__main__":
    main()
