"""The examples of docstrings, README and documentation run and print what they say."""

import doctest
import importlib
import pkgutil
import re
import textwrap
from pathlib import Path

import pytest

import rnndyn

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: What the build of the site writes next to the sources.
GENERATED = (DOCS / "auto", DOCS / "_build", DOCS / "api" / "generated")
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted(DOCS.rglob("*.md"))
        if not any(page.is_relative_to(folder) for folder in GENERATED)
    ),
]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(rnndyn.__path__, "rnndyn.")
    if not module.name.startswith("rnndyn._core._") and module.name != "rnndyn.__main__"
)
#: The public names whose docstrings must hold an example.
PUBLIC = [
    value
    for name in rnndyn.__all__
    if callable(value := getattr(rnndyn, name)) and value.__module__.startswith("rnndyn")
]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")


class SameButForEffort(doctest.OutputChecker):
    """Compares output, but for the effort of a search and the width of its columns.

    How many restarts a search makes may change with the processor, what it finds may not.
    """

    def check_output(self, want, got, optionflags):
        return super().check_output(
            self.without_effort(want), self.without_effort(got), optionflags
        )

    @staticmethod
    def without_effort(text):
        text = re.sub(r"[\d,]+ restarts \([\d,]+ solves\)", "N restarts (N solves)", text)
        text = re.sub(r"at least [\d.]+ % with", "at least N % with", text)
        text = re.sub(r"[\d,]+(  (?:yes|no))$", r"N\1", text, flags=re.MULTILINE)
        return re.sub(r" +", " ", text)


def run(examples, name):
    runner = doctest.DocTestRunner(SameButForEffort(), verbose=False)
    report = []
    for example in examples:
        runner.run(example, out=report.append, clear_globs=False)
    assert runner.failures == 0, f"{name}:\n{''.join(report)}"


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    run(doctest.DocTestFinder(exclude_empty=True).find(module, name), name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_in_pages(page):
    # Those in lists are indented.
    blocks = [
        textwrap.dedent(block)
        for _, block in re.findall(
            r"^( *)```python\n(.*?)^\1```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
    ]
    names: dict[str, object] = {}
    parser = doctest.DocTestParser()
    for number, block in enumerate(blocks):
        # What is no session, such as a sketch with names of the reader's own, is not run.
        if not block.startswith(">>>"):
            continue
        example = parser.get_doctest(block, names, f"{page.name}[{number}]", str(page), 0)
        example.globs = names
        run([example], page.name)


def test_the_readme_shows_real_output():
    text = (ROOT / "README.md").read_text("utf-8")
    assert re.search(r"^```python\n>>> import rnndyn", text, re.MULTILINE)


@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: value.__qualname__)
def test_public_names_are_documented(value):
    assert value.__doc__
    assert len(value.__doc__.strip()) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            # In the repository; docs/conf.py turns links to scripts to the pages made of them.
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
