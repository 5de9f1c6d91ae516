"""Mutants of programs that no test can tell, and why."""

PROGRAMS: dict[str, str] = {
    "compiler.program: NONE = -2 ** 31 + 1 -> NONE = -2 ** 31 + 2": (
        "no program has so many constants that the number stands for one"
    ),
    "compiler.program._meaning: if code < FIRST: -> if code <= FIRST:": (
        "that row is detach, whose value names no row"
    ),
    "compiler.program.validate: odd = (counts % step != 0) | (counts == 0) & (op >= FIRST) -> odd "
    "= (counts % step != 0) | (counts == 0) & (op > FIRST)": (
        "that row is detach, which is not over a list"
    ),
}
