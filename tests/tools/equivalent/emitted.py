"""Mutants of the chain rule on instructions that no test can tell, and why."""

from equivalent.reasons import ROOM

_INIT = "compiler.emitter.Emitter.__init__: "
_VMAP = "compiler.emitter.Emitter.vmap: "

_EMPTY = "templates = [Program({}, np.zeros({}, np.int32)) if key >> 32 in{}"
_UNREAD = "a derivative takes no partial from such a template, and it has no instructions"
_SIZES = "= np.array([len({}) for t in templates], np.int64)[of] + {} * counts"
_EACH = "each = {} * n + {}"
_MORE = "more = (each, each, each, e, n + {})"
_SPARE = "if min([x - y for x, y in zip(self.spare, more, strict=True)]) {}:"

EMITTED: dict[str, str] = {
    f"{_INIT}{_EMPTY.format(0, 0, '')} -> {_EMPTY.format(1, 0, '')}": _UNREAD,
    f"{_INIT}{_EMPTY.format(0, 0, ' _WITHOUT_PA')} -> {_EMPTY.format(0, 1, ' _WITHOUT_PA')}": (
        _UNREAD
    ),
    **{
        f"{_INIT}{name} {_SIZES.format(of, n)} -> {name} {_SIZES.format(of, n + 1)}": ROOM
        for name, of, n in [("instructions", "t", 2), ("operands", "t.entries", 4)]
    },
    f"{_VMAP}{_EACH.format(2, 1)} -> {_EACH.format(3, 1)}": ROOM,
    f"{_VMAP}{_EACH.format(2, 1)} -> {_EACH.format(2, 2)}": ROOM,
    f"{_VMAP}{_MORE.format(1)} -> {_MORE.format(2)}": ROOM,
    **{
        f"{_VMAP}{_SPARE.format('< 0')} -> {_SPARE.format(changed)}": (
            "room is made a vmap too early, that is all"
        )
        for changed in ("<= 0", "< 1")
    },
}
