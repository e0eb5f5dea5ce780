"""Events along a path, as the core finds them, against pencils and brute-force solutions."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg

import ctrl_c
from bifurcation.core_paths import (
    BORDER,
    FLIP,
    INFINITY,
    NONE,
    STABILITY,
    TRANSCRITICAL,
    all_itineraries,
    canonical,
    core_map,
    follow,
    plrnn,
    random_parameters,
    scalar,
    spans,
)
from rnndyn import _core


def path_system(start, end, s, itinerary, closing=1.0):
    """Return matrix and right side of the linear system for the z_t and all p_t at one s."""
    a, w1, w2, h1, h2 = ((1 - s) * x + s * y for x, y in zip(start, end, strict=True))
    order, n_units = itinerary.shape
    n_states = len(a)
    block = n_states + n_units
    matrix = np.zeros((order * block, order * block))
    right = np.zeros(order * block)
    for t in range(order):
        z = slice(t * block, t * block + n_states)
        p = slice(t * block + n_states, (t + 1) * block)
        after = (t + 1) % order * block
        matrix[z, after : after + n_states] += (closing if t == order - 1 else 1.0) * np.eye(
            n_states
        )
        matrix[z, z] -= a
        matrix[z, p] -= w1 * itinerary[t]
        right[z] = h1
        matrix[p, p] = np.eye(n_units)
        matrix[p, z] = -w2
        right[p] = h2
    return matrix, right


def pencil_events(at_start, at_end):
    """Return the real s in [0, 1] where (1 - s) at_start + s at_end is singular."""
    alpha, beta = scipy.linalg.eig(
        at_start, at_start - at_end, right=False, homogeneous_eigvals=True
    )
    finite = np.abs(beta) > 1e-12 * np.abs(alpha)
    s = alpha[finite] / beta[finite]
    real = np.abs(s.imag) < 1e-9
    s = np.sort(s[real].real)
    return s[(s > -1e-9) & (s < 1 + 1e-9)]


def reference_events(start, end, itinerary):
    """Return all (kind, time, unit, s) of the candidate of one itinerary, from pencils."""
    found = []
    k0, r0 = path_system(start, end, 0.0, itinerary)
    k1, r1 = path_system(start, end, 1.0, itinerary)
    found += [(TRANSCRITICAL, -1, -1, s) for s in pencil_events(k0, k1)]
    flips = [path_system(start, end, s, itinerary, closing=-1.0)[0] for s in (0.0, 1.0)]
    found += [(FLIP, -1, -1, s) for s in pencil_events(*flips)]
    order, n_units = itinerary.shape
    block = len(start[0]) + n_units
    for t in range(order):
        for i in range(n_units):
            column = t * block + len(start[0]) + i
            # Cramer's rule: the right side in place of the column of p_{t,i}.
            n0, n1 = k0.copy(), k1.copy()
            n0[:, column], n1[:, column] = r0, r1
            found += [(BORDER, t, i, s) for s in pencil_events(n0, n1)]
    return found


def as_arrays(found: dict[str, Any]):
    """Return (kind, time, unit, s) of each event of the core."""
    return list(
        zip(
            found["kind"].tolist(),
            found["time_index"].tolist(),
            found["unit"].tolist(),
            found["s"].tolist(),
            strict=True,
        )
    )


def unmatched(events, others, tolerance):
    """Return the events without a partner in others (same function, s within tolerance)."""
    left = []
    for event in events:
        near = [abs(o[3] - event[3]) for o in others if o[:3] == event[:3]]
        if not near or min(near) > tolerance:
            left.append(event)
    return left


SHAPES = [(1, 1), (1, 3), (2, 2), (2, 5), (3, 2), (3, 6), (4, 4), (5, 3), (8, 10)]


@pytest.mark.parametrize("seed", range(9))
def test_events_are_the_eigenvalues_of_the_pencils(seed):
    rng = np.random.default_rng([20, seed])
    n_events = 0
    for trial in range(65):
        n_states, n_units = SHAPES[rng.integers(len(SHAPES))]
        identity = n_states == n_units and trial % 2 == 0
        scale = rng.choice([0.5, 1.0, 2.0])
        start = random_parameters(rng, n_states, n_units, scale, identity)
        end = random_parameters(rng, n_states, n_units, scale, identity)
        if trial % 3 == 0:  # as near as two checkpoints
            end = tuple(x + 0.05 * (y - x) for x, y in zip(start, end, strict=True))
        order = int(rng.integers(1, 7 if n_states < 8 else 3))
        itinerary = rng.random((order, n_units)) < 0.5
        reference = reference_events(start, end, itinerary)
        found = _core.events_on_path(core_map(start), core_map(end), itinerary)
        events = as_arrays(found)
        assert not unmatched(reference, events, 1e-9), (n_states, n_units, order, trial)
        assert not unmatched(events, reference, 1e-9), (n_states, n_units, order, trial)
        inside = [e for e in reference if 0.0 <= e[3] <= 1.0]
        assert len(events) >= len(inside)
        assert found["converged"].all()
        assert np.all(found["s_lower"] <= found["s"] + 1e-15)
        assert np.all(found["s"] <= found["s_upper"] + 1e-15)
        assert np.all(found["s_upper"] - found["s_lower"] < 1e-9)
        n_events += len(events)
    assert n_events > 300


def brute_force_real(parameters, order):
    """Return the keys of all real cycles of one order."""
    n_states, n_units = parameters[1].shape
    real = set()
    for itinerary in all_itineraries(n_units, order):
        key = canonical(itinerary)
        if key is None or key in real:
            continue
        matrix, right = path_system(parameters, parameters, 0.0, itinerary)
        solution = np.linalg.solve(matrix, right).reshape(order, -1)
        signed = np.where(itinerary, 1.0, -1.0) * solution[:, n_states:]
        if signed.min() > 0:
            real.add(key)
    return real


def cycles_at(followed, s):
    """Return the keys of all itineraries with a segment that holds s."""
    segments = followed["segments"]
    inside = (segments["s_begin"] <= s) & (s <= segments["s_end"])
    return {canonical(followed["itineraries"][i]) for i in segments["itinerary"][inside]}


def interpolated(start, end, s):
    """Return the parameters at one s."""
    return tuple((1 - s) * x + s * y for x, y in zip(start, end, strict=True))


CASES = [(1, 1, 4), (1, 2, 2), (2, 2, 3), (2, 3, 2), (3, 3, 1), (3, 2, 2), (5, 6, 1)]


@pytest.mark.parametrize(("n_states", "n_units", "max_order"), CASES)
def test_segments_agree_with_solutions_at_many_places(n_states, n_units, max_order):
    rng = np.random.default_rng([21, n_states, n_units])
    n_segments = 0
    for trial in range(8):
        identity = n_states == n_units and trial % 2 == 0
        start = random_parameters(rng, n_states, n_units, 1.5, identity)
        end = random_parameters(rng, n_states, n_units, 1.5, identity)
        listing = [i for k in range(1, max_order + 1) for i in all_itineraries(n_units, k)]
        followed = _core.follow_cycles(core_map(start), core_map(end), listing, max_order)
        segments, events = followed["segments"], followed["events"]
        n_segments += len(segments["s_begin"])
        n_places = 200 if n_units * max_order <= 4 else 40
        for s in np.linspace(0.0, 1.0, n_places) + 1e-7 * (rng.random(n_places) - 0.5):
            expected = set()
            for order in range(1, max_order + 1):
                expected |= brute_force_real(interpolated(start, end, s), order)
            assert cycles_at(followed, np.clip(s, 0.0, 1.0)) == expected
        assert followed["gaps"] == []
        assert followed["stopped_by"] == "finished"
        # Every end inside the path is an event at that place, and events have all they need.
        for end_name, event_name in (("s_begin", "begin_event"), ("s_end", "end_event")):
            inner = (segments[end_name] > 0.0) & (segments[end_name] < 1.0)
            assert np.all(segments[event_name][inner] >= 0)
            assert np.all(segments[event_name][~inner] == -1)
            np.testing.assert_allclose(
                events["s"][segments[event_name][inner]], segments[end_name][inner], atol=1e-10
            )
        assert np.all(events["outcome"] != NONE)
        assert np.all(events["residual"] < 1e-8)
        assert np.all(events["converged"])
    assert n_segments > 8


def test_without_units_a_fixed_point_passes_through_infinity():
    def linear(a, h):
        return np.array([[a]]), np.zeros((1, 0)), np.zeros((0, 1)), np.array([h]), np.zeros(0)

    followed = follow(linear(0.5, 1.0), linear(1.5, 1.0), [np.zeros((1, 0))])
    assert spans(followed) == [((0,), 0.0, 0.5), ((0,), 0.5, 1.0)]
    assert followed["events"]["kind"].tolist() == [TRANSCRITICAL]
    assert followed["events"]["outcome"].tolist() == [INFINITY]
    # With h = 0 the fixed point stays at 0 and only its stability changes.
    followed = follow(linear(-0.5, 0.0), linear(-1.5, 0.0), [np.zeros((1, 0))])
    assert spans(followed) == [((0,), 0.0, 1.0)]
    assert followed["events"]["kind"].tolist() == [FLIP]
    assert followed["events"]["outcome"].tolist() == [STABILITY]


@pytest.mark.parametrize("n_threads", [2, 4, 7])
def test_the_number_of_threads_changes_nothing(n_threads):
    rng = np.random.default_rng(22)
    start = random_parameters(rng, 2, 2, 1.5)
    end = random_parameters(rng, 2, 2, 1.5)
    listing = [i for k in (1, 2, 3) for i in all_itineraries(2, k)]
    maps = core_map(start), core_map(end)
    one = _core.follow_cycles(*maps, listing, 6)
    many = _core.follow_cycles(*maps, listing, 6, n_threads=n_threads)
    for table in ("segments", "events"):
        for name, values in one[table].items():
            np.testing.assert_array_equal(many[table][name], values)
    assert one["n_analysed"] == many["n_analysed"] > 20


def long_analysis():
    """Return ends of a path and an itinerary that take seconds to analyse."""
    rng = np.random.default_rng(23)
    ends = [core_map(random_parameters(rng, 40, 20)) for _ in range(2)]
    return *ends, [rng.random((16, 20)) < 0.5]


def test_a_time_limit_within_the_analysis_of_one_itinerary():
    followed = _core.follow_cycles(*long_analysis(), 16, time_limit=0.05)
    assert followed["stopped_by"] == "time_limit"
    # As if it had not been looked at.
    assert followed["n_analysed"] == 0
    assert followed["itineraries"] == followed["gaps"] == []


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_interrupt_within_the_analysis_of_one_itinerary(n_threads):
    followed = _core.follow_cycles(*long_analysis(), 16, n_threads=n_threads, observer=ctrl_c.press)
    assert followed["stopped_by"] == "interrupt"
    assert followed["n_analysed"] == 0


def test_shapes_must_agree():
    small = core_map(scalar(0.5, 0.7, 1.0))
    large = core_map(plrnn(np.eye(2), np.eye(2), [0.0, 0.0]))
    with pytest.raises(ValueError, match=r"\(1, 1\) and \(2, 2\)"):
        _core.follow_cycles(small, large, [], 1)


def test_points_and_stability_along_a_path():
    # Fixed point of x -> b x + 1: 1 / (1 - b), singular at b = 1.
    s = np.array([0.0, 0.25, 0.5, 1.0])
    found = _core.cycle_on_path(
        core_map(scalar(0.5, 0.0, 1.0)), core_map(scalar(0.5, 2.0, 1.0)), np.array([[True]]), s
    )
    np.testing.assert_allclose(found["points"][:, 0, 0], [1.0, 2.0, np.inf, -1.0])
    np.testing.assert_allclose(found["spectral_radius"], 2.0 * s)
    assert found["n_unstable"].tolist() == [0, 0, 0, 1]
    assert found["det_sign"].tolist() == [1, 1, 0, -1]
