"""Checkpoints: models, optimizers, schedulers and generators, saved and continued bit for bit.

The file is NumPy's ``.npz`` with no pickle inside: a JSON text, and arrays.  It is written to a
temporary file beside it, ``.NAME.tmp``, and then renamed, so that a kill at any moment leaves the
old file or the new one.  What a kill leaves of the temporary file, the next save writes over.
"""

from __future__ import annotations

import errno
import json
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from autodiff.engine.reals import describe, dictionary, plain

try:
    import fcntl
except ImportError:  # not a Unix: two processes must then not save to one path at a time
    fcntl = None  # type: ignore[assignment]  # mypy takes every system for a Unix

_FORMAT = "autodiff checkpoint 1"
_KINDS = {"array", "dict", "list", "tuple"}


def save(path: str | Path, *objects: Any) -> None:
    """Save the states of ``objects`` in one file, whole or not at all.

    Args:
        path: of the file; conventionally ending in ``.npz``.
        objects: models, optimizers, schedulers (all that has ``state_dict()``), and
            generators of random numbers (``numpy.random.Generator``).

    Raises:
        TypeError: if an object has no state that can be saved.
        OSError: if the file cannot be written; an older file of that name is then untouched.

    >>> import tempfile
    >>> from autodiff import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net, twin = nn.Neuron(2), nn.Neuron(2)
    ...     save(folder + "/net.npz", net)
    ...     load(folder + "/net.npz", twin)
    >>> twin.bias.data == net.bias.data
    True
    """
    arrays: dict[str, Any] = {}
    states = [_encode(_state(o), arrays) for o in objects]
    text = json.dumps(
        {"format": _FORMAT, "kinds": [type(o).__name__ for o in objects], "states": states}
    )
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    with _alone(temporary) as file:
        try:
            np.savez(file, json=np.array(text), **arrays)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:  # such systems do not rename open files
                file.close()
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _alone(path: Path) -> IO[bytes]:
    """The file, empty, to be written; waits until no other process writes it."""
    while True:
        file = open(path, "wb", opener=_untruncated)  # noqa: SIM115  # the caller closes it
        try:
            if fcntl is not None:
                _lock(file)
            if _is(file, path):
                file.truncate()
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # another process has renamed it meanwhile: open the next


def _untruncated(path: str, flags: int) -> int:
    """Open a file as ``open`` does, but leave in it what another process may be writing."""
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


def _lock(file: IO[bytes]) -> None:
    """Be the only one to write it, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):  # it has no locks
            raise


def _is(file: IO[bytes], path: Path) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def load(path: str | Path, *objects: Any) -> None:
    """Give ``objects``, in the order in which they were saved, the states in the file.

    What does not fit is refused before any array is read, and before any object is changed.  All
    objects of this library check a state by ``check_state_dict(state)``, and so may others, if the
    class that defines ``load_state_dict(state)`` defines it too.  Nothing is compressed in a
    checkpoint, so that what is read is never larger than the file.

    Args:
        path: of the file.
        objects: as ``save`` was given, in its order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is truncated or not a checkpoint, or does not fit the objects; the
            message names the first difference, and no object is changed.

    >>> import tempfile
    >>> from autodiff import Value, optim
    >>> x = Value(1.0)
    >>> before, after = optim.SGD([x], lr=0.1), optim.SGD([x], lr=0.5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(folder + "/sgd.npz", before)
    ...     load(folder + "/sgd.npz", after)
    >>> after.param_groups[0]["lr"]
    0.1
    """
    with open(path, "rb") as opened:
        try:
            file = zipfile.ZipFile(opened)
            content = json.loads(_array(file, "json").item())
        except Exception as error:  # whatever a damaged file makes of NumPy, zipfile and json
            raise ValueError(f"{path} is not a whole checkpoint of autodiff: {error}") from error
        _check_kinds(path, content, objects)
        before = [_state(o) for o in objects]
        try:
            outlines: dict[str, Any] = {}
            for o, state in zip(objects, content["states"], strict=True):
                _check(o, _decode(state, lambda name: _outline(file, name, outlines)))
            _check_names(file, {"json", *outlines})
        except Exception as error:
            raise ValueError(f"{path} does not fit: {error}") from error
        try:
            arrays = {name: _array(file, name) for name in outlines}
        except Exception as error:
            raise ValueError(f"{path} is not a whole checkpoint of autodiff: {error}") from error
    try:
        for o, state in zip(objects, content["states"], strict=True):
            _restore(o, _decode(state, arrays.__getitem__))
    except BaseException as error:
        for o, state in zip(objects, before, strict=True):
            _restore(o, state)
        if not isinstance(error, Exception):  # Ctrl-C
            raise
        raise ValueError(f"{path} does not fit: {error}") from error


def _check_kinds(path: str | Path, content: Any, objects: tuple[Any, ...]) -> None:
    """Refuse another format, and other objects."""
    known = isinstance(content, dict) and content.keys() == {"format", "kinds", "states"}
    known = known and isinstance(content["kinds"], list) and isinstance(content["states"], list)
    if not known or content["format"] != _FORMAT:
        raise ValueError(f"{path} is not a checkpoint of this version of autodiff")
    kinds = [type(o).__name__ for o in objects]
    if kinds != content["kinds"]:
        raise ValueError(
            f"{path} holds {', '.join(map(str, content['kinds']))}; it was to be loaded into "
            f"{', '.join(kinds) or 'nothing'}"
        )


def _check_names(file: zipfile.ZipFile, names: set[str]) -> None:
    """Refuse a file that holds what the states do not name, or something twice."""
    seen: set[str] = set()
    for member in file.namelist():
        if member.removesuffix(".npy") not in names or member in seen:
            raise ValueError(f"it holds {member!r}{' twice' * (member in seen)}, unexpectedly")
        seen.add(member)


def _outline(file: zipfile.ZipFile, name: str, seen: dict[str, Any]) -> Any:
    """An array of the type and shape of one in the file, which takes no memory.

    Raises:
        ValueError: if it is not there, compressed, or of another size than type and shape say.
    """
    if name in seen:
        raise ValueError(f"it names the array {name!r} twice")
    info = file.getinfo(f"{name}.npy")
    size = info.file_size
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != size:
        raise ValueError(f"{name!r} is compressed, as nothing in a checkpoint is")
    with file.open(info) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{name!r} is not of version 1.0 of NumPy's format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        needed = member.tell() + dtype.itemsize * math.prod(shape)
    if needed != size or size > file.start_dir or min(shape, default=0) < 0:
        raise ValueError(f"{name!r} takes {size} bytes, not the {needed} of {dtype} {shape}")
    seen[name] = np.broadcast_to(np.zeros((), dtype), shape)
    return seen[name]


def _array(file: zipfile.ZipFile, name: str) -> Any:
    """An array of the file."""
    _outline(file, name, {})
    with file.open(f"{name}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _state(o: Any) -> Any:
    if isinstance(o, np.random.Generator):
        return o.bit_generator.state
    if not hasattr(o, "state_dict"):
        raise TypeError(f"{describe(o)} has no state to be saved: it has no state_dict()")
    return o.state_dict()


def _check(o: Any, state: Any) -> None:
    """Refuse a state that does not fit, if the object can tell (see ``load``)."""
    if isinstance(o, np.random.Generator):
        kind, own = type(o.bit_generator).__name__, o.bit_generator.state
        saved = dictionary(state, "the saved generator").get("bit_generator")
        if not isinstance(saved, str) or saved != own["bit_generator"]:
            raise ValueError(f"the saved bit_generator is {describe(saved)}, not {kind}")
        _check_generator(state, own, kind)
        return
    for names in (getattr(o, "__dict__", {}), *map(vars, type(o).__mro__)):
        if "load_state_dict" in names:
            if "check_state_dict" in names:
                o.check_state_dict(state)
            return


_LIMITS = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "uinteger": 2**32 - 1}


def _check_generator(saved: Any, own: Any, name: str) -> None:
    """Refuse what NumPy might take for a state without being one: it reads beyond its buffers."""
    if isinstance(own, dict):
        if dictionary(saved, name).keys() != own.keys():
            raise ValueError(f"{name} is of {', '.join(own)}; not of {', '.join(map(str, saved))}")
        for key, value in own.items():
            _check_generator(saved[key], value, key)
    elif isinstance(own, np.ndarray):
        fits = isinstance(saved, np.ndarray) and saved.dtype == own.dtype
        if not fits or saved.shape != own.shape:
            raise ValueError(
                f"{name!r} must be an array of {own.dtype} of shape {own.shape}, "
                f"not {describe(saved)}"
            )
    elif isinstance(own, int):
        most = _LIMITS.get(name, 2**128 - 1)
        if type(saved) is not int or not 0 <= saved <= most:
            raise ValueError(f"{name!r} must be an integer from 0 to {most}, not {describe(saved)}")
    elif type(saved) is not type(own) or saved != own:
        raise ValueError(f"{name!r} must be {own!r}, not {describe(saved)}")


def _restore(o: Any, state: Any) -> None:
    if isinstance(o, np.random.Generator):
        o.bit_generator.state = state
    else:
        o.load_state_dict(state)


def _encode(x: Any, arrays: dict[str, Any]) -> Any:
    """``x`` as JSON has it, its arrays put aside."""
    if isinstance(x, np.ndarray) and not x.dtype.hasobject:
        name = f"array{len(arrays)}"
        arrays[name] = x
        return {"array": name}
    if isinstance(x, dict):
        return {"dict": [[k, _encode(v, arrays)] for k, v in x.items()]}
    if isinstance(x, (list, tuple)):
        return {type(x).__name__: [_encode(v, arrays) for v in x]}
    number = plain(x)
    if number is None or isinstance(number, (bool, int, float, str)):
        return number
    raise TypeError(f"a checkpoint cannot hold {describe(x)}")


def _decode(x: Any, array: Callable[[str], Any]) -> Any:
    """What ``_encode`` was given; ``array`` gives the array of a name."""
    if not isinstance(x, (dict, list)):
        return x
    if not isinstance(x, dict) or len(x) != 1 or not x.keys() <= _KINDS:
        raise ValueError(f"{describe(x)} is not what is saved of anything")
    ((kind, content),) = x.items()
    if kind == "array":
        return array(content)
    if kind == "dict":
        decoded = {k: _decode(v, array) for k, v in content}
        if len(decoded) != len(content):
            raise ValueError(f"one of {', '.join(map(str, decoded))} is saved twice")
        return decoded
    elements = [_decode(v, array) for v in content]
    return tuple(elements) if kind == "tuple" else elements
