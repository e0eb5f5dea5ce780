"""What to cite: the papers behind the options that were used, and no others."""

import re
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from rnndyn import models
from rnndyn.citing import citation
from rnndyn.citing._references import REFERENCES

ROOT = Path(__file__).parents[2]
SEARCH = {"good1953population", "kerman2011neutral", "salmon2011parallel"}
PROOF = {"schrijver1986theory", "higham2002accuracy", "neumaier2004safe"}
BRANCHING = {"cottle1992linear", "fourer1994notes", "maros2003computational"}


def keys(*results):
    return {cited.reference.key for cited in rd.cite(*results)}


def test_without_a_result_it_is_the_software():
    (cited,) = rd.cite()
    assert cited.reference.key == "rnndyn"
    assert rd.__version__ in cited.reference.text
    assert (ROOT / "CITATION.cff").read_text("utf-8").count(cited.reference.title) == 1


def test_a_search_at_random_names_its_estimates(lozi):
    found = rd.find_cycles(lozi, max_order=3, method="search")
    assert found.search.n_restarts
    assert keys(found) >= {"rnndyn", "eisenmann2023bifurcations", "krawczyk1969newton", *SEARCH}
    assert not keys(found) & (PROOF | BRANCHING)


def test_slow_points_and_several_inputs():
    unit = rd.RNN([[1.0]], [[2.0]])
    slow = {"rnndyn", "sussillo2013opening", "salmon2011parallel"}
    assert keys(rd.find_slow_points(unit, [0.6])) >= slow | {"nielsen1999damping"}
    exact = keys(rd.find_slow_points(rd.PLRNN([0.5], [[1.0]], [0.01])))
    assert exact >= slow
    assert "nielsen1999damping" not in exact
    found = rd.find_fixed_points(unit, [[0.0], [0.6]], method="search")
    assert keys(found) == keys(*found)
    assert keys(found) >= {"deuflhard2011newton", "granas2003fixed", *SEARCH}
    proved = keys(rd.find_fixed_points(unit, [[0.0], [0.6]]))
    assert proved >= {"deuflhard2011newton", "granas2003fixed", "neumaier1990interval"}


def test_a_listing_has_no_estimates(lozi):
    found = rd.find_cycles(lozi, max_order=3, method="exhaustive")
    assert keys(found) >= {"eisenmann2023bifurcations", "wright1992stable"}
    assert not keys(found) & (SEARCH | PROOF | BRANCHING)


def test_a_proof_names_its_method(lozi):
    polygons = rd.find_cycles(lozi, max_order=3, method="complete")
    assert {part.method for part in polygons.certificate.parts} == {"polygons"}
    assert keys(polygons) >= PROOF | {"fredricksen1978necklaces", "fredricksen1986algorithm"}
    assert not keys(polygons) & (SEARCH | BRANCHING)
    assert keys(polygons.certificate) >= PROOF
    tree = rd.find_cycles(rd.examples.load("plrnn-10d"), max_order=1, method="complete")
    assert {part.method for part in tree.certificate.parts} == {"dictionary"}
    assert keys(tree) >= PROOF | BRANCHING
    small = rd.PLRNN(A=[0.5, 0.4, 0.3], W=0.1 * np.ones((3, 3)), h=[1.0, 0.0, 0.0])
    contracts = rd.find_cycles(small, max_order=2, method="complete")
    assert {part.method for part in contracts.certificate.parts} == {"contraction"}
    assert "rump2006verification" in keys(contracts)
    assert not keys(contracts) & (PROOF | BRANCHING)


def test_without_rigour_there_are_no_bounds_to_cite(lozi):
    quick = rd.find_cycles(lozi, max_order=2, method="complete", rigorous=False)
    assert not keys(quick) & PROOF


def test_lyapunov_exponents_name_what_was_computed(lozi):
    options = {"z0": [0.1, 0.1], "n_steps": 500}
    spectrum = rd.lyapunov_spectrum(lozi, **options)
    base = {"benettin1980lyapunov", "vogt2022lyapunov", "schmeiser1982batch", "durstewitz2017state"}
    assert keys(spectrum) >= base | {"kaplan1979chaotic"}
    assert "ginelli2007characterizing" not in keys(spectrum)
    assert "ginelli2007characterizing" in keys(rd.lyapunov_spectrum(lozi, covariant=3, **options))
    assert "kaplan1979chaotic" not in keys(rd.lyapunov_spectrum(lozi, n_exponents=1, **options))


def test_bifurcations_scans_and_timelines(tent):
    ends = [tent, tent.with_parameters({"W[0,0]": -2.2})]
    branches = rd.continue_cycles(*ends, max_order=1)
    assert keys(branches) >= {"dibernardo1999local", "durstewitz2017state"}
    assert "iglewicz1993how" not in keys(branches)
    assert "iglewicz1993how" not in keys(rd.training_timeline(ends, max_order=1))
    assert "iglewicz1993how" in keys(rd.training_timeline(ends, [1.0, 0.5], max_order=1))
    scan = rd.scan(tent, ("h[0]", [1.0, 2.0]), n_steps=20)
    assert "benettin1980lyapunov" in keys(scan)
    own = rd.scan(tent, ("h[0]", [1.0, 2.0]), measures={"A": lambda model: model.A[0, 0]})
    assert "benettin1980lyapunov" not in keys(own)


@pytest.mark.parametrize("family", models.FAMILIES)
def test_every_family_names_the_papers_of_its_docstring(family):
    """The docstring is what a reader sees; both must name the same papers."""
    doc = models.FAMILIES[family].__doc__
    text = " ".join(doc.partition("References\n")[2].partition("Examples\n")[0].split())
    titles = {title.rstrip(",.") for title in re.findall(r'"([^"]+)"', text)}
    # What the docstrings cite besides the paper of the family itself.
    besides = {"Delving deep into rectifiers"}
    cited = {REFERENCES[key].title for key, _ in citation._CLASSES[family]}
    assert cited == titles - besides


def test_training_strategies_are_known_without_torch_objects():
    training = pytest.importorskip("rnndyn.training")
    assert "mikhaeil2022difficulty" in keys(training.SparseForcing(5))
    assert "hess2023generalized" in keys(training.AdaptiveForcing())
    assert keys(training.NoForcing()) == {"rnndyn"}


def test_of_several_results_each_paper_is_listed_once(lozi):
    cycles = rd.find_cycles(lozi, max_order=2, method="exhaustive")
    spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=100)
    both = rd.cite(cycles, spectrum, cycles)
    listed = [cited.reference.key for cited in both]
    assert len(set(listed)) == len(listed)
    assert set(listed) == keys(cycles) | keys(spectrum)
    assert repr(both) == both.text
    assert both.text.splitlines()[0].startswith("[1] the rnndyn authors, ")
    assert len(both.text.splitlines()) == len(both)
    assert both[1:3].text.startswith("[1] ")


def test_the_file_is_written_as_entries_are():
    """Its reader understands nothing else; every entry of the file is one of the references."""
    text = Path(citation.__file__).with_name("references.bib").read_text("utf-8")
    entries = text.partition("\n\n")[2]
    assert entries == "\n\n".join(one.bibtex for one in REFERENCES.values()) + "\n"
    assert len(REFERENCES) == text.count("@")


@pytest.mark.parametrize("key", REFERENCES)
def test_bibtex_entries_are_complete(key):
    reference = REFERENCES[key]
    lines = reference.bibtex.splitlines()
    assert lines[0] == f"@{reference.entry_type}{{{key},"
    assert lines[-1] == "}"
    for line in lines[1:-1]:
        assert re.fullmatch(r"  \w+ = \{.+\},", line)
        assert line.count("{") == line.count("}")
        assert not re.search(r"(?<!\\)[&%#_]", line)
    fields = {line.split(" = ")[0].strip() for line in lines[1:-1]}
    needed = {
        "article": "journal", "inproceedings": "booktitle", "incollection": "booktitle",
        "book": "publisher", "techreport": "institution", "misc": "note",
    }  # fmt: skip
    assert fields >= {"author", "title", "year", needed[reference.entry_type]}
    assert str(reference.year) in reference.text
    for author in reference.authors:
        assert re.match(r"[A-ZÅ]\.", author)


@pytest.mark.parametrize("key", REFERENCES)
def test_every_reference_is_one_of_the_package(key):
    """No paper is named that no docstring, comment or page of this repository names."""
    name = REFERENCES[key].authors[0].split(". ")[-1]
    pages = [*(ROOT / "docs").rglob("*.md"), *Path(rd.__file__).parent.rglob("*.py")]
    texts = (p.read_text("utf-8") for p in pages if p.name != "citation.py")
    year = str(REFERENCES[key].year)
    assert any(re.search(rf"\b{re.escape(name)}\b[\s\S]{{0,400}}{year}", text) for text in texts)


@pytest.mark.parametrize("wrong", [7, "cycles", None, object()])
def test_what_is_not_known_is_refused(wrong):
    with pytest.raises(TypeError, match=f"of rnndyn, got {type(wrong).__name__}"):
        rd.cite(wrong)
