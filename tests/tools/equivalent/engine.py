"""Mutants of the engine that no test can tell, and why."""

from equivalent.reasons import (
    ASKED,
    COLLECTED,
    COPIED,
    FASTER,
    GENERAL,
    IN_C,
    RETURNED,
    THROWN_AWAY,
)

_NUMBER = "return float(x) if type(x) is int and -2 ** 53 <= x <= 2 ** 53 else constant(x)"
_DIV = "return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1, b)"
_ABOUT = "one more or less of a million"
_EXAMPLES = "_EXAMPLES = (2.0, {}, 0.5, {})"
_CBRT = "t': _total(math.sqrt, np.sqrt), 'cbrt': _cbrt(), 'hypot': _total(lambda a, b: ab"
_CBRT_OF_MATH = _CBRT.replace("_cbrt()", "getattr(math, 'cbrt', None) or _cbrt()")

ENGINE: dict[str, str] = {
    # -- the table ---------------------------------------------------------------------------------
    "sigmoid: 1 / (1 + exp(-a)) if a >= 0 else exp(a) / (1 + exp(a)) -> "
    "1 / (1 + exp(-a)) if a > 0 else exp(a) / (1 + exp(a))": "at zero both sides are 1/(1 + 1)",
    "sigmoid: 1 / (1 + exp(-a)) if a >= 0 else exp(a) / (1 + exp(a)) -> "
    "1 / (1 + exp(-a)) if a >= 1 else exp(a) / (1 + exp(a))": (
        "between 0 and 1 neither side overflows, and both are within 2 ulp"
    ),
    "softplus: (a if a > 0 else 0.0) + log1p(exp(-abs(a))) -> "
    "(a if a >= 0 else 0.0) + log1p(exp(-abs(a)))": "a zero of either sign plus log(2) is log(2)",
    "pow: a * a if b == 2 else a if b == 1 else pow(a, b) -> "
    "a * a if b == 2 else a if a == 1 else pow(a, b)": "pow(1, b) is 1, and pow(a, 1) is a",
    "pow: a * a if b == 2 else a if b == 1 else pow(a, b) -> "
    "a * a if b == 2 else a if b == 2 else pow(a, b)": "pow(a, 1) is a",
    # -- linear algebra ----------------------------------------------------------------------------
    "linalg.elimination.det: numbered = [[*row, float(i)] for i, row in enumerate(rows)] -> "
    "numbered = [[*row, i] for i, row in enumerate(rows)]": GENERAL,
    # -- traversals --------------------------------------------------------------------------------
    **dict.fromkeys(
        (
            "sweeps.traverse: w._mark = closed -> pass",
            "sweeps.traverse: w._mark = closed -> w._mark = opened",
            "sweeps.traverse: elif w._mark != closed and w._mark != outside: -> "
            "elif w._mark != outside:",
            "sweeps.traverse: elif w._mark != closed and w._mark != outside: -> "
            "elif w._mark != opened and w._mark != outside:",
        ),
        "a leaf is then listed twice: interpreted, all gradients are computed before one is set; "
        "compiled, it is added twice, and the tests of sums fail",
    ),
    "sweeps.traverse: elif w._mark != closed and w._mark != outside: -> elif w._mark != closed:": (
        "an input is then listed, too, which has no operands to hand anything on to"
    ),
    "sweeps.traverse: if v._op == 0 or v._mark == opened: -> if v._mark == opened:": (
        "a leaf is opened and comes off the stack again at once; it has no operands"
    ),
    "sweeps.traverse: continue -> pass (4)": "over a list the operands are a tuple and an array",
    "sweeps.traverse: if w._mark != closed: -> if w._mark != opened:": (
        "a closed node is skipped when it comes off the stack; an opened one would be a cycle"
    ),
    "sweeps.traverse: if w._mark != closed: -> if w._mark != opened: (2)": (
        "as above, for the other operand"
    ),
    "sweeps: _stamp = 0 -> _stamp = 1": "wherever marks begin, those of one traversal are new",
    # -- the sweep ---------------------------------------------------------------------------------
    "sweeps.sweep_call: seen, order = (marks(1), nodes()) -> seen, order = (marks(2), nodes())": (
        "a mark is left unused"
    ),
    **{
        "sweeps.sweep_call: if v._op or v._mark == seen or (note is not None and note.grad is not "
        f"None): -> {then}": "sweep() does it instead, which only takes longer"
        for then in (
            "if v._op or v._mark != seen or (note is not None and note.grad is not None):",
            "if v._op or v._mark == seen or note is not None:",
        )
    },
    "sweeps.backwards: if v._op and v._mark == closed: -> if v._mark == closed:": (
        "a leaf has no operands to hand anything on to"
    ),
    "sweeps.backwards_detecting: if v._op == 0 or v._mark != closed: -> if v._mark != closed:": (
        "as above"
    ),
    "sweeps.backwards_detecting: if type(x) is Value and (not isfinite(adjoint * partial)): -> "
    "if not isfinite(adjoint * partial):": "the partial by a constant is 0, the adjoint finite",
    "sweeps.sweep_trace: elif v._op == 0 and (not recorded_in(v, trace)): -> "
    "elif not recorded_in(v, trace):": "what was computed outside has the other mark",
    "value.record_binary: need += 2 -> need -= 2": "-2 and -1 have the two bits of 2 and 3",
    # -- the sweep in recorded arithmetic ----------------------------------------------------------
    "second_order.symbolic_partials: v.operands, v) if type(x) is Value else 0.0 for x, "
    "partial in zip("
    "v.operands, rul -> v.operands, v) if type(x) is Value else 1.0 for x, partial in zip("
    "v.operands, rul": "the last line drops constants",
    # -- the interpreted engine --------------------------------------------------------------------
    "engine.interpreted.blank: v._a = v._b = v._origin = None -> v._a = v._a = v._origin = None": (
        "what has no second operand is not asked for it"
    ),
    "engine.interpreted.evaluate_list: n = len(data) // lists -> n = len(partials) // lists": (
        "there are as many partials as numbers"
    ),
    "engine.interpreted.evaluate_list: v._data, each = KERNELS[op](*(data[k * n:(k + 1) * n] "
    "for k in range(lists))) -> v._data, each = KERNELS[op](*(data[k * n:(k + 2) * n] "
    "for k in range(lists)))": "over two lists, the shorter is the one that counts",
    "engine.interpreted.set_gradients: oat else x for _, x in noted])), maxlen=0) -> "
    "oat else x for _, x in noted])), maxlen=1)": THROWN_AWAY,
    "engine.interpreted.write_data: em__, range(len(states)), new)), maxlen=0) -> "
    "em__, range(len(states)), new)), maxlen=1)": THROWN_AWAY,
    "engine.interpreted.compiled_table: return '' -> pass": (
        "interpreted, the digest is not asked for"
    ),
    "compiler.interpreted._over_list: return float(KERNELS[op](*(xs[i * n:(i + 1) * n] "
    "for i in range(lists)))[0]) -> return KERNELS[op](*(xs[i * n:(i + 1) * n] "
    "for i in range(lists)))[0]": "kernels give Python's floats",
    "evaluation._call: partials = [0.0] * len(operands) -> partials = [1.0] * len(operands)": (
        "a constant's is not read, and a trace has none"
    ),
    **{
        f"engine.ieee.div: {_DIV} -> {_DIV.replace(*change)}": "infinite times or by 1 or 2"
        for change in [(") * math", ") / math"), ("copysign(1", "copysign(2")]
    },
    "engine.choice: MANY = 1000000 -> MANY = 1000001": _ABOUT,
    "engine.choice: _before = 0 -> _before = 1": _ABOUT,
    **{
        f"engine.documentation: {_EXAMPLES.format(3.0, 1.5)} -> {_EXAMPLES.format(*changed)}": (
            "any numbers of its domain will do in an example"
        )
        for changed in ((30.0, 1.5), (3.0, 15.0))
    },
    f"engine.ieee: {_CBRT_OF_MATH} -> {_CBRT}": (
        "math.cbrt is the C library's; where there is none, as in Python 3.10, this is what is used"
    ),
    "engine.choice: sys.meta_path.insert(0, Interpret()) -> sys.meta_path.insert(1, Interpret())": (
        "before it stands the finder of built-in modules alone"
    ),
    "value.inherit: if w._origin is not None and w._origin is not origin: -> "
    "if w._origin is not None:": (
        "what an operand with the mode's own origin would be asked, it answers in the same way"
    ),
    "engine.modes.Note.__init__: self.call: Any = None -> pass": (
        "it is read of what is a call, and there it is set"
    ),
    "engine.modes.Note.__init__: self.attributes: dict[str, Any] | None = None -> pass": (
        "interpreted, a node keeps its attributes itself"
    ),
    **{
        f"engine.modes.Origin.at_line: key = (id(code) << 24) + frame.f_lasti -> key = {key}": (
            "these are as different"
        )
        for key in ("(id(code) << 25) + frame.f_lasti", "(id(code) << 24) - frame.f_lasti")
    },
    # -- numbers and Values ------------------------------------------------------------------------
    "lists.record_vmap: v = finish(new_node(VMAP, untracked(operands), doubles(0))) -> "
    "v = finish(new_node(VMAP, untracked(operands), doubles(1)))": (
        "no sweep reads the partials of such a node"
    ),
    "lists.in_traces: return False -> pass": "None says no as well",
    "value.Value._repr_html_: if _looking and traces.active() is not None: -> "
    "if traces.active() is not None:": FASTER,
    "contexts.Context.__enter__: take_signals() -> pass": (
        "only CPython 3.14 would let a signal in after it"
    ),
    "engine.reals.constant: if type(x) is float: -> pass": "float(x) of a float is x",
    "engine.reals.constant: return x -> pass": "float(x) of a float is x; this is only faster",
    "value.number_or_not: if type(x) is float: -> pass": FASTER,
    "value.number_or_not: return x -> pass": FASTER,
    **{
        f"value.number_or_not: {_NUMBER} -> {_NUMBER.replace(*change)}": (
            "constant() gives the same; this is only faster"
        )
        for change in [
            *[("-2 ** 53 <=", "2 ** 53 <="), ("-2 ** 53 <=", "-3 ** 53 <=")],
            *[("-2 ** 53 <=", "-(2 * 53) <="), ("-2 ** 53 <=", "-2 ** 54 <=")],
            *[("-2 ** 53 <=", "-2 ** 53 <"), ("<= 2 ** 53", "< 2 ** 53")],
            *[("<= 2 ** 53", "<= 3 ** 53"), ("<= 2 ** 53", "<= 2 * 53")],
            *[("<= 2 ** 53", "<= 2 ** 54")],
        ]
    },
    **{
        f"value.Value.{name}: if _looking and mode_now(MODE) is not PLAIN: -> if {part}:": ASKED
        for name in ("data (2)", "grad", "grad (2)", "partials", "__reduce__")
        for part in ("_looking", "mode_now(MODE) is not PLAIN")
    },
    "value.Value.__repr__: if _looking and traces.active() is not None: -> "
    "if traces.active() is not None:": "who does not look has no trace; this is only faster",
    "value.Value.__format__: if spec and _looking: -> if spec:": ASKED,
    "value.finish: if not _looking: -> pass": "who does not look has the plain mode",
    "value.finish: return v -> pass": "as above",
    "value.finish: if mode is PLAIN: -> pass": FASTER,
    "value.finish: return v -> pass (2)": FASTER,
    "value.inherit: return 0 -> pass": RETURNED,
    "value.inherit: return 0 -> return 1": RETURNED,
    "value.refuse_stranger: return 0 -> pass": RETURNED,
    "value.refuse_stranger: return 0 -> return 1": RETURNED,
    "value.stop_gradient: if mode.trace is None or mode.origin is None: -> "
    "if mode.trace is None:": "within a trace there is always its origin, or one of a scope in it",
    "value.Value.__hash__: return id(self) >> 4 -> return id(self) >> 5": "it tells apart as many",
    "engine.expressions._call: return ast.Call(ast.Name(function, ast.Load()), list(args), []) -> "
    "return ast.Call(ast.Name(function, ast.Load()), args, [])": "ast takes a tuple as well",
    "value: _looking = False -> _looking = True": "it only saves looks at an unchanged mode",
    # -- functions of scalars ----------------------------------------------------------------------
    **{
        f"evaluation._elementwise: {change}": GENERAL
        for change in (
            *("if type(a) is Value: -> pass", "return record_unary(op, a) -> pass"),
            *("if type(a) is float: -> pass", "return on_float(a) -> pass"),
            *("if type(a) is float and type(b) is float: -> pass", "return on_float(a, b) -> pass"),
            *("if v is not NotImplemented: -> pass", "return v -> pass"),
        )
    },
    **{
        f"evaluation._elementwise: if type(a) is Value or type(b) is Value: -> {change}": GENERAL
        for change in (
            *("pass", "if type(a) is Value:", "if type(b) is Value:"),
            *(f"if type({x}) is Value or type({x}) is Value:" for x in "ab"),
        )
    },
    "functions._elements: if type(xs) is list and xs: -> pass": COPIED,
    "functions._elements: return xs -> pass": COPIED,
    "functions: for _name in {_row.name, _row.numpy or _row.name}: -> "
    "for _name in {_row.name, _row.numpy}:": "nobody asks for a method whose name is empty",
    "functions._largest: return np.where(np.isinf(m), 0.0, m) if name == 'largest' else m -> "
    "return np.where(np.isinf(m), 1.0, m) if name == 'largest' else m": (
        "beside what is infinite a finite shift makes no difference"
    ),
    # -- the garbage collector ---------------------------------------------------------------------
    "sweeps.commit: collectable(gradient) -> pass": IN_C,
    "engine.traces.Trace.forget: self.guards.clear() -> pass": COLLECTED,
    "engine.traces.Trace.forget: self.integers.clear() -> pass": COLLECTED,
}
