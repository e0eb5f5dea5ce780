"""Events along a straight path of canonical maps, as plainly as possible.

Two independent truths, both slow and free of clever steps:

* `itinerary_events`: with states and pre-activations as unknowns, the equations of a cycle are
  ``(K0 + s K1) x = r0 + s r1``. A pre-activation is 0 where the bordered pencil
  ``[[K, -r], [e_i, 0]]`` is singular, a multiplier is +1 where K is, and -1 where K with the sign
  of its closing block turned is. Each is one call of `scipy.linalg.eigvals`;
* `real_itineraries`: at one s, all itineraries whose solution lies in their regions, each solved
  by itself.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from reference.filtering import all_itineraries

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]
Key = tuple[tuple[int, ...], ...]

NAMES = ("A", "W1", "W2", "h1", "h2")


@dataclass(frozen=True)
class StraightPath:
    """The canonical maps ``(1 - s) start + s end``."""

    start: Any
    end: Any

    def at(self, s: float) -> SimpleNamespace:
        """The five arrays at s."""
        return SimpleNamespace(
            **{
                name: (1.0 - s) * getattr(self.start, name) + s * getattr(self.end, name)
                for name in NAMES
            }
        )

    @cached_property
    def _union(self) -> SimpleNamespace:
        """A map whose relevant units are those that are relevant anywhere on the path."""
        ends = (self.start, self.end)
        return SimpleNamespace(
            W1=sum(np.abs(map_.W1) for map_ in ends),
            W2=sum(np.abs(map_.W2) for map_ in ends),
            h2=np.maximum(self.start.h2, self.end.h2),
        )

    @cached_property
    def relevant(self) -> list[int]:
        """Units that act on the state somewhere on the path."""
        union = self._union
        return [
            i
            for i in range(len(union.h2))
            if union.W1[:, i].any() and (union.W2[i].any() or union.h2[i] > 0)
        ]

    def itineraries(self, order: int) -> Bits:
        """One of every class under rotation whose minimal period is `order`."""
        listed = all_itineraries(self._union, order)
        return listed[[_is_primitive(itinerary) for itinerary in listed]]


@dataclass(frozen=True)
class Event:
    """Where something vanishes for one itinerary."""

    kind: str  # "border", "plus_one" or "minus_one"
    s: float
    time_index: int = -1
    unit: int = -1


def _is_primitive(itinerary: Bits) -> bool:
    k = len(itinerary)
    return not any(np.array_equal(itinerary, np.roll(itinerary, t, axis=0)) for t in range(1, k))


def key_of(itinerary: Any, relevant: list[int]) -> Key:
    """The bits of the relevant units up to rotation."""
    words = [tuple(int(row[i]) for i in relevant) for row in np.asarray(itinerary)]
    return min(tuple(words[t:] + words[:t]) for t in range(len(words)))


def cyclic_system(map_: Any, itinerary: Bits, closing_sign: float = 1.0) -> tuple[Array, Array]:
    """K and r of the unknowns ``(z_0, p_0, z_1, p_1, ...)``; linear in the five arrays."""
    order, H = itinerary.shape
    M = len(map_.h1)
    size = M + H
    K, r = np.zeros((order * size, order * size)), np.zeros(order * size)
    for t, region in enumerate(itinerary):
        z, p = slice(t * size, t * size + M), slice(t * size + M, (t + 1) * size)
        following = (t + 1) % order
        next_z = slice(following * size, following * size + M)
        sign = closing_sign if following == 0 else 1.0
        # The rows of z hold the step into z, those of p its pre-activations.
        K[next_z, next_z] += np.eye(M)
        K[next_z, z] -= sign * map_.A
        K[next_z, p] -= sign * (map_.W1 * region)
        r[next_z] += map_.h1
        K[p, p] += np.eye(H)
        K[p, z] -= map_.W2
        r[p] += map_.h2
    return K, r


def _roots_in_unit_interval(start: Array, end: Array) -> list[float]:
    """Real s in [0, 1] where ``(1 - s) start + s end`` is singular.

    Around s = 0.37 rather than 0, so that no root of interest is at infinity.
    """
    shift = 0.37
    middle = (1.0 - shift) * start + shift * end
    # (middle + (s - shift) slope) v = 0, so -1 / (s - shift) is an eigenvalue of middle^-1 slope.
    alpha, beta = scipy.linalg.eigvals(end - start, middle, homogeneous_eigvals=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = shift - beta / alpha
    keep = np.isfinite(roots) & (np.abs(roots.imag) <= 1e-7)
    return sorted(float(x) for x in roots[keep].real if 0.0 <= x <= 1.0)


def itinerary_events(path: StraightPath, itinerary: Bits) -> list[Event]:
    """All zeros of one itinerary, real or virtual there, sorted by s."""
    H, M = itinerary.shape[1], len(path.start.h1)
    (K0, r0), (K1, r1) = (cyclic_system(end, itinerary) for end in (path.start, path.end))
    events = [Event("plus_one", s) for s in _roots_in_unit_interval(K0, K1)]
    flipped = [cyclic_system(end, itinerary, -1.0)[0] for end in (path.start, path.end)]
    events += [Event("minus_one", s) for s in _roots_in_unit_interval(*flipped)]
    for t in range(len(itinerary)):
        for unit in path.relevant:
            row = np.zeros(len(r0))
            row[t * (M + H) + M + unit] = 1.0
            bordered = [
                np.block([[K, -r[:, None]], [row[None, :], np.zeros((1, 1))]])
                for K, r in ((K0, r0), (K1, r1))
            ]
            events += [Event("border", s, t, unit) for s in _roots_in_unit_interval(*bordered)]
    return sorted(events, key=lambda event: event.s)


def is_real(path: StraightPath, itinerary: Bits, s: float) -> bool:
    """Whether the solution at s lies in the regions of the itinerary."""
    return margin(path, itinerary, s) > 0.0


def solution(path: StraightPath, itinerary: Bits, s: float) -> Array:
    """The points of the cycle at s, real or virtual, shape (k, M)."""
    K, r = cyclic_system(path.at(s), itinerary)
    H, M = itinerary.shape[1], len(path.start.h1)
    return np.linalg.solve(K, r).reshape(len(itinerary), M + H)[:, :M]


def margin(path: StraightPath, itinerary: Bits, s: float) -> float:
    """Smallest pre-activation, counted positive on the side of its bit; negative where virtual."""
    K, r = cyclic_system(path.at(s), itinerary)
    x = np.linalg.solve(K, r)
    H, M = itinerary.shape[1], len(path.start.h1)
    p = x.reshape(len(itinerary), M + H)[:, M:]
    signed = np.where(itinerary, p, -p)[:, path.relevant]
    return float(signed.min(initial=np.inf))


def multipliers(map_: Any, itinerary: Bits) -> NDArray[np.complex128]:
    """Eigenvalues of the Jacobian around the cycle."""
    product = np.eye(len(map_.h1))
    for region in itinerary:
        product = (map_.A + (map_.W1 * region) @ map_.W2) @ product
    return np.linalg.eigvals(product).astype(np.complex128)


def n_unstable(path: StraightPath, itinerary: Bits, s: float) -> int:
    """Number of multipliers outside the unit circle."""
    return int((np.abs(multipliers(path.at(s), itinerary)) > 1.0).sum())


def segments(path: StraightPath, itinerary: Bits) -> list[tuple[float, float]]:
    """The maximal intervals on which the itinerary is real, from the signs between its zeros."""
    events = [event for event in itinerary_events(path, itinerary) if event.kind != "minus_one"]
    knots = [0.0, *(event.s for event in events), 1.0]
    at_infinity = [event.s for event in events if event.kind == "plus_one"]
    found: list[tuple[float, float]] = []
    for left, right in pairwise(knots):
        if right - left < 1e-12 or not is_real(path, itinerary, 0.5 * (left + right)):
            continue
        if found and left - found[-1][1] < 1e-12 and left not in at_infinity:
            found[-1] = (found[-1][0], right)
        else:
            found.append((left, right))
    return found


def all_segments(path: StraightPath, orders: list[int]) -> dict[Key, list[tuple[float, float]]]:
    """The segments of every itinerary that has any."""
    found = {}
    for order in orders:
        for itinerary in path.itineraries(order):
            intervals = segments(path, itinerary)
            if intervals:
                found[key_of(itinerary, path.relevant)] = intervals
    return found


def real_itineraries(path: StraightPath, itineraries: Bits, values: Array) -> NDArray[np.float64]:
    """Margins of all itineraries of one order at many s, shape (len(values), n).

    Through the return map of the states, so that not even the cyclic system is shared with the
    pencils; positive where the cycle is real, NaN where a multiplier is 1 within rounding errors.
    """
    n, order, _ = itineraries.shape
    margins = np.empty((len(values), n))
    for row, s in enumerate(values):
        map_ = path.at(float(s))
        M = len(map_.h1)
        jacobians = map_.A + np.einsum("mh,nkh,hj->nkmj", map_.W1, itineraries, map_.W2)
        offsets = map_.h1 + (itineraries * map_.h2) @ map_.W1.T
        product, constant = np.broadcast_to(np.eye(M), (n, M, M)), np.zeros((n, M))
        for t in range(order):
            constant = np.einsum("nij,nj->ni", jacobians[:, t], constant) + offsets[:, t]
            product = jacobians[:, t] @ product
        closing = np.eye(M) - product
        # Here `solve` would answer, too, with the solution of the rounding errors.
        size = 1.0 + np.abs(product).max(axis=(1, 2), initial=0.0)
        singular = np.linalg.svd(closing, compute_uv=False)[:, -1] < 1e-13 * size
        closing[singular] = np.eye(M)
        z = np.linalg.solve(closing, constant[:, :, None])[:, :, 0]
        smallest = np.full(n, np.inf)
        for t in range(order):
            p = z @ map_.W2.T + map_.h2
            signed = np.where(itineraries[:, t], p, -p)[:, path.relevant]
            smallest = np.minimum(smallest, signed.min(axis=1, initial=np.inf))
            z = np.einsum("nij,nj->ni", jacobians[:, t], z) + offsets[:, t]
        margins[row] = np.where(singular, np.nan, smallest)
    return margins


# Closed formulas.


def skew_tent(a: float, b: float) -> SimpleNamespace:
    """x -> a x + 1 for x < 0, b x + 1 for x > 0, in canonical parameters."""
    return SimpleNamespace(
        A=np.array([[a]]),
        W1=np.array([[b - a]]),
        W2=np.eye(1),
        h1=np.ones(1),
        h2=np.zeros(1),
    )


def skew_tent_birth(a: float, k: int) -> float:
    """Slope b at which the k-cycles with one and with two points on the right are born, k >= 3.

    The last point on the left reaches 0: ``b = -(1 - a^(k-1)) / ((1 - a) a^(k-2))``. V. Avrutin,
    L. Gardini, I. Sushko, F. Tramontana, "Continuous and Discontinuous Piecewise-Smooth
    One-Dimensional Maps", World Scientific 2019, on the skew tent map; first in Yu. Maistrenko,
    V. Maistrenko, L. Chua, Int. J. Bifurcation Chaos 3 (1993) 1557.
    """
    return -(1.0 - a ** (k - 1)) / ((1.0 - a) * a ** (k - 2))


def skew_tent_flip(a: float, k: int) -> float:
    """Slope b at which the k-cycle with one point on the right has multiplier -1 (ibid.)."""
    return -1.0 / a ** (k - 1)


def border_collision_normal_form(
    tau_left: float, delta_left: float, tau_right: float, delta_right: float, mu: float
) -> SimpleNamespace:
    """(x, y) -> (tau x + y + mu, -delta x), tau and delta by the sign of x.

    H. Nusse, J. Yorke, Physica D 57 (1992) 39; S. Banerjee, C. Grebogi, Phys. Rev. E 59 (1999)
    4052. As x_{n+1} = tau_n x_n - delta_{n-1} x_{n-1} + mu, the fixed point of a side is
    x = mu / (1 - tau + delta), and the 2-cycle has
    x_R = mu (1 + delta_L + tau_L) / D and x_L = mu (1 + delta_R + tau_R) / D with
    D = (1 + delta_L) (1 + delta_R) - tau_L tau_R; the Jacobian around it has determinant
    delta_L delta_R and trace tau_L tau_R - delta_L - delta_R.
    """
    left = np.array([[tau_left, 1.0], [-delta_left, 0.0]])
    return SimpleNamespace(
        A=left,
        W1=np.array([[tau_right - tau_left], [delta_left - delta_right]]),
        W2=np.array([[1.0, 0.0]]),
        h1=np.array([mu, 0.0]),
        h2=np.zeros(1),
    )
