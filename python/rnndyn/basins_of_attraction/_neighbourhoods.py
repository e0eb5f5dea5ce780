"""Neighbourhoods of stable cycles that orbits do not leave, and in which they converge.

Around a cycle ``p_0, ..., p_{k-1}`` with Jacobians J_t there are the ellipsoids
``(z - p_t)^T P_t (z - p_t) <= r^2`` with ``P_t - J_t^T P_{t+1} J_t`` positive definite. They are
mapped into each other with a smaller radius, as long as they lie inside the linear regions of the
cycle, where the map is affine.
"""

from typing import NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn.cycles.cycle import Cycle
from rnndyn.models._units import in_units, unit_of

#: Share of the metric that looks in all directions alike, so that none is left out.
_ROUND_SHARE = 1e-3
#: Beyond this condition of the metric, rounding could matter; below, it is within the margin.
_LARGEST_CONDITION = 1e9
#: The neighbourhoods are smaller by this share than the regions would allow.
_MARGIN = 1e-3
_MAX_DOUBLINGS = 64


class Neighbourhoods(NamedTuple):
    """One neighbourhood ``|factors[t] (z - centers[t])| <= 1`` for each point of a cycle.

    Attributes
    ----------
    centers : (k, M) array
    factors : (k, M, M) array
        Upper triangular; zero where the neighbourhood is all of state space.
    half_widths : (k, M) array
        Half the sides of boxes around them; may be infinite.
    """

    centers: FloatArray
    factors: FloatArray
    half_widths: FloatArray


def neighbourhoods_of(canonical: _core.CanonicalMap, cycle: Cycle) -> Neighbourhoods | None:
    """Return neighbourhoods of a stable cycle that are mapped into each other and contract.

    Parameters
    ----------
    canonical : CanonicalMap
        The map.
    cycle : Cycle
        One of its stable cycles.

    Returns
    -------
    Neighbourhoods or None
        None if what has to hold cannot be verified in floating-point numbers, as for a cycle that
        nearly touches a border or whose largest multiplier nearly has modulus 1. Rounding errors
        of the verification are accounted for; that the cycle is within its error bound is known
        where it is certified.
    """
    unit = unit_of(canonical, cycle.points)
    places = _in_units(
        in_units(canonical, unit), cycle.points / unit, cycle.error_bound / unit, cycle.itinerary
    )
    if places is None:
        return None
    # The center is that of the caller; dividing by a power of two changes no digit, unless what
    # comes out is too large or too small to have them all.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        factors, half_widths = places.factors / unit, places.half_widths * unit
        exact = np.array_equal(factors * unit, places.factors) and np.array_equal(
            half_widths / unit, places.half_widths
        )
    return Neighbourhoods(cycle.points, factors, half_widths) if exact else None


def _in_units(
    canonical: _core.CanonicalMap, points: FloatArray, error_bound: float, itinerary: BoolArray
) -> Neighbourhoods | None:
    """Return the neighbourhoods of a cycle of a map whose numbers are about 1."""
    order, n_states = points.shape
    bordering = bordering_units(canonical)
    weights, bias = canonical.W2[bordering], canonical.h2[bordering]
    if not len(weights):
        # The map is affine and the cycle is its fixed point.
        zero, infinite = np.zeros((order, n_states, n_states)), np.full((order, n_states), np.inf)
        return Neighbourhoods(points, zero, infinite)
    epsilon = float(np.finfo(np.float64).eps)
    # Distances to the borders in pre-activation, the least they can be.
    values = points @ weights.T + bias
    sizes = np.abs(points) @ np.abs(weights).T + np.abs(bias)
    uncertain = error_bound * np.abs(weights).sum(axis=1)
    room = np.abs(values) - uncertain - (n_states + 2) * epsilon * sizes
    if not room.min() > 0.0:
        return None
    # What leaves the range of floating-point numbers on the way is no neighbourhood.
    with np.errstate(all="ignore"):
        jacobians = np.stack([canonical.jacobian(region) for region in itinerary])
        return _around(canonical, jacobians, points, error_bound, weights, room)


def _around(
    canonical: _core.CanonicalMap,
    jacobians: FloatArray,
    points: FloatArray,
    error_bound: float,
    weights: FloatArray,
    room: FloatArray,
) -> Neighbourhoods | None:
    """Return the neighbourhoods of a cycle whose pre-activations are so far from zero."""
    order, n_states = points.shape
    own = np.einsum("th,hi,hj->tij", room**-2.0, weights, weights)
    trace = np.trace(own, axis1=1, axis2=2) / n_states
    own += _ROUND_SHARE * trace[:, np.newaxis, np.newaxis] * np.eye(n_states)
    metrics = _periodic_metrics(jacobians, own)
    if not np.isfinite(metrics).all() or not _decreases(canonical, jacobians, metrics):
        return None
    try:
        lower = np.linalg.cholesky(metrics)
    except np.linalg.LinAlgError:
        return None
    if not np.linalg.cond(lower).max() < _LARGEST_CONDITION:
        return None
    # The ellipsoid of radius r reaches r * spread in the pre-activation of a unit.
    spread = np.linalg.norm(
        np.linalg.solve(lower, np.broadcast_to(weights.T, (order, *weights.T.shape))), axis=1
    )
    radius = (1.0 - _MARGIN) * float((room / spread).min())
    # The center is not the point of the cycle, only near it.
    away = np.linalg.norm(lower, axis=(1, 2)).max() * np.sqrt(n_states) * error_bound
    radius -= float(away)
    if not radius > 0.0:
        return None
    inverse = np.linalg.solve(lower, np.broadcast_to(np.eye(n_states), lower.shape))
    half_widths = (1.0 + _MARGIN) * radius * np.linalg.norm(inverse, axis=1)
    if np.isnan(half_widths).any():
        return None
    return Neighbourhoods(points, np.swapaxes(lower, 1, 2) / radius, half_widths)


def bordering_units(canonical: _core.CanonicalMap) -> BoolArray:
    """Return which units have a border where the map changes."""
    return np.asarray((canonical.W1 != 0.0).any(axis=0) & (canonical.W2 != 0.0).any(axis=1))


def _periodic_metrics(jacobians: FloatArray, own: FloatArray) -> FloatArray:
    """Solve ``P_t = own_t + J_t^T P_{t+1} J_t`` around the cycle."""
    product = np.eye(jacobians.shape[1])
    total = np.zeros_like(product)
    for jacobian, metric in zip(jacobians, own, strict=True):
        total += product.T @ metric @ product
        product = jacobian @ product
    # Twice as many rounds with every turn.
    for _ in range(_MAX_DOUBLINGS):
        more = product.T @ total @ product
        total = total + more
        if not np.abs(more).max() > 1e-18 * np.abs(total).max():
            break
        product = product @ product
    metrics = np.empty_like(own)
    following = total
    for t in reversed(range(len(own))):
        following = own[t] + jacobians[t].T @ following @ jacobians[t]
        following = 0.5 * (following + following.T)
        metrics[t] = following
    return metrics


def _decreases(canonical: _core.CanonicalMap, jacobians: FloatArray, metrics: FloatArray) -> bool:
    """Whether every ``P_t - J_t^T P_{t+1} J_t`` is positive definite, for the exact Jacobians."""
    following = np.roll(metrics, -1, axis=0)
    differences = metrics - np.swapaxes(jacobians, 1, 2) @ following @ jacobians
    size = float(np.linalg.norm(np.abs(canonical.A) + np.abs(canonical.W1) @ np.abs(canonical.W2)))
    # Rounding of the Jacobian, of the products and of the eigenvalues: each at most a small
    # multiple of the number of terms.
    terms = 8.0 * (canonical.n_states + canonical.n_units + 4)
    norms = np.linalg.norm(metrics, axis=(1, 2))
    error = (
        terms
        * float(np.finfo(np.float64).eps)
        * (norms + size**2 * np.linalg.norm(following, axis=(1, 2)))
    )
    smallest = np.linalg.eigvalsh(differences)[:, 0]
    return bool((smallest > error).all())
