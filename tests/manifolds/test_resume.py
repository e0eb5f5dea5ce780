"""Manifolds and boundaries that were stopped and go on: the pieces of a run that was not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import at_step
from draws import drawn
from manifold_cases import cycles_of, gate_of, network
from rnndyn.manifolds.pieces import parts_of

FILES = Path(__file__).parents[1] / "golden" / "files"


def assert_same(found, whole):
    """Everything but the time it took, bit for bit."""
    assert found == whole
    for name in ("value_errors", "bound_errors"):
        np.testing.assert_array_equal(getattr(found.pieces, name), getattr(whole.pieces, name))
    assert found.trees == whole.trees
    assert found.run == whole.run


# Manifolds --------------------------------------------------------------------------------------


@pytest.mark.threads
@pytest.mark.parametrize("kind", ["stable", "unstable"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_manifold_goes_on_from_any_number_of_pieces(kind, order, tmp_path):
    cycle = gate_of(152, 2, 6, order)
    options = {"box": 10.0, "progress": False}
    whole = rd.manifold(cycle, kind, depth=6, n_threads=1, **options)
    assert len(whole.pieces) > 12
    path = tmp_path / "part.npz"
    for cut in (1, 2, 5, len(whole.pieces) // 2, len(whole.pieces) - 1, len(whole.pieces)):
        part = rd.manifold(cycle, kind, depth=6, max_pieces=cut, n_threads=1, **options)
        assert len(part.pieces) == max(cut, cycle.order)
        for n_threads in (1, 2, 4):
            ended = rd.manifold(cycle, kind, depth=6, resume=part, n_threads=n_threads, **options)
            assert ended == whole
            assert ended.trees == whole.trees
        part.save(path)
        loaded = rd.Manifold.load(path)
        again = rd.manifold(loaded.cycle, kind, depth=9, resume=loaded, **options)
        assert_same(again, rd.manifold(cycle, kind, depth=9, **options))


@pytest.mark.parametrize("seed", range(drawn(3, 40)))
def test_many_small_steps_are_one_large_one(seed, tmp_path):
    cycle = gate_of(seed, 2 + seed % 3)
    whole = rd.manifold(cycle, depth=6, max_pieces=300, progress=False)
    found = rd.manifold(cycle, depth=0, max_pieces=1, progress=False)
    rng = np.random.default_rng(seed)
    while found.run.depth < 6 or found.run.max_pieces < 300:
        found = rd.manifold(
            cycle,
            depth=min(6, found.run.depth + int(rng.integers(0, 2))),
            max_pieces=min(300, found.run.max_pieces + int(rng.integers(0, 60))),
            resume=found,
            progress=False,
        )
        if rng.random() < 0.3:
            found.save(tmp_path / "part.npz")
            found = rd.load_result(tmp_path / "part.npz")
    assert_same(found, whole)


@pytest.mark.threads
@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_ctrl_c_loses_nothing(n_threads):
    cycle = gate_of(0, 5, 4)
    options = {"depth": 8, "max_pieces": 3_000, "n_threads": n_threads}
    whole = rd.manifold(cycle, progress=False, **options)
    found, n_stops = None, 0
    while found is None or not found.run.finished:
        before = 0 if found is None else found.trees[0].n_expanded
        # Steps come by the clock: twice as many every time, or a slow build stops hundreds of times
        # in what it does once at the end.
        found = rd.manifold(cycle, resume=found, progress=at_step(2**n_stops), **options)
        assert found.trees[0].n_expanded >= before
        n_stops += not found.run.finished
    assert_same(found, whole)


def test_ctrl_c_leaves_what_was_found():
    cycle = gate_of(0, 5, 4)
    # Many times the work of the test above: it is never done before the first look at the keyboard.
    options = {"depth": 30, "max_pieces": 10**6}
    part = rd.manifold(cycle, progress=at_step(1), **options)
    assert part.run.stopped_by == "interrupt"
    assert not part.run.finished
    assert part.trees[0].n_expanded < 10**6


def test_what_was_stopped_before_it_began_goes_on():
    cycle = gate_of(0)
    little = rd.manifold(cycle, depth=4, time_limit=1e-9, progress=False)
    assert little.run.stopped_by == "time_limit"
    nothing = dataclasses.replace(little, pieces=parts_of(little.pieces, [0])[0])
    whole = rd.manifold(cycle, depth=4, progress=False)
    for begun in (little, nothing):
        assert_same(rd.manifold(cycle, depth=4, resume=begun, progress=False), whole)
    # And a stop at once keeps what there was.
    again = rd.manifold(cycle, depth=5, resume=whole, time_limit=1e-9, progress=False)
    assert again == whole
    assert again.run.end == "stopped"
    assert again.trees[0][:3] == whole.trees[0][:3]


def test_a_manifold_without_pieces_goes_on_without():
    cycle = gate_of(0)
    far = cycle.points.max() + 1.0
    away = rd.manifold(cycle, box=(far, far + 1.0), progress=False)
    again = rd.manifold(cycle, box=(far, far + 1.0), depth=30, resume=away, progress=False)
    assert len(again.pieces) == 0
    assert again.complete


def test_what_asks_something_else_is_refused():
    cycle = gate_of(152, 2, 6)
    part = rd.manifold(cycle, depth=3, box=10.0, max_pieces=20, progress=False)

    def on(cycle=cycle, kind="stable", **changes):
        options = {"depth": 3, "box": 10.0, "max_pieces": 20, "resume": part, **changes}
        return rd.manifold(cycle, kind, progress=False, **options)

    assert on() == part
    assert on(seed=3) == part
    with pytest.raises(TypeError, match=r"^resume must be what an earlier rnndyn.manifold\(...\) "):
        on(resume=cycle)
    with pytest.raises(ValueError, match=r"^resume must be of the same network"):
        on(gate_of(0))
    with pytest.raises(ValueError, match=r"^resume must be of the same cycle"):
        on(next(c for c in cycles_of(part.model, 2) if c != cycle))
    with pytest.raises(ValueError, match=r"^resume must be of the same kind, 'unstable'; it is"):
        on(kind="unstable")
    for box in (11.0, None):
        with pytest.raises(ValueError, match=r"^resume must be of the same box; give the same"):
            on(box=box)
    with pytest.raises(ValueError, match=r"^depth must be at least 3, as it was for resume"):
        on(depth=2)
    with pytest.raises(ValueError, match=r"^max_pieces must be at least 20, as it was for"):
        on(max_pieces=19)


def test_files_without_rounding_errors_are_refused():
    line = rd.PLRNN(A=[[2.0]], W=[[-1.5]], h=[1.0])
    cycles = rd.find_cycles(line, max_order=1, progress=False)
    manifold = rd.load_result(FILES / "manifold_1.npz")
    reason = r"^resume must know the rounding errors of its rows, but it comes from a file of "
    with pytest.raises(ValueError, match=reason):
        rd.manifold(manifold.cycle, depth=2, resume=manifold, progress=False)
    boundary = rd.load_result(FILES / "basin_boundary_1.npz")
    with pytest.raises(ValueError, match=reason):
        rd.basin_boundary(cycles, depth=2, resume=boundary, progress=False)


def test_pieces_that_were_changed_are_refused():
    cycle = gate_of(152, 2, 6)
    part = rd.manifold(cycle, depth=3, box=10.0, max_pieces=20, progress=False)
    pieces = part.pieces
    depths = pieces.depths.copy()
    depths[5] += 1
    parents = pieces.parents.copy()
    parents[-1] = 0
    values = pieces.values.copy()
    values[3] = np.inf
    for change in ({"depths": depths}, {"parents": parents}, {"values": values}):
        changed = dataclasses.replace(part, pieces=dataclasses.replace(pieces, **change))
        with pytest.raises(ValueError, match=r"^resume must hold the pieces as they were"):
            rd.manifold(cycle, depth=4, box=10.0, resume=changed, progress=False)
    for count in (-1, 21):
        tree = part.trees[0]._replace(n_expanded=count)
        changed = dataclasses.replace(part, trees=(tree,))
        with pytest.raises(ValueError, match=r"^resume must hold the pieces as they were"):
            rd.manifold(cycle, depth=4, box=10.0, resume=changed, progress=False)
    with pytest.raises(ValueError, match=r"^the counts of a tree must be integers from 0 on"):
        rd.manifolds.TreeState.from_dict({**part.trees[0]._asdict(), "n_empty": -1})


# Boundaries -------------------------------------------------------------------------------------


@pytest.mark.threads
@pytest.mark.parametrize(("seed", "n_states", "n_units"), [(149, 2, 6), (34, 3, 4)])
def test_a_boundary_goes_on_from_any_number_of_pieces(seed, n_states, n_units, tmp_path):
    """Of several gates, and with an attractor that a gate led to."""
    cycles = cycles_of(network(seed, n_states, n_units), 4 if n_states == 2 else 1)
    options = {"box": 20.0, "depth": 8, "progress": False}
    whole = rd.basin_boundary(cycles, max_pieces=300, n_threads=1, **options)
    assert whole.separating.sum() >= 1
    for cut, n_threads in ((1, 2), (7, 1), (30, 4)):
        part = rd.basin_boundary(cycles, max_pieces=cut, **options)
        part.save(tmp_path / "part.npz")
        part = rd.BasinBoundary.load(tmp_path / "part.npz")
        ended = rd.basin_boundary(
            cycles, max_pieces=300, resume=part, n_threads=n_threads, **options
        )
        assert_same(ended, whole)


def test_a_boundary_that_is_stopped_anywhere_goes_on(monkeypatch):
    """Stopped after every piece of work that Python knows of, one after the other."""
    cycles = cycles_of(network(149, 2, 6), 4)
    options = {"box": 20.0, "depth": 8, "progress": False}
    whole = rd.basin_boundary(cycles, **options)
    looks = []

    class Counting:
        def __init__(self, n):
            self.left = n

        def __call__(self):
            self.left -= 1
            return self.left < 0

        def seconds_left(self, at_least=0.0):
            return None

    def limited(n):
        def check(*arguments):
            limits = real(*arguments)
            return limits._replace(options=limits.options._replace(deadline=Counting(n)))

        return check

    module = "rnndyn.manifolds.boundary.check_limits"
    from rnndyn.manifolds import boundary

    real = boundary.check_limits
    found = None
    for n in range(0, 10_000, 3):
        monkeypatch.setattr(module, limited(n))
        part = rd.basin_boundary(cycles, resume=found, **options)
        looks.append((len(part.gates), len(part.trees)))
        found = part
        if part.run.finished:
            break
    assert len({*looks}) > 2
    monkeypatch.setattr(module, real)
    assert_same(rd.basin_boundary(cycles, resume=found, **options), whole)


def test_a_stop_does_not_lose_the_pieces_of_later_gates():
    cycles = cycles_of(network(149, 2, 6), 4)
    options = {"box": 20.0, "progress": False}
    first = rd.basin_boundary(cycles, depth=4, **options)
    assert len({*first.gate_numbers.tolist()}) > 1
    stopped = rd.basin_boundary(cycles, depth=12, resume=first, time_limit=1e-9, **options)
    assert not stopped.run.finished
    assert stopped.run.end == "stopped"
    assert stopped == first
    whole = rd.basin_boundary(cycles, depth=12, **options)
    assert_same(rd.basin_boundary(cycles, depth=12, resume=stopped, **options), whole)


def test_a_boundary_of_other_cycles_is_refused():
    model = network(149, 2, 6)
    cycles = cycles_of(model, 4)
    part = rd.basin_boundary(cycles, box=20.0, depth=2, progress=False)
    fewer = rd.find_cycles(model, orders=[2], method="search", max_restarts=200, progress=False)
    with pytest.raises(ValueError, match=r"^resume must be a boundary of the same cycles; give"):
        rd.basin_boundary(fewer, box=20.0, depth=2, resume=part, progress=False)
    with pytest.raises(TypeError, match=r"^resume must be what an earlier rnndyn.basin_boundary"):
        rd.basin_boundary(cycles, box=20.0, depth=2, resume=cycles, progress=False)


def test_ctrl_c_while_single_orbits_are_followed_is_heard(monkeypatch):
    """What is known of the sides of a gate may be half, so the gate is not kept."""
    cycles = cycles_of(network(149, 2, 6), 4)
    from rnndyn.basins_of_attraction._fates import Fates
    from rnndyn.manifolds import boundary

    def interrupted(self, states, options):
        self.stopped_by = "interrupt"
        return np.full(len(states), -3, dtype=np.int32)

    monkeypatch.setattr(boundary, "fates_of_segment", lambda *arguments: (-1,))
    monkeypatch.setattr(Fates, "of", interrupted)
    found = rd.basin_boundary(cycles, box=20.0, depth=2, progress=False)
    assert found.run.stopped_by == "interrupt"
    assert len(found.gates) == 0
