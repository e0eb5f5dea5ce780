"""Boundaries of basins against brute force, and the states on both sides of them."""

import dataclasses

import numpy as np
import pytest

import ctrl_c
import rnndyn as rd
from draws import drawn
from manifold_cases import cycles_of, fates, network, step
from rnndyn.basins_of_attraction._fates import Fates
from rnndyn.manifolds.boundary import is_gate, segments_beside
from rnndyn.manifolds.branches import fates_of_segment


def boundary_of(seed, n_states, n_units, **options):
    """Return the boundary of a random network, or None where there is none."""
    model = network(seed, n_states, n_units)
    cycles = cycles_of(model, 4 if n_states == 2 else 1)
    if len(cycles.stable) < 1 or not len(cycles.saddles):
        return None
    return rd.basin_boundary(cycles, n_threads=1, progress=False, **options)


def with_pieces(n_wanted, n_states, n_units, **options):
    """Yield so many networks with a boundary, and it."""
    n_found, seed = 0, 0
    while n_found < n_wanted:
        boundary = boundary_of(seed, n_states, n_units, **options)
        seed += 1
        if boundary is not None and len(boundary.pieces):
            n_found += 1
            yield seed, boundary


def changes(boundary, segments, first, second, labels):
    """Count edges of a grid whose ends go to different attractors but that nothing crosses.

    And edges that one piece of a clean gate crosses once, whose ends go to the same one.
    """
    n_crossings = np.zeros(len(first), dtype=int)
    clean = np.ones(len(first), dtype=bool)
    single = [[len(side) == 1 for side in gate.sides] for gate in boundary.gates]
    for (start, end), gate in segments:
        along = end - start
        normal = np.array([-along[1], along[0]])
        one, other = (first - start) @ normal, (second - start) @ normal
        (edges,) = np.nonzero((one > 0.0) != (other > 0.0))
        share = one[edges] / (one[edges] - other[edges])
        points = first[edges] + share[:, np.newaxis] * (second[edges] - first[edges])
        place = (points - start) @ along / (along @ along)
        hit = edges[(place >= 0.0) & (place <= 1.0)]
        n_crossings[hit] += 1
        clean[hit] &= all(single[gate])
    known = (labels >= -2) & (labels != -1)
    known = known.all(axis=1)
    differ = labels[:, 0] != labels[:, 1]
    return (
        int((known & differ & (n_crossings == 0)).sum()),
        int((known & ~differ & clean & (n_crossings == 1)).sum()),
        int((known & differ).sum()),
    )


def test_no_pixel_is_on_the_wrong_side():
    """Complete boundaries of networks with two states, against orbits from a grid."""
    n_edges = n_complete = 0
    for seed, boundary in with_pieces(drawn(4, 500), 2, 6, depth=200, max_pieces=4_000):
        pieces = boundary.pieces
        segments = [(pieces.outline(i), int(boundary.gate_numbers[i])) for i in range(len(pieces))]
        marks = [cycle.points for cycle in boundary.attractors]
        marks = np.concatenate([*marks, *(gate.cycle.points for gate in boundary.gates)])
        lower, upper = marks.min(axis=0), marks.max(axis=0)
        size = (upper - lower).max()
        # Odd numbers, so that no pixel lies on a line that somebody chose.
        axes = np.linspace(lower - 0.713 * size, upper + 0.713 * size, drawn(31, 61)).T
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        labels = fates(boundary.model, boundary.attractors, grid.reshape(-1, 2), 1_500)
        labels = labels.reshape(grid.shape[:2])
        for axis in (0, 1):
            ahead = np.moveaxis(grid, axis, 0)
            named = np.moveaxis(labels, axis, 0)
            ends = np.stack([named[:-1].ravel(), named[1:].ravel()], axis=1)
            missed, extra, found = changes(
                boundary,
                segments,
                ahead[:-1].reshape(-1, 2),
                ahead[1:].reshape(-1, 2),
                ends,
            )
            # Where pieces are missing, the second crossing of an edge may be one of them.
            if boundary.run.end == "exhausted" and not unknown_gates(boundary):
                assert extra == 0, seed
                n_complete += 1
                n_edges += found
                assert missed == 0, seed
    assert n_complete > 0
    assert n_edges > 100


def unknown_gates(boundary):
    """Whether there must be gates that were not found: on a side several fates are possible."""
    return any(len(side) > 1 or -1 in side for gate in boundary.gates for side in gate.sides)


@pytest.mark.parametrize("n_states", range(3, 11))
def test_both_sides_of_a_piece_go_to_different_attractors(n_states):
    """Close to random points of pieces, as the sides of their gate say."""
    n_right = n_near = n_all = 0
    n_units = 4 if n_states < 6 else 3
    networks = with_pieces(10**6, n_states, n_units, depth=4, box=20.0, max_pieces=300)
    for seed, boundary in networks:
        if n_all >= drawn(20, 5_000):
            break
        pieces = boundary.pieces
        thick = np.flatnonzero(pieces.radii > 1e-3)
        states, numbers = pieces.sample(drawn(80, 400), np.random.default_rng(seed))
        # The way of 1e-6 must not leave the region of the piece, nor of its images.
        rows = [pieces.rows_of(int(i)) for i in numbers]
        inside = np.array(
            [
                number in thick and (bounds - normals @ state).min(initial=1.0) > 1e-4
                for state, number, (normals, bounds) in zip(states, numbers, rows, strict=True)
            ]
        )
        states, numbers = states[inside], numbers[inside]
        normals = pieces.equations[numbers, 0]
        near = beside(boundary, states, normals, 1e-6)
        # Another part of the boundary may be that close; then not closer still.
        nearer = beside(boundary, states, normals, 1e-11)
        for number, pair, other in zip(numbers, near, nearer, strict=True):
            gate = boundary.gates[int(boundary.gate_numbers[number])]
            wanted = [{*gate.sides[0]}, {*gate.sides[1]}]
            # Of a side that is undecided nothing is said.
            if any(len(side) > 1 or -1 in side for side in wanted):
                continue
            n_all += 1
            n_near += [{pair[0]}, {pair[1]}] in (wanted, wanted[::-1])
            n_right += [{other[0]}, {other[1]}] in (wanted, wanted[::-1])
    assert n_all >= drawn(20, 5_000)
    assert n_right == n_all
    assert n_near >= 0.98 * n_all


def beside(boundary, states, normals, distance):
    """Return where the orbits from both sides of states on pieces go, one row for each."""
    sides = [
        fates(boundary.model, boundary.attractors, states + sign * distance * normals)
        for sign in (-1.0, 1.0)
    ]
    return np.stack(sides, axis=1)


def test_states_whose_distance_would_overflow_are_refused():
    model = rd.PiecewiseLinearMap(
        A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    )
    boundary = rd.basin_boundary(rd.find_cycles(model, max_order=1))
    assert boundary.smallest_perturbation([1e150]).tolist() == [-1e150]
    assert boundary.smallest_perturbation(np.zeros((0, 1))).shape == (0, 1)
    for far in (1e155, -1e300):
        for measure in (boundary.smallest_perturbation, boundary.distance):
            with pytest.raises(ValueError, match="states must be numbers up to 1e"):
                measure([far])


def test_the_smallest_perturbation_changes_the_fate():
    """A bit longer it does; a bit shorter, in this and in random directions, it does not."""
    n_checked = 0
    for seed, boundary in with_pieces(10**6, 2, 6, depth=200, max_pieces=2_000):
        if n_checked >= drawn(10, 200):
            break
        if boundary.run.end != "exhausted" or unknown_gates(boundary):
            continue
        rng = np.random.default_rng(seed)
        spread = np.concatenate([cycle.points for cycle in boundary.attractors])
        states = spread.mean(axis=0) + 2.0 * rng.normal(size=(20, 2))
        steps = boundary.smallest_perturbation(states)
        lengths = boundary.distance(states)
        np.testing.assert_allclose(np.linalg.norm(steps, axis=1), lengths, rtol=1e-9)
        own = fates(boundary.model, boundary.attractors, states)
        beyond = boundary.smallest_perturbation(states, beyond=1e-6)
        assert (np.linalg.norm(beyond, axis=1) <= lengths * (1.0 + 1.001e-6)).all()
        after = fates(boundary.model, boundary.attractors, states + beyond)
        clear = lengths > 1e-5
        assert (own[clear] != after[clear]).all()
        for _ in range(5):
            turned = rng.normal(size=steps.shape)
            turned *= (lengths * (1.0 - 1e-6) / np.linalg.norm(turned, axis=1))[:, np.newaxis]
            again = fates(boundary.model, boundary.attractors, states + turned)
            assert (own == again)[clear].all()
        n_checked += clear.sum()


#: Boundaries in a box whose closest points were off their pieces, because the normals of long words
#: turned to the equations (16, 119), or are corners that the straight way passes by (70, 98, 122).
IN_A_BOX = (16, 70, 98, 119, 122)


@pytest.mark.parametrize("seed", IN_A_BOX)
def test_the_way_through_changes_the_fate_at_corners_and_ends_of_pieces(seed):
    boundary = boundary_of(seed, 2, 6, box=10.0, depth=200)
    states = np.random.default_rng(seed).uniform(-10.0, 10.0, (20, 2))
    closest = boundary.closest_point(states)
    assert boundary.contains(closest.points, 1e-9).all()
    steps = boundary.smallest_perturbation(states, beyond=1e-6)
    assert (np.linalg.norm(steps, axis=1) <= closest.distances * (1.0 + 1.001e-6)).all()
    own, after = (
        fates(boundary.model, boundary.attractors, ends, 500) for ends in (states, states + steps)
    )
    assert (own >= 0).all()
    assert (after >= 0).all()
    assert (own != after).all()
    # Straight on it is not the same, at a corner that points at the state.
    if seed == 70:
        straight = states + (1.0 + 1e-6) * boundary.smallest_perturbation(states)
        assert (fates(boundary.model, boundary.attractors, straight, 500) == own).any()


def test_the_way_through_a_point_is_longer_by_what_was_asked_for():
    boundary = rd.basin_boundary(rd.find_cycles(bistable(), 1, progress=False))
    assert boundary.smallest_perturbation([1.5], beyond=0.5) == pytest.approx([-2.25])
    assert boundary.smallest_perturbation([0.0], beyond=0.5).tolist() == [0.0]
    with pytest.raises(ValueError, match=r"^beyond must be a positive, finite number"):
        boundary.smallest_perturbation([1.5], beyond=0.0)


def test_gates_outside_the_box_leave_it_incomplete():
    away = boundary_of(149, 2, 6, box=10.0, depth=200)
    assert away.gates_outside == (1,)
    assert away.run.complete
    assert not away.complete
    assert "Not complete: outside the box and without pieces: gate 1" in repr(away)
    inside = boundary_of(149, 2, 6, box=20.0, depth=200)
    assert inside.gates_outside == ()
    assert inside.complete


def test_attractors_that_were_not_named_are_found_from_the_gates():
    model = network(34, 3, 4)
    cycles = cycles_of(model, 1)
    boundary = rd.basin_boundary(cycles, depth=0, progress=False)
    assert [cycle.order for cycle in boundary.attractors] == [1, 2]
    assert len(cycles.stable) == 1
    assert not unknown_gates(boundary)


def test_what_is_undecided_beside_attractors_separates_nothing():
    cycle = rd.find_cycles(bistable(), 1, progress=False)[0]
    sides = {((0,), (0, -1)): False, ((-1,), (-1,)): False, ((-1,), (0,)): True}
    for pair, separates in sides.items():
        assert rd.manifolds.Gate(cycle, pair).separates == separates


def bistable():
    return rd.PiecewiseLinearMap(
        A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    )


def test_a_network_with_one_state_has_points_as_boundary():
    boundary = rd.basin_boundary(rd.find_cycles(bistable(), 1, progress=False))
    assert boundary.dimension == 0
    np.testing.assert_allclose(boundary.pieces.values, [[0.0]], atol=1e-12)
    assert boundary.distance([[1.5], [-0.25]]).tolist() == pytest.approx([1.5, 0.25])
    assert boundary.separating.tolist() == [True]
    assert boundary.complete


def test_unbounded_orbits_are_a_side_of_their_own():
    line = rd.PLRNN(A=[[2.0]], W=[[-1.5]], h=[1.0])
    boundary = rd.basin_boundary(rd.find_cycles(line, 1, progress=False))
    assert {side for gate in boundary.gates for side in gate.sides} == {(-2,), (0,)}
    assert "unbounded" in repr(boundary)


def test_without_gates_there_is_no_boundary():
    alone = rd.PLRNN(A=[[0.5]], W=[[0.0]], h=[1.0])
    boundary = rd.basin_boundary(rd.find_cycles(alone, 1, progress=False))
    assert boundary.distance([[1.0], [2.0]]).tolist() == [np.inf, np.inf]
    assert np.isnan(boundary.smallest_perturbation([1.0])).all()
    assert len(boundary.gates) == 0


@pytest.mark.threads
def test_a_boundary_does_not_depend_on_the_number_of_threads():
    model = network(152, 2, 6)
    cycles = cycles_of(model, 4)
    alone = rd.basin_boundary(cycles, box=10.0, depth=30, n_threads=1, progress=False)
    assert len(alone.pieces) > 100
    for n_threads in (2, 4, 7):
        more = rd.basin_boundary(cycles, box=10.0, depth=30, n_threads=n_threads, progress=False)
        assert more == alone


def test_a_boundary_that_grows_too_large_is_incomplete():
    part = boundary_of(75, 2, 6, box=10.0, depth=200, max_pieces=20)
    assert (np.bincount(part.gate_numbers) <= 20).all()
    assert part.run.end == "max_pieces"
    assert not part.complete
    assert "Not complete: the limit max_pieces was reached" in repr(part)


def test_ctrl_c_before_the_first_gate_returns_what_there_is(monkeypatch):
    cycles = rd.find_cycles(bistable(), 1, progress=False)
    monkeypatch.setattr("rnndyn.basins_of_attraction._fates.Fates.add", ctrl_c.press)
    boundary = rd.basin_boundary(cycles, progress=False)
    assert boundary.run.stopped_by == "interrupt"
    assert len(boundary.gates) == len(boundary.pieces) == 0
    assert not boundary.complete


def test_what_is_no_cycle_set_is_refused():
    with pytest.raises(TypeError, match=r"^cycles must be a CycleSet"):
        rd.basin_boundary(bistable())
    with pytest.raises(ValueError, match=r"^depth must be between 0"):
        rd.basin_boundary(rd.find_cycles(bistable(), 1, progress=False), depth=-1)


def test_a_gate_with_an_undecided_side_leaves_it_incomplete():
    """Its part of the boundary may be missing, which was called complete."""
    boundary = rd.basin_boundary(rd.find_cycles(bistable(), 1, progress=False))
    gate = boundary.gates[0]
    nothing = dataclasses.replace(boundary.pieces, **EMPTY)
    for sides, undecided in {
        ((-1,), (-1,)): True,
        ((0,), (0, -1)): True,
        ((0,), (-1,)): False,
        ((0, -1), (1,)): False,
        ((0,), (0,)): False,
    }.items():
        known = rd.manifolds.Gate(gate.cycle, sides)
        assert known.undecided == undecided
        other = dataclasses.replace(
            boundary, gates=(known,), pieces=nothing, gate_numbers=np.zeros(0), trees=()
        )
        assert other.gates_undecided == ((0,) if undecided else ())
        assert other.complete != undecided
        assert ("Not complete: undecided whether they separate" in repr(other)) == undecided
        assert ("Complete for orbits" in repr(other)) != undecided


#: Arrays of no pieces of a network with one state and two units.
EMPTY = {
    **dict.fromkeys(("parents", "phases", "depths", "radii", "bounds", "bound_errors"), ()),
    "regions": np.zeros((0, 2)),
    "interiors": np.zeros((0, 1)),
    "equations": np.zeros((0, 1, 1)),
    "values": np.zeros((0, 1)),
    "value_errors": np.zeros((0, 1)),
    "inequalities": np.zeros((0, 1)),
    "starts": np.zeros(1),
}


def test_the_branches_of_a_symmetric_network_leave_the_symmetric_states():
    """The iteration for their direction began at (1, 1), which the map keeps."""
    model = rd.PiecewiseLinearMap(
        A=[0.5, 0.5],
        W1=[[0.5, -0.5], [-0.5, 0.5]],
        W2=[[1.0, -1.0], [1.0, -1.0]],
        h1=[-0.5, 0.5],
        h2=[1.0, -1.0],
    )
    boundary = rd.basin_boundary(rd.find_cycles(model, 1, progress=False), progress=False)
    assert [gate.sides for gate in boundary.gates] == [((0,), (1,))]
    assert boundary.distance([1.0, -1.0]) == pytest.approx(np.sqrt(2.0))
    assert boundary.complete


def test_a_segment_between_two_far_ends_is_not_far_as_a_whole():
    """Both ends leave all bounds, on two sides of the basin of 0 in the middle."""
    line = rd.PiecewiseLinearMap(
        A=[[0.5]], W1=[[2.5, -2.5]], W2=[[1.0], [-1.0]], h1=[0.0], h2=[-1.0, -1.0]
    )
    cycles = rd.find_cycles(line, 1, progress=False)
    fates = Fates(line, cycles.stable, 1_000, 1e3)
    far = np.array([1e4])
    assert fates_of_segment(line.canonical, -far, far, fates, 1e3, lambda: False) == (-2, 0)
    assert fates_of_segment(line.canonical, far, 2.0 * far, fates, 1e3, lambda: False) == (-2,)


def test_branches_of_long_cycles_stay_in_the_regions_for_a_turn():
    """A step that is much longer at another point of the cycle crossed a border there."""
    for seed in range(40):
        model = network(seed, 2, 6)
        for cycle in cycles_of(model, 4):
            if not is_gate(cycle) or cycle.order < 2:
                continue
            near_far = segments_beside(cycle, model.canonical)
            for near, far in near_far:
                states = np.array([near, far])
                for _ in range(2):
                    for region in cycle.itinerary:
                        own = states[0] @ model.canonical.W2.T + model.canonical.h2 > 0.0
                        np.testing.assert_array_equal(own, region)
                        states = step(model, states)
                np.testing.assert_allclose(states[0], far, atol=1e-9)
