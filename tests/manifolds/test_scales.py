"""The same network in other units: of its states, and of its hidden units."""

import functools

import numpy as np
import pytest

import rnndyn as rd
from manifold_cases import cycles_of, network


def in_units(model, state, hidden):
    """Return the map of states and pre-activations that are 2^state and 2^hidden times as large."""
    c = model.canonical
    ratio = hidden - state
    return rd.PiecewiseLinearMap(
        c.A,
        np.ldexp(c.W1, -ratio),
        np.ldexp(c.W2, ratio),
        np.ldexp(c.h1, state),
        np.ldexp(c.h2, hidden),
    )


def everything(model, size):
    """Return what is said of a network, with lengths in units of `size`."""
    options = {"n_threads": 1, "progress": False}
    cycles = cycles_of(model, 2)
    boundary = rd.basin_boundary(cycles, box=10.0 * size, depth=6, max_pieces=60, **options)
    states = size * np.random.default_rng(0).uniform(-3.0, 3.0, (6, model.n_states))
    plane = rd.basins(
        cycles, *([np.linspace(-3.0 * size, 3.0 * size, 8)] * 2), dims=(0, 1), **options
    )
    shares = rd.basin_fractions(cycles, 3.0 * size, n=100, **options)
    closest = boundary.closest_point(states)
    exact = {
        "gates": [gate.sides for gate in boundary.gates],
        "parents": boundary.pieces.parents.tolist(),
        "regions": boundary.pieces.regions.tolist(),
        "run": (boundary.run.end, boundary.run.n_undecided, boundary.complete),
        "on": boundary.contains(closest.points).tolist(),
        "off": boundary.contains(states).tolist(),
        "labels": plane.labels.tolist(),
        "n_steps": plane.n_steps.tolist(),
        "counts": (shares.counts.tolist(), shares.n_undecided, shares.n_unbounded),
        "signs": rd.invertibility(model).signs.tolist(),
    }
    lengths = {
        "values": boundary.pieces.values,
        "bounds": boundary.pieces.bounds,
        "distances": closest.distances,
        "steps": boundary.smallest_perturbation(states),
        "through": np.linalg.norm(boundary.smallest_perturbation(states, beyond=1e-6), axis=1),
        "attractors": np.concatenate([cycle.points for cycle in boundary.attractors]),
    }
    return exact, {name: value / size for name, value in lengths.items()}


@functools.cache
def in_its_own(case):
    return everything(network(*case), 1.0)


UNITS = [(-400, -400), (-40, -40), (400, 400), (-400, 0), (400, 0), (0, -300), (-200, 200)]
CASES = [((16, 2, 6), units) for units in UNITS] + [((34, 3, 4), units) for units in UNITS[::2]]


@pytest.mark.parametrize(("case", "units"), CASES)
def test_nothing_depends_on_units(case, units):
    """Sides of gates were undecided with states below 1e-100, and the boundary empty."""
    state, hidden = units
    same, close = in_its_own(case)
    assert len(set(same["gates"][0])) == 2
    assert all(same["on"])
    assert not any(same["off"])
    size = 2.0**state
    exact, lengths = everything(in_units(network(*case), state, hidden), size)
    assert exact == same
    for name, value in lengths.items():
        np.testing.assert_allclose(value, close[name], rtol=1e-7, atol=1e-8, err_msg=name)


def test_states_too_large_for_their_units_are_refused():
    model = in_units(network(16, 2, 6), -400, -400)
    boundary = rd.basin_boundary(cycles_of(model), depth=1, progress=False)
    with pytest.raises(ValueError, match=r"^states must be numbers up to \d.*e\+\d+, as"):
        boundary.distance([1e40, 0.0])
