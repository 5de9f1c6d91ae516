"""Print how far the primitives' values and partials are from the true ones, as a Markdown table.

``python tests/tools/measure_accuracy.py [--points N] [--write]``: the worst errors at ``N`` points
a row, in ulp and as ``test_accuracy`` counts them, each with the bound that the row keeps there.
Where a bound says nothing, at the ends of the range, nothing is measured.  ``--write`` puts them
into the page of the guide too.
"""

import argparse
import re
import sys
from pathlib import Path

from autodiff import ops

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "helpers")]
from test_accuracy import errors_of, points_of  # noqa: E402  # from the path set above


def short(x):
    """A number of three digits."""
    return f"{float(f'{x:.3g}'):g}"


def worst(found, usual):
    """The largest error among ``(error, bound, operands)``, an unusual bound, and where it is."""
    error, bound, operands = max(found, key=lambda one: one[0])
    if error == 0:
        return "0 |"
    kept = "" if bound == usual else f" (bound {short(bound)})"
    return f"{short(error)}{kept} | `{', '.join(f'{x:.6g}' for x in operands)}`"


def measure(row, points):
    """A row of the Markdown table."""
    values, partials = [], []
    for operands in points_of(row, points):
        for which, (error, bound) in enumerate(errors_of(row, operands)):
            if bound < 1e6:
                (partials if which else values).append((error, bound, operands))
    return f"| `{row.name}` | {worst(values, 2)} | {worst(partials, 4)} |"


def page_with(text, points, rows):
    """The page with the errors of these rows, as ``measure`` gives them, in its table."""
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    lines = "".join(f"| {name} | {value} | {partials} |\n" for name, value, _, partials, _ in cells)
    lines = lines.replace("(bound ", "(")
    text, tables = re.subn(r"(?<=ulp \|\n\|---\|---\|---\|\n)(\|.*\n)+", lines, text)
    text, counts = re.subn(r"(?<=worst errors of )[\d,]+(?= points)", f"{points:,}", text)
    assert (tables, counts) == (1, 1)
    return text


def main():
    """Measure every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200, help="points a primitive")
    parser.add_argument("--write", action="store_true", help="put them into the page too")
    arguments = parser.parse_args()
    print("| primitive | value: ulp | at | partials: ulp | at |\n|---|---|---|---|---|")
    rows = []
    for row in ops.TABLE:
        rows.append(measure(row, arguments.points))
        print(rows[-1], flush=True)
    if arguments.write:
        page = Path(__file__).resolve().parents[2] / "demos" / "pages" / "accuracy.md"
        page.write_text(page_with(page.read_text(), arguments.points, rows))


if __name__ == "__main__":
    main()
