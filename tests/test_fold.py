"""Folding: every node in one box, few enough boxes, and what is folded is what is alike."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff
from autodiff import Value, graph, nn, scope
from autodiff.graph.boxes import boxes_of, opened, picture_of
from autodiff.graph.fold import _levels, tree_of
from autodiff.graph.nodes import CONSTANT, of_values
from autodiff.graph.repeats import in_sequence, period_of
from autodiff.graph.tree import ALIKE, CHAIN, PART, REPEAT, ROOT, SCOPE, Tree

pytestmark = pytest.mark.once  # drawings do not depend on the engine

OPERATIONS = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: a.sin(),
    lambda a, b: a + 2, lambda a, b: autodiff.sum([a, b, a]),
]  # fmt: skip


def random_graph(seed, size, near, scopes):
    """A graph of random operations on recent results, some of them in scopes."""
    r = random.Random(seed)
    values = [Value(r.random(), name=f"x{i}") for i in range(4)]

    def grow(n, level):
        for _ in range(n):
            if level < scopes and r.random() < 0.2:
                with scope(r.choice("abc")):
                    grow(max(n // 4, 1), level + 1)
            recent = values[-near:]
            values.append(r.choice(OPERATIONS)(r.choice(recent), r.choice(recent)))

    grow(size, 0)
    return values[-1]


graphs = st.builds(
    random_graph, st.integers(0, 10_000), st.integers(1, 150), st.integers(2, 40), st.integers(0, 3)
)


def labels(picture, kind):
    return [box.label for box in picture.boxes if box.kind == kind]


# -- properties of all drawings --------------------------------------------------------------------


@given(graphs, st.integers(1, 40), st.none() | st.integers(0, 3))
def test_a_drawing_has_no_more_boxes_than_its_limit(root, limit, depth):
    nodes = of_values([root])
    picture = boxes_of(nodes, limit, depth)
    assert len(picture.boxes) <= limit
    assert picture.nodes == len(nodes)
    held = sum(box.nodes for box in picture.boxes)
    assert len(nodes) - nodes.ops.count(CONSTANT) <= held <= len(nodes)
    assert bool(picture.caption) == any(box.is_group for box in picture.boxes)


@given(graphs, st.integers(1, 40))
def test_arrows_are_the_edges_between_different_boxes(root, limit):
    nodes = of_values([root])
    tree = tree_of(nodes, limit)
    is_open = opened(tree, limit)
    picture = picture_of(nodes, tree, is_open)

    def box(i):
        """A node, or the outermost closed group that it is in."""
        chain = [g for g in tree.outer(tree.parent[i]) if not is_open[g]]
        return ("group", chain[-1]) if chain else ("node", i)

    expected = {}
    for i, operands in enumerate(nodes.operands):
        for x in operands:
            a, b = box(x), box(i)
            if nodes.ops[x] == CONSTANT:
                alone = a[0] == "node" or tree.groups[a[1]].kind == ALIKE
                if b[0] == "group" or not alone:  # it belongs to what is folded
                    continue
            if a != b:
                expected[a, b] = expected.get((a, b), 0) + 1
    assert sorted(expected.values()) == sorted(n for _, _, n in picture.arrows)
    assert len({(a, b) for a, b, _ in picture.arrows}) == len(picture.arrows)
    assert all(a != b for a, b, _ in picture.arrows)


@given(graphs)
def test_an_unfolded_drawing_has_a_box_for_every_node(root):
    nodes = of_values([root])
    picture = boxes_of(nodes, limit=None)
    assert len(picture.boxes) == len(nodes)
    edges = sorted((x, i) for i, operands in enumerate(nodes.operands) for x in operands)
    assert sorted((a, b) for a, b, n in picture.arrows for _ in range(n)) == edges
    assert picture.caption == ""


@given(graphs, st.integers(1, 60))
def test_every_group_counts_its_nodes(root, limit):
    nodes = of_values([root])
    tree = tree_of(nodes, limit)
    counts = [0] * len(tree.groups)
    for g in tree.parent:
        for above in tree.outer(g):
            counts[above] += 1
    assert counts == [group.nodes for group in tree.groups]
    assert all(group.parent < g for g, group in enumerate(tree.groups))
    parts = [things for group, things in zip(tree.groups, tree.children(), strict=True)
             if group.kind in (ROOT, PART)]  # fmt: skip
    assert all(len(things) <= max(limit, 2) for things in parts)


# -- scopes ----------------------------------------------------------------------------------------


def net(inputs=3, sizes=(4, 4, 1)):
    model = nn.MLP(inputs, list(sizes), "tanh", np.random.default_rng(0))
    xs = [Value(float(i), name=f"x{i}") for i in range(inputs)]
    loss = (model(xs)[0] - 1.0) ** 2
    loss.backward()
    return loss


def test_depth_closes_scopes_below_a_level():
    loss = net()
    at = {depth: boxes_of(of_values([loss]), depth=depth) for depth in range(4)}
    assert labels(at[0], SCOPE) == ["mlp"]
    assert labels(at[1], SCOPE) == ["layers.0", "layers.1", "layers.2"][::-1]
    assert labels(at[2], SCOPE) == ["neurons.0"]
    assert labels(at[2], ALIKE) == ["neurons \N{MULTIPLICATION SIGN} 4"] * 2
    assert at[3].caption == ""
    assert [label for _, label in at[1].clusters] == ["", "mlp"]


def test_a_closed_scope_shows_its_nodes_and_the_norm_of_the_gradient_that_leaves_it():
    x, y = Value(2.0, name="x"), Value(3.0, name="y")
    with scope("inside"):
        a = x * y
        b = a + x
        c = a * 5.0
    (3.0 * b + 4.0 * c).backward()
    root = 3.0 * b + 4.0 * c
    root.backward()
    (box,) = [box for box in boxes_of(of_values([root]), depth=0).boxes if box.kind == SCOPE]
    assert box.nodes == 6  # x, y, 5 and three operations
    assert box.grad == math.hypot(3.0, 4.0)  # of b and c: a is not read outside
    assert "6 nodes" in graph.draw(root, depth=0).source
    assert (
        "\N{DOUBLE VERTICAL LINE}grad\N{DOUBLE VERTICAL LINE} 5" in graph.draw(root, depth=0).source
    )


def test_scopes_of_another_structure_stay_apart():
    x = Value(1.0, name="x")
    results = []
    for i, f in enumerate([autodiff.sin, autodiff.sin, autodiff.cos, autodiff.sin]):
        with scope(f"part{i}"):
            results.append(f(x) * 2 + 1)
    picture = boxes_of(of_values([autodiff.sum(results)]), depth=0)
    assert labels(picture, ALIKE) == ["part \N{MULTIPLICATION SIGN} 3"]
    assert labels(picture, SCOPE) == ["part2"]


def test_scopes_that_follow_one_another_are_not_put_together():
    x = Value(1.0, name="x")
    for i in range(3):
        with scope(f"layer{i}"):
            x = x.sin() * 2
    assert labels(boxes_of(of_values([x]), depth=0), SCOPE) == ["layer0", "layer1", "layer2"]


def test_a_scope_that_is_left_and_entered_again_is_one_box():
    x = Value(1.0, name="x")
    with scope("s"):
        y = x.sin()
    z = y.cos()
    with scope("s"):
        w = z.exp()
    picture = boxes_of(of_values([w]), depth=0)
    assert [(box.kind, box.label) for box in picture.boxes] == [
        ("scope", "s"),
        ("operation", "cos"),
    ]
    assert picture.arrows == [(0, 1, 1), (1, 0, 1)]


def test_a_leaf_is_drawn_in_the_innermost_scope_that_holds_its_uses():
    shared, own = Value(1.0, name="shared"), Value(2.0, name="own")
    with scope("a"):
        with scope("b"):
            y = shared * own
        z = y + shared
    picture = boxes_of(of_values([z]))
    places = {box.name: picture.clusters[box.cluster][1] for box in picture.boxes if box.name}
    assert places == {"shared": "a", "own": "b"}


def test_what_fits_exactly_is_not_folded():
    root = net()
    nodes = of_values([root])
    assert boxes_of(nodes, limit=len(nodes)).caption == ""
    assert boxes_of(nodes, limit=len(nodes) - 1).caption != ""


def test_scopes_are_opened_as_far_as_the_limit_allows():
    x = Value(1.0, name="x")
    for i in range(4):
        with scope(f"s{i}"):
            for f in (autodiff.sin, autodiff.cos, autodiff.exp)[: i + 1] * 3:
                x = f(x)
    nodes = of_values([x])  # of 3, 6, 9 and 9 operations; x is in the first
    assert [len(boxes_of(nodes, limit=n).boxes) for n in (4, 7, 12, 20, 28)] == [4, 7, 12, 20, 28]


def test_levels_are_counted_through_groups_and_around_circles():
    # -1 and -2 are groups, computed from one another; 5 comes first, 6 last.
    things, sources = [5, -1, -2, 6], {-1: [5, -2], -2: [-1], 6: [-2, 5]}
    assert _levels(things, sources) == {5: 0, -1: 1, -2: 2, 6: 3}
    assert _levels([0, 1, 2], {1: [0, 0], 2: [0, 1]}) == {0: 0, 1: 1, 2: 2}


# -- what is alike ---------------------------------------------------------------------------------


def test_siblings_of_the_same_structure_are_one_box():
    picture = boxes_of(of_values([net(64, (32, 10, 1))]), limit=60)
    assert labels(picture, ALIKE)[:3] == [
        "neurons \N{MULTIPLICATION SIGN} 10",
        "neurons \N{MULTIPLICATION SIGN} 32",
        "x \N{MULTIPLICATION SIGN} 64",
    ]


def test_chains_of_additions_and_products_are_one_sum_or_dot():
    xs = [Value(float(i), name=f"x{i}") for i in range(40)]
    ws = [Value(float(i), name=f"w{i}") for i in range(40)]
    dot = sum((w * x for w, x in zip(ws, xs, strict=True)), 0.0)
    picture = boxes_of(of_values([dot]), limit=20)
    assert labels(picture, CHAIN) == ["dot of 41"]
    assert {box.label for box in picture.boxes if box.kind == ALIKE} == {
        "x \N{MULTIPLICATION SIGN} 40",
        "w \N{MULTIPLICATION SIGN} 40",
    }
    plain = boxes_of(of_values([sum(xs)]), limit=20)
    assert labels(plain, CHAIN) == ["sum of 41"]


def test_a_sum_of_which_half_are_products_is_a_dot():
    x, y = Value(1.0, name="x"), Value(2.0, name="y")

    def chains(root):
        return [group.label for group in tree_of(of_values([root])).groups if group.kind == CHAIN]

    assert chains(x * y + x * x + x + y) == ["dot of 4"]
    assert chains(x * y + x * x + x + y + autodiff.sin(x)) == ["sum of 5"]
    assert chains(x + y + x) == []


def test_a_sequence_with_a_period_but_no_run_of_it_is_divided_all_the_same():
    x = Value(1.0, name="x")
    picture = boxes_of(of_values([autodiff.cos(autodiff.sin(autodiff.sin(x)))]), limit=1)
    assert len(picture.boxes) == 1
    tree = Tree(parent=[0] * 9)
    in_sequence(tree, 0, list(range(9)), [1, 2, 1, 2, 1, 3, 1, 2, 1], 2)
    assert len(tree.children()[0]) <= 2


def test_a_sum_that_is_read_in_between_is_not_folded_into_one():
    xs = [Value(float(i), name=f"x{i}") for i in range(30)]
    total, read = 0.0, []
    for x in xs:
        total = total + x
        read.append(total)
    picture = boxes_of(of_values([autodiff.dot(read, read)]), limit=10)
    assert labels(picture, CHAIN) == []


def test_the_range_of_the_data_of_what_is_alike():
    xs = [Value(float(i), name=f"x{i}") for i in range(60)]
    picture = boxes_of(of_values([autodiff.sum(xs)]), limit=10)
    (box,) = [box for box in picture.boxes if box.kind == ALIKE]
    assert box.data == (0.0, 59.0)
    assert "data 0 \N{HORIZONTAL ELLIPSIS} 59" in graph.draw(autodiff.sum(xs), limit=10).source


# -- one after the other ---------------------------------------------------------------------------


def newton(x, c, times):
    for _ in range(times):
        x = x - (x * x - c) / (2 * x)
    return x


def test_steps_that_repeat_are_one_box_after_the_first():
    picture = boxes_of(of_values([newton(Value(1.0, name="x"), 2, 1000)]), limit=100)
    assert labels(picture, REPEAT) == ["998 more steps like these"]
    operations = [box.label for box in picture.boxes if box.kind == "operation"]
    assert operations == ["mul", "sub", "mul", "div", "sub"] * 2
    assert "1 repetition" in picture.caption


def test_loops_in_loops_are_folded_from_the_inside_out():
    x, w = Value(1.0, name="x"), Value(2.0, name="w")
    for _ in range(30):
        x = autodiff.sin(newton(x, w, 40) * w)
    picture = boxes_of(of_values([x]), limit=60)
    assert len(labels(picture, REPEAT)) >= 2
    assert any("28 more" in label or "29 more" in label for label in labels(picture, REPEAT))


def test_what_follows_no_pattern_is_divided_into_parts():
    root = random_graph(1, 5000, 40, 0)
    picture = boxes_of(of_values([root]), limit=50)
    assert labels(picture, PART)
    assert len(picture.boxes) <= 50


@pytest.mark.parametrize(
    ("types", "period"),
    [
        ([1] * 9, 1), ([1, 2] * 5, 2), ([1, 2, 1, 3] * 4, 4), ([1, 2, 3, 4, 5, 6], 0), ([], 0),
        ([9, 8, *[1, 2, 3] * 20, 7], 3), ([1, 2, 1, 2], 0), ([1, 2, 3] * 3, 3), ([1, 2] * 3, 2),
    ],
)  # fmt: skip
def test_the_period_of_a_sequence(types, period):
    assert period_of(types) == period


@pytest.mark.parametrize("hubs", [0, 1, 20])
def test_a_picture_of_300_boxes_is_laid_out_whatever_its_arrows(hubs, tmp_path):
    r = random.Random(0)
    values = [Value(1.0) for _ in range(20)]
    hub = [Value(1.0, name=f"w{i}") for i in range(hubs)]
    for _ in range(6000):
        a, b = r.choice(values[-50:]), r.choice((hub if r.random() < 0.3 else []) or values[-50:])
        values.append(r.choice(OPERATIONS)(a, b))
    drawing = graph.draw(values[-1])
    assert 100 < len(drawing.picture.boxes) <= 300
    assert graph.save(drawing, tmp_path / "g.svg").stat().st_size > 10_000
