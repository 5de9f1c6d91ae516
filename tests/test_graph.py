"""Drawings, checked as text; and rendered."""

import xml.etree.ElementTree as ElementTree

import pytest

import autodiff
from autodiff import Value, graph

GOLDEN = """\
digraph {
\tgraph [rankdir=LR]
\tnode [fontname=Helvetica fontsize=11 shape=box style="rounded,filled"]
\t0 [label="a\\ndata 2\\ngrad 9" fillcolor="#e8f1fa"]
\t1 [label="b\\ndata 3\\ngrad 6" fillcolor="#e8f1fa"]
\t2 [label="c = *\\ndata 6\\ngrad 3" fillcolor="#fdf3e1"]
\t0 -> 2
\t1 -> 2
\t3 [label="+\\ndata 8\\ngrad 3" fillcolor="#fdf3e1"]
\t2 -> 3
\t4 [label=2 fillcolor="#f4f4f4"]
\t4 -> 3
\t5 [label="d = *\\ndata 24\\ngrad 1" fillcolor="#fdf3e1"]
\t3 -> 5
\t6 [label=3 fillcolor="#f4f4f4"]
\t6 -> 5
}
"""


def edges(drawing):
    return [line.strip() for line in drawing.source.splitlines() if "->" in line]


def test_a_drawing_as_text():
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    c = a * b
    c.name = "c"
    d = (c + 2) * 3
    d.name = "d"
    d.backward()
    assert graph.draw(d).source == GOLDEN


def test_an_operation_without_a_sign_is_drawn_by_its_name():
    drawn = graph.draw(autodiff.sin(Value(0.0, name="x"))).source
    assert '[label="sin\\ndata 0\\ngrad 0"' in drawn


def test_both_edges_of_a_square_are_drawn():
    x = Value(3.0)
    assert edges(graph.draw(x * x)) == ["0 -> 1", "0 -> 1"]


def test_the_same_graph_is_drawn_the_same_way():
    def drawn():
        x = Value(0.5, name="x")
        return graph.draw(autodiff.sin(x) + x * x).source

    assert drawn() == drawn()


def test_operands_of_a_list_are_drawn_in_order():
    values = [Value(float(i), name=f"v{i}") for i in range(3)]
    drawing = graph.draw(autodiff.sum([*values, 7.0]))
    assert edges(drawing) == ["0 -> 3", "1 -> 3", "2 -> 3", "4 -> 3"]


def test_several_roots_share_their_operands():
    x = Value(1.0)
    drawing = graph.draw(x + 1, x * 2)
    assert sum("fillcolor" in line for line in drawing.source.splitlines()) == 5


def test_names_of_any_spelling_are_drawn_as_they_are(tmp_path):
    name = 'a<b> & "c" \\n {d|e}'
    drawing = graph.draw(Value(1.0, name=name) * 2)
    svg = ElementTree.parse(graph.save(drawing, tmp_path / "names.svg"))
    texts = [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert name in texts


def test_gradients_that_are_values_are_drawn():
    x = Value(2.0, name="x")
    (x * x).backward(create_graph=True)
    assert "grad 4" in graph.draw(x).source


@pytest.mark.parametrize("ending", ["svg", "png", "gv"])
def test_a_drawing_is_saved_in_the_format_of_its_ending(tmp_path, ending):
    path = graph.save(graph.draw(Value(1.0, name="x") * 2), tmp_path / f"g.{ending}")
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "gv": b"digraph"}
    assert path.read_bytes().startswith(starts[ending])


def test_without_graphviz_the_error_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(FileNotFoundError, match="pip install graphviz-pure"):
        graph.save(graph.draw(Value(1.0)), tmp_path / "g.svg")
    assert not (tmp_path / "g.svg").exists()


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nonsense"):
        graph.save(graph.draw(Value(1.0)), tmp_path / "g.nonsense")
    with pytest.raises(ValueError, match=r"ending such as \.svg"):
        graph.save(graph.draw(Value(1.0)), tmp_path / "g")
    assert list(tmp_path.iterdir()) == []


def test_only_values_are_drawn():
    with pytest.raises(TypeError, match=r"draws Values, not 3\.0 \(float\)"):
        graph.draw(3.0)
