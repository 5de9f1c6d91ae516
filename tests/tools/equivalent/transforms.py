"""Mutants of transforms that no test can tell, and why."""

from equivalent.reasons import TUNED

_SAME = "transforms.cache.on_the_same_inputs: "
_ALL = "{id(v): v for way in ways for v in way.captured}.values()"
_CALLS = "return bool(self._options[1] and self._calls > 1 and (not self._calls & self._calls - "

TRANSFORMS: dict[str, str] = {
    # -- transforms --------------------------------------------------------------------------------
    "transforms.cache: LARGE = 100000 -> LARGE = 100001": TUNED,
    f"{_SAME}captured = list({_ALL}) -> captured = {_ALL}": (
        "only compiled must it be a list: interpreted, the values of a dict are read as well"
    ),
    f"{_SAME}return (tuple(programs), captured) -> return (programs, captured)": (
        "nothing changes a list of programs, and no one compares it"
    ),
    f"transforms.cache.Jitted._is_compared: {_CALLS}1)) -> {_CALLS}2))": (
        "an odd number shares the lowest bit with the odd number before it; of the even ones, only "
        "a power of two shares no bit with the even number before it"
    ),
    "transforms.cache.unlike: return '' -> pass": "None says as well that there are no words",
    "transforms.api._Pullback.pull: operands = list(self.operands) -> operands = self.operands": (
        "every call sets all the seeds anew; a copy only keeps threads apart"
    ),
    "primitive.primitive: names = list(inspect.signature(value).parameters) -> "
    "names = inspect.signature(value).parameters": "a mapping lists its keys in the same order",
}
