"""Mutants of the passes' loops over instructions that no test can tell, and why."""

from equivalent.reasons import NONE, TUNED

PLACED = "any hash that spreads them as well will do"
FIRST = "nothing comes before slot 0, which is the first of its kind and stays"
LIMIT = "any limit will do that no rules come to but those that have no end"
LEVEL = "a level that is as high is the same number"

_CONSTANTS = "compiler.loops.number_constants: "
_BITS = "h = (x & 2147483647) {} (x >> {}) * 1000003 & 2147483647"
_MIXED = "h = (h ^ h >> {}) * {} & 2147483647"
_EQUAL = "compiler.loops.find_equal: "
_ADDED = "h = h * {} {} {} & 2147483647"

LOOPS: dict[str, str] = {
    # -- constants ---------------------------------------------------------------------------------
    **{
        f"{_CONSTANTS}{_BITS.format('+', 31)} -> {_BITS.format(*changed)}": PLACED
        for changed in (("-", 31), ("+", 32))
    },
    **{
        f"{name}{_MIXED.format(15, 1000003)} -> {_MIXED.format(*changed)}": PLACED
        for name in (_CONSTANTS, _EQUAL)
        for changed in ((16, 1000003), (15, 1000004))
    },
    f"{_CONSTANTS}at = (h ^ h >> 13) & last -> at = (h ^ h >> 14) & last": PLACED,
    f"{_CONSTANTS}at = at + 1 & last -> at = at - 1 & last": (
        "the places are tried in the other direction"
    ),
    # -- levels, columns ---------------------------------------------------------------------------
    "compiler.loops.find_levels: if entries[i] >= 0 and level[entries[i]] > high: -> "
    "if entries[i] >= 0 and level[entries[i]] >= high:": LEVEL,
    "compiler.loops.find_levels: if arity[ops[k]] == 2 and b[k] >= 0 and (level[b[k]] > high): -> "
    "if arity[ops[k]] == 2 and b[k] >= 0 and (level[b[k]] >= high):": LEVEL,
    "compiler.loops.reach: top = -1 -> top = -2": NONE,
    **{
        f"compiler.loops.reach: while top >= 0 and n < first + width: -> {changed}": (
            "after the last column no further one is found; to stop there is only faster"
        )
        for changed in ("while top >= 0:", "while top >= 0 and n <= first + width:")
    },
    # -- rules -------------------------------------------------------------------------------------
    "compiler.loops.rewrite: turns = 0 -> turns = 1": LIMIT,
    "compiler.loops.rewrite: turns += 1 -> turns += 2": LIMIT,
    "compiler.loops.rewrite: if turns > 64: -> if turns > 65:": LIMIT,
    "compiler.loops.rewrite: if turns > 64: -> if turns >= 64: (2)": LIMIT,
    "compiler.loops.rewrite: break -> pass (3)": (
        "it becomes operation 0, which has no rules; nothing reads it any more"
    ),
    "compiler.loops.rewrite: count = -1 -> count = -2": "any negative number says so",
    # -- equal instructions ------------------------------------------------------------------------
    **{
        f"{_EQUAL}{condition.format('>=', 0)} -> {condition.format(*changed)}": FIRST
        for condition in (
            *("if entries[i] {} {}:", "if a[k] {} {}:", "if arity[op] == 2 and b[k] {} {}:"),
        )
        for changed in ((">", 0), (">=", 1))
    },
    **{
        f"{_EQUAL}{_ADDED.format(1000003, '+', x)} -> {_ADDED.format(*changed, x)}": PLACED
        for x in ("entries[i]", "low", "high")
        for changed in ((1000004, "+"), (1000003, "-"))
    },
    f"{_EQUAL}if low > high: -> if low < high:": TUNED,
    **dict.fromkeys([f"{_EQUAL}at = -1 -> at = -2{number}" for number in ("", " (2)")], NONE),
    **{
        f"{_EQUAL}hashed = at < 0 -> hashed = {changed}": (
            "what reads slot 0 alone is found by its hash as well"
        )
        for changed in ("at <= 0", "at < 1")
    },
    f"{_EQUAL}{_MIXED.format(15, 1000003)} -> pass": PLACED,
    f"{_EQUAL}at = slots + ((h ^ h >> 13) & last) -> at = slots + ((h ^ h >> 14) & last)": PLACED,
    f"{_EQUAL}length = 0 -> length = 1": TUNED,
    f"{_EQUAL}length += 1 -> length += 2": TUNED,
    **{
        f"{_EQUAL}if hashed or length < 8: -> {changed}": TUNED
        for changed in (
            *("if hashed:", "if hashed or length <= 8:", "if hashed or length < 9:"),
            "if hashed or length > 8:",
        )
    },
    f"{_EQUAL}if hashed or length < 8: -> if length < 8:": (
        "of a hash that many have, another is made, for all that are equal alike"
    ),
    # -- chains ------------------------------------------------------------------------------------
    "compiler.loops.find_chains: while i < j: -> while i <= j:": (
        "what is in the middle is exchanged with itself"
    ),
}
