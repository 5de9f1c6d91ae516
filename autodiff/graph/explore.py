"""A page in which a graph can be opened, gone through step by step, and computed again.

``explore(x)`` shows a graph, ``explore(f, args)`` that of a call.  The page is one file and needs
no network: it steps through the forward pass and the reverse sweep, and recomputes the graph when a
number is changed, by the rules of the table in JavaScript.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autodiff.contexts import within
from autodiff.engine.modes import MODE
from autodiff.engine.reals import describe
from autodiff.graph.assemble import assemble
from autodiff.graph.boxes import opened
from autodiff.graph.draw import write
from autodiff.graph.fold import tree_of
from autodiff.graph.formats import number
from autodiff.graph.javascript import rules
from autodiff.graph.nodes import Nodes, names_in, of_values
from autodiff.ops import CODES, ROWS
from autodiff.transforms.lowered import parameters_of
from autodiff.transforms.pytrees import leaf_names, listed, tree_flatten, tree_unflatten
from autodiff.value import Value

BOXES = 120  #: that are open at first, at most
HEIGHT = 680  #: of the page in a notebook, in pixels


class Explorer:
    """A page that shows a graph, as ``explore`` makes it; a notebook shows it in the cell.

    Args:
        page: the whole page.
        title: what it is about.

    Attributes:
        html: the whole page, one file that needs no network.

    >>> page = explore(Value(3.0, name="x") * 2)
    >>> page, page.html[:15]
    (<Explorer of the graph>, '<!doctype html>')
    """

    def __init__(self, page: str, title: str) -> None:
        self.html = page
        self._title = title

    def __repr__(self) -> str:
        return f"<Explorer of {self._title}>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, in which it can do nothing to the notebook."""
        return (
            f'<iframe title="{html.escape(self._title)}" srcdoc="{html.escape(self.html)}" '
            f'sandbox="allow-scripts" style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
        )


def explore(
    x: Value | Callable[..., Any],
    args: Any = (),
    path: str | Path | None = None,
    *,
    names: Mapping[str, Any] | None = None,
) -> Explorer:
    """A page that steps through the computation of a number and through its gradient.

    ``explore(x, "x.html")`` shows the graph of a Value, ``explore(f, (2.0, 3.0), "f.html")`` that
    of a call of a function, with the lines of the program that recorded it.

    Args:
        x: a Value, or a function that gives one.
        args: of a function, the tuple of its arguments; one that is no tuple is the only argument.
        path: where to write the page, whole or not at all; without it, a notebook shows it.
        names: what Values without a name are called, as ``locals()`` has them.

    Raises:
        TypeError: if ``x`` is neither, the function does not give one Value, arguments come with a
            Value, or ``names`` is no dict.
        OSError: if the page cannot be written to ``path``.

    >>> page = explore(lambda a, b: a * b + a, (2.0, 3.0))
    >>> page
    <Explorer of <lambda>>
    >>> "</html>" in page.html
    True
    """
    if isinstance(x, Value):
        if isinstance(args, (str, Path)) and path is None:
            args, path = (), args
        if args != ():
            raise TypeError("explore(x) of a Value takes no arguments: it is computed already")
        root, title = x, x.name or "the graph"
    elif callable(x):
        root, title = _called(x, args if isinstance(args, tuple) else (args,))
    else:
        raise TypeError(f"explore(x) takes a Value or a function, not {describe(x)}")
    nodes = of_values([root], {} if names is None else names_in(names))
    used = {op for op in nodes.ops if op in CODES}
    page = Explorer(assemble(_data(nodes, title), rules(used)), title)
    if path is not None:
        write(Path(path), page.html.encode())
    return page


def _called(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Value, str]:
    """What a function gives for Values of these numbers, each recorded with its line."""
    title = getattr(f, "__name__", type(f).__name__)
    given = []
    for name, tree in zip(parameters_of(f, len(args)), args, strict=True):
        numbers: list[Any] = []
        structure = tree_flatten(tree, numbers, f"argument {name!r} of {title}")
        named = zip(listed(numbers), leaf_names(structure, name), strict=True)
        values = (x if isinstance(x, Value) else Value(x, called) for x, called in named)
        given.append(tree_unflatten(structure, values))
    result = within(MODE.get().at_lines(), f, *given)
    if not isinstance(result, Value):
        raise TypeError(
            f"explore(f, args): {title} must give one number that depends on its arguments, not "
            f"{describe(result)}"
        )
    return result, title


def _data(nodes: Nodes, title: str) -> dict[str, Any]:
    """What the page is given: the nodes, the groups, and which of these are open at first."""
    tree = tree_of(nodes, BOXES)
    labels = [ROWS[CODES[op]].shown if op in CODES else "" for op in nodes.ops]
    columns = {
        "op": nodes.ops,
        "label": labels,
        "name": nodes.names,
        "data": [number(x) for x in nodes.data],
        "operands": nodes.operands,
        "partials": [[number(p) for p in partials] for partials in nodes.partials],
        "source": [Path(source).name for source in nodes.sources],
        "parent": tree.parent,
    }
    groups = [
        {"parent": g.parent, "kind": g.kind, "label": g.label, "nodes": g.nodes}
        for g in tree.groups
    ]
    is_open = [g for g, shown in enumerate(opened(tree, BOXES)) if shown]
    (root,) = nodes.roots
    return {"title": title, "nodes": columns, "groups": groups, "open": is_open, "root": root}
