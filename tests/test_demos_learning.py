"""The demonstrations of models that learn: what their docstrings claim."""

import numpy as np
from test_demos import load, small


def test_valleys(tmp_path):
    demo = load("valleys")
    x = np.linspace(-1.5, 1.5, 50)
    np.testing.assert_array_equal(demo.X, x)
    formulas = {
        "sine": lambda a, b: np.sin(b * np.cos(a * x)),
        "line": lambda a, b: a * x + b,
        "cubic": lambda a, b: a * x**3 + b * x**2,
    }
    slopes = {  # of the predictions, derived by hand
        "sine": lambda a, b: (
            np.cos(b * np.cos(a * x)) * np.stack([-b * np.sin(a * x) * x, np.cos(a * x)])
        ),
        "line": lambda a, b: np.stack([x, np.ones(50)]),
        "cubic": lambda a, b: np.stack([x**3, x**2]),
    }
    ends = {}
    for name, model in demo.MODELS.items():
        paths = demo.descents(model)
        assert list(paths) == ["from (5, 4)", "from (5, 1)", "from (2, 4.5)"]
        for path in paths.values():
            assert len(path.step_sizes) == 400
            p = path.points[0]
            for point in path.points[:20]:
                np.testing.assert_allclose(point, p, rtol=1e-9)
                errors = formulas[name](*p) - formulas[name](1.2, 2.5)
                p = p - 0.1 * 2 * (slopes[name](*p) * errors).mean(axis=1)
        ends[name] = [path.value for path in paths.values()]
        found = [np.allclose(path.x, (1.2, 2.5), atol=1e-4) for path in paths.values()]
        assert found == ([False, False, True] if name == "sine" else [True] * 3)
    np.testing.assert_allclose(ends["sine"][:2], [0.8, 0.4], atol=0.05)
    captions = small(demo.pictures(quick=True), tmp_path)
    assert len(captions) == 6
    assert "1 of 3 starts" in captions["valleys_sine"]
    assert "3 of 3 starts" in captions["valleys_cubic"]
