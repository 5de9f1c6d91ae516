"""Checkpoints: models, optimizers, schedulers and generators, saved and continued bit for bit.

The file is NumPy's ``.npz`` with no pickle inside: a JSON text, and arrays.  It is written to a
temporary file beside it, ``.NAME.tmp``, and then renamed, so that a kill at any moment leaves the
old file or the new one.  What a kill leaves of the temporary file, the next save writes over.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import IO, Any

import numpy as np

from autodiff.reals import describe, plain

try:
    import fcntl
except ImportError:  # not a Unix: two processes must then not save to one path at a time
    fcntl = None  # type: ignore[assignment]  # mypy takes every system for a Unix

_FORMAT = "autodiff checkpoint 1"


def save(path: str | Path, *objects: Any) -> None:
    """Save the states of ``objects`` in one file, whole or not at all.

    Args:
        path: of the file; conventionally ending in ``.npz``.
        objects: models, optimizers, schedulers (all that has ``state_dict()``), and
            ``numpy.random.Generator``s.

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

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is truncated or not a checkpoint, or does not fit the objects; the
            message names the first difference, and no object is changed.
    """
    with open(path, "rb") as opened:
        try:
            with np.load(opened, allow_pickle=False) as file:
                content = json.loads(str(file["json"]))
                arrays = {name: file[name] for name in file.files if name != "json"}
        except Exception as error:  # whatever a damaged file makes of NumPy, zipfile and json
            raise ValueError(f"{path} is not a whole checkpoint of autodiff: {error}") from error
    known = isinstance(content, dict) and content.keys() == {"format", "kinds", "states"}
    if not known or content["format"] != _FORMAT:
        raise ValueError(f"{path} is not a checkpoint of this version of autodiff")
    kinds = [type(o).__name__ for o in objects]
    if kinds != content["kinds"]:
        raise ValueError(
            f"{path} holds {', '.join(content['kinds'])}; it was to be loaded into "
            f"{', '.join(kinds) or 'nothing'}"
        )
    before = [_state(o) for o in objects]
    try:
        for o, state in zip(objects, content["states"], strict=True):
            _restore(o, _decode(state, arrays))
    except BaseException as error:
        for o, state in zip(objects, before, strict=True):
            _restore(o, state)
        if not isinstance(error, Exception):  # Ctrl-C
            raise
        raise ValueError(f"{path} does not fit: {error}") from error


def _state(o: Any) -> Any:
    if isinstance(o, np.random.Generator):
        return o.bit_generator.state
    if not hasattr(o, "state_dict"):
        raise TypeError(f"{describe(o)} has no state to be saved: it has no state_dict()")
    return o.state_dict()


def _restore(o: Any, state: Any) -> None:
    if isinstance(o, np.random.Generator):
        o.bit_generator.state = state
    else:
        o.load_state_dict(state)


def _encode(x: Any, arrays: dict[str, Any]) -> Any:
    """``x`` as JSON has it, its arrays put aside."""
    if isinstance(x, np.ndarray):
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


def _decode(x: Any, arrays: dict[str, Any]) -> Any:
    """What ``_encode`` was given."""
    if not isinstance(x, dict):
        return x
    ((kind, content),) = x.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {k: _decode(v, arrays) for k, v in content}
    elements = [_decode(v, arrays) for v in content]
    return tuple(elements) if kind == "tuple" else elements
