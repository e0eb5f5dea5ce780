"""Paths of several pieces, starts, options, and what the result can do."""

import pickle

import matplotlib
import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from reference.bifurcation import StraightPath
from rnndyn.bifurcation.path._starts import key_of, listed, n_itineraries


def tent(slope=-2.0, left=0.5, height=1.0):
    """x -> left x + height on the left, slope x + height on the right."""
    return rd.PLRNN(A=[[left]], W=[[slope - left]], h=[height])


def network(seed, scale=1.0, n_states=3, n_units=4):
    rng = np.random.default_rng(seed)
    return rd.ShallowPLRNN(
        rng.uniform(0.2, 0.9, n_states),
        scale * rng.normal(size=(n_states, n_units)),
        scale * rng.normal(size=(n_units, n_states)),
        rng.normal(size=n_states),
        rng.normal(size=n_units),
    )


@pytest.fixture(scope="module")
def result():
    return rd.continue_cycles(network(10), network(11), max_order=2, progress=False)


def keys(cycles):
    return sorted(cycle.itinerary.tobytes() for cycle in cycles)


def test_both_ends_hold_what_a_search_finds(result):
    assert result.gaps == ()
    assert len(result.events) > 0
    for s, model in enumerate(result.models):
        assert keys(result.at(float(s))) == keys(rd.find_cycles(model, max_order=2, progress=False))


@pytest.mark.parametrize("s", [0.137, 0.5, 0.83])
def test_the_middle_holds_what_a_search_finds(result, s):
    found = rd.find_cycles(result.model_at(s), max_order=2, progress=False)
    own = result.at(s)
    assert keys(own) == keys(found)
    for branch in result.branches:
        if branch.s_begin < s < branch.s_end:
            cycle = branch.cycle(s)
            np.testing.assert_allclose(branch.points(s), cycle.points, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(branch.multipliers(s), cycle.multipliers)
            assert branch.spectral_radius(s) == pytest.approx(cycle.spectral_radius)
            assert branch.n_unstable(s) == (np.abs(cycle.multipliers) > 1).sum()
            assert branch.stability(s) == cycle.stability


def test_many_places_of_a_branch_at_once(result):
    branch = max(result.branches, key=lambda b: b.s_end - b.s_begin)
    s = branch.sample(9)
    points = branch.points(s)
    assert points.shape == (9, branch.order, 3)
    for place, orbit in zip(s, points, strict=True):
        model = result.model_at(place)
        np.testing.assert_allclose(model.step(orbit), np.roll(orbit, -1, axis=0), atol=1e-8)
    with pytest.raises(ValueError, match="within the branch"):
        branch.points(branch.s_end + 0.1 if branch.s_end < 1 else -0.1)


def test_events_lie_on_what_they_say(result):
    for event in result.events:
        assert event.status == "converged"
        assert event.bracket[0] <= event.s <= event.bracket[1]
        if event.kind == "border_collision":
            p = result.model_at(event.s).preactivation(event.points[event.time_index])
            assert abs(p[event.unit]) < 1e-9
            differ = event.itinerary != event.partner
            assert differ.sum() == 1 or event.order > 1
        if event.kind == "degenerate_flip":
            multipliers = result.solve(event.itinerary, event.s).multipliers
            assert np.abs(multipliers + 1).min() < 1e-9


def test_branches_and_events_know_each_other(result):
    for branch in result.branches:
        for s, event in (
            (branch.s_begin, branch.begin_event),
            (branch.s_end, branch.end_event),
        ):
            assert (event is None) == (s in (0.0, 1.0))
            assert event is None or event.s == pytest.approx(s, abs=1e-12)
        assert {event.s for event in branch.events} >= {
            event.s for event in (branch.begin_event, branch.end_event) if event is not None
        }


def test_a_path_of_several_models_equals_its_pieces():
    models = [network(seed, 0.8) for seed in range(4)]
    whole = rd.continue_cycles(path=models, max_order=2, progress=False)
    assert whole.gaps == ()
    assert whole.run.n_pieces == 3
    events = []
    for j in range(3):
        piece = rd.continue_cycles(models[j], models[j + 1], max_order=2, progress=False)
        events += [(event.kind, event.s + j) for event in piece.events]
        for s in (0.2, 0.7):
            assert keys(piece.at(s)) == keys(whole.at(j + s))
    assert [kind for kind, _ in events] == whole.events.kinds
    np.testing.assert_allclose([s for _, s in events], whole.events.s, rtol=0, atol=1e-12)
    # Branches go through the models between the pieces.
    for branch in whole.branches:
        assert branch.begin_event is not None or branch.s_begin == 0.0
        assert branch.end_event is not None or branch.s_end == 3.0


def test_there_and_back():
    first, second = network(5), network(6)
    loop = rd.continue_cycles(path=[first, second, first], max_order=2, progress=False)
    assert loop.gaps == ()
    n = len(loop.events)
    assert n > 0
    np.testing.assert_allclose(loop.events.s, 2.0 - loop.events.s[::-1], atol=1e-9)
    assert keys(loop.at(0.0)) == keys(loop.at(2.0))


def test_equal_models_have_no_events():
    model = network(10)
    result = rd.continue_cycles(path=[model, model, model], max_order=2, progress=False)
    assert len(result.events) == 0
    assert result.gaps == ()
    assert [(b.s_begin, b.s_end) for b in result.branches] == [(0.0, 2.0)] * len(result.branches)
    assert len(result.branches) == len(rd.find_cycles(model, max_order=2, progress=False))


@pytest.mark.threads
def test_the_result_does_not_depend_on_threads():
    models = [network(seed, 0.8) for seed in range(5)]
    results = [
        rd.continue_cycles(path=models, max_order=2, method=method, n_threads=n, progress=False)
        for method in ("exhaustive", "search")
        for n in (1, 2, 4, 7)
    ]
    for other in results[1:4]:
        assert other == results[0]
    for other in results[5:]:
        assert other == results[4]


def test_both_methods_find_the_same_here():
    first, second = network(10), network(11)
    listed, searched = (
        rd.continue_cycles(first, second, max_order=2, method=method, progress=False)
        for method in ("exhaustive", "search")
    )
    assert listed.run.method == "exhaustive"
    assert searched.run.method == "search"
    assert searched.run.searched_completely
    for s in np.linspace(0.0, 1.0, 23):
        # What a search does not reach lives between the models only.
        assert set(keys(searched.at(s))) <= set(keys(listed.at(s)))
    assert keys(searched.at(1.0)) == keys(listed.at(1.0))


def test_given_cycles_are_the_only_starts():
    first, second = network(10), network(11)
    cycles = rd.find_fixed_points(first, progress=False)
    whole = rd.continue_cycles(first, second, max_order=1, progress=False)
    for given in (cycles, list(cycles), [cycle.itinerary for cycle in cycles]):
        result = rd.continue_cycles(first, second, cycles=given, progress=False)
        assert result.run.method == "given"
        assert keys(result.at(0.0)) == keys(cycles)
        assert {b.itinerary.tobytes() for b in result.branches} <= {
            b.itinerary.tobytes() for b in whole.branches
        }


def test_a_cycle_that_no_branch_reaches_is_a_gap():
    # Cycles of the first model, with one that is virtual there put in by hand.
    first, second = tent(), tent(-1.5)
    cycles = rd.find_fixed_points(first, progress=False)
    (block,) = cycles.blocks
    forged = rd.CycleSet(
        first,
        [type(block)(1, **{**_fields(block), "itinerary": ~block.itinerary})],
        [],
        cycles.search,
    )
    result = rd.continue_cycles(first, second, cycles=forged, progress=False)
    assert any("no branch" in gap.reason and gap.s == 0.0 for gap in result.gaps)


def _fields(block):
    from rnndyn.cycles.block import COLUMNS

    return {name: getattr(block, name) for name in COLUMNS}


def test_a_curve_is_cut_into_straight_pieces():
    # A circle in the plane of two parameters crosses h = 0 at known places.
    def curve(t):
        angle = 2.0 * np.pi * t + 0.3
        return rd.PLRNN([[0.5]], [[np.sin(angle)]], [np.cos(angle)])

    result = rd.continue_cycles(path=curve, max_order=1, tolerance=1e-4, progress=False)
    assert result.axis == "t"
    collisions = result.events.of_kind("border_collision")
    expected = [(np.pi / 2 - 0.3) / (2 * np.pi), (3 * np.pi / 2 - 0.3) / (2 * np.pi)]
    np.testing.assert_allclose([event.value for event in collisions], expected, atol=1e-3)
    finer = rd.continue_cycles(path=curve, max_order=1, tolerance=1e-5, progress=False)
    assert finer.run.n_pieces > result.run.n_pieces
    with pytest.raises(ValueError, match="not continuous"):
        rd.continue_cycles(path=lambda t: tent(-2.0 if t < 0.4 else -3.0), max_order=1)


def test_a_time_limit_keeps_a_first_part():
    models = [network(seed, 1.0, 6, 8) for seed in range(40)]
    result = rd.continue_cycles(
        path=models, max_order=2, method="exhaustive", time_limit=0.3, n_threads=1, progress=False
    )
    assert result.run.stopped_by == "time_limit"
    assert not result.run.finished
    assert result.run.n_pieces_done < 39
    assert "INCOMPLETE: stopped by the time limit" in repr(result)


@pytest.mark.threads
@pytest.mark.parametrize("n_threads", [1, 3])
def test_an_interrupt_keeps_the_pieces_that_are_done(n_threads):
    models = [network(seed, 0.8) for seed in range(6)]
    meter = CtrlC(lambda state: state.n_done == 2)
    result = rd.continue_cycles(path=models, max_order=1, n_threads=n_threads, progress=meter)
    assert result.run.stopped_by == "interrupt"
    assert result.run.n_pieces_done == 2
    assert all(branch.s_end <= 2.0 for branch in result.branches)
    first_part = rd.continue_cycles(path=models[:3], max_order=1, progress=False)
    assert result.events.s.tolist() == first_part.events.s.tolist()
    assert "INCOMPLETE: interrupted after 2 of 5 pieces" in repr(result)


def test_a_map_without_units_has_its_fixed_point_only():
    first, second = (
        rd.PiecewiseLinearMap([[a]], np.zeros((1, 0)), np.zeros((0, 1)), [1.0], [])
        for a in (0.5, 1.5)
    )
    result = rd.continue_cycles(first, second, max_order=3, progress=False)
    (event,) = result.events
    assert (event.kind, event.s) == ("degenerate_transcritical", pytest.approx(0.5, abs=1e-12))
    assert [(b.s_begin, b.s_end) for b in result.branches] == [
        (0.0, event.s),
        (event.s, 1.0),
    ]
    assert result.at(event.s) == ()
    assert len(result.at(0.0)) == len(result.at(1.0)) == 1


@pytest.mark.parametrize(("n_units", "order"), [(1, 1), (1, 5), (2, 4), (3, 3), (5, 2), (6, 1)])
def test_the_list_of_itineraries_is_that_of_all_primitive_ones(n_units, order):
    mask = np.ones(n_units + 1, dtype=bool)
    mask[n_units // 2] = False
    own = {key_of(bits, mask) for bits in listed(mask, [order])}
    relevant = np.flatnonzero(mask)
    truth = StraightPath(*[_units_only(n_units + 1, relevant)] * 2)
    expected = {key_of(bits, mask) for bits in truth.itineraries(order)}
    assert own == expected
    assert len(listed(mask, [order])) == len(own) <= n_itineraries(n_units, [order])


def _units_only(n_units, relevant):
    W1 = np.zeros((1, n_units))
    W1[:, relevant] = 1.0
    return rd.PiecewiseLinearMap([[0.5]], W1, np.ones((n_units, 1)), [0.0], np.zeros(n_units))


def test_too_many_itineraries_are_refused():
    first, second = network(1, n_units=30), network(2, n_units=30)
    with pytest.raises(ValueError, match=r"would follow about 2\*\*30 itineraries"):
        rd.continue_cycles(first, second, max_order=1, method="exhaustive", progress=False)
    assert (
        rd.continue_cycles(first, second, max_order=1, progress=False, time_limit=5.0).run.method
        == "search"
    )


def test_progress_is_reported():
    states = []

    class Meter:
        def init(self, title):
            states.append(title)

        def step(self, progress):
            states.append((progress.fraction, progress.text(1.0)))

        def close(self):
            states.append("closed")

    rd.continue_cycles(path=[tent(), tent(-3.0), tent()], max_order=1, progress=Meter())
    assert states[0] == "continue_cycles"
    assert states[-2:] == [(1.0, "2 of 2 pieces"), "closed"]


def test_results_compare_and_pickle(result):
    again = rd.continue_cycles(network(10), network(11), max_order=2, progress=False)
    assert result == again
    assert result != rd.continue_cycles(network(10), network(3), max_order=2, progress=False)
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert copy.run == result.run
    for event in (result.events[0], copy.events[0]):
        assert event == result.events[0]
        assert pickle.loads(pickle.dumps(event)) == event
    assert pickle.loads(pickle.dumps(result.branches[0])) == result.branches[0]
    assert not copy.branch_columns["s_begin"].flags.writeable


def test_results_can_be_saved(result, tmp_path):
    path = tmp_path / "branches.npz"
    result.save(path)
    loaded = rd.BranchSet.load(path)
    assert loaded == result
    assert loaded.run == result.run
    (tmp_path / "broken.npz").write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"broken\.npz cannot be read as a branch set"):
        rd.BranchSet.load(tmp_path / "broken.npz")
    rd.save_model(result.models[0], tmp_path / "model.npz")
    with pytest.raises(ValueError, match="rnndyn branch set"):
        rd.BranchSet.load(tmp_path / "model.npz")


def test_gaps_survive_files(result, tmp_path):
    gaps = [
        rd.bifurcation.Gap(0.5, "for a test", result.itineraries[0]),
        rd.bifurcation.Gap(1.0, "another"),
    ]
    changed = rd.BranchSet(
        result.path,
        result.itineraries,
        result.branch_columns,
        result.event_columns,
        gaps,
        result.run,
    )
    changed.save(tmp_path / "gaps.npz")
    loaded = rd.BranchSet.load(tmp_path / "gaps.npz")
    assert loaded == changed
    assert loaded != result
    assert "2 gaps:\n  s = 0.5: for a test" in repr(loaded)


def test_columns_must_fit(result):
    columns = {**result.event_columns, "itinerary": result.event_columns["itinerary"] + 1000}
    with pytest.raises(ValueError, match="column 'itinerary' must hold numbers"):
        rd.BranchSet(
            result.path, result.itineraries, result.branch_columns, columns, [], result.run
        )


def test_tables(result):
    pytest.importorskip("pandas")
    branches = result.to_dataframe()
    events = result.to_dataframe("events")
    assert len(branches) == len(result.branches)
    assert events["kind"].tolist() == result.events.kinds
    assert list(result.to_dataframe("gaps").columns) == ["s", "reason", "itinerary"]
    with pytest.raises(ValueError, match="table must be one of"):
        result.to_dataframe("cycles")
    pytest.importorskip("xarray")
    dataset = result.to_xarray()
    np.testing.assert_array_equal(dataset["event_s"], result.events.s)
    assert dataset.attrs["n_gaps"] == 0


def test_the_printed_table():
    diagram = rd.bifurcation_diagram(tent(), "h[0]", (-1.0, 3.0), max_order=1, progress=False)
    assert repr(diagram) == (
        "2 branches and 1 event of PLRNN (1 state, 1 unit), h[0] = -1 to 3\n"
        "  #  h[0]  kind              outcome      order  unit  point  status\n"
        "  0     0  border collision  persistence      1     0      0  converged\n"
        "Every itinerary of order 1 was followed, nothing is missing\n"
        "No gaps"
    )


def test_nothing_is_said_to_be_missing_only_where_there_is_no_gap():
    # 0.2 + 0.8 is 1 + 6e-17 in binary numbers: whether there is a fixed point is in doubt.
    first, last = (rd.PLRNN([a], [[1.0 - a]], [0.0]) for a in (0.5, 0.2))
    text = repr(rd.continue_cycles(first, last, max_order=1, progress=False))
    assert "was followed, nothing is missing but what the gaps tell of\n" in text
    assert "is in doubt" in text


def test_what_changes_the_dynamics_comes_first():
    """Persistences are nearly all of the events and hide the folds."""
    rng = np.random.default_rng(2)
    first, last = (
        rd.PLRNN(rng.uniform(-0.5, 0.9, 5), rng.normal(size=(5, 5)), rng.normal(size=5))
        for _ in range(2)
    )
    result = rd.continue_cycles(first, last, max_order=3, progress=False)
    changes = result.events.changes_dynamics
    quiet = [not event.changes_dynamics for event in result.events]
    assert quiet == (~changes).tolist()
    assert 0 < changes.sum() < len(changes)
    assert changes.sum() <= 24
    assert {e.outcome for e in result.events if not e.changes_dynamics} <= {"persistence", "none"}
    assert result.to_columns("events")["changes_dynamics"].tolist() == changes.tolist()
    lines = repr(result).splitlines()
    # The first number of a line is that of the event in `events`.
    rows = [int(line.split()[0]) for line in lines[2 : 2 + changes.sum()]]
    assert rows == np.flatnonzero(changes).tolist()
    n = sum(quiet)
    assert lines[2 + changes.sum()].startswith(f"Not listed: {n} border collision")
    matplotlib.use("Agg")
    labels = rd.plot.bifurcation_diagram(result).get_legend_handles_labels()[1]
    assert f"border collision, cycle persists ({n})" in labels
    folds = sum(kind == "border_collision" for kind in result.events.kinds) - n
    assert f"border collision ({folds})" in labels


BAD = [
    ({"model1": rd.RNN(None, [[0.5]])}, ValueError, "model0 is a PLRNN and model1 a RNN"),
    ({"model1": 3}, TypeError, "model1 must be a model of rnndyn"),
    ({"model1": rd.ReLURNN([[0.5]], [1.0])}, ValueError, "one family"),
    ({"model1": rd.PLRNN([0.5] * 2, np.eye(2), [1.0] * 2)}, ValueError, "one size"),
    ({"model1": None}, ValueError, "give two models"),
    ({"path": [tent(), tent()]}, ValueError, "not both"),
    ({"max_order": None}, ValueError, "either max_order=K"),
    ({"max_order": 0}, ValueError, "max_order must be between"),
    ({"method": "scyfi"}, ValueError, "method must be one of auto, exhaustive, search"),
    ({"seed": -1}, ValueError, "seed"),
    ({"n_threads": 0}, ValueError, "n_threads"),
    ({"time_limit": 0.0}, ValueError, "time_limit"),
    ({"cycles": []}, ValueError, "at least one cycle"),
    ({"cycles": 3}, TypeError, "cycles must be a CycleSet"),
    ({"cycles": [[[True, False]]]}, ValueError, "itinerary must have shape"),
    ({"max_order": None, "orders": []}, ValueError, "at least one order"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_arguments(change, error, message):
    arguments = {
        "model0": tent(),
        "model1": tent(-3.0),
        "max_order": 1,
        "progress": False,
        **change,
    }
    with pytest.raises(error, match=message):
        rd.continue_cycles(**arguments)


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ([], ValueError, "path must hold models, got an empty list"),
        ([tent()], ValueError, "at least two models"),
        ([tent(), rd.ReLURNN([[0.5]], [1.0])], ValueError, r"path\[1\] a ReLURNN"),
        (tent(), TypeError, "path must be a list"),
        (lambda t: 3, TypeError, "path"),
    ],
)
def test_bad_paths(path, error, message):
    with pytest.raises(error, match=message):
        rd.continue_cycles(path=path, max_order=1, progress=False)


def test_models_with_other_settings_do_not_fit():
    first, second = (
        rd.DendriticPLRNN([0.5], [[1.0]], [0.0], alpha, thresholds, clipped=clipped)
        for alpha, thresholds, clipped in (
            ([1.0, 1.0], [[0.0], [1.0]], False),
            ([1.0], [[0.5]], True),
        )
    )
    with pytest.raises(ValueError, match="same settings"):
        rd.continue_cycles(first, second, max_order=1)
