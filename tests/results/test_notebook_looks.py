"""What a notebook shows of results and their parts: all of them, escaped, short, even if empty."""

import dataclasses
import html.parser
import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.bifurcation import BifurcationEvent, Gap, PlaneGap
from rnndyn.certificate import UndecidedItineraries

FILES = Path(__file__).parents[1] / "golden" / "files"
ROOMS = ("", *(f".{room}" for room in rd._ROOMS), ".manifolds", ".slow_points")
#: A page of a notebook; longer is no overview.
LONGEST = 20_000


def public_classes() -> dict[type, str]:
    modules = [importlib.import_module(f"rnndyn{room}") for room in ROOMS]
    named = [(f"{m.__name__}.{n}", getattr(m, n)) for m in modules for n in m.__all__]
    return {value: name for name, value in named if inspect.isclass(value)}


def is_shown_otherwise(cls: type, name: str) -> bool:
    """Protocols and exceptions are no results, tuples look like tuples, and a trainer is a tool."""
    in_training = name.startswith("rnndyn.training.") and name != "rnndyn.training.Outlook"
    is_protocol = getattr(cls, "_is_protocol", False)
    return is_protocol or in_training or issubclass(cls, BaseException | tuple)


def test_every_public_class_that_users_meet_has_a_look():
    classes = public_classes()
    looks = [cls for cls, name in classes.items() if not is_shown_otherwise(cls, name)]
    assert len(looks) > 60
    without = [classes[cls] for cls in looks if not hasattr(cls, "_repr_html_")]
    assert not without
    own = {BifurcationEvent, rd.BranchSet, rd.Cycle, rd.Certificate, Gap}
    assert own <= set(looks)


class Balance(html.parser.HTMLParser):
    """Counts tags that are open, and refuses any that is not of a table."""

    TAGS = ("div", "strong", "table", "thead", "tbody", "tr", "th", "td")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag in self.TAGS
        assert not attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parts_of(thing: Any, depth: int = 0) -> dict[int, Any]:
    """Everything with a look that a user comes to from a result."""
    if depth > 4:
        return {}
    found = {id(thing): thing} if hasattr(thing, "_repr_html_") else {}
    if isinstance(thing, str | bytes | np.ndarray):
        return found
    if isinstance(thing, dict):
        values = list(thing.values())
    elif isinstance(thing, Sequence):
        values = [thing[i] for i in range(min(len(thing), 2))]
    else:
        values = []
    if dataclasses.is_dataclass(thing):
        values += [getattr(thing, field.name) for field in dataclasses.fields(thing)]
    for name in (
        "events",
        "branches",
        "gaps",
        "curves",
        "begin_event",
        "loss_jumps",
        "coincidence",
    ):
        value = getattr(thing, name, None)
        values += [] if value is None or callable(value) else [value]
    if isinstance(thing, rd.Timeline) and thing.losses is not None:
        values += [thing.loss_jumps(), thing.coincidence()]
    for value in values:
        found |= parts_of(value, depth + 1)
    return found


def check_look(thing: Any) -> str:
    text = thing._repr_html_()
    assert text.startswith("<div>")
    assert len(text) < LONGEST, type(thing)
    Balance(text)
    return str(text)


@pytest.mark.parametrize("path", sorted(FILES.glob("*.npz")), ids=lambda path: path.stem)
def test_results_and_their_parts_have_looks(path):
    if path.stem.startswith("model"):
        result: Any = rd.load_model(path)
    else:
        result = rd.load_result(path)
    parts = parts_of(result)
    for part in parts.values():
        check_look(part)
    check_look(rd.cite(result))


def test_the_parts_of_the_golden_results_are_of_many_kinds():
    kinds = set()
    for path in FILES.glob("*.npz"):
        if not path.stem.startswith("model"):
            kinds |= {type(part).__name__ for part in parts_of(rd.load_result(path)).values()}
    expected = {
        *("BifurcationEvent", "BifurcationEvents", "Branch", "Branches", "BoundaryCurve"),
        *("Cycle", "CycleBlock", "SearchStatistics", "OrderStatistics", "ProofPart", "PLRNN"),
        *("ListedCycles", "UndecidedItineraries", "SlowPoint", "SlowCurve", "Pieces", "Gate"),
        *("LossJumps", "LyapunovRun", "Coincidence"),
    }
    assert expected <= kinds, expected - kinds


def test_what_an_event_and_a_branch_show():
    tent = rd.examples.tent_map()
    found = rd.bifurcation_diagram(tent, "W[0,0]", (-2.2, -4.0), max_order=3)
    flip, collision = found.events[0], found.events[1]
    text = check_look(flip)
    assert "<strong>Degenerate flip at W[0,0] = -3</strong>" in text
    assert "<td>outcome</td><td>stability change</td>" in text
    assert "<td>unstable directions</td><td>0 before, 1 after</td>" in text
    text = check_look(collision)
    assert "<td>unit</td><td>0 at point 1</td>" in text
    assert "<td>partner</td>" in text
    branch = found.branches[-1]
    text = check_look(branch)
    assert "border collision" in text
    assert "an end of the path" in text
    assert "<td>order</td><td>3</td>" in text
    assert "<td>degenerate flip</td>" in check_look(found.events)
    assert check_look(found.branches).count("<tr>") == 1 + len(found.branches)
    assert check_look(found.events[:0] or found.events)


def hostile_event(**changes: Any) -> BifurcationEvent:
    values: dict[str, Any] = dict.fromkeys(
        ("time_index", "unit", "partner", "doubled", "points", "n_unstable_after")
    )
    values |= {"kind": "fold", "s": 0.5, "value": 1.0, "axis": "<b>&", "bracket": (0.4, 0.6)}
    values |= {"residual": 0.0, "status": "guess", "outcome": "fold", "n_unstable_before": 0}
    values["itinerary"] = np.zeros((1, 0), bool)
    return BifurcationEvent(**{**values, **changes})


@pytest.mark.parametrize(
    "thing",
    [
        hostile_event(),
        Gap(0.5, "<script>alert(1)</script> & more"),
        PlaneGap(0.5, 1.0, "<script>alert(1)</script> & more", np.ones((3, 2), bool)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_names_and_reasons_are_escaped(thing):
    text = check_look(thing)
    assert "&lt;" in text
    assert "&amp;" in text


def test_names_of_variables_are_escaped():
    own = {"<b>&": lambda model: 1.0}
    found = rd.scan(rd.examples.tent_map(), ("W[0,0]", [-3.0, -2.0]), measures=own, progress=False)
    assert "&lt;b&gt;&amp;" in check_look(found)


def test_long_itineraries_and_sequences_are_shortened():
    bits = np.ones((5000, 40), bool)
    assert len(check_look(hostile_event(itinerary=bits, partner=bits))) < 2000
    assert " ..." in check_look(Gap(0.5, "why", bits))
    tent = rd.examples.tent_map()
    found = rd.continue_cycles(tent, tent.with_parameters({"W[0,0]": -3.9}), max_order=10)
    assert len(found.branches) > 100
    assert "more" in check_look(found.branches)
    check_look(found.events)
    assert "more" in check_look(rd.find_cycles(tent, 10))


def test_empty_results_have_looks():
    nothing = rd.find_cycles(rd.PLRNN([1.0], [[0.0]], [1.0]), 2)
    assert len(nothing) == 0
    tent = rd.examples.tent_map()
    stays = rd.PLRNN([1.0], [[0.0]], [1.0])
    path = rd.continue_cycles(stays, stays.with_parameters({"h[0]": 2.0}), max_order=2)
    assert (len(path.events), len(path.branches)) == (0, 0)
    orbit = tent.orbit([-0.2], 1)
    for thing in (
        nothing,
        nothing.search,
        rd.find_cycles(tent, 2)[:0],
        path,
        path.events,
        path.branches,
        UndecidedItineraries(),
        rd.find_slow_points(rd.RNN(None, [[0.5]]), max_restarts=1),
        rd.region_graph(tent, orbit),
        rd.basin_fractions(nothing, 1.0, n=1),
        rd.find_fixed_points(rd.RNN([[1.0]], [[2.0]]), inputs=np.zeros((1, 1))),
    ):
        check_look(thing)
