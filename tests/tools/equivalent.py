"""Mutants that no test can tell from the engine, and why: what ``mutate.py`` expects to survive."""

_THROWN_AWAY = "what the deque would keep is thrown away with it"
_IN_C = "interpreted, the garbage collector looks at every node: track does nothing"
_COLLECTED = "interpreted, the garbage collector finds the cycle; test_jit.py weighs it compiled"
_NONE = "any negative number says that there is none"
_MARK = "any number but 0 is a mark"
_ROOM = "more room than is needed"
_FEW = "there are no operations with such numbers"
_FASTER = "what comes after gives the same; this is only faster"
_GENERAL = "general() gives the same; this is only faster"
_COPIED = "a copy serves as well; this is only faster"
_ASKED = "refuse_reading looks for a trace itself; this is only faster"
_TUNED = "how long it takes depends on it, and no number"
_RETURNED = "in C it says that nothing was raised; no one reads it"

_NUMBER = "return float(x) if type(x) is int and -2 ** 53 <= x <= 2 ** 53 else constant(x)"
_DIV = "return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1, b)"
_FIT = "CACHE // (n + len(q) + 1)"
_COUNT = "-(-total // self.lanes)"
_COUNTS = ["-total // self.lanes", "-(total // self.lanes)", "-(-total * self.lanes)"]
_EVEN = "-(-total // max(blocks, 1) // WHOLE) * WHOLE"

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
    # -- linear algebra ----------------------------------------------------------------------------
    "linalg.elimination.det: numbered = [[*row, float(i)] for i, row in enumerate(rows)] -> "
    "numbered = [[*row, i] for i, row in enumerate(rows)]": _GENERAL,
    # -- the walk ----------------------------------------------------------------------------------
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
    "sweeps: _stamp = 0 -> _stamp = 1": "wherever marks begin, those of one walk are new",
    # -- the sweep ---------------------------------------------------------------------------------
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
    "oat else x for _, x in noted])), maxlen=1)": _THROWN_AWAY,
    "engine.interpreted.write_data: em__, range(len(states)), new)), maxlen=0) -> "
    "em__, range(len(states)), new)), maxlen=1)": _THROWN_AWAY,
    "engine.interpreted.compiled_table: return '' -> pass": (
        "interpreted, the digest is not asked for"
    ),
    "compiler.interpreted._over_list: return float(KERNELS[op](*(xs[i * n:(i + 1) * n] "
    "for i in range(lists)))[0]) -> return KERNELS[op](*(xs[i * n:(i + 1) * n] "
    "for i in range(lists)))[0]": "kernels give Python's floats",
    "compiler.trace.run: xs = within(here.mode(), numbering.inputs_of, list(inputs), here.origin) "
    "-> xs = within(here.mode(), numbering.inputs_of, inputs, here.origin)": (
        "the compiled one takes lists only, the interpreted one any sequence"
    ),
    "evaluation._call: partials = [0.0] * len(operands) -> partials = [1.0] * len(operands)": (
        "a constant's is not read, and a trace has none"
    ),
    **{
        f"engine.ieee.div: {_DIV} -> {_DIV.replace(*change)}": "infinite times or by 1 or 2"
        for change in [(") * math", ") / math"), ("copysign(1", "copysign(2")]
    },
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
    "engine.reals.constant: if type(x) is float: -> pass": "float(x) of a float is x",
    "engine.reals.constant: return x -> pass": "float(x) of a float is x; this is only faster",
    "value.number_or_not: if type(x) is float: -> pass": _FASTER,
    "value.number_or_not: return x -> pass": _FASTER,
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
        f"value.Value.{name}: if _looking and mode_now(MODE) is not PLAIN: -> if {part}:": _ASKED
        for name in ("data (2)", "grad", "grad (2)", "partials", "__reduce__")
        for part in ("_looking", "mode_now(MODE) is not PLAIN")
    },
    "value.Value.__repr__: if _looking and traces.active() is not None: -> "
    "if traces.active() is not None:": "who does not look has no trace; this is only faster",
    "value.Value.__format__: if spec and _looking: -> if spec:": _ASKED,
    "value.finish: if not _looking: -> pass": "who does not look has the plain mode",
    "value.finish: return v -> pass": "as above",
    "value.finish: if mode is PLAIN: -> pass": _FASTER,
    "value.finish: return v -> pass (2)": _FASTER,
    "value.inherit: return 0 -> pass": _RETURNED,
    "value.inherit: return 0 -> return 1": _RETURNED,
    "value.refuse_stranger: return 0 -> pass": _RETURNED,
    "value.refuse_stranger: return 0 -> return 1": _RETURNED,
    "value.stop_gradient: if mode.trace is None or mode.origin is None: -> "
    "if mode.trace is None:": "within a trace there is always its origin, or one of a scope in it",
    "value.Value.__hash__: return id(self) >> 4 -> return id(self) >> 5": "it tells apart as many",
    "engine.expressions._call: return ast.Call(ast.Name(function, ast.Load()), list(args), []) -> "
    "return ast.Call(ast.Name(function, ast.Load()), args, [])": "ast takes a tuple as well",
    "value: _looking = False -> _looking = True": "it only saves looks at an unchanged mode",
    # -- functions of scalars ----------------------------------------------------------------------
    **{
        f"evaluation._elementwise: {change}": _GENERAL
        for change in (
            *("if type(a) is Value: -> pass", "return record_unary(op, a) -> pass"),
            *("if type(a) is float: -> pass", "return on_float(a) -> pass"),
            *("if type(a) is float and type(b) is float: -> pass", "return on_float(a, b) -> pass"),
            *("if v is not NotImplemented: -> pass", "return v -> pass"),
        )
    },
    **{
        f"evaluation._elementwise: if type(a) is Value or type(b) is Value: -> {change}": _GENERAL
        for change in (
            *("pass", "if type(a) is Value:", "if type(b) is Value:"),
            *(f"if type({x}) is Value or type({x}) is Value:" for x in "ab"),
        )
    },
    "functions._elements: if type(xs) is list and xs: -> pass": _COPIED,
    "functions._elements: return xs -> pass": _COPIED,
    "functions: for _name in {_row.name, _row.numpy or _row.name}: -> "
    "for _name in {_row.name, _row.numpy}:": "nobody asks for a method whose name is empty",
    "functions._largest: return np.where(np.isinf(m), 0.0, m) if name == 'largest' else m -> "
    "return np.where(np.isinf(m), 1.0, m) if name == 'largest' else m": (
        "beside what is infinite a finite shift makes no difference"
    ),
    # -- the garbage collector ---------------------------------------------------------------------
    "sweeps.commit: collectable(gradient) -> pass": _IN_C,
    "engine.traces.Trace.forget: self.guards.clear() -> pass": _COLLECTED,
    "engine.traces.Trace.forget: self.integers.clear() -> pass": _COLLECTED,
    # -- many lanes --------------------------------------------------------------------------------
    "compiler.batch.in_lanes: if added and (not in_python): -> if not in_python:": _TUNED,
    "compiler.batch.in_lanes: return (made or one_by_one)(inputs, lanes, threads) -> "
    "return one_by_one(inputs, lanes, threads)": _FASTER,
    **{
        f"compiler.batch.Batch.__init__: fit = max(16, {_FIT}) -> fit = max({changed})": _TUNED
        for changed in (
            *(f"17, {_FIT}", f"16, {_FIT.replace('//', '*')}", f"16, {_FIT.replace('1)', '2)')}"),
        )
    },
    **{
        "compiler.batch.Batch.__init__: self.lanes = min(max(most, 1), fit - fit % WHOLE) -> "
        f"self.lanes = min({changed} % WHOLE)": _TUNED
        for changed in ("max(most, 2), fit - fit", "max(most, 1), fit + fit")
    },
    **{
        f"compiler.batch.Batch.__call__: spans = min(threads, {_COUNT}) -> "
        f"spans = min(threads, {changed})": _TUNED
        for changed in _COUNTS
    },
    **{
        f"compiler.batch.Batch.__call__: if spans <= 1: -> {changed}": _TUNED
        for changed in ("pass", "if not spans <= 1:", "if spans < 1:", "if spans <= 2:")
    },
    "compiler.batch.Batch.__call__: return (found, self._run(shared, lanes, found, failed), "
    "failed) -> pass": "one thread of a pool does the same",
    "compiler.batch.Batch.__call__: first, end = (total * i // spans for i in (part, part + 1)) -> "
    "first, end = (total * i * spans for i in (part, part + 1))": "the first thread does it all",
    "compiler.batch.Batch._run: block = w[c + u:].reshape(-1, self.lanes) -> "
    "block = w[c + u:].reshape(-2, self.lanes)": _NONE,
    **{
        "compiler.batch.Batch._run: own, others = (np.flatnonzero(rows >= 0), "
        "np.flatnonzero(rows < 0)) -> own, others = (np.flatnonzero(rows >= 0), "
        f"np.flatnonzero(rows {changed}))": "the first row is written again with the others"
        for changed in ("<= 0", "< 1")
    },
    **{
        f"compiler.batch.Batch._run: blocks = {_COUNT} -> blocks = {changed}": _TUNED
        for changed in _COUNTS
    },
    **{
        f"compiler.batch.Batch._run: even = {_EVEN} -> even = {changed}": _TUNED
        for changed in (
            "-total // max(blocks, 1) // WHOLE * WHOLE",
            "-(total // max(blocks, 1) // WHOLE) * WHOLE",
            "-(-total * max(blocks, 1) // WHOLE) * WHOLE",
            "-(-total // max(blocks, 2) // WHOLE) * WHOLE",
            "-(-total // max(blocks, 1) * WHOLE) * WHOLE",
        )
    },
    "compiler.batch.Batch._run: bad = np.zeros(min(self.lanes, count + -count % WHOLE), np.int32) "
    "-> bad = np.zeros(min(self.lanes, count + count % WHOLE), np.int32)": (
        "interpreted, lanes are not computed by so many; the sanitizers would tell"
    ),
    "compiler.batch.Batch._run: self._idle.append((w, s)) -> pass": _FASTER,
    "compiler.batch._products: starts = np.flatnonzero(np.append(True, left[1:] != left[:-1])"
    "[:len(left)]) -> starts = np.flatnonzero(np.append(True, left[1:] != left[:-1])"
    "[:len(right)])": "there are as many",
    "compiler.batch._products: factors += [p.a[k[grid[:, 0]]], p.b[k[grid[0]]]] -> "
    "factors += [p.a[k[grid[:, 1]]], p.b[k[grid[0]]]]": "a row has one first factor",
    # -- transforms --------------------------------------------------------------------------------
    "transforms.api._Pullback.pull: operands = list(self.operands) -> operands = self.operands": (
        "every call sets all the seeds anew; a copy only keeps threads apart"
    ),
    "primitive.primitive: names = list(inspect.signature(value).parameters) -> "
    "names = inspect.signature(value).parameters": "a mapping lists its keys in the same order",
    # -- the passes --------------------------------------------------------------------------------
    "compiler.passes.dead_code: table = np.full(2 << len(read).bit_length(), -1, np.int32) "
    "-> table = np.full(3 << len(read).bit_length(), -1, np.int32)": (
        "each half of the table has room for all: there are only more collisions"
    ),
    "compiler.passes.dead_code: table = np.full(2 << len(read).bit_length(), -1, np.int32) "
    "-> table = np.full(2 << len(read).bit_length(), -2, np.int32)": _NONE,
    "compiler.passes.dead_code: live[p.outputs[p.outputs >= 0]] = 1 -> "
    "live[p.outputs[p.outputs >= 0]] = 2": _MARK,
    "compiler.passes.dead_code: read[-1 - p.outputs[p.outputs < 0]] = 1 -> read[-1 - "
    "p.outputs[p.outputs < 0]] = 2": _MARK,
    "compiler.passes.fold_constants: varying[:p.inputs] = 1 -> varying[:p.inputs] = 2": _MARK,
    "compiler.passes.fold_constants: varying[p.inputs:][(p.ops >= STATIC) | (p.ops == "
    "GUARD)] = 1 -> varying[p.inputs:][(p.ops >= STATIC) | (p.ops == GUARD)] = 2": _MARK,
    "compiler.passes.fold_constants: nothing_held = np.zeros(2 ** 16, np.uint8) -> "
    "nothing_held = np.zeros(3 ** 16, np.uint8)": _ROOM,
    "compiler.passes.fold_constants: nothing_held = np.zeros(2 ** 16, np.uint8) -> "
    "nothing_held = np.zeros(2 ** 17, np.uint8)": _ROOM,
    "compiler.passes.common_subexpressions: commutes = np.zeros(2 ** 16, np.uint8) -> "
    "commutes = np.zeros(3 ** 16, np.uint8)": _ROOM,
    "compiler.passes.common_subexpressions: commutes = np.zeros(2 ** 16, np.uint8) -> "
    "commutes = np.zeros(2 ** 17, np.uint8)": _ROOM,
    "compiler.passes.common_subexpressions: commutes[[CODES['add'], CODES['mul']]] = 1 -> "
    "commutes[[CODES['add'], CODES['mul']]] = 2": _MARK,
    "compiler.passes.common_subexpressions: heads = np.full(len(same) + (1 << "
    "len(p).bit_length()), -1, np.int32) -> heads = np.full(len(same) + (2 << "
    "len(p).bit_length()), -1, np.int32)": _ROOM,
    "compiler.passes.common_subexpressions: heads = np.full(len(same) + (1 << "
    "len(p).bit_length()), -1, np.int32) -> heads = np.full(len(same) + (1 << "
    "len(p).bit_length()), -2, np.int32)": _NONE,
    "compiler.passes._rules: rules.append([*wants, 0, places[result], -1]) -> "
    "rules.append([*wants, 0, places[result], 1])": (
        "operation 0 has one operand: nobody reads the third number"
    ),
    "compiler.passes._rules: rules.append([*wants, 0, places[result], -1]) -> "
    "rules.append([*wants, 0, places[result], -2])": "as above",
    "compiler.passes._rules: rules.append([*wants, result.op, *operands, -1][:9]) -> "
    "rules.append([*wants, result.op, *operands, -2][:9])": (
        "any negative number says that there is no second operand"
    ),
    "compiler.passes._rules: rules.append([*wants, result.op, *operands, -1][:9]) -> "
    "rules.append([*wants, result.op, *operands, 1][:9])": (
        "of an operation with one operand, the second is not read"
    ),
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(3 ** 16 + 1))": _FEW,
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(2 ** 17 + 1))": _FEW,
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(2 ** 16 - 1))": _FEW,
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(2 ** 16 + 2))": _FEW,
    "compiler.passes.identities: count = loops.rewrite(p.inputs, *views(*arrays, to, "
    "np.zeros(6, np.int32))) -> count = loops.rewrite(p.inputs, *views(*arrays, to, "
    "np.zeros(7, np.int32)))": _ROOM,
    # -- derivatives -------------------------------------------------------------------------------
    "compiler.derivatives.ancestors: live[refs[refs >= 0]] = 1 -> live[refs[refs > 0]] = 1": (
        "slot 0 is an input, which is computed from nothing"
    ),
    "compiler.derivatives.ancestors: live[refs[refs >= 0]] = 1 -> live[refs[refs >= 1]] = 1": (
        "as above"
    ),
    "compiler.derivatives.chosen: at, active = (list(inputs), dependent(p, inputs)) -> at, "
    "active = (inputs, dependent(p, inputs))": ("calls give a list"),
    "compiler.derivatives.chosen: unsure[begin] = 1 -> unsure[begin] = 2": (_MARK),
    "compiler.derivatives: HELD[[CODES[name] for name in instructions.HELD]] = 1 -> "
    "HELD[[CODES[name] for name in instructions.HELD]] = 2": (_MARK),
    # -- vectors -----------------------------------------------------------------------------------
    "compiler.sums.sums: dots = np.flatnonzero((p.ops == DOT) & (p.b > 0)) -> dots = "
    "np.flatnonzero((p.ops == DOT) & (p.b > 1))": "two lists have an even number of elements",
    "compiler.sums._chains: inner[pairs[inner[pairs] == 0]] = 2 -> "
    "inner[pairs[inner[pairs] == 0]] = 3": "any number but 0 and 1 is the mark",
    "compiler.sums._chains: chain, starts = (np.zeros(2 * len(added), np.int32), "
    "np.zeros(len(p), np.int32)) -> chain, starts = (np.zeros(3 * len(added), np.int32), "
    "np.zeros(len(p), np.int32))": _ROOM,
    "compiler.scatter: SPARSE = 4 -> SPARSE = 5": _TUNED,
    "compiler.scatter.sums_of_picks: before = np.cumsum(np.append(0, picked[p.entries])) -> "
    "before = np.cumsum(np.append(1, picked[p.entries]))": "only differences of these are read",
    "compiler.scatter.scatter_of: if (y >= 0).any() or (j >= 0).any() or (i != i[0]).any() or "
    "(j != j[:, :1]).any(): -> if (y >= 0).any() or (j >= 0).any() or (i != i[1]).any() or "
    "(j != j[:, :1]).any():": "all lanes are compared with one of them",
    "compiler.scatter.scatter_of: lanes = np.full((len(lists), int(size)), -1, np.int32) -> "
    "lanes = np.full((len(lists), int(size)), -2, np.int32)": _NONE,
    "compiler.scatter.scatter_of: return Scatter(lists.T.ravel(), i[0], lanes.ravel(), j[:, 0], "
    "replaced) -> return Scatter(lists.T.ravel(), i[1], lanes.ravel(), j[:, 0], replaced)": (
        "the indices of all lanes are the same"
    ),
    "compiler.lanes: IN_PLACE, KEPT = (-1, -2) -> IN_PLACE, KEPT = (-1, -3)": (
        "any negative number but IN_PLACE says it"
    ),
    "compiler.lanes: NARROW = 8 -> NARROW = 9": _TUNED,
    "compiler.lanes.Steps.__init__: self._room = int(np.max(program.b[program.over_list], "
    "initial=1)) -> self._room = int(np.max(program.b[program.over_list], initial=2))": _ROOM,
    "compiler.lanes.Steps.scattered: row += [0] * (AXES + 4) -> row += [1] * (AXES + 4)": (
        "only the first of these numbers is read, and arrays sets it"
    ),
    "compiler.lanes.Steps.group: of_first_term = not ARITY[op] and op != _PICK and "
    "(2 * i < len(tables)) -> of_first_term = not ARITY[op] and op != _PICK and "
    "(3 * i < len(tables))": "of two operands it is the first, of four the first two",
    "compiler.lanes.Steps.group: row += [IN_PLACE, 0, int(table[0, 0])] -> "
    "row += [IN_PLACE, 1, int(table[0, 0])]": "in place, nothing is copied",
    "compiler.lanes.Steps.group: row += [0, len(refs), room] -> row += [1, len(refs), room]": (
        "arrays sets it"
    ),
    "compiler.lanes.Steps.group: row += [*[0] * len(outer), *strides[::-1], step] -> "
    "row += [*[1] * len(outer), *strides[::-1], step]": "an axis of one lane has no steps",
    "compiler.lanes.axes_of: if size < len(column): -> if size <= len(column):": _FASTER,
    "compiler.vectorize.grouped: kind = np.where(done_by_lane, length.astype(np.int64) << 16 "
    "| p.ops, 0) -> kind = np.where(done_by_lane, length.astype(np.int64) << 17 | p.ops, 0)": (
        "kinds are only told apart"
    ),
    "compiler.vectorize.grouped: kind[done_by_lane & sums_of_picks(p)] *= -1 -> "
    "kind[done_by_lane & sums_of_picks(p)] *= -2": ("kinds are only told apart"),
    "compiler.vectorize.grouped: work = sizes * np.where(length[of_run] > 0, length[of_run] "
    "+ 2, 1) -> work = sizes * np.where(length[of_run] > 1, length[of_run] + 2, 1)": (
        "no list of lanes has less than two elements"
    ),
    "compiler.vectorize._last_operands: a, b = (p.a.copy(), np.where(ARITY[p.ops] == 1, p.a, "
    "p.b)) -> a, b = (p.a.copy(), np.where(ARITY[p.ops] == 1, p.b, p.b))": (_TUNED),
    "compiler.vectorize._regular: best, found = (0, np.arange(n)) -> best, found = (1, "
    "np.arange(n))": (_TUNED),
    "compiler.vectorize._regular: for keys in ((), refs[1::-1], refs[:2]): -> for keys in "
    "((), refs[2::-1], refs[:2]):": (_TUNED),
    "compiler.vectorize._regular: alike = int((steps[:2, 1:] == steps[:2, "
    ":-1]).all(axis=0).sum()) -> alike = int((steps[:2, 1:] == steps[:2, "
    ":1]).all(axis=0).sum())": (_TUNED),
    "compiler.vectorize._regular: score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + "
    "ones[2]) -> score = 3 * alike + int(2 * ones[0] + 2 * ones[1] + ones[2])": (_TUNED),
    "compiler.vectorize._regular: score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + "
    "ones[2]) -> score = 2 * alike + int(2 * ones[1] + 2 * ones[1] + ones[2])": (_TUNED),
    "compiler.vectorize._regular: score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + "
    "ones[2]) -> score = 2 * alike + int(2 * ones[0] + 3 * ones[1] + ones[2])": (_TUNED),
    "compiler.vectorize._regular: if score > best: -> if score >= best:": (_TUNED),
    "compiler.vectorize._regular: if min(alike, ones.max()) > 0.9 * n: -> pass": (_FASTER),
    "compiler.vectorize._regular: if min(alike, ones.max()) > 0.9 * n: -> if min(alike, "
    "ones.max()) >= 0.9 * n:": (_TUNED),
    "compiler.vectorize._regular: if min(alike, ones.max()) > 0.9 * n: -> if min(alike, "
    "ones.max()) > 9.0 * n:": (_FASTER),
    "compiler.vectorize._regular: break -> pass": (_FASTER),
    "compiler.vectorize: OFTEN = 300 -> OFTEN = 301": (_TUNED),
    "compiler.vectorize: MOST = 2048 -> MOST = 2049": (_TUNED),
    "compiler.vectorize: LANES = np.zeros(2 ** 16, bool) -> LANES = np.zeros(3 ** 16, bool)": (
        _ROOM
    ),
    "compiler.vectorize: LANES = np.zeros(2 ** 16, bool) -> LANES = np.zeros(2 ** 17, bool)": (
        _ROOM
    ),
    "compiler.lanes.Steps.span: self.rows.append([0, first, end] + [0] * (WIDTH - 3)) -> "
    "self.rows.append([0, first, end] + [1] * (WIDTH - 3))": "of a span three numbers are read",
    # -- what runs vmaps ---------------------------------------------------------------------------
    "compiler.mapped.run: raise AssertionError('a program runs in a lane by itself, but not "
    "among others') -> pass": "the lane that no program is right for has raised before",
    "compiler.simplify: FEW = 16 -> FEW = 17": _TUNED,
    # -- sparse matrices ---------------------------------------------------------------------------
    "compiler.sparsity.pattern: columns = np.full(p.inputs, -1, np.int32) -> columns = "
    "np.full(p.inputs, -2, np.int32)": _NONE,
    "compiler.sparsity.pattern: seen = np.full(p.inputs + len(p), -1, np.int32) -> seen = "
    "np.full(p.inputs + len(p), -2, np.int32)": _NONE,
    "compiler.sparsity.pattern: found = np.empty(len(places) + 2 ** 20, np.int32) -> found = "
    "np.empty(len(places) + 2 * 20, np.int32)": "a row always fits; there are only more rounds",
    "compiler.sparsity.pattern: found = np.empty(len(places) + 2 ** 20, np.int32) -> found = "
    "np.empty(len(places) + 2 ** 21, np.int32)": _ROOM,
    "compiler.sparsity.colours: if n and np.bincount(where.rows, minlength=1).max() == n: -> "
    "pass": "the greedy rule gives the same: all columns meet in that row; this is only faster",
    "compiler.sparsity.colours: if n and np.bincount(where.rows, minlength=1).max() == n: -> "
    "if np.bincount(where.rows, minlength=1).max() == n:": (
        "without columns, both ways give an empty list"
    ),
    "compiler.sparsity.colours: if n and np.bincount(where.rows, minlength=1).max() == n: -> "
    "if n and np.bincount(where.rows, minlength=2).max() == n:": (
        "the largest of the counts is the same"
    ),
    "compiler.sparsity.full_rows: left = np.arange(m + 1) + np.append(counts[fullest], 0) -> "
    "left = np.arange(m + 1) + np.append(counts[fullest], 1)": (
        "what the last place stands for is chosen by the fullest column as well"
    ),
    "compiler.sparsity._mirrored: return np.where(keys[at] == mirrored, at, -1) -> return "
    "np.where(keys[at] == mirrored, at, -2)": _NONE,
    "compiler.sparsity._seeds: seeds: list[dict[int, int | None]] = [{} for _ in "
    "range(of_column[used].max(initial=-1) + 1)] -> seeds: list[dict[int, int | None]] = [{} "
    "for _ in range(of_column[used].max(initial=-2) + 1)]": (
        "a range that ends at -1 is as empty as one that ends at 0"
    ),
    "compiler.sparsity.sparse_jacobian: mirror = _mirrored(where) if symmetric else "
    "np.full(len(rows), -1) -> mirror = _mirrored(where) if symmetric else "
    "np.full(len(rows), -2)": _NONE,
    "compiler.sparsity.sparse_jacobian: elsewhere = (mirror >= 0) & (~known | (rows > "
    "columns) & known[mirror]) -> elsewhere = (mirror >= 0) & (~known | (rows >= columns) & "
    "known[mirror])": "an entry on the diagonal is its own mirror image",
    "compiler.derivatives._alike: of = of.reshape(-1) -> of = of.reshape(-2)": (
        "any negative size is what fits; and it has that shape but for NumPy 2.0"
    ),
    "compiler.derivatives._alike: of = of.reshape(-1) -> pass": (
        "it has that shape already, but for NumPy 2.0"
    ),
    "compiler.derivatives._reverse_vmap: if not len(by) or not len(which) + len(sums): -> if not "
    "len(which) + len(sums):": "a vmap without results, which is dead code",
    "compiler.sparsity._dependences: return shared[:0] -> return shared[:1]": (
        "only guards read what this is for"
    ),
    "compiler.sparsity._without_vmaps: for j, i in [(k, -1), *zip(at.tolist(), which.tolist(), "
    "strict=True)]: -> for j, i in [(k, 1), *zip(at.tolist(), which.tolist(), strict=True)]:": (
        "nobody reads what stands for the vmap itself"
    ),
    **dict.fromkeys(
        (
            "compiler.derivatives._reverse_vmap: if not len(by) or not len(which) + len(sums): -> "
            f"{new}"
            for new in ("if not len(by):", "pass")
        ),
        "a vmap without results, which is dead code",
    ),
}
