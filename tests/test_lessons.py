"""The lessons: they run, show what is committed, and keep to one form.

Cells are short, and each program has a sentence before it; exercises have answers that are run.
``python tests/tools/lessons.py`` executes them and writes them back.
"""

import io
import re
from itertools import pairwise

import lessons
import nbformat
import numpy as np
import pytest
from PIL import Image

BYTES = 300_000  # of a lesson, at most
LINES = 15  # of a program in a cell, at most
EXERCISES = range(5, 8)
WORDS = ("text/plain", "text/markdown")

every_lesson = pytest.mark.parametrize("path", lessons.LESSONS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, nbformat.NO_CONVERT)


def programs(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def shown(cell):
    """What a program shows: its words as they are, of pictures and pages that there is one."""
    return [
        output.text
        if output.output_type == "stream"
        else {kind: x if kind in WORDS else ... for kind, x in output.data.items()}
        for output in cell.outputs
    ]


@pytest.mark.once
@every_lesson
def test_a_lesson_runs_and_shows_what_is_committed(path):
    now = lessons.execute(path)
    assert lessons.faults(now) == []
    for cell, committed in zip(programs(now), programs(read(path)), strict=True):
        assert shown(cell) == shown(committed), cell.id


@every_lesson
def test_a_lesson_is_written_as_the_tool_writes_it(path):
    content = path.read_text(encoding="utf-8")
    notebook = read(path)
    assert content == lessons.written(lessons.normalised(read(path)))
    nbformat.validate(notebook)
    assert len(content.encode()) <= BYTES
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"c\d\d", name) for name in ids)
    counts = [cell.execution_count for cell in programs(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert lessons.faults(notebook) == []


@every_lesson
def test_programs_are_short_and_have_a_sentence_before_them(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.id
            assert 0 < len(cell.source.splitlines()) <= LINES, cell.id
            assert all(len(line) <= 100 for line in cell.source.splitlines()), cell.id


@every_lesson
def test_nothing_in_a_lesson_belongs_to_one_machine(path):
    for cell in read(path).cells:
        words = [x for output in cell.get("outputs", ()) for x in printed(output)]
        for text in [cell.source, *words]:
            assert not re.search(r"(?<!\w)/(home|tmp|usr|root|Users)/|[A-Z]:\\", text), cell.id
            assert not re.search(r"\bat 0x[0-9a-f]+", text), cell.id


def printed(output):
    if output.output_type == "stream":
        return [output.text]
    return [x for kind, x in output.data.items() if kind.startswith("text/")]


@every_lesson
def test_a_lesson_opens_with_what_it_is_about(path):
    opening = texts(read(path))[0]
    number = path.stem.split("_")[0]
    assert opening.startswith(f"# {number}. ")
    for wanted in ("What you will learn", "minutes", "What you need", "Python"):
        assert wanted in opening
    others = [other.name for other in lessons.LESSONS if other != path]
    assert all(f"({name})" in opening for name in others)


@every_lesson
def test_links_lead_somewhere(path):
    links = [x for text in texts(read(path)) for x in re.findall(r"\]\(([^)#]+)\)", text)]
    assert links
    for link in links:
        assert link.startswith("https://") or (path.parent / link).exists(), link


@every_lesson
def test_exercises_have_answers_that_are_checked(path):
    cells = read(path).cells
    headings = [cell.source.partition("\n")[0] for cell in cells]
    start, end = headings.index("## Exercises"), headings.index("## Answers")
    numbers = re.findall(r"^(\d)\. ", "\n".join(c.source for c in cells[start:end]), re.M)
    assert numbers == [str(1 + i) for i in range(len(numbers))]
    assert len(numbers) in EXERCISES
    answers = {}
    for cell in cells[end + 1 :]:
        begins = re.match(r"\*\*Answer (\d)\.\*\* ", cell.source)
        if begins:
            program = answers.setdefault(begins[1], [])
        elif cell.cell_type == "code":
            program.append(cell.source)
    assert list(answers) == numbers
    for number, program in answers.items():
        assert re.search(r"^ *assert ", "\n".join(program), re.M), f"answer {number}"


def test_the_tool_notices_errors_and_warnings_and_leaves_out_what_changes(tmp_path):
    sources = [
        "print(1, flush=True)\nprint(2)",
        "import warnings\nwarnings.warn('beware')",
        "1 / 0",
        "from shutil import which\nwhich('dot')",
        "from autodiff import plot, sin\nplot.curve(sin, (-3, 3));",
    ]
    path = tmp_path / "wrong.ipynb"
    cells = [nbformat.v4.new_code_cell(x, id=f"c0{i}") for i, x in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = path.read_text()
    notebook = lessons.execute(path)
    warning, error = lessons.faults(notebook)
    assert warning.startswith("c01: ")
    assert "UserWarning: beware" in warning
    assert error == "c02: ZeroDivisionError: division by zero"
    assert lessons.main([path]) == 1
    assert path.read_text() == before
    assert [shown(notebook.cells[i]) for i in (0, 3, 4)] == [["1\n2\n"], [], [{"image/png": ...}]]
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert notebook.metadata == lessons.METADATA


def png(pixels):
    found = io.BytesIO()
    Image.fromarray(pixels).save(found, "png")
    return found.getvalue()


def test_a_picture_keeps_its_colours_a_rare_one_too():
    greys = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    pixels = np.tile(greys, (100, 1, 3))
    pixels[:, 200:] = 255
    pixels[5, 5] = 200, 0, 0
    few = lessons.in_few_colours(png(pixels))
    assert lessons.in_few_colours(few) == few
    shown = np.asarray(Image.open(io.BytesIO(few)).convert("RGB"))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == lessons.COLOURS
    assert shown[5, 5].tolist() == [200, 0, 0]
    assert shown[5, 200].tolist() == [255, 255, 255]
    assert np.abs(shown.astype(int) - pixels).max() <= 8
    two = lessons.in_few_colours(png(pixels[:, [0, 250]]))
    assert np.asarray(Image.open(io.BytesIO(two)).convert("L"))[0].tolist() == [0, 255]


def test_the_lessons_are_numbered():
    numbers = [path.name.split("_")[0] for path in lessons.LESSONS]
    assert numbers == [str(1 + i) for i in range(max(1, len(numbers)))]
