"""Mutants that no test can tell from the engine, and why: what ``mutate.py`` expects to survive."""

_ONE_LENGTH = "the lists are of one length"
_IN_C = "interpreted, the garbage collector looks at every node: track does nothing"
_NO_OPERANDS = "a leaf has no operands to hand anything on to"

#: Names of mutants, each with the reason in one line.
EQUIVALENT: dict[str, str] = {
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
    # -- the walk ----------------------------------------------------------------------------------
    "visit: _stamp += 2 -> _stamp -= 2": "the marks of two walks differ as well going down",
    "visit: _stamp = 2 -> _stamp = 3": "marks that start again at 2 and 3 differ as 1 and 2 do",
    "visit: opened = _stamp - 1 -> opened = _stamp + 1": (
        "the odd marks above belong to no other walk either"
    ),
    "visit: continue -> pass (3)": "over a list the operands are a tuple and an array: no Values",
    "visit: if w._mark != closed: -> if w._mark != opened:": (
        "a closed node is skipped when it comes off the stack; an opened one would be a cycle"
    ),
    "visit: if w._mark != closed: -> if w._mark != opened: (2)": "as above, for the other operand",
    # -- the sweep ---------------------------------------------------------------------------------
    "sweep: if v._op == 0: -> pass": _NO_OPERANDS,
    "sweep: continue -> pass": _NO_OPERANDS,
    "commit: for v, gradient in zip(nodes, gradients, strict=True): -> "
    "for v, gradient in zip(nodes, gradients, strict=False):": _ONE_LENGTH,
    "commit: track(gradient) -> pass": _IN_C,
    "record_binary: need += 2 -> need -= 2": "-2 and -1 have the two bits of 2 and 3",
    # -- the sweep in recorded arithmetic ----------------------------------------------------------
    "symbolic_partials: partials = [partial(*v.operands, v) if type(x) is Value else 0.0 "
    "for x, partial in zip(v.operands, rule, strict=True)] -> "
    "partials = [partial(*v.operands, v) if type(x) is Value else 1.0 "
    "for x, partial in zip(v.operands, rule, strict=True)]": "the last line drops constants",
    "symbolic_partials: partials = [partial(*v.operands, v) if type(x) is Value else 0.0 "
    "for x, partial in zip(v.operands, rule, strict=True)] -> "
    "partials = [partial(*v.operands, v) if type(x) is Value else 0.0 "
    "for x, partial in zip(v.operands, rule, strict=False)]": _ONE_LENGTH,
    "symbolic_partials: return [(x, p) for x, p in zip(v.operands, partials, strict=True) "
    "if type(x) is Value] -> return [(x, p) for x, p in zip(v.operands, partials, strict=False) "
    "if type(x) is Value]": _ONE_LENGTH,
    "_accumulate: for v in visit(gradients): -> pass": _IN_C,
    "_accumulate: collectable(v) -> pass": _IN_C,
    # -- gradients, all at once --------------------------------------------------------------------
    "set_gradients: noted = [(v._note, x) for v, x in zip(nodes, gradients, strict=True) "
    "if v._note is not None] -> noted = [(v._note, x) for v, x in "
    "zip(nodes, gradients, strict=False) if v._note is not None]": _ONE_LENGTH,
    "set_gradients: deque(chain(map(set_number, nodes, numbers), map(set_value, "
    "[note for note, _ in noted], [None if type(x) is float else x for _, x in noted])), "
    "maxlen=0) -> deque(chain(map(set_number, nodes, numbers), map(set_value, "
    "[note for note, _ in noted], [None if type(x) is float else x for _, x in noted])), "
    "maxlen=1)": "what the deque would keep is thrown away with it",
    # -- the chain rule of the compiler ------------------------------------------------------------
    "times: return self.emit(neg, factor, 0) -> return self.emit(neg, factor, 1)": (
        "what is over one operand has no second one to be read"
    ),
}
