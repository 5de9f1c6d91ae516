"""Print how far the primitives' values and partials are from the true ones, as a Markdown table.

``python tests/measure_accuracy.py [--points N]``: the worst errors at ``N`` points a row, in ulp
and as ``test_accuracy`` counts them, each with the bound that the row keeps there.  Where a bound
says nothing, at the ends of the range, nothing is measured.
"""

import argparse

from test_accuracy import errors_of, points_of

from autodiff import ops


def short(x):
    """A number of three digits."""
    return f"{x:.3g}"


def worst(found):
    """The largest error among ``(error, bound, operands)``, its bound, and where it is."""
    error, bound, operands = max(found, key=lambda one: one[0])
    if error == 0:
        return "0 |"
    kept = "" if bound in (2, 4) else f" (bound {short(bound)})"
    return f"{short(error)}{kept} | `{', '.join(f'{x:.6g}' for x in operands)}`"


def measure(row, points):
    """A row of the Markdown table."""
    values, partials = [], []
    for operands in points_of(row, points):
        for which, (error, bound) in enumerate(errors_of(row, operands)):
            if bound < 1e6:
                (partials if which else values).append((error, bound, operands))
    return f"| `{row.name}` | {worst(values)} | {worst(partials)} |"


def main():
    """Measure every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200, help="points a primitive")
    points = parser.parse_args().points
    print("| primitive | value: ulp | at | partials: ulp | at |\n|---|---|---|---|---|")
    for row in ops.TABLE:
        print(measure(row, points), flush=True)


if __name__ == "__main__":
    main()
