"""CONTRIBUTING says where to change what; following its lines works."""

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import rnndyn as rd
from rnndyn import _core
from rnndyn.bifurcation.path._columns import KIND_NAMES, EventKind
from rnndyn.cycles.run import SearchMethod
from rnndyn.models import _families
from rnndyn.plot._style import EVENT_MARKS
from rnndyn.results import (
    Run,
    SavedResult,
    TabularResult,
    base,
    dictionary_of,
    load_result,
    table_of,
)

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^### To (.*?)\n(.*?)(?=^##)", TEXT, re.DOTALL | re.MULTILINE))


def code_of(recipe):
    (block,) = re.findall(r"```python\n(.*?)```", RECIPES[recipe], re.DOTALL)
    return block


def test_those_that_are_asked_for_most():
    assert list(RECIPES) == [
        "change how a result is printed",
        "add a kind of result",
        "add a model family",
        "add a search strategy",
        "add a kind of bifurcation",
    ]


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_named_is_there(recipe):
    text = " ".join(re.sub(r"```.*?```", "", RECIPES[recipe], flags=re.DOTALL).split())
    paths = [path for path in re.findall(r"`([\w/.-]+)`", text) if "/" in path]
    assert len(paths) > 2
    for path in paths:
        assert (ROOT / path).exists() or (ROOT / "python" / path).exists(), path
    named = re.findall(r"`(\w+)`(?: and `(\w+)`)?(?: in| of) `([\w/.-]+/[\w.-]+)`", text)
    assert named
    for *names, path in named:
        content = (ROOT / path).read_text("utf-8")
        for name in filter(None, names):
            assert re.search(rf"\b{name}\b", content), f"{name} in {path}"


def test_a_kind_of_result_has_everything_that_results_have(tmp_path, monkeypatch):
    # What is registered here is forgotten afterwards.
    monkeypatch.setattr(base, "_CLASSES", dict(base._CLASSES))
    names = {"__name__": "contributed"}
    exec(code_of("add a kind of result"), names)
    tally = names["Tally"]({"stable": 1234, "saddles": 5}, Run(seconds=0.1, n_threads=1))
    assert repr(tally).splitlines() == [
        "A tally",
        "     what  number",
        "   stable   1,234",
        "  saddles       5",
        "Nothing else was counted.",
    ]
    assert "<td>1,234</td>" in tally._repr_html_()
    assert table_of(tally).headings == ("what", "number")
    assert (tally.finished, tally.complete, tally.stopped_by) == (True, True, "finished")

    tally.save(tmp_path / "tally.npz")
    again = load_result(tmp_path / "tally.npz")
    assert again == tally
    assert again.run.seconds == 0.1
    assert names["Tally"].load(tmp_path / "tally.npz") == tally
    assert tally.to_dict() == {"stable": 1234, "saddles": 5}
    assert tally.to_rows() == [
        {"what": "stable", "number": 1234},
        {"what": "saddles", "number": 5},
    ]
    tally.to_json(tmp_path / "tally.json")
    assert (tmp_path / "tally.json").stat().st_size > 20


def test_a_result_without_looks_says_what_to_register():
    @dataclass(frozen=True, eq=False, repr=False)
    class Plain(TabularResult):
        counts: dict = field(default_factory=dict)

    with pytest.raises(TypeError, match=r"there is no table of Plain; register one"):
        repr(Plain())
    with pytest.raises(TypeError, match=r"there is no export of Plain; register one"):
        dictionary_of(Plain())


def test_a_model_family_works_everywhere(tmp_path):
    names = {"__name__": "contributed"}
    exec(code_of("add a model family"), names)
    family = names["GatedPLRNN"]
    try:
        rng = np.random.default_rng(3)
        A, W = 0.3 * rng.standard_normal((2, 2)), 2.0 * rng.standard_normal((2, 2))
        g, h = np.array([0.5, 2.0]), rng.standard_normal(2)
        model, twin = family(A, W, g, h), rd.PLRNN(A, g[:, None] * W, h)
        found = rd.find_cycles(model, max_order=4, method="complete", progress=False)
        other = rd.find_cycles(twin, max_order=4, method="complete", progress=False)
        assert len(found) > 0
        assert found.blocks == other.blocks
        assert found.complete
        assert found.certificate.status == "proved"

        rd.save_model(model, tmp_path / "model.npz")
        assert rd.load_model(tmp_path / "model.npz") == model
        found.save(tmp_path / "cycles.npz")
        assert rd.load_result(tmp_path / "cycles.npz") == found

        wider = model.with_parameters({"g[0]": 1.5})
        assert wider.g.tolist() == [1.5, 2.0]
        events = rd.bifurcation_diagram(model, "g[0]", (0.5, 1.5), max_order=2, progress=False)
        assert events.run.finished
        assert rd.lyapunov_spectrum(model, n_steps=200, progress=False).n_exponents == 2
    finally:
        del _families._families["GatedPLRNN"], _families._piecewise_linear["GatedPLRNN"]


def test_a_name_is_for_one_family():
    class PLRNN(rd.PiecewiseLinearModel):
        pass

    with pytest.raises(ValueError, match="there is a family PLRNN already"):
        rd.models.register_family(PLRNN)


def members_of(header, enum):
    text = (ROOT / "cpp" / "include" / "rnndyn" / header).read_text("utf-8")
    (body,) = re.findall(rf"enum class {enum}[^{{]*\{{(.*?)\}};", text, re.DOTALL)
    return re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"//.*", "", body))


def test_search_strategies_have_one_name_in_the_bindings(tent):
    names = get_args(SearchMethod)
    assert len(members_of("search.hpp", "SearchMethod")) == len(names)
    for name in names:
        assert _core.find_cycles(tent.canonical, [1], name)["stopped_by"] == "finished"
    assert list(names) == [*rd.cycles.run.METHODS]


def test_kinds_of_bifurcations_are_counted_alike():
    own = members_of("bifurcation.hpp", "EventKind")
    smooth = members_of("smooth/continuation.hpp", "CurveEventKind")
    assert KIND_NAMES == (*own, *smooth) == get_args(EventKind)
    assert EVENT_MARKS.keys() == set(KIND_NAMES)


def descendants(kind):
    return {kind}.union(*(descendants(child) for child in kind.__subclasses__()))


def test_results_are_frozen_and_compared_by_their_fields():
    every = descendants(SavedResult) | descendants(TabularResult)
    kinds = [cls for cls in every if cls.__module__.startswith("rnndyn.") and "FORMAT" in vars(cls)]
    assert len(kinds) == 18
    for cls in kinds:
        assert cls.__dataclass_params__.frozen
        assert "__eq__" not in vars(cls)
        assert "run" not in {f.name for f in fields(cls) if f.compare} or (
            cls is rd.LyapunovSpectrum
        )
