"""Texts with formulas between backticks, as HTML: the formulas as MathML, which browsers typeset.

Formulas are written as one would by hand: ``x² - 2 x y``, ``w₁ x₁``, ``10⁻⁸``, ``sin(π x)``.
"""

from __future__ import annotations

import html
import re
import sys

RAISED = str.maketrans(dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", [*"0123456789", "&minus;"], strict=True)))
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
TOKEN = re.compile(
    r"(?P<sup>[⁰¹²³⁴-⁹⁻]+)|(?P<sub>[₀-₉]+)|(?P<n>[0-9]+(?:\.[0-9]+)?)|(?P<i>[^\W\d_⁰¹²³⁴-⁹₀-₉]+)"
    r"|(?P<gap>(?<=[^\s=<>+,(-])\s+(?=\w))|(?P<o>''|\S)"
)


def rich(text: str) -> str:
    """A text as HTML: ``code`` between two backticks, a formula between single ones.

    >>> rich("``jit`` of `x²` < 1")
    '<code>jit</code> of <math><msup><mi>x</mi><mn>2</mn></msup></math> &lt; 1'
    """
    parts = re.split(r"(``.+?``|`.+?`)", text, flags=re.DOTALL)
    return "".join(
        html.escape(part, quote=False)
        if not part.startswith("`")
        else f"<code>{html.escape(part.strip('`'), quote=False)}</code>"
        if part.startswith("``")
        else formula(part.strip("`"))
        for part in parts
    )


def formula(text: str) -> str:
    """A formula as MathML: numbers, names, operators; indices and powers of what stands before.

    >>> formula("w₁ - 1")
    '<math><msub><mi>w</mi><mn>1</mn></msub><mo>&minus;</mo><mn>1</mn></math>'
    """
    written: list[str] = []
    for token in TOKEN.finditer(text):
        kind, it = str(token.lastgroup), token.group()
        if kind in ("sup", "sub"):
            number = it.translate(RAISED if kind == "sup" else LOWERED)
            written.append(f"<m{kind}>{written.pop()}<mn>{number}</mn></m{kind}>")
        elif kind == "gap":
            written.append('<mspace width="0.2em"/>')
        elif kind == "o":
            sign = {"-": "&minus;", "''": "″"}.get(it, html.escape(it, quote=False))
            first = not written or written[-1].endswith(("=</mo>", "(</mo>", ",</mo>"))
            written.append(f'<mo form="prefix">{sign}</mo>' if first else f"<mo>{sign}</mo>")
        else:
            written.append(f"<m{kind}>{it}</m{kind}>")
    return f"<math>{''.join(written)}</math>"


if __name__ == "__main__":
    sys.exit("mathml.py is used by all.py: run that")
