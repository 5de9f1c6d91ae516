"""Compile the engine where there is a C compiler; where there is none, install it as Python."""

import sys
import types
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "annotation_typing": False,  # value.pxd says what is typed
}


def write_kernels() -> list[str]:
    """Write the kernels' header, importing nothing that must be built; name what to compile."""
    package = types.ModuleType("autodiff")
    package.__path__ = [str(HERE / "autodiff")]
    sys.modules["autodiff"] = package
    from autodiff._engine import MODULES
    from autodiff.ckernels import header

    (HERE / "autodiff" / "_kernels.h").write_text(header())
    for name in [name for name in sys.modules if name.split(".")[0] == "autodiff"]:
        del sys.modules[name]
    return MODULES


class BuildOrDoWithout(build_ext):
    """Build the extensions, bit for bit like the interpreted engine: no fused multiply-adds."""

    def build_extensions(self) -> None:
        if self.compiler.compiler_type == "unix":
            for extension in self.extensions:
                extension.extra_compile_args += ["-O3", "-ffp-contract=off", "-fno-math-errno"]
        super().build_extensions()


extensions = cythonize(
    [
        Extension(
            f"autodiff.{name}",
            [f"autodiff/{name.replace('.', '/')}.py"],
            include_dirs=[str(HERE / "autodiff")],
            depends=["autodiff/_kernels.h", "autodiff/_memory.h", "autodiff/compiler/_run.h"],
        )
        for name in write_kernels()
    ],
    compiler_directives=DIRECTIVES,
)
for extension in extensions:
    extension.optional = True  # cythonize() drops it when it is given above
setup(
    ext_modules=extensions,
    cmdclass={"build_ext": BuildOrDoWithout},
)
