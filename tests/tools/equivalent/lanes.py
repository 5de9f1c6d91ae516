"""Mutants of vectors and batches that no test can tell, and why."""

from equivalent.reasons import FASTER, NONE, ROOM, TUNED

_FIT = "CACHE // (n + len(q) + 1)"
_COUNT = "-(-total // self.lanes)"
_COUNTS = ["-total // self.lanes", "-(total // self.lanes)", "-(-total * self.lanes)"]
_EVEN = "-(-total // max(blocks, 1) // WHOLE) * WHOLE"

LANES: dict[str, str] = {
    # -- vectors -----------------------------------------------------------------------------------
    "compiler.sums.sums: dots = np.flatnonzero((p.ops == DOT) & (p.b > 0)) -> dots = "
    "np.flatnonzero((p.ops == DOT) & (p.b > 1))": "two lists have an even number of elements",
    "compiler.sums._chains: inner[pairs[inner[pairs] == 0]] = 2 -> "
    "inner[pairs[inner[pairs] == 0]] = 3": "any number but 0 and 1 is the mark",
    "compiler.sums._chains: chain, starts = (np.zeros(2 * len(added), np.int32), "
    "np.zeros(len(p), np.int32)) -> chain, starts = (np.zeros(3 * len(added), np.int32), "
    "np.zeros(len(p), np.int32))": ROOM,
    "compiler.scatter: SPARSE = 4 -> SPARSE = 5": TUNED,
    "compiler.scatter.sums_of_picks: before = np.cumsum(np.append(0, picked[p.entries])) -> "
    "before = np.cumsum(np.append(1, picked[p.entries]))": "only differences of these are read",
    "compiler.scatter.scatter_of: if (y >= 0).any() or (j >= 0).any() or (i != i[0]).any() or "
    "(j != j[:, :1]).any(): -> if (y >= 0).any() or (j >= 0).any() or (i != i[1]).any() or "
    "(j != j[:, :1]).any():": "all lanes are compared with one of them",
    "compiler.scatter.scatter_of: lanes = np.full((len(lists), int(size)), -1, np.int32) -> "
    "lanes = np.full((len(lists), int(size)), -2, np.int32)": NONE,
    "compiler.scatter.scatter_of: return Scatter(lists.T.ravel(), i[0], lanes.ravel(), j[:, 0], "
    "replaced) -> return Scatter(lists.T.ravel(), i[1], lanes.ravel(), j[:, 0], replaced)": (
        "the indices of all lanes are the same"
    ),
    "compiler.lanes: IN_PLACE, KEPT = (-1, -2) -> IN_PLACE, KEPT = (-1, -3)": (
        "any negative number but IN_PLACE says it"
    ),
    "compiler.lanes: NARROW = 8 -> NARROW = 9": TUNED,
    "compiler.lanes.Steps.__init__: self._room = int(np.max(program.b[program.over_list], "
    "initial=1)) -> self._room = int(np.max(program.b[program.over_list], initial=2))": ROOM,
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
    "compiler.lanes.axes_of: if size < len(column): -> if size <= len(column):": FASTER,
    "compiler.vectorize.grouped: kind = np.where(done_by_lane, length.astype(np.int64) << 16 "
    "| p.ops, 0) -> kind = np.where(done_by_lane, length.astype(np.int64) << 17 | p.ops, 0)": (
        "kinds are only told apart"
    ),
    **{
        "compiler.vectorize.grouped: kind = 4 * kind + (0 if kinds is None else "
        f"np.where(done_by_lane, kinds, 0)) -> kind = {other} (0 if kinds is None else "
        "np.where(done_by_lane, kinds, 0))": "numbers only tell kinds apart"
        for other in ("4 * kind -", "5 * kind +")
    },
    "compiler.vectorize.grouped: kind[done_by_lane & sums_of_picks(p)] *= -1 -> "
    "kind[done_by_lane & sums_of_picks(p)] *= -2": ("kinds are only told apart"),
    "compiler.vectorize.grouped: work = sizes * np.where(length[of_run] > 0, length[of_run] "
    "+ 2, 1) -> work = sizes * np.where(length[of_run] > 1, length[of_run] + 2, 1)": (
        "no list of lanes has less than two elements"
    ),
    "compiler.vectorize.last_operands: a, b = (p.a.copy(), np.where(ARITY[p.ops] == 1, p.a, "
    "p.b)) -> a, b = (p.a.copy(), np.where(ARITY[p.ops] == 1, p.b, p.b))": (TUNED),
    "compiler.vectorize._regular: best, found = (0, np.arange(n)) -> best, found = (1, "
    "np.arange(n))": (TUNED),
    "compiler.vectorize._regular: for keys in ((), refs[1::-1], refs[:2]): -> for keys in "
    "((), refs[2::-1], refs[:2]):": (TUNED),
    "compiler.vectorize._regular: alike = int((steps[:2, 1:] == steps[:2, "
    ":-1]).all(axis=0).sum()) -> alike = int((steps[:2, 1:] == steps[:2, "
    ":1]).all(axis=0).sum())": (TUNED),
    "compiler.vectorize._regular: score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + "
    "ones[2]) -> score = 3 * alike + int(2 * ones[0] + 2 * ones[1] + ones[2])": (TUNED),
    "compiler.vectorize._regular: score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + "
    "ones[2]) -> score = 2 * alike + int(2 * ones[1] + 2 * ones[1] + ones[2])": (TUNED),
    "compiler.vectorize._regular: score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + "
    "ones[2]) -> score = 2 * alike + int(2 * ones[0] + 3 * ones[1] + ones[2])": (TUNED),
    "compiler.vectorize._regular: if score > best: -> if score >= best:": (TUNED),
    "compiler.vectorize._regular: if min(alike, ones.max()) > 0.9 * n: -> pass": (FASTER),
    "compiler.vectorize._regular: if min(alike, ones.max()) > 0.9 * n: -> if min(alike, "
    "ones.max()) >= 0.9 * n:": (TUNED),
    "compiler.vectorize._regular: if min(alike, ones.max()) > 0.9 * n: -> if min(alike, "
    "ones.max()) > 9.0 * n:": (FASTER),
    "compiler.vectorize._regular: break -> pass": (FASTER),
    "compiler.vectorize: OFTEN = 300 -> OFTEN = 301": (TUNED),
    "compiler.vectorize: MOST = 2048 -> MOST = 2049": (TUNED),
    "compiler.vectorize: LANES = np.zeros(2 ** 16, bool) -> LANES = np.zeros(3 ** 16, bool)": (
        ROOM
    ),
    "compiler.vectorize: LANES = np.zeros(2 ** 16, bool) -> LANES = np.zeros(2 ** 17, bool)": (
        ROOM
    ),
    "compiler.lanes.Steps.span: self.rows.append([0, first, end] + [0] * (WIDTH - 3)) -> "
    "self.rows.append([0, first, end] + [1] * (WIDTH - 3))": "of a span three numbers are read",
    # -- many lanes --------------------------------------------------------------------------------
    "compiler.batch.in_lanes: if added and (not in_python): -> if not in_python:": TUNED,
    "compiler.batch.in_lanes: return (made or one_by_one)(inputs, lanes, threads) -> "
    "return one_by_one(inputs, lanes, threads)": FASTER,
    **{
        f"compiler.batch.Batch.__init__: fit = max(16, {_FIT}) -> fit = max({changed})": TUNED
        for changed in (
            *(f"17, {_FIT}", f"16, {_FIT.replace('//', '*')}", f"16, {_FIT.replace('1)', '2)')}"),
        )
    },
    **{
        "compiler.batch.Batch.__init__: self.lanes = min(max(most, 1), fit - fit % WHOLE) -> "
        f"self.lanes = min({changed} % WHOLE)": TUNED
        for changed in ("max(most, 2), fit - fit", "max(most, 1), fit + fit")
    },
    **{
        f"compiler.batch.Batch.__call__: spans = min(threads, {_COUNT}) -> "
        f"spans = min(threads, {changed})": TUNED
        for changed in _COUNTS
    },
    **{
        f"compiler.batch.Batch.__call__: if spans <= 1: -> {changed}": TUNED
        for changed in ("pass", "if not spans <= 1:", "if spans < 1:", "if spans <= 2:")
    },
    "compiler.batch.Batch.__call__: return (found, self._run(shared, lanes, found, failed), "
    "failed) -> pass": "one thread of a pool does the same",
    "compiler.batch.Batch.__call__: first, end = (total * i // spans for i in (part, part + 1)) -> "
    "first, end = (total * i * spans for i in (part, part + 1))": "the first thread does it all",
    "compiler.batch.Batch._run: block = w[c + u:].reshape(-1, self.lanes) -> "
    "block = w[c + u:].reshape(-2, self.lanes)": NONE,
    **{
        "compiler.batch.Batch._run: own, others = (np.flatnonzero(rows >= 0), "
        "np.flatnonzero(rows < 0)) -> own, others = (np.flatnonzero(rows >= 0), "
        f"np.flatnonzero(rows {changed}))": "the first row is written again with the others"
        for changed in ("<= 0", "< 1")
    },
    **{
        f"compiler.batch.Batch._run: blocks = {_COUNT} -> blocks = {changed}": TUNED
        for changed in _COUNTS
    },
    **{
        f"compiler.batch.Batch._run: even = {_EVEN} -> even = {changed}": TUNED
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
    "compiler.batch.Batch._run: self._idle.append((w, s)) -> pass": FASTER,
    "compiler.batch._products: starts = np.flatnonzero(np.append(True, left[1:] != left[:-1])"
    "[:len(left)]) -> starts = np.flatnonzero(np.append(True, left[1:] != left[:-1])"
    "[:len(right)])": "there are as many",
    "compiler.batch._products: factors += [p.a[k[grid[:, 0]]], p.b[k[grid[0]]]] -> "
    "factors += [p.a[k[grid[:, 1]]], p.b[k[grid[0]]]]": "a row has one first factor",
}
