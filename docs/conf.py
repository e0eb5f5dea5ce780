"""Configuration of the documentation site; build it as CONTRIBUTING.md says."""

import builtins
import contextlib
import os
import re
import warnings
from pathlib import Path
from typing import Any

# A page that is built on one machine is the same on another: no figure depends on a display.
os.environ.setdefault("MPLBACKEND", "Agg")

from docutils import nodes
from docutils.parsers.rst import Directive

import rnndyn
from rnndyn.citing._references import REFERENCES

HERE = Path(__file__).parent

project = "rnndyn"
author = "the rnndyn authors"
project_copyright = "the rnndyn authors"
version = release = rnndyn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
# What sphinx-gallery copies next to the pages it makes.
exclude_patterns = ["_build", "gallery/*", "examples/*", "tutorials/*"]
templates_path = ["_templates"]
default_role = "py:obj"
nitpicky = False

# Formulas are plain text, as in the sources: MathJax would have to come from a network.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# All checks of numpydoc but these: attributes of frozen results stand for their parameters, several
# parameters may refer to another page, a summary may say all, and docstrings of attributes end as
# they like.
numpydoc_validation_checks = {
    "all",
    "ES01",
    "EX01",
    "GL02",
    "GL08",
    "PR01",
    "PR04",
    "PR07",
    "RT01",
    "RT02",
    "RT03",
    "SA01",
    "SA04",
    "YD01",
}


#: Pictures that the long scripts write themselves; those on the pages are taken from matplotlib.
OUTPUT = HERE / "_build" / "pictures"


def arguments_of_script(_gallery: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Return the arguments that a script runs with: the long ones make their quick version."""
    script = Path(script_vars["src_file"])
    # sphinx-gallery runs the text of a script without the name of its file.
    vars(builtins)["__file__"] = str(script)
    if script.parent.name != "gallery":
        return []
    OUTPUT.mkdir(parents=True, exist_ok=True)
    return [
        "--quick",
        "--out",
        os.path.relpath(OUTPUT / f"{script.stem}.png", script.parent),
    ]


#: A link to a script, or to the page about a folder of them, as the sources have it.
_SCRIPT = re.compile(r"\]\(((?:\.\./)*)(tutorials|examples|gallery)/(?:(README)\.rst|(\w+)\.py)")


def links_to_built_pages(_app: Any, _docname: str, source: list[str]) -> None:
    """Turn links to scripts, which work in the repository, to the pages that are made of them."""

    def built(link: re.Match[str]) -> str:
        page = "index" if link[3] else link[4]
        return f"]({link[1]}auto/{link[2]}/{page}.rst"

    source[0] = _SCRIPT.sub(built, source[0])


_strict = contextlib.ExitStack()


def warnings_end_long_scripts(_gallery: dict[str, Any], script: str | None, when: str) -> None:
    """Make every warning of a script in `gallery` an error, as every warning of Sphinx is one."""
    _strict.close()
    # Only its name is told; before a folder there is none.
    if when == "before" and script is not None and (HERE / "gallery" / script).exists():
        _strict.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error")


sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "examples", "gallery"],
    "gallery_dirs": ["auto/tutorials", "auto/examples", "auto/gallery"],
    "filename_pattern": r"\.py$",
    "reset_argv": arguments_of_script,
    "reset_modules": ("matplotlib", "seaborn", warnings_end_long_scripts),
    "reset_modules_order": "both",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "min_reported_time": 0,
    "capture_repr": (),
    "write_computation_times": False,
}
# The functions among these settings cannot be pickled, so that they are compared at every build.
suppress_warnings = ["config.cache"]

html_theme = "pydata_sphinx_theme"
html_title = f"rnndyn {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "rnndyn"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
# Pages without others below them need no menu at the side.
html_sidebars = {
    page: []
    for page in (
        "index",
        "start",
        "which-method",
        "comparison",
        "migration-scyfi",
        "bibliography",
    )
}


class References(Directive):
    """The references that `rnndyn.cite` knows, sorted by authors."""

    def run(self) -> list[nodes.Node]:
        entries = nodes.bullet_list()
        for reference in sorted(REFERENCES.values(), key=lambda one: (one.authors, one.year)):
            entries += nodes.list_item("", nodes.paragraph(text=reference.text))
        return [entries]


def skip_fields_of_tuples(
    _app: Any, _what: str, _name: str, member: Any, skip: bool, _options: Any
) -> bool | None:
    """Leave out the fields of named tuples, whose own docstrings only count them."""
    return True if type(member).__name__ == "_tuplegetter" else None


def setup(app: Any) -> None:
    app.connect("source-read", links_to_built_pages)
    app.connect("autodoc-skip-member", skip_fields_of_tuples)
    app.add_directive("references", References)
