"""Branches of smooth networks along paths: events with known places, proofs, and gaps."""

import pickle
from itertools import pairwise

import mpmath
import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn._core import _core
from smooth.cases import FAMILIES, FLIP_FLOPS, KINDS, flip_flop, random_network, smooth_map

NAMES = list(FLIP_FLOPS)
N_PAIRS = drawn(102, 1500)


def tanh_unit(w, b):
    return rd.RNN(None, [[w]], bias_hh=[b])


def follow(*models, **options):
    options = {"max_order": 1, "progress": False} | options
    if len(models) == 2:
        return rd.continue_cycles(*models, **options)
    return rd.continue_cycles(path=models, **options)


def fold_bias(w):
    """The bias at which a tanh unit of weight w > 1 has a fold, at the larger fixed point."""
    h = mpmath.sqrt(1 - 1 / mpmath.mpf(w))
    return mpmath.atanh(h) - w * h


def same_cycles(first, second, tolerance=1e-9):
    """Whether two lists of cycles are the same, in any order and rotation."""

    def distance(a, b):
        if a.order != b.order:
            return np.inf
        return min(np.abs(np.roll(a.points, k, axis=0) - b.points).max() for k in range(a.order))

    return len(first) == len(second) and all(
        min((distance(a, b) for b in second), default=np.inf) < tolerance for a in first
    )


# ---- The derivative along the path ------------------------------------------------------------


@pytest.mark.parametrize(("family", "options"), KINDS)
@pytest.mark.parametrize("n_layers", [1, 2])
def test_the_rate_along_a_path(family, options, n_layers):
    rng = np.random.default_rng(3)
    first, last = (random_network(family, 3, 1.5, rng, n_layers, **options) for _ in range(2))
    path = _core.SmoothPath(smooth_map(first), smooth_map(last))
    z = rng.uniform(-0.8, 0.8, first.n_states)

    def step(s, z):
        values = {k: (1 - s) * a + s * last.parameters[k] for k, a in first.parameters.items()}
        return smooth_map(first.with_parameters(values)).step(z)

    difference = (step(0.3 + 1e-6, z) - step(0.3 - 1e-6, z)) / 2e-6
    np.testing.assert_allclose(path.rate(z, 0.3), difference, rtol=0, atol=1e-8)
    lower, upper = path.rate_bounds(z - 0.001, z + 0.002, 0.295, 0.305)
    for _ in range(50):
        near, s = z + rng.uniform(-0.001, 0.002, z.shape), rng.uniform(0.295, 0.305)
        rate = path.rate(near, s)
        assert (lower <= rate).all()
        assert (rate <= upper).all()
    assert (upper - lower).max() < 0.5


# ---- Folds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [1.05, 1.5, 2.0, 4.0])
def test_folds_of_a_tanh_unit(w):
    result = rd.bifurcation_diagram(
        tanh_unit(w, 0.0), "bias_hh_l0[0]", (-3.0, 3.0), max_order=1, progress=False
    )
    assert result.gaps == ()
    assert [branch.order for branch in result.branches] == [1, 1, 1]
    first, second = result.events
    for event, sign in ((first, 1), (second, -1)):
        exact = sign * fold_bias(w)
        place = (exact + 3) / 6
        assert event.kind == event.outcome == "fold"
        assert event.value == pytest.approx(float(exact), abs=1e-10)
        assert event.bracket[0] <= place <= event.bracket[1]
        assert event.bracket[1] - event.bracket[0] < 1e-11
        assert event.status == "converged"
        assert event.residual < 1e-5
        assert (event.n_unstable_before, event.n_unstable_after) == (0, 1)
        height = float(sign * mpmath.sqrt(1 - 1 / mpmath.mpf(w)))
        assert event.points == pytest.approx(np.array([[height]]), abs=1e-4)
        assert event.changes_dynamics
    middle = result.branches[1]
    assert {middle.begin_event, middle.end_event} == {first, second}
    assert {cycle.stability for cycle in result.at(0.5)} == {"stable", "unstable"}


def test_a_fold_seen_from_the_weight():
    # At b = 0.2 there is one fold in w, where fold_bias(w) = -0.2.
    w = float(mpmath.findroot(lambda x: fold_bias(x) + mpmath.mpf(0.2), 1.5))
    result = follow(tanh_unit(0.5, 0.2), tanh_unit(3.0, 0.2))
    (event,) = result.events
    assert event.kind == "fold"
    assert event.s == pytest.approx((w - 0.5) / 2.5, abs=1e-11)
    born = [branch for branch in result.branches if branch.s_begin > 0.0]
    assert [branch.begin_event for branch in born] == [event, event]
    assert result.gaps == ()


def test_a_pair_that_lives_within_one_piece_is_not_claimed_to_be_none():
    # b from -1 to 1 and back would be two pieces; both ends have one fixed point.
    result = follow(tanh_unit(2.0, -1.0), tanh_unit(2.0, 1.0))
    assert len(result.events) == 2
    assert not result.run.complete
    assert "may be missing" in str(result)


def test_points_of_branches_are_fixed_points():
    rng = np.random.default_rng(0)
    result = follow(tanh_unit(2.0, -1.0), tanh_unit(2.0, 1.0))
    for branch in result.branches:
        s = rng.uniform(branch.s_begin, branch.s_end, 40)
        h = branch.points(s)[:, 0, 0]
        np.testing.assert_allclose(np.tanh(2.0 * h + 2.0 * s - 1.0), h, rtol=0, atol=1e-14)
        slope = 2.0 * (1.0 - h**2)
        np.testing.assert_allclose(branch.spectral_radius(s), slope, rtol=1e-9)
        np.testing.assert_array_equal(branch.n_unstable(s), slope > 1.0)
        with pytest.raises(ValueError, match="within the branch"):
            branch.points(branch.s_begin - 0.1)


def test_errors_of_nodes_and_enclosures_of_pieces():
    result = follow(tanh_unit(2.0, -1.0), tanh_unit(2.0, 1.0))
    with mpmath.workdps(40):
        for curve in result.curves:
            for s, h, error in zip(
                curve.s[::5], curve.points[::5, 0, 0], curve.error_bounds[::5], strict=True
            ):
                if abs(2 * (1 - h**2) - 1) < 1e-3:
                    continue
                exact = mpmath.findroot(
                    lambda x, s=s: mpmath.tanh(2 * x + 2 * mpmath.mpf(s) - 1) - x,
                    (h - 1e-9, h + 1e-9),
                    tol=1e-60,
                )
                slope = 2 * (1 - exact**2)
                speed = abs((1 - exact**2) * 2 / (1 - slope))
                # Node and curve are `error` apart in h and in s.
                assert abs(exact - h) <= error * (1 + speed)
    for curve in result.curves:
        at_end = curve.centres + curve.sigma_end[:, None] * curve.directions
        there = np.column_stack([curve.points[1:, 0, 0], curve.s[1:]])
        assert (np.abs(there - at_end) <= curve.reaches * (1 + 1e-9)).all()


def test_a_fold_of_a_gated_network_is_where_a_scan_sees_it():
    rng = np.random.default_rng(11)
    n_events = 0
    for seed in range(drawn(12, 100)):
        family = list(FAMILIES)[seed % 3]
        first, last = (random_network(family, 2, 3.0, rng) for _ in range(2))
        result = follow(first, last)
        for event in result.events.of_kind("fold"):
            n_events += 1
            counts = []
            for s in (event.s - 1e-6, event.s + 1e-6):
                model = result.model_at(s)
                found = rd.find_fixed_points(model, method="complete", progress=False)
                counts.append(len(found))
            assert abs(counts[1] - counts[0]) == 2
    assert n_events > 5


# ---- Pitchforks -------------------------------------------------------------------------------


def test_a_pitchfork_is_a_gap():
    result = follow(tanh_unit(0.5, 0.0), tanh_unit(2.0, 0.0))
    assert len(result.events) == 0
    assert len(result.gaps) == 4
    for gap in result.gaps:
        assert gap.s == pytest.approx(1 / 3, abs=1e-4)
        assert "cannot be proved" in gap.reason
    assert len(result.at(1.0)) == 3
    for branch in result.branches:
        assert branch.s_end < 1 / 3 or branch.s_begin > 1 / 3


@pytest.mark.parametrize("b", [1e-2, 1e-4, 1e-6])
def test_a_pitchfork_that_a_bias_breaks_is_a_fold(b):
    result = follow(tanh_unit(0.5, b), tanh_unit(2.0, b))
    with mpmath.workdps(40):
        guess = 1 + (3 * b / 2) ** (2 / 3)
        w = float(mpmath.findroot(lambda x: fold_bias(x) + mpmath.mpf(b), guess))
    place = (w - 0.5) / 1.5
    if result.gaps:
        # Too near to the pitchfork: then it says so there.
        assert all(abs(gap.s - place) < 1e-3 for gap in result.gaps)
        assert b < 1e-5
    else:
        (event,) = result.events
        assert event.kind == "fold"
        assert event.s == pytest.approx(place, abs=1e-10)
        assert len(result.branches) == 3


# ---- Flips and pairs of multipliers -----------------------------------------------------------


def test_flip_of_a_tanh_unit():
    b = 0.3
    with mpmath.workdps(40):
        # w (1 - h^2) = -1 and h = tanh(w h + b).
        w, h = mpmath.findroot(
            lambda x, y: (x * (1 - y**2) + 1, mpmath.tanh(x * y + mpmath.mpf(b)) - y),
            (-1.02, 0.148),
        )
    result = follow(tanh_unit(-0.5, b), tanh_unit(-2.0, b), max_order=2)
    (event,) = result.events
    place = (-0.5 - w) / mpmath.mpf(1.5)
    assert event.kind == "flip"
    assert event.outcome == "stability_change"
    assert event.bracket[0] <= place <= event.bracket[1]
    assert event.bracket[1] - event.bracket[0] < 1e-11
    assert event.points == pytest.approx(np.array([[float(h)]]), abs=1e-9)
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 1)
    single, double = result.branches
    assert (single.order, double.order) == (1, 2)
    assert double.begin_event == event
    assert event.doubled.shape == (2, 0)
    assert len(event.attached) == 1
    # That the cycle comes from the flip is seen, but not proved.
    (gap,) = result.gaps
    assert "of order 2 is proved from s = 0.348" in gap.reason
    s = np.linspace(double.s_begin, 1.0, 9)[1:]
    points = double.points(s)[:, :, 0]
    w = (-0.5 - 1.5 * s)[:, None]
    np.testing.assert_allclose(np.tanh(w * points + b), points[:, ::-1], atol=1e-13)


def test_a_flip_whose_cycle_no_search_knew():
    # From the fixed point alone, as the caller wants it.
    first, last = tanh_unit(-0.5, 0.3), tanh_unit(-2.0, 0.3)
    fixed = rd.find_fixed_points(first, progress=False)
    result = rd.continue_cycles(first, last, cycles=fixed, max_order=2, progress=False)
    assert [branch.order for branch in result.branches] == [1, 2]
    assert result.events[0].doubled is not None
    alone = rd.continue_cycles(first, last, cycles=fixed, progress=False)
    assert [branch.order for branch in alone.branches] == [1]
    assert alone.gaps == ()
    # And from the cycle alone, which leads back to the fixed point.
    double = rd.find_cycles(last, orders=[2], progress=False)
    result = rd.continue_cycles(first, last, cycles=double, progress=False)
    assert [branch.order for branch in result.branches] == [1, 2]


@pytest.mark.parametrize("angle", [0.4, 1.0, 2.5])
def test_a_pair_of_multipliers_passes_the_circle(angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    result = follow(rd.RNN(None, 0.8 * turn), rd.RNN(None, 1.3 * turn))
    (event,) = result.events
    assert event.kind == "neimark_sacker"
    assert event.s == pytest.approx(0.4, abs=1e-11)
    assert event.bracket[0] <= 0.4 <= event.bracket[1]
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 2)
    assert event.residual < 1e-10
    assert result.gaps == ()


def test_stability_between_events():
    rng = np.random.default_rng(8)
    for _ in range(drawn(6, 60)):
        first, last = (random_network("RNN", 5, 2.0, rng) for _ in range(2))
        result = follow(first, last, max_order=2)
        if any("stability" in gap.reason for gap in result.gaps):
            continue
        for branch in result.branches:
            places = sorted(event.s for event in branch.events)
            inside = [s for s in places if branch.s_begin < s < branch.s_end]
            cuts = [branch.s_begin, *inside, branch.s_end]
            for a, b in pairwise(cuts):
                if b - a < 1e-3:
                    continue
                room = 1e-4 * (b - a)
                counts = branch.n_unstable(np.linspace(a + room, b - room, 7))
                assert len(set(counts.tolist())) == 1


# ---- Whole paths ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_ends_of_random_paths_have_the_cycles_that_proofs_find(seed):
    rng = np.random.default_rng(100 + seed)
    n_gaps = n_undecided = 0
    for number in range(N_PAIRS // 6):
        family = list(FAMILIES)[number % 3]
        n = int(rng.integers(1, 5 if family == "RNN" else 3))
        gain = rng.uniform(1.5, 4.0)
        first, last = (random_network(family, n, gain, rng) for _ in range(2))
        result = follow(first, last)
        n_gaps += bool(result.gaps)
        for s, model in ((0.0, first), (1.0, last)):
            proved = rd.find_fixed_points(model, method="complete", progress=False)
            n_undecided += not proved.complete
            assert same_cycles(result.at(s), list(proved)) or not proved.complete
        for branch in result.branches:
            # Every end is a model or an event, but for those that gaps tell of.
            ends = (branch.begin_event, branch.s_begin, 0.0), (branch.end_event, branch.s_end, 1.0)
            for event, s, border in ends:
                known = s == border or (event is not None and event.kind == "fold")
                assert known or result.gaps
    assert n_gaps <= N_PAIRS // 60
    assert n_undecided <= N_PAIRS // 60


def test_a_branch_that_is_lost_from_one_side_is_followed_from_the_other():
    first = rd.RNN(
        None,
        [[-2.667812743, -1.409550908], [-0.719424963, 0.500453469]],
        bias_hh=[0.388667708, 0.279841287],
    )
    last = rd.RNN(
        None,
        [[4.014029363, -3.708154344], [-0.315649984, 4.963040771]],
        bias_hh=[-0.133203666, -0.558307694],
    )
    result = follow(first, last)
    proved = rd.find_fixed_points(last, method="complete", progress=False)
    assert len(proved) == 5
    assert same_cycles(result.at(1.0), list(proved))
    assert result.gaps == ()


def test_cycles_of_higher_order_against_proofs():
    rng = np.random.default_rng(5)
    n_cycles = 0
    for _ in range(drawn(8, 80)):
        first, last = (random_network("RNN", 2, 3.0, rng) for _ in range(2))
        result = follow(first, last, max_order=3)
        proved = rd.find_cycles(last, max_order=3, method="complete", progress=False)
        n_cycles += sum(cycle.order > 1 for cycle in proved)
        assert same_cycles(result.at(1.0), list(proved))
    assert n_cycles > 0


def test_a_path_in_two_pieces_is_the_path_in_one():
    first, last = tanh_unit(-0.5, 0.3), tanh_unit(-2.0, 0.3)
    one = follow(first, last, max_order=2)
    middle = one.model_at(0.7)
    result = follow(first, middle, last, max_order=2)
    assert len(result.branches) == len(one.branches)
    assert result.events[0].s == pytest.approx(one.events[0].s / 0.7, abs=1e-11)
    # The cycle of order 2 goes on through the model between, whichever point begins it there.
    double = result.branches[1]
    assert double.s_end == 2.0
    s = np.linspace(double.s_begin, 2.0, 30)
    points = double.points(s)
    jumps = np.abs(np.diff(points, axis=0)).max()
    assert jumps < 0.5
    assert (np.diff(points[:, 0, 0]) > 0).all() or (np.diff(points[:, 0, 0]) < 0).all()


def test_all_points_of_a_flip_flop_are_followed():
    model, inputs = flip_flop(NAMES[1])
    rng = np.random.default_rng(1)
    moved = model.with_parameters(
        {name: a + 0.01 * rng.normal(size=a.shape) for name, a in model.parameters.items()}
    )
    result = rd.continue_cycles(model, moved, inputs=inputs, max_order=1, progress=False)
    found = rd.find_fixed_points(moved, inputs=inputs, progress=False)
    assert same_cycles(result.at(1.0), list(found))
    assert len(result.at(0.0)) == 27
    assert result.gaps == ()
    np.testing.assert_array_equal(result.inputs, inputs)
    cycle = result.at(0.5)[0]
    assert cycle.certified
    assert cycle.input_jacobian.shape == (model.n_states, model.n_inputs)


def test_a_search_that_misses_points_shows_as_gaps():
    model, inputs = flip_flop(NAMES[0])
    found = rd.find_fixed_points(model, inputs=inputs, progress=False)
    few = found[:5]
    moved = model.with_parameters({"bias_hh_l0": model.parameters["bias_hh_l0"] + 1e-3})
    result = rd.continue_cycles(model, moved, cycles=few, inputs=inputs, progress=False)
    assert len(result.at(1.0)) == 5
    indices = sum(np.sign(np.linalg.det(np.eye(32) - c.jacobian)) for c in few)
    missing = [gap for gap in result.gaps if "at least one is missing" in gap.reason]
    assert bool(missing) == (indices != 1)


@pytest.mark.threads
def test_threads_do_not_matter():
    rng = np.random.default_rng(21)
    models = [random_network("RNN", 3, 3.0, rng) for _ in range(3)]
    one, three = (follow(*models, max_order=2, n_threads=n) for n in (1, 3))
    assert one == three
    assert len(one.branches) > 2


def test_networks_of_relu_units_are_piecewise_linear():
    rng = np.random.default_rng(2)
    pair = [
        rd.RNN(
            rng.normal(size=(2, 1)),
            rng.normal(size=(2, 2)),
            bias_hh=rng.normal(size=2),
            nonlinearity="relu",
        )
        for _ in range(2)
    ]
    result = rd.continue_cycles(*pair, inputs=[0.5], max_order=2, progress=False)
    maps = [model.as_piecewise_linear([0.5]) for model in pair]
    assert result == rd.continue_cycles(*maps, max_order=2, progress=False)


def test_a_curve_of_models():
    result = rd.continue_cycles(
        path=lambda t: tanh_unit(2.0, float(np.sin(2.0 * t))),
        max_order=1,
        tolerance=1e-3,
        progress=False,
    )
    (event,) = result.events
    assert event.kind == "fold"
    assert np.sin(2.0 * event.value) == pytest.approx(-float(fold_bias(2.0)), abs=2e-3)
    assert result.gaps == ()


# ---- The result -------------------------------------------------------------------------------


def test_files_tables_and_exports(tmp_path):
    result = follow(tanh_unit(-0.5, 0.3), tanh_unit(-2.0, 0.3), max_order=2)
    result.save(tmp_path / "x.npz")
    assert rd.BranchSet.load(tmp_path / "x.npz") == result
    assert pickle.loads(pickle.dumps(result)) == result
    assert "flip" in str(result)
    values = result.to_dict()
    assert values["events"][0]["kind"] == "flip"
    assert [row["order"] for row in values["branches"]] == [1, 2]
    frame = result.to_pandas("branches") if hasattr(result, "to_pandas") else None
    assert frame is None or list(frame["order"]) == [1, 2]


def test_a_time_limit_keeps_the_first_part():
    rng = np.random.default_rng(4)
    models = [random_network("RNN", 12, 2.5, rng) for _ in range(30)]
    result = follow(*models, time_limit=0.3)
    assert result.run.stopped_by == "time_limit"
    assert result.run.n_pieces_done < 29
    assert all(branch.s_end <= result.run.n_pieces_done for branch in result.branches)
    assert "INCOMPLETE" in str(result)


UNIT, OTHER = tanh_unit(2.0, 0.0), tanh_unit(2.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"model1": rd.GRU(None, np.zeros((3, 1)))},
            ValueError,
            "model0 is a RNN and model1 a GRU",
        ),
        ({"model1": rd.RNN(None, np.eye(2))}, ValueError, "all have biases or none"),
        ({"model1": rd.RNN(None, np.eye(2), None, [0, 0])}, ValueError, "models of one size"),
        ({"model1": 3}, TypeError, "model1 must be a model of rnndyn"),
        ({"model1": rd.RNN(None, [[1.0]], nonlinearity="relu")}, ValueError, "of one family"),
        ({"method": "exhaustive"}, ValueError, "method must be one of auto, search, complete"),
        ({"inputs": [1.0]}, ValueError, "no external input"),
        ({"cycles": [np.ones((1, 1), bool)], "max_order": None}, TypeError, "sets of cycles"),
        ({"max_order": 0}, ValueError, "max_order"),
        ({"orders": [1]}, (TypeError, ValueError), "orders"),
    ],
)
def test_bad_arguments(arguments, error, message):
    values = {"model0": UNIT, "model1": OTHER, "max_order": 1, "progress": False} | arguments
    with pytest.raises(error, match=message):
        rd.continue_cycles(**values)


def test_cycles_must_be_those_of_a_model_of_the_path():
    other = rd.find_fixed_points(tanh_unit(1.7, 0.0), progress=False)
    with pytest.raises(ValueError, match="those of models of the path"):
        rd.continue_cycles(UNIT, OTHER, cycles=other, progress=False)
    result = follow(UNIT, OTHER)
    with pytest.raises(ValueError, match="takes an itinerary"):
        result.solve(result.branches[0].itinerary, 0.5)
    with pytest.raises(ValueError, match="takes an itinerary"):
        result.evaluate(result.branches[0].itinerary, np.array([0.5]))
