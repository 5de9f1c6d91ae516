"""How Sphinx makes the site; ``demos/site.py`` runs it."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import autodiff

project = "autodiff"
release = autodiff.__version__
html_title = f"autodiff {release}"
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
templates_path = ["templates"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
myst_enable_extensions = ["dollarmath", "colon_fence", "smartquotes"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # lessons are shown as they were executed
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "none"
add_module_names = False
napoleon_use_rtype = False
napoleon_use_ivar = True


def inline(self: Any, node: nodes.math) -> None:
    """A formula in a line, as MathML, which needs neither scripts nor fonts."""
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def displayed(self: Any, node: nodes.math_block) -> None:
    """A formula on lines of its own."""
    mathml = tex2mathml(node.astext(), as_block=True)
    self.body.append(f'<div class="math" tabindex="0">{mathml}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))


html_math_renderer = "mathml"
