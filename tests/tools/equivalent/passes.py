"""Mutants of passes and derivatives that no test can tell, and why."""

from equivalent.reasons import FASTER, FEW, MARK, NONE, ROOM, TUNED

PASSES: dict[str, str] = {
    # -- the passes --------------------------------------------------------------------------------
    "compiler.passes.dead_code: table = np.full(2 << len(read).bit_length(), -1, np.int32) "
    "-> table = np.full(3 << len(read).bit_length(), -1, np.int32)": (
        "each half of the table has room for all: there are only more collisions"
    ),
    "compiler.passes.dead_code: table = np.full(2 << len(read).bit_length(), -1, np.int32) "
    "-> table = np.full(2 << len(read).bit_length(), -2, np.int32)": NONE,
    "compiler.passes.dead_code: live[p.outputs[p.outputs >= 0]] = 1 -> "
    "live[p.outputs[p.outputs >= 0]] = 2": MARK,
    "compiler.passes.dead_code: read[-1 - p.outputs[p.outputs < 0]] = 1 -> read[-1 - "
    "p.outputs[p.outputs < 0]] = 2": MARK,
    "compiler.passes.dead_code: live[p.inputs:][p.ops == GUARD] |= guards -> "
    "live[p.inputs:][p.ops == GUARD] = guards": "where guards do not count, none is an output",
    "compiler.passes.behind: entries[at] = -1 - c - len(p.constants) - np.arange(len(at)) -> "
    "entries[at] = -1 + c - len(p.constants) - np.arange(len(at))": (
        "guards have constants enough, the numbers of their sources, for the same to be read"
    ),
    "compiler.passes.fold_constants: varying[:p.inputs] = 1 -> varying[:p.inputs] = 2": MARK,
    "compiler.passes.fold_constants: varying[p.inputs:][(p.ops >= STATIC) | (p.ops == "
    "GUARD)] = 1 -> varying[p.inputs:][(p.ops >= STATIC) | (p.ops == GUARD)] = 2": MARK,
    "compiler.passes.fold_constants: varying[p.inputs:][(p.ops >= STATIC) | (p.ops == GUARD)] = 1 "
    "-> varying[p.inputs:][(p.ops > STATIC) | (p.ops == GUARD)] = 1": (
        "that number is a call's, which stands in no program"
    ),
    "compiler.passes.powers: if not len(at): -> pass": FASTER,
    "compiler.passes.powers: return p -> pass": FASTER,
    **dict.fromkeys(
        (
            "compiler.passes.powers: factor, exponent = (numbers[np.where(refs < 0, -1 - refs, "
            "-1)] for refs in (k, n)) -> factor, exponent = (numbers[np.where("
            f"refs {test}, -1 - refs, "
            "-1)] for refs in (k, n))"
            for test in ("<= 0", "< 1")
        ),
        "of the first slot, too, the last number is read, which is nan",
    ),
    "compiler.passes._parsed: return _Pattern(CODES[node.func.id], tuple((_parsed(x) for x in "
    "node.args))) -> return _Pattern(CODES[node.func.id], (_parsed(x) for x in node.args))": (
        "operands are read once"
    ),
    "compiler.passes.fold_constants: nothing_held = np.zeros(2 ** 16, np.uint8) -> "
    "nothing_held = np.zeros(3 ** 16, np.uint8)": ROOM,
    "compiler.passes.fold_constants: nothing_held = np.zeros(2 ** 16, np.uint8) -> "
    "nothing_held = np.zeros(2 ** 17, np.uint8)": ROOM,
    "compiler.passes: COMMUTES = np.zeros(2 ** 16, np.uint8) -> "
    "COMMUTES = np.zeros(3 ** 16, np.uint8)": ROOM,
    "compiler.passes: COMMUTES = np.zeros(2 ** 16, np.uint8) -> "
    "COMMUTES = np.zeros(2 ** 17, np.uint8)": ROOM,
    "compiler.passes: COMMUTES[[CODES['add'], CODES['mul']]] = 1 -> "
    "COMMUTES[[CODES['add'], CODES['mul']]] = 2": MARK,
    "compiler.passes.common_subexpressions: heads = np.full(len(same) + (1 << "
    "len(p).bit_length()), -1, np.int32) -> heads = np.full(len(same) + (2 << "
    "len(p).bit_length()), -1, np.int32)": ROOM,
    "compiler.passes.common_subexpressions: heads = np.full(len(same) + (1 << "
    "len(p).bit_length()), -1, np.int32) -> heads = np.full(len(same) + (1 << "
    "len(p).bit_length()), -2, np.int32)": NONE,
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
    "parsed], np.arange(3 ** 16 + 1))": FEW,
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(2 ** 17 + 1))": FEW,
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(2 ** 16 - 1))": FEW,
    "compiler.passes._rules: first = np.searchsorted([pattern.op for pattern, _ in parsed], "
    "np.arange(2 ** 16 + 1)) -> first = np.searchsorted([pattern.op for pattern, _ in "
    "parsed], np.arange(2 ** 16 + 2))": FEW,
    "compiler.passes.identities: count = loops.rewrite(p.inputs, *views(*arrays, to, "
    "np.zeros(6, np.int32))) -> count = loops.rewrite(p.inputs, *views(*arrays, to, "
    "np.zeros(7, np.int32)))": ROOM,
    # -- derivatives -------------------------------------------------------------------------------
    "compiler.derivatives._forwards: start = k + 1 -> start = k + 2": (
        "there stands the first of its results, which has its tangent; what has none is not kept"
    ),
    "compiler.derivatives.ancestors: live[refs[refs >= 0]] = 1 -> live[refs[refs > 0]] = 1": (
        "slot 0 is an input, which is computed from nothing"
    ),
    "compiler.derivatives.ancestors: live[refs[refs >= 0]] = 1 -> live[refs[refs >= 1]] = 1": (
        "as above"
    ),
    "compiler.derivatives.chosen: at, active = (list(inputs), dependent(p, inputs)) -> at, "
    "active = (inputs, dependent(p, inputs))": ("calls give a list"),
    "compiler.derivatives.chosen: unsure[begin] = 1 -> unsure[begin] = 2": (MARK),
    "compiler.derivatives: HELD[[CODES[name] for name in instructions.HELD]] = 1 -> "
    "HELD[[CODES[name] for name in instructions.HELD]] = 2": (MARK),
    # -- sparse matrices ---------------------------------------------------------------------------
    "compiler.sparsity.pattern: columns = np.full(p.inputs, -1, np.int32) -> columns = "
    "np.full(p.inputs, -2, np.int32)": NONE,
    "compiler.sparsity.pattern: seen = np.full(p.inputs + len(p), -1, np.int32) -> seen = "
    "np.full(p.inputs + len(p), -2, np.int32)": NONE,
    "compiler.sparsity.pattern: found = np.empty(len(places) + 2 ** 20, np.int32) -> found = "
    "np.empty(len(places) + 2 * 20, np.int32)": "a row always fits; there are only more rounds",
    "compiler.sparsity.pattern: found = np.empty(len(places) + 2 ** 20, np.int32) -> found = "
    "np.empty(len(places) + 2 ** 21, np.int32)": ROOM,
    "compiler.sparsity.colours: if n and np.bincount(where.rows, minlength=1).max() == n: -> "
    "pass": "the greedy rule gives the same: all columns meet in that row; this is only faster",
    "compiler.sparsity.colours: return list(range(n)) -> pass": FASTER,
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
    "np.where(keys[at] == mirrored, at, -2)": NONE,
    "compiler.sparsity._seeds: seeds: list[dict[int, int | None]] = [{} for _ in "
    "range(of_column[used].max(initial=-1) + 1)] -> seeds: list[dict[int, int | None]] = [{} "
    "for _ in range(of_column[used].max(initial=-2) + 1)]": (
        "a range that ends at -1 is as empty as one that ends at 0"
    ),
    "compiler.sparsity.sparse_jacobian: mirror = _mirrored(where) if symmetric else "
    "np.full(len(rows), -1) -> mirror = _mirrored(where) if symmetric else "
    "np.full(len(rows), -2)": NONE,
    "compiler.sparsity.sparse_jacobian: elsewhere = (mirror >= 0) & (~known | (rows > "
    "columns) & known[mirror]) -> elsewhere = (mirror >= 0) & (~known | (rows >= columns) & "
    "known[mirror])": "an entry on the diagonal is its own mirror image",
    "compiler.derivatives._alike: of = of.reshape(-1) -> of = of.reshape(-2)": (
        "any negative size is what fits; and it has that shape but for NumPy 2.0"
    ),
    "compiler.derivatives._alike: of = of.reshape(-1) -> pass": (
        "it has that shape already, but for NumPy 2.0"
    ),
    "compiler.sparsity._dependences: return shared[:0] -> return shared[:1]": (
        "only guards read what this is for"
    ),
    "compiler.sparsity._without_vmaps: for j, i in [(k, -1), *zip(at.tolist(), which.tolist(), "
    "strict=True)]: -> for j, i in [(k, 1), *zip(at.tolist(), which.tolist(), strict=True)]:": (
        "nobody reads what stands for the vmap itself"
    ),
    **dict.fromkeys(
        (
            *(
                "compiler.derivatives._reverse_vmap: if not len(by) or not len(which) + len(sums): "
                f"-> {new}"
                for new in ("if not len(which) + len(sums):", "if not len(by):", "pass")
            ),
            "compiler.derivatives._reverse_vmap: continue -> pass",
            "compiler.derivatives._forward_vmap: if not len(which) + len(sums): -> pass",
            "compiler.derivatives._forward_vmap: continue -> pass",
        ),
        "a vmap without results, which is dead code",
    ),
    # -- what runs vmaps ---------------------------------------------------------------------------
    "compiler.mapped.run: raise AssertionError('a program runs in a lane by itself, but not "
    "among others') -> pass": "the lane that no program is right for has raised before",
    # -- rules -------------------------------------------------------------------------------------
    "compiler.rules._traced: return within(PLAIN, trace, function, [1.0] * (count + 1)) -> "
    "return within(PLAIN, trace, function, [0.0] * (count + 1))": (
        "partials that branch by their operands are refused; others record the same at any numbers"
    ),
    "compiler.rules.template: elif op < STATIC: -> elif op <= STATIC:": (
        "the row of that number, call, has no partials, and was refused before"
    ),
    **dict.fromkeys(
        (
            "compiler.rules._opaque: return lambda *operands: record_known(op, operands, 1.0, "
            "[0.0] * len(names)) -> return lambda *operands: record_known(op, operands, "
            f"{changed} * len(names))"
            for changed in ("0.0, [0.0]", "1.0, [1.0]")
        ),
        "a rule's trace says what is computed: its numbers and partials are not read",
    ),
    # -- what simplifies vmaps ---------------------------------------------------------------------
    "compiler.simplify: FEW = 16 -> FEW = 17": TUNED,
    "compiler.simplify.merged: found: Program | None = p if (p.ops == VMAP).sum() <= FEW else None "
    "-> found: Program | None = p if (p.ops == VMAP).sum() < FEW else None": TUNED,
    "compiler.simplify.simplified: if VMAP not in p.ops: -> pass": FASTER,
    "compiler.simplify.simplified: return p -> pass": FASTER,
    "compiler.simplify._merged: calls = {k: p.call(k) for k in parts if k != first} | "
    "{second: (both.body, both.refs())} -> calls = {k: p.call(k) for k in parts if k != second} | "
    "{second: (both.body, both.refs())}": "nothing reads the first now: it is dead code",
    **{
        "compiler.simplify._both: of_own, of_shared = (of_own.reshape(-1), of_shared.reshape(-1) + "
        f"own.shape[1]) -> of_own, of_shared = ({changed} + own.shape[1])": (
            "any negative size is what fits; and they have that shape but for NumPy 2.0"
        )
        for changed in (
            "of_own.reshape(-2), of_shared.reshape(-1)",
            "of_own.reshape(-1), of_shared.reshape(-2)",
        )
    },
    "compiler.simplify._both: body = Mapped(tuple(programs), x.body.lanes, own.shape[1], added, "
    "threads) -> body = Mapped(programs, x.body.lanes, own.shape[1], added, threads)": (
        "a list of programs is read as a tuple of them is"
    ),
    "compiler.simplify._both: _simple.add(body) -> pass": (
        "simplified once more, it computes the same; this is only faster"
    ),
}
