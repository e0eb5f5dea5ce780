"""The two references agree with each other and with closed formulas."""

import numpy as np
import pytest

from reference.bifurcation import (
    StraightPath,
    all_segments,
    itinerary_events,
    key_of,
    real_itineraries,
    skew_tent,
    skew_tent_birth,
    skew_tent_flip,
)
from reference.networks import FAMILIES, SeededEntries, Size


@pytest.mark.parametrize("k", range(3, 9))
def test_pencils_of_the_skew_tent_map(k):
    a = 0.7
    birth, flip = skew_tent_birth(a, k), skew_tent_flip(a, k)
    start, end = -1.1, 1.5 * min(birth, flip)
    path = StraightPath(skew_tent(a, start), skew_tent(a, end))
    itinerary = np.zeros((k, 1), dtype=bool)
    itinerary[0] = True
    events = itinerary_events(path, itinerary)
    places = {
        kind: [start + event.s * (end - start) for event in events if event.kind == kind]
        for kind in ("border", "minus_one")
    }
    assert min(abs(b - birth) for b in places["border"]) < 1e-10 * abs(birth)
    assert min(abs(b - flip) for b in places["minus_one"]) < 1e-10 * abs(flip)


@pytest.mark.parametrize("family", FAMILIES)
def test_segments_equal_listings(family):
    entries = SeededEntries(np.random.default_rng(3), tied=False)
    size = Size(2, 3)
    first = second = FAMILIES[family](entries, size)
    while second is first or (second.n_states, second.n_units) != (first.n_states, first.n_units):
        second = FAMILIES[family](entries, size)
    path = StraightPath(first.canonical, second.canonical)
    segments = all_segments(path, [1, 2])
    values = np.linspace(0.0, 1.0, 101)
    n_real = 0
    for order in (1, 2):
        itineraries = path.itineraries(order)
        margins = real_itineraries(path, itineraries, values)
        for itinerary, column in zip(itineraries, margins.T, strict=True):
            inside = np.zeros(len(values), dtype=bool)
            for begin, end in segments.get(key_of(itinerary, path.relevant), []):
                inside |= (begin <= values) & (values <= end)
            decided = np.abs(column) > 1e-9
            np.testing.assert_array_equal(inside[decided], column[decided] > 0.0)
            n_real += int(inside.sum())
    assert n_real > 0
