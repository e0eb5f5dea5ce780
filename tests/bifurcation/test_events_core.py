"""Events along a path, as the core finds them, against pencils and brute-force solutions."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from rnndyn import _core

BORDER, TRANSCRITICAL, FLIP, CENTER = range(4)
PERSISTENCE, FOLD, NONE, INFINITY, STABILITY = range(5)


def random_parameters(rng, n_states, n_units, scale=1.0, identity=False):
    """Return A, W1, W2, h1, h2 of one random network."""
    return (
        scale * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states),
        scale * rng.normal(size=(n_states, n_units)) / np.sqrt(max(n_units, 1)),
        np.eye(n_units, n_states) if identity else rng.normal(size=(n_units, n_states)),
        rng.normal(size=n_states),
        np.zeros(n_units) if identity else rng.normal(size=n_units),
    )


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


def core_map(parameters):
    """Return the canonical map of the core."""
    return _core.CanonicalMap(*parameters)


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


def all_itineraries(n_units, order):
    """Return every bit pattern of shape (order, n_units)."""
    numbers = np.arange(2 ** (order * n_units))
    bits = (numbers[:, np.newaxis] >> np.arange(order * n_units)) & 1
    return list(bits.astype(bool).reshape(-1, order, n_units))


def canonical(itinerary):
    """Return the smallest rotation as a key, or None where the itinerary repeats itself."""
    weights = 2 ** np.arange(itinerary.shape[1])
    regions = (itinerary @ weights).tolist()
    rotations = [tuple(regions[t:] + regions[:t]) for t in range(len(regions))]
    return min(rotations) if len(set(rotations)) == len(rotations) else None


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


def plrnn(a, w, h):
    """Return A z + W relu(z) + h as canonical parameters."""
    n = len(h)
    return (
        np.array(a, dtype=float),
        np.array(w, dtype=float),
        np.eye(n),
        np.array(h, dtype=float),
        np.zeros(n),
    )


def scalar(left, right, h):
    """Return x -> left x + h for x < 0, right x + h for x > 0."""
    return plrnn([[left]], [[right - left]], [h])


def follow(start, end, itineraries, max_order=2):
    """Return what the core makes of a path from the given itineraries."""
    start_bits = [np.array(i, dtype=bool).reshape(len(i), -1) for i in itineraries]
    return _core.follow_cycles(core_map(start), core_map(end), start_bits, max_order)


def spans(followed):
    """Return (itinerary key, s_begin, s_end) of each segment."""
    s = followed["segments"]
    return [
        (canonical(followed["itineraries"][i]), round(begin, 9), round(end, 9))
        for i, begin, end in zip(s["itinerary"], s["s_begin"], s["s_end"], strict=True)
    ]


def test_a_constant_path_has_no_events():
    model = scalar(0.5, -0.5, 1.0)
    followed = follow(model, model, [[[1]], [[0]], [[0], [1]]])
    assert spans(followed) == [((1,), 0.0, 1.0)]
    assert len(followed["events"]["s"]) == 0
    # On the border for all s: the side that is off stands for both.
    border = scalar(0.5, -0.5, 0.0)
    followed = follow(border, border, [[[1]], [[0]]])
    assert spans(followed) == [((0,), 0.0, 1.0)]


@pytest.mark.parametrize(("h0", "h1", "at"), [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (-1.0, 0.0, 1.0)])
def test_a_cycle_on_the_border_at_an_end_of_the_path(h0, h1, at):
    followed = follow(scalar(0.5, -0.5, h0), scalar(0.5, -0.5, h1), [[[0]]])
    side = 1 if h0 + h1 > 0 else 0
    assert spans(followed) == [((side,), 0.0, 1.0)]
    events = followed["events"]
    assert events["s"].tolist() == [at]
    assert events["outcome"].tolist() == [PERSISTENCE]
    assert followed["gaps"] == []


@pytest.mark.parametrize("at", [0.0, 1.0])
def test_a_nonsmooth_fold_exactly_at_an_end(at):
    inside = scalar(0.5, 1.5, -1.0)
    border = scalar(0.5, 1.5, 0.0)
    ends = (border, inside) if at == 0.0 else (inside, border)
    followed = follow(*ends, [[[0]]])
    assert spans(followed) == [((0,), 0.0, 1.0), ((1,), 0.0, 1.0)]
    assert followed["events"]["outcome"].tolist() == [FOLD]
    # With the pair beyond the end of the path the border point alone is left.
    outside = scalar(0.5, 1.5, 1.0)
    followed = follow(*((border, outside) if at == 0.0 else (outside, border)), [[[0]]])
    assert spans(followed) == [((0,), at, at)]
    assert followed["events"]["outcome"].tolist() == [FOLD]
    assert followed["gaps"] == []


def test_several_preactivations_that_vanish_together():
    def twins(h):
        return (
            np.array([[0.5]]),
            np.array([[-0.6, -0.4]]),
            np.ones((2, 1)),
            np.array([h]),
            np.zeros(2),
        )

    followed = follow(twins(-1.0), twins(1.0), [[[0, 0]]])
    assert spans(followed) == [((0,), 0.0, 0.5), ((3,), 0.5, 1.0)]
    assert followed["events"]["outcome"].tolist() == [PERSISTENCE]
    assert followed["gaps"] == []


def test_a_preactivation_that_vanishes_on_the_whole_path():
    start = plrnn([[0.5, 0.0], [0.0, 0.5]], [[-1.0, 0.0], [0.0, 0.3]], [-1.0, 0.0])
    end = plrnn([[0.5, 0.0], [0.0, 0.5]], [[-1.0, 0.0], [0.0, 0.3]], [1.0, 0.0])
    followed = follow(start, end, [[[0, 0]], [[0, 1]]])
    assert spans(followed) == [((0,), 0.0, 0.5), ((1,), 0.5, 1.0)]
    assert followed["gaps"] == []


def test_a_border_that_is_touched_and_not_crossed():
    # z_1 = 2 s - 1 and p = (2 s - 1) z_1 is a square.
    def square(value):
        return (
            np.zeros((2, 2)),
            np.array([[0.0], [0.5]]),
            np.array([[value, 0.0]]),
            np.array([value, 0.0]),
            np.zeros(1),
        )

    followed = follow(square(-1.0), square(1.0), [[[1]], [[0]]])
    assert spans(followed) == [((1,), 0.0, 1.0)]
    events = followed["events"]
    assert events["outcome"].tolist() == [NONE]
    assert events["converged"].tolist() == [False]
    np.testing.assert_allclose(events["s"], 0.5, atol=1e-6)
    assert events["s_lower"][0] <= 0.5 <= events["s_upper"][0]


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


def test_a_singular_end_and_a_singular_path():
    followed = follow(scalar(0.5, 0.7, 1.0), scalar(0.5, 1.0, 1.0), [[[1]]])
    assert spans(followed) == [((1,), 0.0, 1.0)]
    assert followed["events"]["outcome"].tolist() == [INFINITY]
    # x + h for x > 0 has no fixed point, and for h = 0 a half line of them: never hidden.
    assert spans(follow(scalar(0.5, 1.0, 1.0), scalar(0.5, 1.0, 2.0), [[[1]]])) == []
    followed = follow(scalar(0.5, 1.0, 0.0), scalar(0.2, 1.0, 0.0), [[[1]]])
    assert [gap["reason"] for gap in followed["gaps"]] == ["det(I - J) vanishes on the whole path"]


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
