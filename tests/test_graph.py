"""Drawings: their source parsed back and compared with the graph, golden texts, names, pictures."""

import itertools
import json
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pygraphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff
from autodiff import Value, graph, jit, nn, scope, value_and_grad
from autodiff.graph import render
from autodiff.graph.boxes import Box, Picture, boxes_of
from autodiff.graph.dot import _reach
from autodiff.graph.nodes import names_in, of_values
from autodiff.sweeps import topological_order
from autodiff.testing import expressions, points

SVG = "{http://www.w3.org/2000/svg}"

GOLDEN = Path(__file__).parent / "golden"


def example():
    """A small graph with its gradients."""
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    c = a * b
    c.name = "c"
    d = (c + 2) * 3
    d.name = "d"
    d.backward()
    a.grad = 9.0
    return d


def parsed(drawing):
    """A drawing's source, read by Graphviz: of every node its label's lines; and all edges."""
    read = pygraphviz.AGraph(string=drawing.source)
    lines = {}
    for node in read.nodes():
        label = node.attr["label"].replace("<BR/>", "\n")
        lines[str(node)] = "".join(ElementTree.fromstring(f"<x>{label}</x>").itertext()).split("\n")
    return lines, sorted((str(a), str(b)) for a, b in read.edges())


def titles(drawing):
    return [lines[0] for lines in parsed(drawing)[0].values()]


def kinds(drawing):
    return [box.kind for box in drawing.picture.boxes]


# -- every node and every edge ---------------------------------------------------------------------


def net():
    """The loss of a net on two points."""
    model = nn.MLP(2, [3, 1], "tanh", np.random.default_rng(0))
    loss = sum((model(x)[0] - 1.0) ** 2 for x in ([1.0, 2.0], [-1.0, 0.5]))
    loss.backward()
    return loss


def loop():
    """Newton's method, a hundred times."""
    x = Value(1.0, name="x")
    for _ in range(100):
        x = x - (x * x - 2) / (2 * x)
    return x


@pytest.mark.parametrize(
    ("name", "root", "options"),
    [
        ("formula", example, {}),
        ("net", net, {"depth": 2}),
        ("loop", loop, {"limit": 40}),
    ],
)
def test_a_drawing_as_text(name, root, options, overwrite):
    path = GOLDEN / f"{name}.dot"
    source = graph.draw(root(), **options).source
    if overwrite:
        path.write_text(source)
    assert source == path.read_text()


def assert_is_the_graph(root):
    """The parsed source has the graph's nodes and edges, one by one."""
    lines, edges = parsed(graph.draw(root, limit=None, number=".17g"))
    order, ids, expected = topological_order([root]), {}, []
    numbers = itertools.count()
    for v in order:
        here = []
        for x in v.operands:
            key = id(x) if isinstance(x, Value) else repr(x)
            if key not in ids:
                ids[key] = str(next(numbers))
                assert lines[ids[key]] == [f"{x:.17g}"]
            here.append(ids[key])
        ids[id(v)] = str(next(numbers))
        assert lines[ids[id(v)]][1:] == [f"data {v.data:.17g}", f"grad {v.grad:.17g}"]
        assert lines[ids[id(v)]][0].endswith(autodiff.ops.row(v.op).shown if v.op else v.name)
        expected += [(x, ids[id(v)]) for x in here]
    assert edges == sorted(expected)
    assert len(lines) == len(ids)


@given(points(3).flatmap(lambda at: st.tuples(expressions(3, at=at), st.just(at))))
def test_the_source_has_every_node_and_every_edge(drawn):
    f, at = drawn
    root = f(*(Value(x, name=f"x{i}") for i, x in enumerate(at)))
    root.backward()
    assert_is_the_graph(root)


def test_both_edges_of_a_square_are_drawn():
    x = Value(3.0, name="x")
    assert parsed(graph.draw(x * x))[1] == [("0", "1"), ("0", "1")]
    assert_is_the_graph(x * x)


def test_a_constant_is_one_box_however_often_it_is_used():
    x, y = Value(3.0), Value(4.0)
    drawn = graph.draw(x * 2 + y * 2 + 0.0 * x + -0.0 * y + float("nan") * x + float("nan") * y)
    assert titles(drawn).count("2") == titles(drawn).count("nan") == 1
    assert sorted(t for t in titles(drawn) if "0" in t) == ["-0", "0"]


def test_a_primitive_may_be_called_as_a_box_is(tmp_path):
    same = autodiff.primitive("constant", lambda a: a, [lambda a, v: 1.0])
    x = Value(2.0, name="x")
    picture = graph.draw(same(x)).picture
    assert [(box.kind, box.label) for box in picture.boxes] == [
        ("leaf", ""),
        ("operation", "constant"),
    ]


def test_labels_tell_operations_apart():
    x, y = Value(0.5, name="x"), Value(2.0, name="y")
    root = autodiff.sum([-x, x - y, x / y, autodiff.dot([x, y], [y, x]), x**2, autodiff.sqrt(x)])
    shown = {t for t in titles(graph.draw(root)) if t not in "xy2"}
    assert shown == {"neg", "\N{MINUS SIGN}", "/", "dot", "**", "sqrt", "sum"}
    labels = [row.shown for row in autodiff.ops.TABLE]
    assert len(set(labels)) == len(labels)


def test_operands_of_a_list_are_drawn_in_order():
    values = [Value(float(i), name=f"v{i}") for i in range(3)]
    picture = graph.draw(autodiff.sum([*values, 7.0])).picture
    assert picture.arrows == [(0, 4, 1), (1, 4, 1), (2, 4, 1), (3, 4, 1)]


def test_several_roots_share_their_operands():
    x = Value(1.0, name="x")
    assert sorted(titles(graph.draw([x + 1, x * 2]))) == ["*", "+", "1", "2", "x"]


def test_gradients_that_are_values_are_drawn():
    x = Value(2.0, name="x")
    (x * x).backward(create_graph=True)
    assert parsed(graph.draw(x))[0] == {"0": ["x", "data 2", "grad 4"]}


def test_a_graph_of_any_depth_is_drawn_without_recursion():
    x = Value(1.0, name="x")
    v = x
    for _ in range(20_000):
        v = autodiff.sin(v)
    assert len(graph.draw(v, limit=None).picture.boxes) == 20_001
    with scope("/".join(["s"] * 400)):
        v = v * 2
    assert parsed(graph.draw(v, limit=20))[0]


# -- options ---------------------------------------------------------------------------------------


def test_names_are_taken_from_a_namespace():
    a, b = Value(1.0), Value(2.0, name="own")
    xs = [Value(3.0), {"k": Value(4.0)}]
    table = np.array([[Value(5.0)]], object)
    net = nn.Neuron(1)
    _hidden = [Value(6.0)]
    root = autodiff.sum([a, b, xs[0], xs[1]["k"], table[0, 0], *net.parameters(), *_hidden])
    drawn = titles(graph.draw(root, names=locals()))
    assert drawn[:5] == ["a", "own", "xs[0]", "xs[1]['k']", "table[0, 0]"]
    assert drawn[-2:] == ["leaf", "root = sum"]
    assert titles(graph.draw(a, names={"alpha": a})) == ["alpha"]


def test_what_a_notebook_keeps_names_nothing():
    x = Value(1.0)
    assert names_in({"Out": {3: x}, "In": [x], "_3": 0, "_": [x]}) == {}
    cyclic = []
    cyclic.append(cyclic)
    assert names_in({"cyclic": cyclic, "xs": [x]}) == {id(x): "xs[0]"}


def test_parameters_carry_their_path_in_the_module():
    net = nn.MLP(2, [3, 1], "tanh", np.random.default_rng(0))
    drawn = graph.draw(net([Value(1.0, name="x0"), Value(2.0, name="x1")])[0])
    paths = {t for t in titles(drawn) if "neurons" in t}
    assert "layers.0.neurons.2.w1" in paths
    assert paths == {p.name for p in net.parameters()}


def test_scopes_are_clusters():
    with scope("outer"):
        x = Value(2.0, name="x") * 3
        with scope("in<n>er"):
            y = x * x
    picture = graph.draw(y + 1).picture
    assert picture.clusters == [(-1, ""), (0, "outer"), (1, "in<n>er")]
    # x is used in one scope only, and so drawn there; 1 outside.
    assert [box.cluster for box in picture.boxes] == [1, 1, 1, 2, 0, 0]
    read = pygraphviz.AGraph(string=graph.draw(y + 1).source)
    (outer,) = read.subgraphs()
    assert outer.get_name() == "cluster_1"
    assert outer.graph_attr["label"] == "outer"
    assert sorted(outer.nodes()) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_the_direction_is_in_the_source(rankdir):
    drawing = graph.draw(Value(1.0), rankdir=rankdir)
    assert f"rankdir={rankdir}" in drawing.source
    assert drawing.mermaid.startswith(f"flowchart {rankdir}\n")


def test_numbers_have_the_format_that_is_asked_for():
    x = Value(1 / 3, name="x")
    assert parsed(graph.draw(x, number=".2e"))[0] == {"0": ["x", "data 3.33e-01", "grad 0.00e+00"]}


def colours(drawing):
    read = pygraphviz.AGraph(string=drawing.source)
    lines = parsed(drawing)[0]
    filled = [n for n in read.nodes() if n.attr["fillcolor"]]  # constants are not
    return {lines[str(n)][0]: n.attr["fillcolor"] for n in filled}


def channels(colour):
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_tell_the_sign_and_the_size_of_gradients(theme):
    xs = [Value(1.0, name=name) for name in ("large", "small", "below", "none")]
    root = autodiff.dot(xs, [100.0, 1.0, -100.0, 0.0])
    plain = colours(graph.draw(root, theme=theme))
    assert plain["large"] == plain["below"]
    root.backward()
    found = {name: channels(c) for name, c in colours(graph.draw(root, theme=theme)).items()}
    red, _, blue = found["large"]
    assert red > blue
    red, _, blue = found["below"]
    assert red < blue
    paper = channels(graph.draw(root, theme=theme).source.partition("bgcolor=")[2][1:8] + '"')
    far = {
        name: sum(abs(a - b) for a, b in zip(c, paper, strict=True)) for name, c in found.items()
    }
    assert far["large"] > far["small"] > far["none"]


def test_the_largest_gradient_is_the_deepest_whatever_its_sign():
    xs = [Value(1.0, name=name) for name in ("most", "less")]
    autodiff.dot(xs, [-100.0, -1.0]).backward()
    found = {name: channels(c) for name, c in colours(graph.draw(xs)).items()}
    assert sum(found["most"]) < sum(found["less"]) < 3 * 255


def test_gradients_that_are_not_finite_are_drawn():
    x, y = Value(0.0, name="x"), Value(1.0, name="y")
    (autodiff.sqrt(x) + float("nan") * y).backward()
    drawn = graph.draw(autodiff.sum([x, y]))
    assert "grad inf" in drawn.source
    assert "grad nan" in drawn.source


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": -1}, "depth must be an integer from 0 up, not -1"),
        ({"depth": 1.5}, "depth must be an integer from 0 up, not 1.5"),
        ({"limit": 0}, "limit must be an integer from 1 up, not 0"),
        ({"rankdir": "UP"}, "rankdir must be one of LR, TB, RL, BT, not 'UP'"),
        ({"theme": "pink"}, "theme must be one of light, dark, not 'pink'"),
        ({"number": "x!"}, "number must be a format of numbers, such as '.4g', not 'x!'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        graph.draw(Value(1.0), **options)


def test_only_values_and_programs_are_drawn():
    with pytest.raises(
        TypeError, match=r"drawn are a Value, a list of Values, or a program, .*, not 3\.0"
    ):
        graph.draw(3.0)
    with pytest.raises(TypeError, match="not 'x'"):
        graph.draw([Value(1.0), "x"])
    with pytest.raises(TypeError, match="empty list"):
        graph.draw([])
    with pytest.raises(TypeError, match="names must be a dict, not 3"):
        graph.draw(Value(1.0), names=3)
    with pytest.raises(TypeError, match="names must be strings, not 3"):
        graph.draw(Value(1.0), names={3: Value(1.0)})


# -- names of any spelling -------------------------------------------------------------------------

NAMES = [
    'a<b> & "c" \\n {d|e}',
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "line\nbreak\ttab",
    "back\\slash\\",
    "Größe αβγ 数 🙂",
    "\x00\x1b\x7f\ud800\uffff",
    "<b>",
    "#quot;",
    "%s %d {0}",
    "x" * 500,
    "end",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_spelling_break_no_file(name, tmp_path):
    x = Value(1.0, name=name)
    with scope(name):
        root = x * 2
    root.name = name
    drawing = graph.draw(root)
    shown = name if len(name) < 49 else name[:47] + "\N{HORIZONTAL ELLIPSIS}"
    shown = shown.encode("utf-8", "replace").decode()
    shown = "".join(chr(0x2400 + ord(c)) if c < " " else c for c in shown)
    shown = shown.replace("\x7f", "\u2421").replace("\uffff", "\ufffd")
    assert shown in titles(drawing)
    assert shown + " = *" in titles(drawing)
    svg = ElementTree.parse(graph.save(drawing, tmp_path / "names.svg"))
    texts = [node.text for node in svg.iter(f"{SVG}text")]
    assert shown in texts
    tags = {node.tag for node in svg.iter()}
    assert tags <= {SVG + t for t in ("svg", "g", "title", "polygon", "path", "text", "a")}
    assert all(
        "href" not in key or "javascript" not in x for n in svg.iter() for key, x in n.items()
    )
    saved = json.loads(graph.save(drawing, tmp_path / "names.json").read_text("utf-8"))
    assert saved["nodes"][0]["name"] == name


@pytest.mark.parametrize("name", NAMES)
def test_mermaid_has_names_as_numbers(name):
    with scope(name):
        root = Value(1.0, name=name) * 2
    for label in re.findall(r'"(.*)"', graph.draw(root).mermaid):
        assert re.fullmatch(r"([\w .,=+-]|#\d+;|<br/>)*", label)


# -- files and notebooks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "start"),
    [
        ("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph"),
        ("gv", b"digraph"), ("json", b"{"), ("mmd", b"flowchart LR"), ("SVG", b"<?xml"),
    ],
)  # fmt: skip
def test_a_drawing_is_saved_in_the_format_of_its_ending(tmp_path, ending, start):
    path = graph.save(Value(1.0, name="x") * 2, tmp_path / f"g.{ending}")
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [f"g.{ending}"]


def test_json_has_the_nodes_and_the_edges(tmp_path):
    with scope("s"):
        x = Value(float("inf"), name="x")
        y = x * x
    saved = json.loads(graph.save(y, tmp_path / "y.json").read_text())
    assert [(n["kind"], n["name"], n["data"], n["grad"]) for n in saved["nodes"]] == [
        ("leaf", "x", "inf", 0.0),
        ("operation", "", "inf", 0.0),
    ]
    assert saved["edges"] == [{"from": 0, "to": 1, "uses": 2}]
    assert saved["clusters"][1] == {"id": 1, "inside": 0, "label": "s"}


def test_mermaid_has_the_nodes_the_edges_and_the_scopes():
    with scope("s"):
        x = Value(3.0, name="x")
        y = x * x
    assert graph.draw(y).mermaid == "\n".join(
        [
            "flowchart LR",
            '    subgraph c1["s"]',
            '    0["x<br/>data 3<br/>grad 0"]',
            '    1("#42;<br/>data 9<br/>grad 0")',
            "    end",
            "    0 --> 1",
            "    0 --> 1",
        ]
    )


def test_arrows_of_folded_boxes_say_how_many_uses_they_stand_for():
    xs = [Value(float(i), name=f"x{i}") for i in range(60)]
    total = autodiff.sum(xs)
    drawn = graph.draw(total * xs[0], limit=10)
    assert drawn.mermaid.splitlines()[-3:] == [
        '    0 -- "60" --> 1',
        "    1 --> 2",
        "    0 --> 2",
    ]
    assert '0 -> 1 [penwidth=1.89 tooltip="60 uses"]' in drawn.source
    assert '0 -> 2 [penwidth=1 tooltip="1 use"]' in drawn.source
    assert "\t1 -> 2\n" in drawn.source


def test_clusters_stand_in_their_order_each_inside_its_own():
    x = Value(1.0, name="x")
    for outer in "ab":
        with scope(outer), scope("inner"):
            x = x.sin()
    lines = [line.strip() for line in graph.draw(x).source.splitlines()]
    begins = [line for line in lines if line.startswith("subgraph") or line == "}"]
    nested = ["subgraph cluster_1 {", "subgraph cluster_3 {", "}", "}"]
    after = ["subgraph cluster_2 {", "subgraph cluster_4 {", "}", "}"]
    assert begins[:-1] == [*nested, *after]


def test_only_far_reaching_arrows_are_laid_out_in_haste():
    near = Picture(boxes=[Box("leaf", "", "", 0)] * 100)
    near.arrows = [(i, i + 1, 1) for i in range(99)]
    assert _reach(near) == 99
    near.arrows += [(0, 99, 5)]
    assert _reach(near) == 99 + 99
    x = w = Value(1.0, name="w")
    for i in range(100):
        x = x.sin() * w if i % 2 else x.cos() + w
    assert "splines" in graph.draw(x).source
    assert "splines" not in graph.draw(autodiff.sin(w) * w).source


def test_an_unknown_format_is_refused(tmp_path):
    for name in ("g.nonsense", "g"):
        with pytest.raises(ValueError, match=r"must end in \.svg, \.png, .*\.json or \.mmd"):
            graph.save(Value(1.0), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        graph.save(Value(1.0), tmp_path / "nowhere" / "g.dot")


def without_graphviz(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_without_graphviz_the_error_says_what_to_do(tmp_path, monkeypatch):
    without_graphviz(monkeypatch)
    with pytest.raises(FileNotFoundError, match="pip install pygraphviz"):
        graph.save(Value(1.0), tmp_path / "g.svg")
    assert list(tmp_path.iterdir()) == []


def dot_that(tmp_path, monkeypatch, script):
    """A program called dot, first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "dot"
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def test_dot_is_used_where_it_is_on_the_path(tmp_path, monkeypatch):
    script = "import sys; print(sys.argv[1:], len(sys.stdin.read()))"
    dot_that(tmp_path, monkeypatch, script)
    drawing = graph.draw(Value(1.0))
    path = graph.save(drawing, tmp_path / "g.png")
    assert path.read_text() == f"['-Tpng'] {len(drawing.source)}\n"


def test_a_layout_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    dot_that(tmp_path, monkeypatch, "import time; time.sleep(600)")
    monkeypatch.setattr(render, "SECONDS", 0.2)
    with pytest.raises(TimeoutError, match=r"longer than 0\.2 seconds: fold more of the graph"):
        graph.save(Value(1.0), tmp_path / "g.svg")
    assert not (tmp_path / "g.svg").exists()


def test_what_graphviz_says_is_passed_on(tmp_path, monkeypatch):
    dot_that(tmp_path, monkeypatch, "import sys; sys.exit('no such font')")
    with pytest.raises(RuntimeError, match="Graphviz could not draw this: no such font"):
        graph.save(Value(1.0), tmp_path / "g.svg")


def test_a_notebook_shows_the_picture_by_itself(monkeypatch):
    drawing = graph.draw(example())
    shown = drawing._repr_mimebundle_()
    assert "</svg>" in shown["image/svg+xml"]
    assert shown["text/plain"] == "<Drawing: 7 boxes, 6 arrows>"
    without_graphviz(monkeypatch)
    assert drawing._repr_mimebundle_() == {
        "text/vnd.mermaid": drawing.mermaid,
        "text/plain": "<Drawing: 7 boxes, 6 arrows>",
    }


def test_a_drawing_as_a_string_is_its_source():
    drawing = graph.draw(example())
    assert str(drawing) == drawing.source


# -- programs --------------------------------------------------------------------------------------


def test_a_program_is_drawn_with_the_names_of_its_arguments():
    c = Value(2.0, name="c")

    def f(x, ys, *, scale):
        return x * ys[0] + ys[1]["k"] * scale * c

    lowered = jit(f).lower(1.0, [np.array([2.0, 3.0]), {"k": 4.0}], scale=5.0)
    assert lowered.input_names == ["x", "ys[0][0]", "ys[0][1]", "ys[1]['k']", "scale", "c"]


def test_a_program_shows_vector_instructions_with_their_shapes():
    def f(w, x):
        return [autodiff.tanh(autodiff.dot(row, x)) for row in w]

    lowered = jit(f).lower(np.ones((20, 30)), np.ones(30))
    drawn = graph.draw(lowered)
    assert "products 20, 31 terms" in titles(drawn)  # a dot product begins with 0.0
    assert "tanh 20" in titles(drawn)
    assert {"w \N{MULTIPLICATION SIGN} 600", "x \N{MULTIPLICATION SIGN} 30"} <= set(titles(drawn))
    assert drawn.picture.nodes == 20 * 30 + 30 + 40 + 2
    assert drawn.picture.caption.endswith("2 vector instructions")


def test_a_program_alone_is_drawn():
    program = jit(lambda x, y: x * y).lower(1.0, 2.0).program
    assert titles(graph.draw(program)) == ["x0", "x1", "*"]


def test_shapes_have_an_axis_for_each_along_which_operands_stand_evenly():
    def f(w, x):
        return [[autodiff.dot(row, column) for column in x] for row in w]

    drawn = titles(graph.draw(jit(f).lower(np.ones((20, 8)), np.ones((12, 8)))))
    assert "products 20 \N{MULTIPLICATION SIGN} 12, 9 terms" in drawn


def test_guards_and_constants_of_a_program_are_drawn():
    lowered = jit(lambda x: 3.5 * x if x > 2 else x).lower(3.0)
    assert titles(graph.draw(lowered)) == ["x", "2", ">", "1", "guard", "3.5", "*"]
    assert "data" not in graph.draw(lowered).source


def test_large_programs_are_one_page():
    def f(w, x):
        for _ in range(12):
            x = [autodiff.tanh(autodiff.dot(row, x)) for row in w]
        return autodiff.sum(x)

    lowered = jit(value_and_grad(f)).lower(np.ones((40, 40)), np.ones(40))
    drawn = graph.draw(lowered)
    assert drawn.picture.nodes > 2000
    assert len(drawn.picture.boxes) <= 300
    assert {"products", "mul"} <= {t.split()[0] for t in titles(drawn)}


def test_drawing_a_value_of_a_trace_is_refused():
    with pytest.raises(RuntimeError, match="jit"):
        jit(lambda x: graph.draw(x * 2) and x)(1.0)


def test_boxes_of_nodes():
    picture = boxes_of(of_values([Value(1.0, name="x") * 2]))
    assert [box.kind for box in picture.boxes] == ["leaf", "constant", "operation"]


def test_the_library_draws_without_anything_but_graphviz_the_package():
    program = (
        "import sys; sys.modules['pygraphviz'] = None; from autodiff import Value, graph; "
        "print(graph.draw(Value(1.0) * 2).source[:7])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "digraph\n"
