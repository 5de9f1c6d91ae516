"""Mutants of programs that no test can tell, and why."""

PROGRAMS: dict[str, str] = {}
