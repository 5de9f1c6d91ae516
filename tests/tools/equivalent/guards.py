"""Mutants of what ``jit`` sees of a function that no test can tell, and why."""

from equivalent.reasons import FASTER

AGAIN = "what is watched twice is as well watched; this is only faster"
ROUND = "a round number: one more or less is as good"
SAMPLE = "of a large array a sample is compared, and any sample will do"

GUARDS: dict[str, str] = {
    "arrays.same_contents: return all_held(containers, contents) -> pass": (
        "each is looked at, then, which finds the same; this is only faster"
    ),
    "transforms.guards.Watch.changed: self._contents = [contents_of(x) for x in self._held] -> "
    "pass": "the looks at each say the same at the next call; this is only faster",
    "transforms.guards.Watch.forget_changed: self._held = [*itertools.compress(self._held, "
    "fine)] -> pass": "no look tells of what is left out; to compare it only takes time",
    "transforms.guards.Watch._chain: if root is _ABSENT or _foreign(root): -> if "
    "_foreign(root):": "an attribute of what is absent never changes: to look only takes time",
    "transforms.guards.Watch._module: outermost, self._in_module = (not self._in_module, True) "
    "-> outermost, self._in_module = (not self._in_module, False)": (
        "every module goes through those below it again, which are watched; this is only faster"
    ),
    "transforms.guards._dict: return '' -> pass": "those who look ask only whether there is a name",
    **dict.fromkeys(
        (
            "transforms.guards.Watch._object: self._seen[id(x)] = x -> pass",
            "transforms.guards.Watch._module: if part is not module and id(part) in self._seen: "
            "-> pass",
            "transforms.guards.Watch._module: continue -> pass",
            "transforms.guards.Watch._module: self._seen[id(part)] = part -> pass",
        ),
        AGAIN,
    ),
    **dict.fromkeys(
        (
            "transforms.guards.Watch._container: if type(part) is not Value and (not "
            f"isinstance(part, _PLAIN)): -> {new}"
            for new in ("if type(part) is not Value:", "if not isinstance(part, _PLAIN):")
        ),
        "_object does nothing with a number or a Value; this is only faster",
    ),
    **dict.fromkeys(
        (
            "transforms.guards._list: if same_objects(now, before): -> pass",
            "transforms.guards._list: return '' -> pass",
        ),
        FASTER,
    ),
    **dict.fromkeys(
        (
            "transforms.guards.Watch._function: if id(f) in self._seen or len(self._seen) > "
            "_MOST: -> if id(f) in self._seen or len(self._seen) >= _MOST:",
            "transforms.guards.Watch._container: if len(self._seen) + len(x) > _MOST: -> if "
            "len(self._seen) + len(x) >= _MOST:",
            "transforms.guards: _MOST = 10000 -> _MOST = 10001",
        ),
        ROUND,
    ),
    **dict.fromkeys(
        (
            "transforms.guards._bytes: return x.ravel()[::max(1, x.size // 4096)].tobytes() -> "
            "return x.ravel()[::max(2, x.size // 4096)].tobytes()",
            "transforms.guards._bytes: return x.ravel()[::max(1, x.size // 4096)].tobytes() -> "
            "return x.ravel()[::max(1, x.size // 4097)].tobytes()",
            "transforms.guards: _WHOLE = 1 << 16 -> _WHOLE = 2 << 16",
            "transforms.guards: _WHOLE = 1 << 16 -> _WHOLE = 1 << 17",
        ),
        SAMPLE,
    ),
}
