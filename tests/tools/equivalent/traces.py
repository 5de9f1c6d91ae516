"""Mutants of traces and decision trees that no test can tell, and why."""

from equivalent.reasons import COLLECTED, FASTER, NONE

TRACES: dict[str, str] = {
    # -- traces ------------------------------------------------------------------------------------
    "compiler.trace.run: given = list(inputs) -> given = inputs": (
        "interpreted, any sequence will do; compiled, it must be a list"
    ),
    "compiler.trace.run: here.forget() -> pass": COLLECTED,
    "compiler.trace.traced: here.forget() -> pass": COLLECTED,
    "compiler.trace._traced: inputs = [*xs, *(Value(0.0) for _ in range(spare))] -> inputs = "
    "[*xs, *(Value(1.0) for _ in range(spare))]": "they only take up slots: no one reads them",
    "compiler.trace._guarded: if not m: -> pass": FASTER,
    "compiler.trace._guarded: return p -> pass": FASTER,
    **{
        "compiler.trace._guarded: return np.where(refs < 0, refs, to[np.maximum(refs, 0)]) -> "
        f"return np.where({test}, refs, to[np.maximum(refs, 0)])": (
            "where there are guards there are inputs, and slot 0 is one of them: it stays"
        )
        for test in ("refs <= 0", "refs < 1")
    },
    **{
        "compiler.trace._guarded: ops, a, b = (np.zeros(n + 2 * m, x.dtype) for x in (p.ops, p.a, "
        f"p.b)) -> ops, a, b = (np.zeros(n + 2 * m, x.dtype) for x in {arrays})": (
            "both have the same type"
        )
        for arrays in ("(p.ops, p.b, p.b)", "(p.ops, p.a, p.a)")
    },
    "compiler.trace._on_list: return xs[0] -> return xs[1]": "no one reads what a guard gives",
    # -- decision trees ----------------------------------------------------------------------------
    **{
        f"compiler.decisions._Path.__init__: self.to = [*range(inputs), *[-1] * (program.inputs - "
        f"inputs)] -> self.to = [*range(inputs), *{new}]": "all is written before it is read"
        for new in (
            "[-2] * (program.inputs - inputs)",
            "[1] * (program.inputs - inputs)",
            "[-1] * (program.inputs + inputs)",
        )
    },
    "compiler.decisions._Path.stand: self.to[n + start:] = range(first, first + end - start) -> "
    "self.to[n + start:] = range(first, first + end + start)": (
        "what is beyond is written before it is read"
    ),
    "compiler.decisions.Decisions.__init__: self._made: tuple[Machine, Any, list[Value]] | None = "
    "None -> pass": "the first path that is added sets it, before the tree is handed to others",
    "compiler.decisions.Decisions._add: at = 0 if self.ops else -1 -> at = 0 if self.ops else -2": (
        NONE
    ),
    **{
        f"compiler.decisions.Decisions._add: if at < 0: -> if at {test}:{number}": (
            "behind a comparison no branch begins at 0"
        )
        for test in ("<= 0", "< 1")
        for number in ("", " (2)")
    },
    "compiler.decisions.Decisions._add: self._instruction(LEAF, len(self.entries), 0) -> "
    "self._instruction(LEAF, len(self.entries), 1)": "no one reads the operands of a leaf",
    **{
        "compiler.decisions.Decisions._decide: path.stand(begin, k + 1, at) -> "
        f"path.stand(begin, {end}, at)": "only its own guard reads a comparison, and no one a guard"
        for end in ("k - 1", "k + 2")
    },
    **{
        "compiler.decisions.Decisions._decide: if self.otherwise[guard] < 0: -> if "
        f"self.otherwise[guard] {test}:": "no branch of a guard begins at 0"
        for test in ("<= 0", "< 1")
    },
    "compiler.decisions.Decisions._decide: return (-1, same) -> return (-2, same)": NONE,
    "compiler.decisions.Decisions._instruction: self.otherwise.append(-1) -> "
    "self.otherwise.append(-2)": NONE,
    "compiler.decisions.Decisions._ways_out: pending = [(0, -1)] -> pending = [(0, -2)]": NONE,
    **{
        f"compiler.decisions.Decisions._ways_out: if branch >= 0: -> if branch {test}:": (
            "no branch of a guard begins at 0"
        )
        for test in ("> 0", ">= 1")
    },
    "compiler.decisions.Decisions._of_captured: self.constants.append(0.0) -> "
    "self.constants.append(1.0)": "every walk writes there what the Value is by then",
    "compiler.decisions.Decisions.find: machine, refs, captured = self._made or self._ready() -> "
    "machine, refs, captured = self._ready()": FASTER,
    **dict.fromkeys(
        (
            "compiler.decisions.Decisions.find: if self.ops[:1] == [LEAF]: -> pass",
            "compiler.decisions.Decisions.find: if self.ops[:1] == [LEAF]: -> if self.ops[:2] == "
            "[LEAF]:",
            "compiler.decisions.Decisions.find: return self.leaves[0] -> pass",
        ),
        FASTER,
    ),
    "compiler.decisions.Decisions._made_ready: program = Program(self.inputs, np.zeros(0, "
    "np.int32), np.array(self.constants, np -> program = Program(self.inputs, np.zeros(1, "
    "np.int32), np.array(self.constants, np": "a walk reads no outputs",
    "compiler.decisions.Decisions._made_ready: p.array(self.entries, np.int32), "
    "bodies=tuple(self.bodies)) -> p.array(self.entries, np.int32), bodies=self.bodies)": (
        "it is only looked at, while no one changes it"
    ),
    "compiler.decisions.Decisions._ways_out: pending = [(0, -1)] -> pending = [(1, -1)]": (
        "the first instruction of a tree that is run is neither a guard nor a leaf"
    ),
}
