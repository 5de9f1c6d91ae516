"""Compile the engine where there is a C compiler; where there is none, install it as Python."""

import sys
import types
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import CCompilerError, ExecError, PlatformError

HERE = Path(__file__).parent
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "annotation_typing": False,  # the .pxd files say what is typed
}


def write_kernels() -> list[str]:
    """Write the kernels' header, importing nothing that must be built; name what to compile."""
    package = types.ModuleType("autodiff")
    package.__path__ = [str(HERE / "autodiff")]
    sys.modules["autodiff"] = package
    from autodiff.engine.choice import MODULES
    from autodiff.engine.ckernels import header

    path, text = HERE / "autodiff" / "engine" / "kernels.h", header()
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    for name in [name for name in sys.modules if name.split(".")[0] == "autodiff"]:
        del sys.modules[name]
    return MODULES


class BuildOrDoWithout(build_ext):
    """Build all extensions or none; without fused multiply-adds, which Python has not.

    Loops begin where a line of the cache does: else how fast one is depends on the code before it.
    Setuptools has Cython translate an extension when it is built, not before.
    """

    def finalize_options(self) -> None:
        super().finalize_options()
        self.cython_directives = DIRECTIVES

    def build_extension(self, ext: Extension) -> None:
        """Build one, unless it is for the tree itself and stands there, newer than its sources."""
        there = HERE / self.get_ext_filename(ext.name)
        newest = max((HERE / name).stat().st_mtime for name in [*ext.sources, *ext.depends])
        if self.editable_mode and there.exists() and there.stat().st_mtime > newest:
            self.mkpath(str(Path(self.get_ext_fullpath(ext.name)).parent))
            self.copy_file(there, self.get_ext_fullpath(ext.name))
        else:
            super().build_extension(ext)

    def build_extensions(self) -> None:
        if self.compiler.compiler_type == "unix":
            for extension in self.extensions:
                extension.extra_compile_args += ["-O3", "-ffp-contract=off", "-fno-math-errno"]
                extension.extra_compile_args += ["-falign-loops=64"]
        try:
            super().build_extensions()
        except (CCompilerError, ExecError, PlatformError) as reason:
            self.warn(f"the engine is installed interpreted, since it cannot be compiled: {reason}")
            for extension in self.extensions:
                for folder in (Path(), Path(self.build_lib)):
                    path = folder / self.get_ext_filename(self.get_ext_fullname(extension.name))
                    path.unlink(missing_ok=True)
            self.extensions = []


class WithoutTests(sdist):
    """The sdist.  By itself setuptools adds some tests, which do not run without the others."""

    def make_distribution(self) -> None:
        self.filelist.exclude_pattern(None, prefix="tests")
        super().make_distribution()


MODULES = write_kernels()
C_SOURCES = [*(HERE / "autodiff").rglob("*.h"), *(HERE / "autodiff").rglob("*.pxd")]
DEPENDS = ["setup.py", *sorted(str(path.relative_to(HERE)) for path in C_SOURCES)]

setup(
    ext_modules=[
        Extension(
            f"autodiff.{name}",
            [f"autodiff/{name.replace('.', '/')}.py"],
            include_dirs=[str(HERE / "autodiff")],
            depends=DEPENDS,
        )
        for name in MODULES
    ],
    cmdclass={"build_ext": BuildOrDoWithout, "sdist": WithoutTests},
)
