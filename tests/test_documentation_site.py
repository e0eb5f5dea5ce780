"""Every public name is in the API reference, and every page of the site is in a menu."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

DOCS = Path(__file__).parent.parent / "docs"
MODULES = [
    "rnndyn",
    "rnndyn.basins_of_attraction",
    "rnndyn.bifurcation",
    "rnndyn.certificate",
    "rnndyn.citing",
    "rnndyn.cycles",
    "rnndyn.examples",
    "rnndyn.io",
    "rnndyn.lyapunov",
    "rnndyn.manifolds",
    "rnndyn.models",
    "rnndyn.parameter_scan",
    "rnndyn.plot",
    "rnndyn.results",
    "rnndyn.scale_out",
    "rnndyn.training",
    "rnndyn.training.datasets",
    "rnndyn.verify",
]


def entries_of(page):
    """Names on a page of the reference, with the modules they are looked up in."""
    module, in_table = "", False
    for line in page.read_text("utf-8").splitlines():
        if found := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.match(r"\.\. py:data:: (\S+)", line):
            yield module, found[1]
        elif found := re.match(r"\.\. automodule:: (\S+)", line):
            yield found[1], ""
        if not line.startswith(" "):
            in_table = in_table and not line
            in_table = in_table or line.startswith(".. autosummary::")
        elif in_table and re.fullmatch(r" +\w+", line):
            yield module, line.strip()


ENTRIES = [entry for page in sorted((DOCS / "api").glob("*.rst")) for entry in entries_of(page)]


def value_of(module, name):
    home = importlib.import_module(module)
    return getattr(home, name) if name else home


def test_entries_exist_and_appear_once():
    assert len(ENTRIES) > 150
    assert len(set(ENTRIES)) == len(ENTRIES)
    for module, name in ENTRIES:
        value_of(module, name)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(module):
    listed = [value_of(*entry) for entry in ENTRIES]
    missing = []
    for name in importlib.import_module(module).__all__:
        value = value_of(module, name)
        # What two modules offer is documented under one of its names; numbers and texts are
        # compared by name, because equal ones need not be the same thing.
        there = (module, name) in ENTRIES or (
            (callable(value) or inspect.ismodule(value)) and any(one is value for one in listed)
        )
        if not there:
            missing.append(name)
    assert not missing, f"not in docs/api: {', '.join(f'{module}.{name}' for name in missing)}"


def test_every_page_is_in_a_menu():
    """A page that no toctree names cannot be found; those of the galleries are named by theirs."""
    named = set()
    for page in [*DOCS.rglob("*.md"), *(DOCS / "api").glob("*.rst")]:
        text = page.read_text("utf-8")
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            named |= {page.parent / line for line in block.splitlines() if re.match(r"\w", line)}
        for block in re.findall(r"^\.\. toctree::\n((?: .*\n|\n)*)", text, re.MULTILINE):
            lines = [line.strip() for line in block.splitlines()]
            named |= {page.parent / line for line in lines if re.match(r"\w", line)}
    folders = (DOCS, *(DOCS / name for name in ("api", "how-to", "project", "reference", "theory")))
    pages = {
        page.with_suffix("")
        for folder in folders
        for page in [*folder.glob("*.md"), *folder.glob("*.rst")]
    }
    assert pages - named == {DOCS / "index"}


def test_long_scripts_show_the_picture_of_a_full_run():
    for script in (DOCS / "gallery").glob("*.py"):
        assert f"/images/{script.stem}.png" in script.read_text("utf-8")
        assert (DOCS / "images" / f"{script.stem}.png").exists()
