"""Stability diagrams against closed formulas and against listings of all itineraries."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import rnndyn as rd
from bifurcation.plane_checks import problems_of, random_plane
from ctrl_c import CtrlC, at_step
from draws import drawn
from reference.networks import FAMILIES, Size

EXACT = 1e-10


def residual_of(model, diagram, curve, point):
    """How far the cycle at a point of a curve fails the equation of the curve.

    Relative to the size of the cycle, which grows without bound near a degenerate transcritical.
    """
    at = model.with_parameters({diagram.x_name: point[0], diagram.y_name: point[1]})
    cycle = rd.solve_cycle(at, curve.itinerary)
    assert isinstance(cycle, rd.Cycle)
    if curve.kind == "border_collision":
        map_ = at.canonical
        # Where all its points meet in one, the cycle is that of smaller order.
        z = cycle.points[curve.time_index % cycle.order]
        value = map_.W2[curve.unit] @ z + map_.h2[curve.unit]
        return abs(value) / (1.0 + np.abs(cycle.points).max())
    distance = {
        "degenerate_flip": np.abs(cycle.multipliers + 1.0).min(),
        "center": np.abs(np.abs(cycle.multipliers) - 1.0).min(),
    }
    return distance[curve.kind]


def tent_diagram(**options):
    # x -> a x + 1 for x < 0 and (a + w) x + 1 for x > 0.
    model = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    return rd.stability_diagram(
        model,
        ("A[0,0]", np.linspace(0.1, 0.9, 9)),
        ("W[0,0]", np.linspace(-6.0, -0.5, 12)),
        progress=False,
        **options,
    )


def test_boundaries_of_the_skew_tent_map():
    diagram = tent_diagram(max_order=3)
    assert diagram.run.complete
    assert not diagram.gaps
    # Fixed point: b = a + w = -1. The 2-cycle: a b = -1. See tests/reference/bifurcation.py.
    (flip,) = diagram.curves_of(1, "degenerate_flip")
    a, b = flip.points[:, 0], flip.points.sum(axis=1)
    np.testing.assert_allclose(b, -1.0, rtol=0.0, atol=EXACT)
    assert [bits.shape[0] for bits in flip.attached] == [2]
    assert a.min() == 0.1
    assert a.max() == 0.9
    (second,) = diagram.curves_of(2, "degenerate_flip")
    a, b = second.points[:, 0], second.points.sum(axis=1)
    np.testing.assert_allclose(a * b, -1.0, rtol=0.0, atol=EXACT)
    # 3-cycles: born where b = -(1 - a^2) / ((1 - a) a), stable until a^2 b = -1.
    (birth,) = diagram.curves_of(3, "border_collision")
    a, b = birth.points[:, 0], birth.points.sum(axis=1)
    np.testing.assert_allclose(b, -(1.0 + a) / a, rtol=EXACT)
    assert birth.outcome == "nonsmooth_fold"
    (flip_of_3,) = diagram.curves_of(3, "degenerate_flip")
    a, b = flip_of_3.points[:, 0], flip_of_3.points.sum(axis=1)
    np.testing.assert_allclose(a**2 * b, -1.0, rtol=0.0, atol=EXACT)


def test_counts_of_the_skew_tent_map():
    diagram = tent_diagram(max_order=2)
    a = diagram.x_values[np.newaxis, :]
    b = a + diagram.y_values[:, np.newaxis]
    inside = (np.abs(b + 1.0) > 1e-9) & (np.abs(a * b + 1.0) > 1e-9)
    assert inside.sum() >= inside.size - 3
    for counts, expected in (
        (diagram.n_stable[0], b > -1.0),
        (diagram.n_cycles[1], b < -1.0),
        (diagram.n_stable[1], (b < -1.0) & (a * b > -1.0)),
    ):
        np.testing.assert_array_equal(counts[inside], expected[inside])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(drawn(2, 4)))
def test_random_planes_against_listings(family, seed):
    model, x, y = random_plane(family, 1000 + seed, Size(2, 3))
    max_order = 3 if model.n_units <= 2 else 2
    diagram = rd.stability_diagram(model, x, y, max_order=max_order, n_threads=1, progress=False)
    assert problems_of(diagram, max_order) == []
    rng = np.random.default_rng(seed)
    for curve in diagram.curves:
        if curve.outcome != "infinity" and (curve.unit is None or curve.time_index is not None):
            point = curve.points[rng.integers(len(curve.points))]
            assert residual_of(model, diagram, curve, point) < EXACT


@pytest.mark.parametrize("seed", range(6))
def test_searches_and_listings_draw_the_same(seed):
    model, x, y = random_plane("ShallowPLRNN", 2000 + seed, Size(2, 2))
    listed = rd.stability_diagram(
        model, x, y, max_order=3, method="exhaustive", n_threads=1, progress=False
    )
    found = rd.stability_diagram(
        model, x, y, max_order=3, method="search", n_threads=1, progress=False
    )
    np.testing.assert_array_equal(listed.n_cycles, found.n_cycles)
    np.testing.assert_array_equal(listed.n_stable, found.n_stable)
    assert found.run.n_searched_completely == found.run.n_points
    # Listing sees what lies between two points of a line, too.
    own = {(curve.kind, curve.itinerary.tobytes()) for curve in listed.curves}
    assert {(curve.kind, curve.itinerary.tobytes()) for curve in found.curves} <= own


@pytest.fixture(scope="module")
def around_plrnn_2d_16():
    model = rd.examples.load("plrnn_2d_16")
    x, y = model.get_parameter("A[0,0]"), model.get_parameter("A[1,1]")
    return model, (
        ("A[0,0]", np.linspace(x - 0.05, x + 0.35, 15)),
        ("A[1,1]", np.linspace(y - 0.4, y + 0.02, 14)),
    )


@pytest.fixture(scope="module")
def tongues(around_plrnn_2d_16):
    model, axes = around_plrnn_2d_16
    return rd.stability_diagram(model, *axes, max_order=16, n_threads=1, progress=False)


def test_high_orders_agree_with_complete_searches(tongues):
    assert not tongues.gaps
    assert tongues.run.complete
    # The published 16-cycles are in one of the tongues that the grid meets.
    assert tongues.n_cycles[tongues.orders.index(16)].any()
    rng = np.random.default_rng(5)
    for point in rng.choice(15 * 14, size=25, replace=False).tolist():
        row, column = divmod(point, 15)
        at = tongues.model_at(row, column)
        cycles = rd.find_cycles(at, max_order=16, method="complete", progress=False)
        counts = [len(cycles.of_order(order)) for order in tongues.orders]
        assert counts == tongues.n_cycles[:, row, column].tolist()
        stable = [len(cycles.of_order(order).stable) for order in tongues.orders]
        assert stable == tongues.n_stable[:, row, column].tolist()


def test_every_point_of_every_curve_lies_on_it(around_plrnn_2d_16, tongues):
    model, _ = around_plrnn_2d_16
    worst = 0.0
    for curve in tongues.curves:
        if curve.outcome == "infinity":
            continue
        for point in curve.points[:: max(len(curve.points) // 6, 1)]:
            worst = max(worst, residual_of(model, tongues, curve, point))
    assert worst < EXACT


def test_threads_and_executors_do_not_matter(around_plrnn_2d_16):
    model, axes = around_plrnn_2d_16
    coarse = [(name, values[::3]) for name, values in axes]
    one = rd.stability_diagram(model, *coarse, max_order=14, n_threads=1, progress=False)
    two = rd.stability_diagram(model, *coarse, max_order=14, n_threads=2, progress=False)
    with ThreadPoolExecutor(2) as executor:
        other = rd.stability_diagram(
            model, *coarse, max_order=14, executor=executor, progress=False
        )
    assert one == two
    assert one == other


def test_a_store_is_taken_up_again(tmp_path, around_plrnn_2d_16):
    model, axes = around_plrnn_2d_16
    coarse = [(name, values[::4]) for name, values in axes]
    options = {"max_order": 12, "n_threads": 1, "store": tmp_path / "store"}
    stopped = [
        rd.stability_diagram(model, *coarse, progress=at_step(limit), **options) for limit in (2, 5)
    ]
    assert [part.run.stopped_by for part in stopped] == ["interrupt"] * 2
    resumed = rd.stability_diagram(model, *coarse, progress=False, **options)
    plain = rd.stability_diagram(model, *coarse, max_order=12, n_threads=1, progress=False)
    assert resumed == plain
    assert resumed.run.finished
    with pytest.raises(ValueError, match="store"):
        rd.stability_diagram(model, *coarse, max_order=11, progress=False, store=tmp_path / "store")


@pytest.mark.parametrize(("stage", "n_chunks"), [("lines", 1), ("lines", 3), ("curves", 1)])
def test_a_stopped_diagram_says_what_it_has_and_no_more(
    tmp_path, around_plrnn_2d_16, stage, n_chunks
):
    model, axes = around_plrnn_2d_16

    meter = CtrlC(lambda state: state.stage == stage and state.n_done == n_chunks)
    options = {"max_order": 6, "method": "exhaustive", "n_threads": 1}
    whole = rd.stability_diagram(model, *axes, progress=False, **options)
    part = rd.stability_diagram(model, *axes, progress=meter, **options)
    assert part.run.stopped_by == "interrupt"
    assert not part.run.complete
    assert part.curves == part.gaps == ()
    reached = part.reached
    assert part.run.n_lines_done == (8 * n_chunks if stage == "lines" else part.run.n_lines)
    assert reached.any()
    # The rows come first.
    assert reached.all() == (stage == "curves" or n_chunks > 1)
    for own, all_of_it in ((part.n_cycles, whole.n_cycles), (part.n_stable, whole.n_stable)):
        assert (own[:, ~reached] == -1).all()
        np.testing.assert_array_equal(own[:, reached], all_of_it[:, reached])
    text = f"INCOMPLETE: interrupted after {part.run.n_lines_done} of {part.run.n_lines} lines"
    assert text in repr(part)
    part.save(tmp_path / "part.npz")
    assert rd.load_result(tmp_path / "part.npz") == part
    rd.plot.stability_diagram(part)


def test_saving_pickling_and_tables(tmp_path, tongues):
    path = tmp_path / "tongues.npz"
    tongues.save(path)
    assert rd.StabilityDiagram.load(path) == tongues
    assert pickle.loads(pickle.dumps(tongues)) == tongues
    assert "order 16" in repr(tongues)
    dataset = tongues.to_xarray()
    assert dataset.sizes["order"] == 16
    np.testing.assert_array_equal(dataset["n_stable"].sel(order=1), tongues.n_stable[0])
    numbers = dataset["curve_point_curve"].to_numpy()
    np.testing.assert_array_equal(
        dataset["curve_point_x"].to_numpy()[numbers == 3], tongues.curves[3].points[:, 0]
    )
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="stability diagram"):
        rd.StabilityDiagram.load(path)


def test_products_of_parameters_are_allowed():
    rng = np.random.default_rng(3)
    model = rd.DendriticPLRNN(
        rng.normal(size=2),
        rng.normal(size=(2, 2)),
        rng.normal(size=2),
        rng.normal(size=1),
        rng.normal(size=(1, 2)),
    )
    value = model.get_parameter("W[0,1]")
    diagram = rd.stability_diagram(
        model,
        ("alpha[0]", np.linspace(-1.0, 1.0, 8)),
        ("W[0,1]", np.linspace(value - 1.0, value + 1.0, 7)),
        max_order=2,
        n_threads=1,
        progress=False,
    )
    assert problems_of(diagram, 2) == []


def test_a_boundary_along_a_line_of_the_grid():
    # With h = 0 the fixed point lies on the border for every slope, and the grid has a row there.
    model = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    diagram = rd.stability_diagram(
        model,
        ("W[0,0]", np.linspace(-2.2, -0.4, 4)),
        ("h[0]", np.array([-1.0, -0.4, 0.0, 0.7])),
        max_order=1,
        n_threads=1,
        progress=False,
    )
    points = np.concatenate([curve.points for curve in diagram.curves_of(1, "border_collision")])
    np.testing.assert_allclose(points[:, 1], 0.0, atol=EXACT)
    assert points[:, 0].min() <= -2.2 + 1e-9
    assert points[:, 0].max() >= -0.4 - 1e-9


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (("A[0,9]", [0.0, 1.0]), ("W[0,0]", [0.0, 1.0]), ValueError, "A\\[0,9\\]"),
        ("A[0,0]", ("W[0,0]", [0.0, 1.0]), TypeError, "x must be the name of a parameter"),
        (
            ("A[0,0]", [0.0]),
            ("W[0,0]", [0.0, 1.0]),
            ValueError,
            "x must be a list of at least",
        ),
        (("A[0,0]", [0.0, 1.0]), ("W[0,0]", [1.0, 0.0]), ValueError, "y must ascend"),
        (
            ("A[0,0]", [0.0, np.nan]),
            ("W[0,0]", [0.0, 1.0]),
            ValueError,
            "x must be finite",
        ),
        (("A[0,0]", [0.0, 1.0]), ("A[0,0]", [0.0, 1.0]), ValueError, "different parameters"),
    ],
)
def test_bad_axes(x, y, error, message):
    model = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    with pytest.raises(error, match=message):
        rd.stability_diagram(model, x, y, max_order=1, progress=False)


def test_unknown_kinds_of_curves(tongues):
    with pytest.raises(ValueError, match="kind must be one of"):
        tongues.curves_of(kind="border collision")


def test_other_bad_arguments():
    model = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    axes = (("A[0,0]", [0.0, 1.0]), ("W[0,0]", [0.0, 1.0]))
    with pytest.raises(ValueError, match="give either max_order"):
        rd.stability_diagram(model, *axes, progress=False)
    with pytest.raises(ValueError, match="method must be one of"):
        rd.stability_diagram(model, *axes, max_order=1, method="guess", progress=False)
    with pytest.raises(ValueError, match="shading must be one of"):
        rd.plot.stability_diagram(
            rd.stability_diagram(model, *axes, max_order=1, progress=False), shading="red"
        )


def counts_at_points(model, x, y, orders):
    """Return what exact listing counts at every point, shape (n_orders, n_y, n_x)."""
    counts = np.zeros((len(orders), len(y[1]), len(x[1])), dtype=int)
    for i, j in np.ndindex(len(y[1]), len(x[1])):
        at = model.with_parameters({x[0]: float(x[1][j]), y[0]: float(y[1][i])})
        found = rd.find_cycles(at, orders=orders, method="exhaustive", progress=False)
        for place, order in enumerate(orders):
            counts[place, i, j] = sum(cycle.order == order for cycle in found)
    return counts


def test_a_grid_line_on_a_border_counts_each_cycle_once():
    model = rd.PLRNN([[0.5]], [[-1.0]], [0.5])
    x, y = ("W[0,0]", [-3.0, -2.5, -2.0]), ("h[0]", [-1.0, 0.0, 1.0])
    diagram = rd.stability_diagram(model, x, y, max_order=1, progress=False)
    assert diagram.n_cycles[0].tolist() == [[1, 1, 1]] * 3
    assert diagram.gaps == ()


def test_a_multiplier_of_one_at_points_of_the_grid():
    # A + W = 1 at W = 0.5: no fixed point with the unit on for h != 0, a half-line at h = 0.
    model = rd.PLRNN([[0.5]], [[0.3]], [0.5])
    x, y = ("W[0,0]", [0.0, 0.5, 1.0]), ("h[0]", [-1.0, 0.0, 1.0])
    diagram = rd.stability_diagram(model, x, y, max_order=1, progress=False)
    expected = counts_at_points(model, x, y, [1])
    places = {(gap.x, gap.y) for gap in diagram.gaps}
    assert (0.5, 0.0) in places
    for i, j in np.ndindex(3, 3):
        if (x[1][j], y[1][i]) not in places:
            assert diagram.n_cycles[0, i, j] == expected[0, i, j], (x[1][j], y[1][i])


@pytest.mark.parametrize("seed", range(12))
def test_grids_of_round_numbers_agree_with_exact_listing_or_say_so(seed):
    rng = np.random.default_rng([41, seed])
    n = int(rng.integers(1, 3))
    halves = lambda *shape: rng.integers(-4, 5, shape) / 2.0  # noqa: E731
    model = rd.PLRNN(rng.integers(-1, 2, n) / 2.0, halves(n, n), halves(n))
    names = rng.permutation(np.array(model.scalar_names()))[:2].tolist()
    x, y = ((name, [-1.0, -0.5, 0.0, 0.5, 1.0]) for name in names)
    diagram = rd.stability_diagram(model, x, y, max_order=2, progress=False)
    expected = counts_at_points(model, x, y, [1, 2])
    places = {(gap.x, gap.y) for gap in diagram.gaps}
    rows, columns = {gap.y for gap in diagram.gaps}, {gap.x for gap in diagram.gaps}
    for i, j in np.ndindex(5, 5):
        place = float(x[1][j]), float(y[1][i])
        # A gap of a line speaks of the line.
        if place in places or place[0] in columns or place[1] in rows:
            continue
        assert diagram.n_cycles[:, i, j].tolist() == expected[:, i, j].tolist(), place


def test_events_that_fill_an_area_are_no_curves():
    model = rd.PiecewiseLinearMap(
        [[0.0]], [[1.0, 0.0, 1.0]], [[1.0], [-1.0], [1.0]], [-1.0], [1.0, -1.0, 0.0]
    )
    x, y = ("W2[1,0]", np.linspace(-2, -0.5, 3)), ("W1[0,1]", np.linspace(-1, 0.5, 3))
    diagram = rd.stability_diagram(model, x, y, max_order=1, progress=False)
    assert len(diagram.curves) < 50
    assert diagram.gaps
