"""Mutants of transforms that no test can tell, and why."""

TRANSFORMS: dict[str, str] = {
    # -- transforms --------------------------------------------------------------------------------
    "transforms.api._Pullback.pull: operands = list(self.operands) -> operands = self.operands": (
        "every call sets all the seeds anew; a copy only keeps threads apart"
    ),
    "primitive.primitive: names = list(inspect.signature(value).parameters) -> "
    "names = inspect.signature(value).parameters": "a mapping lists its keys in the same order",
}
