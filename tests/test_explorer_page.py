"""The page of the explorer, driven in Chromium: it must add up what ``backward()`` adds up."""

import json
import math
import os
import re
import shutil

import pytest

from autodiff import Value, nn, scope
from autodiff.graph.assemble import assemble
from autodiff.sweeps import topological_order

LABELS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "neg": "-", "pow": "**", "square": "²"}

RULES = """
const RULES = {
  add: {value: ([a, b]) => a + b, partials: () => [1, 1]},
  sub: {value: ([a, b]) => a - b, partials: () => [1, -1]},
  mul: {value: ([a, b]) => a * b, partials: ([a, b]) => [b, a]},
  div: {value: ([a, b]) => a / b, partials: ([a, b], v) => [1 / b, -v / b]},
  neg: {value: ([a]) => -a, partials: () => [-1]},
  pow: {value: ([a, b]) => a ** b, partials: ([a, b], v) => [b * a ** (b - 1), v * Math.log(a)]},
  square: {value: ([a]) => a * a, partials: ([a]) => [2 * a]},
  sin: {value: ([a]) => Math.sin(a), partials: ([a]) => [Math.cos(a)]},
  exp: {value: ([a]) => Math.exp(a), partials: (_, v) => [v]},
  tanh: {value: ([a]) => Math.tanh(a), partials: (_, v) => [1 - v * v]},
  sum: {value: (xs) => xs.reduce((t, x) => t + x, 0), partials: (xs) => xs.map(() => 1)},
  dot: {
    value: (xs) => {
      const half = xs.length / 2;
      let total = 0;
      for (let i = 0; i < half; i++) total += xs[i] * xs[half + i];
      return total;
    },
    partials: (xs) => [...xs.slice(xs.length / 2), ...xs.slice(0, xs.length / 2)],
  },
};
"""


def as_json(number):
    return number if math.isfinite(number) else str(number)


def data_of(root, groups=(), group_of=lambda v: 0, opened=(0,), sources=None):
    """What the page shows, from a recorded graph; and the Value of each node, None: a constant."""
    columns = ("op", "label", "name", "data", "operands", "partials", "source", "parent")
    nodes = {column: [] for column in columns}
    values, number = [], {}

    def add(v, op, name, number_of, operands, partials, parent):
        row = (op, LABELS.get(op, op if v else ""), name, as_json(number_of), operands)
        row += ([as_json(p) for p in partials], (sources or {}).get(name, ""), parent)
        for column, item in zip(columns, row, strict=True):
            nodes[column].append(item)
        values.append(v)
        return len(values) - 1

    for v in topological_order([root]):
        parent = group_of(v)
        operands = [
            number[id(x)]
            if isinstance(x, Value)
            else add(None, "constant", "", float(x), [], [], parent)
            for x in v.operands
        ]
        number[id(v)] = add(v, v.op, v.name, v.data, operands, v.partials, parent)
    whole = {"parent": -1, "kind": "root", "label": "", "nodes": len(values)}
    data = {
        "title": root.name or "L",
        "nodes": nodes,
        "groups": [whole, *groups],
        "open": list(opened),
        "root": len(values) - 1,
    }
    for g, group in enumerate(data["groups"]):
        inside = [p for p in nodes["parent"] if g in path_of(data["groups"], p)]
        group["nodes"] = len(inside)
    return data, values


def path_of(groups, g):
    path = []
    while g >= 0:
        path.append(g)
        g = groups[g]["parent"]
    return path


def data_by_scopes(root, opened=()):
    """The same, with a group for each scope: "a/b.c" is inside "a/b", inside "a".

    A leaf is in the innermost scope that all its readers are in.
    """
    numbers, groups = {"": 0}, [{"parent": -1}]
    order = topological_order([root])
    for v in order:
        outer = ""
        for part in re.findall(r"[/.]?[^/.]+", v.scope or ""):
            label = outer + part
            if label not in numbers:
                numbers[label] = len(groups)
                groups.append({"parent": numbers[outer], "kind": "scope", "label": label})
            outer = label
    group_of = {}
    for v in reversed(order):
        group_of[id(v)] = numbers[v.scope or ""] if v.op else group_of.get(id(v), 0)
        for x in v.operands:
            here = path_of(groups, group_of[id(v)])
            there = path_of(groups, group_of.get(id(x), group_of[id(v)]))
            group_of[id(x)] = next(g for g in here if g in there)
    opened = [0, *(numbers[label] for label in opened)]
    return data_of(root, groups[1:], lambda v: group_of[id(v)], opened)
