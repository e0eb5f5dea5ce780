"""Networks made to go wrong, small enough for an exact list of their cycles.

`adversarial_network(number)` is a network of one of the kinds below, always the same for a number
(and seed).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rnndyn as rd

Array = NDArray[np.float64]
Rng = np.random.Generator

#: Itineraries of at most this many bits are listed exactly.
MAX_BITS = 8
MAX_ORDER = 3


def orders_of(model: Any) -> list[int]:
    return [k for k in range(1, MAX_ORDER + 1) if k == 1 or model.canonical.n_units * k <= MAX_BITS]


def _sizes(rng: Rng) -> tuple[int, int]:
    return int(rng.integers(1, 4)), int(rng.integers(1, 5))


def _shallow(
    rng: Rng, entries: Callable[..., Array], m: int | None = None, h: int | None = None
) -> Any:
    """A general map with entries of one kind."""
    own_m, own_h = _sizes(rng)
    m, h = m or own_m, h or own_h
    return rd.PiecewiseLinearMap(
        entries(m, m), entries(m, h), entries(h, m), entries(m), entries(h)
    )


def _family(rng: Rng, entries: Callable[..., Array]) -> Any:
    """A network of one of the families with entries of one kind."""
    m = int(rng.integers(1, 4))
    kind = rng.integers(4)
    if kind == 0:
        return rd.PLRNN(entries(m), entries(m, m), entries(m))
    if kind == 1:
        return rd.ReLURNN(entries(m, m), entries(m))
    if kind == 2:
        m = min(m, 2)
        return rd.DendriticPLRNN(entries(m), entries(m, m), entries(m), entries(2), entries(2, m))
    return _shallow(rng, entries)


def _mixed_scales(rng: Rng) -> Any:
    span = int(rng.choice([8, 12]))

    def entries(*shape: int) -> Array:
        return rng.normal(size=shape) * 10.0 ** rng.choice([-span, 0, 0, 0, span], size=shape)

    return _family(rng, entries)


def _extreme_scales(rng: Rng) -> Any:
    sign = rng.choice([-1, 1])

    def entries(*shape: int) -> Array:
        return rng.normal(size=shape) * 10.0 ** (sign * rng.choice([0, 0, 0, 70, 140], size=shape))

    return _family(rng, entries)


def _tied(rng: Rng) -> Any:
    scale = float(rng.choice([0.5, 1.0, 1.0, 1e3, 1e7]))

    def entries(*shape: int) -> Array:
        return rng.integers(-2, 3, size=shape) * scale

    return _family(rng, entries)


def _useless_units(rng: Rng) -> Any:
    """Duplicated, idle, dead and constant units."""
    m, h = int(rng.integers(1, 3)), 2
    tied = rng.random() < 0.5

    def entries(*shape: int) -> Array:
        return rng.integers(-2, 3, size=shape) * 0.5 if tied else rng.normal(size=shape)

    w1, w2, h2 = entries(m, h), entries(h, m), entries(h)
    kind = rng.integers(4)
    if kind == 0:
        w1, w2, h2 = np.c_[w1, w1[:, 0]], np.r_[w2, w2[:1]], np.r_[h2, h2[:1]]
    elif kind == 1:
        w1, w2, h2 = np.c_[w1, np.zeros(m)], np.r_[w2, entries(1, m)], np.r_[h2, entries(1)]
    elif kind == 2:
        w1, w2, h2 = np.c_[w1, entries(m)], np.r_[w2, np.zeros((1, m))], np.r_[h2, [-1.0]]
    else:
        # One that is on where the other is off.
        w1, w2, h2 = np.c_[w1, -w1[:, 0]], np.r_[w2, -w2[:1]], np.r_[h2, -h2[:1]]
    return rd.PiecewiseLinearMap(entries(m, m), w1, w2, entries(m), h2)


def _chain(rng: Rng) -> Any:
    """A delay line or a feed-forward chain."""
    n = int(rng.integers(2, 9))
    gain = float(rng.choice([1.0, 3.0, 10.0, 1e3, 1e6]))
    decay = float(rng.choice([0.0, 0.5, 0.9]))
    W = gain * np.eye(n, k=-1)
    if rng.random() < 0.3:
        W *= rng.normal(size=(n, n))
    # The fixed point with all units on is (1, ..., 1), exactly.
    h = (1.0 - decay) - W.sum(axis=1)
    if rng.random() < 0.3:
        h = rng.normal(size=n)
    return rd.PLRNN(np.full(n, decay), W, h)


def _permuted(rng: Rng) -> Any:
    m = int(rng.integers(2, 4))
    if rng.random() < 0.5:
        A = np.eye(m)[rng.permutation(m)] * rng.choice([1.0, -1.0, 0.5])
    else:
        A = rng.choice([1.0, -1.0, 0.5, 2.0]) * np.eye(m) + np.eye(m, k=1)
    h = rng.integers(-1, 2, size=m) * 1.0
    if rng.random() < 0.5:
        return rd.PLRNN(A, np.zeros((m, m)) + np.eye(m, k=-1) * rng.integers(-1, 2), h)
    w1, w2 = rng.integers(-1, 2, size=(m, 1)) * 1.0, rng.integers(-1, 2, size=(1, m)) * 1.0
    return rd.PiecewiseLinearMap(A, w1, w2, h, rng.integers(-1, 2, size=1) * 1.0)


def _rank_one(rng: Rng) -> Any:
    m = int(rng.integers(2, 4))
    scale = float(rng.choice([1.0, 1.0, 1e7]))
    W = scale * np.outer(rng.integers(-2, 3, size=m), rng.integers(-2, 3, size=m))
    return rd.PLRNN(rng.choice([0.0, 0.5, 1.0]) * np.ones(m), W, rng.integers(-2, 3, size=m) * 1.0)


def _at_the_border(rng: Rng) -> Any:
    """A fixed point on a border, or a unit in the last place beside it."""
    m, h = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    A, w1 = rng.integers(-3, 4, size=(m, m)) / 4, rng.integers(-3, 4, size=(m, h)) / 2
    w2 = rng.integers(-3, 4, size=(h, m)) / 2
    z = rng.integers(-4, 5, size=m) / 2
    h2 = -(w2 @ z) + rng.choice([0.0, 0.0, 1.0], size=h)
    h2[0] = -(w2[0] @ z)
    h1 = z - A @ z - w1 @ np.maximum(w2 @ z + h2, 0.0)
    nudged = h2 if rng.random() < 0.6 else np.nextafter(h2, rng.choice([-np.inf, np.inf]))
    return rd.PiecewiseLinearMap(A, w1, w2, h1, nudged)


def _near_one(rng: Rng) -> Any:
    """Multipliers at 1 or -1, to a unit in the last place."""
    m = int(rng.integers(1, 3))
    ulps = rng.choice([0, 1, -1, 3, 100], size=m)
    a = rng.choice([1.0, 1.0, -1.0], size=m) * (1.0 + ulps * 2.0**-52)
    W = rng.choice([0.0, -0.5, 1.0], size=(m, m)) * rng.choice([1.0, 2.0**-52])
    h = rng.choice([0.0, 1.0, -1.0, 1e-16], size=m) * rng.choice([0.0, 1.0])
    return rd.PLRNN(a, W, h)


def _homogeneous(rng: Rng) -> Any:
    m = int(rng.integers(1, 4))
    W = rng.normal(size=(m, m)) if rng.random() < 0.5 else rng.integers(-2, 3, size=(m, m)) * 1.0
    return rd.PLRNN(rng.choice([0.0, 0.5, 1.0], size=m), W, np.zeros(m))


def _subnormal(rng: Rng) -> Any:
    m, h = int(rng.integers(1, 3)), int(rng.integers(1, 4))

    def entries(*shape: int) -> Array:
        sizes = [-308, -200, -160, -16, 0]
        return rng.choice([-1.0, 1.0, 1.7], size=shape) * 10.0 ** rng.choice(sizes, size=shape)

    return rd.PiecewiseLinearMap(
        entries(m, m) * rng.choice([0.0, 0.5]),
        entries(m, h),
        entries(h, m),
        entries(m) * rng.choice([0.0, 1.0]),
        rng.choice([0.0, 5e-324, -5e-324, 1e-300, -1.0], size=h),
    )


KINDS: dict[str, Callable[[Rng], Any]] = {
    "mixed scales": _mixed_scales,
    "extreme scales": _extreme_scales,
    "tied weights": _tied,
    "useless units": _useless_units,
    "chains": _chain,
    "permutations and Jordan blocks": _permuted,
    "rank one": _rank_one,
    "at the border": _at_the_border,
    "multipliers near one": _near_one,
    "homogeneous": _homogeneous,
    "subnormal": _subnormal,
}


def adversarial_network(number: int, seed: int = 14) -> tuple[str, Any]:
    """The kind and the model of network `number`; kinds take turns."""
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](np.random.default_rng([number, seed]))
