"""Small maps for tests of the core's record of a path, and readers of that record."""

import numpy as np

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


def core_map(parameters):
    """Return the canonical map of the core."""
    return _core.CanonicalMap(*parameters)


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
