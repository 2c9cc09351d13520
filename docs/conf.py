"""How Sphinx makes a site of these pages: `make docs`."""

import inspect
from importlib import import_module
from importlib.metadata import version as version_of
from typing import Any

PACKAGE = "lineup_bench"
API_PAGE = "reference/api"
API_MARK = "<!-- every public name"

project = "Lineup"
version = release = version_of("lineup-bench")
copyright = "the authors of Lineup, Apache-2.0"  # noqa: A001 - as Sphinx calls it
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # a page of results begins its tables at its own level

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "separated"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"Lineup {version}"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # a page that was opened as a file may not fetch others: titles are shown alone


def setup(app: Any) -> None:  # noqa: ANN401 - as Sphinx has it
    """Called by Sphinx."""
    app.connect("source-read", list_public_names)


def list_public_names(app: Any, page: str, source: list[str]) -> None:  # noqa: ANN401 - as Sphinx has it
    """Put the documentation of each name in `__all__` under the mark of the page of the API.

    `automodule` would not find names that the package imports when they are asked for.
    """
    del app
    if page == API_PAGE:
        head, mark, rest = source[0].partition(API_MARK)
        names = getattr(import_module(PACKAGE), "__all__", ())
        blocks = [f"## {name}\n\n```{{eval-rst}}\n{_directive(name)}\n```" for name in names]
        source[0] = head + "\n\n".join(blocks) + "\n\n" + mark + rest


def _directive(name: str) -> str:
    """What documents a public name."""
    found = getattr(import_module(PACKAGE), name)
    if inspect.isclass(found):
        return f".. autoclass:: {PACKAGE}.{name}\n   :members:\n   :show-inheritance:"
    return f".. {'autofunction' if callable(found) else 'autodata'}:: {PACKAGE}.{name}"
