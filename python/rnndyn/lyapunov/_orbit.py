"""What becomes of an orbit: whether it settles on a cycle or runs away.

On a cycle of period p the exponents are known: they are the logarithms of the moduli of its
multipliers over p, without any average over time. An orbit that runs away has no attractor whose
exponents its growth could be.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray

#: Codes of orbits beside the period of the cycle that one has settled on.
OPEN, UNBOUNDED = 0, -1

#: Part of its size by which an orbit may still be off the cycle that it comes to.
_NEAR = 1e-2
#: Part of the distance of the multipliers from the unit circle that may be lost on the way there.
_SAFE = 0.5
#: What rounding leaves of a distance of multipliers that are on the unit circle.
_NEUTRAL = 1e-12
#: Part of its size within which two orbits are on the same cycle.
_SAME = 1e-6
_NEWTON_STEPS = 8
#: Part of its size within which a cycle counts as one on a kink, and part of the size of the
#: derivative by which it jumps there; what is smooth changes by far less.
_KINK, _JUMP = 1e-14, 1e-10
#: Parts of its size by which a cycle that was solved for may fail to close, and at which Newton's
#: method has nothing left to do.
_CLOSED, _AT_REST = 1e-9, 4e-15
#: Error of an exponent from its multiplier beyond which that of the record is no worse.
_LARGEST_ERROR = 1e-6
_EPSILON = float(np.finfo(np.float64).eps)
#: Operations that looking for a cycle takes, multiple of N^3 that its multipliers take, and the
#: operations that are always spent; beyond them all attempts take no more than the run itself.
_ATTEMPT_COST, _EIGENVALUE_COST, _CHEAP = 3e5, 30.0, 1e9

#: An orbit that runs away is larger than its map's offsets can matter by this factor, grows by this
#: factor within half of the record, and its growth does not slow down.
_FAR, _GROWTH, _SLOWING = 10.0, 1.2, 0.99
#: Where it grows irregularly: by this factor from quarter to quarter of the record.
_LEAP = 1e3
#: Fewer windows tell nothing.
_FEWEST_WINDOWS = 8
#: What rounding can leave of an exponent 0.
_ZERO = 1e-9


class OrbitReport(NamedTuple):
    """What became of B orbits.

    Attributes
    ----------
    codes : (B,) array
        Period of the cycle that an orbit has settled on; `OPEN` or `UNBOUNDED` for others.
    exponents, errors : (B, m) arrays
        Exponents of that cycle in the order of the record, and bounds of their rounding errors.
        Error 0: none is known.
    """

    codes: IntArray
    exponents: FloatArray
    errors: FloatArray


def nothing_known(n_sequences: int, n_exponents: int) -> OrbitReport:
    """Return a report that tells nothing."""
    shape = n_sequences, n_exponents
    return OrbitReport(np.full(n_sequences, OPEN, dtype=np.int64), np.zeros(shape), np.zeros(shape))


def report(
    system: Any, record: dict[str, Any], inputs: FloatArray | None, layer_sizes: list[int]
) -> OrbitReport:
    """Tell what became of the orbits of a record of the core.

    Parameters
    ----------
    system : _core.System
        What was run.
    record : dict
        What the core returned.
    inputs : (B, T, K) array or None
        What drove it.
    layer_sizes : list of int
        Sizes of the states that have a frame of their own.
    """
    growth = np.asarray(record["log_growth"])
    n_sequences, _, m = growth.shape
    codes, exponents, errors = nothing_known(n_sequences, m)
    sizes = np.asarray(record["largest_states"])
    steps = np.asarray(record["window_steps"])
    codes[unbounded(sizes, growth.max(axis=2), steps, float(record["natural_size"]))] = UNBOUNDED
    layer = np.asarray(record["layer"])
    known: list[_Cycle] = []
    terms = float(record["derivative_terms"])
    # Finding the cycles must not take longer than the run.
    work = float(steps.sum()) * system.n_states**2 * (m + 1) * n_sequences
    budget = max(work, _CHEAP)
    for b in np.flatnonzero(np.asarray(record["periods"]) > 0).tolist():
        period = int(record["periods"][b])
        drive = None if inputs is None else np.ascontiguousarray(inputs[b, 0])
        state = np.asarray(record["states"])[b]
        cycle = next((c for c in known if c.holds(state, drive)), None)
        if cycle is None:
            budget -= _ATTEMPT_COST + _EIGENVALUE_COST * period * system.n_states**3
            if budget < 0.0:
                continue
            size = float(sizes[b].max())
            cycle = _settled_cycle(system, state, drive, period, size, layer_sizes, terms)
            if cycle is None:
                continue
            known.append(cycle)
        codes[b] = len(cycle.points)
        for number, (values, bounds) in enumerate(cycle.spectra):
            own = np.flatnonzero(layer == number)
            totals = growth[b][:, own].sum(axis=0)
            # In the order of the record, of which directions that are annihilated come last.
            order = own[np.argsort(-totals, kind="stable")][: int(np.isfinite(totals).sum())]
            n = min(len(order), len(values))
            good = np.isfinite(values[:n]) & (
                bounds[:n] <= _LARGEST_ERROR * np.maximum(1.0, np.abs(values[:n]))
            )
            exponents[b, order[:n]] = np.where(good, values[:n], 0.0)
            errors[b, order[:n]] = np.where(good, bounds[:n], 0.0)
    return OrbitReport(codes, exponents, errors)


class _Cycle(NamedTuple):
    points: FloatArray
    drive: FloatArray | None
    tolerance: float
    #: Exponents and bounds of their errors for each frame, descending.
    spectra: list[tuple[FloatArray, FloatArray]]

    def holds(self, state: FloatArray, drive: FloatArray | None) -> bool:
        if drive is None or self.drive is None:
            same = drive is self.drive
        else:
            same = np.array_equal(drive, self.drive)
        near = np.abs(self.points - state).max(axis=1) <= self.tolerance
        return bool(same and near.any())


def _settled_cycle(
    system: Any,
    state: FloatArray,
    drive: FloatArray | None,
    period: int,
    size: float,
    layer_sizes: list[int],
    terms: float,
) -> _Cycle | None:
    """Return the stable cycle that an orbit is on, or an unstable one that it has met exactly."""
    n = len(state)
    identity = np.eye(n)
    inputs = None if drive is None else np.broadcast_to(drive, (period, len(drive)))

    def orbit_of(first: FloatArray) -> tuple[FloatArray, FloatArray]:
        points = [first]
        for _ in range(period):
            points.append(system.step(points[-1][None], None if inputs is None else inputs[:1])[0])
        return np.array(points[:-1]), points[-1]

    def jacobians_at(points: FloatArray) -> FloatArray:
        blocks = np.ascontiguousarray(np.broadcast_to(identity, (period, n, n)))
        matrices: FloatArray = system.tangent(
            points, None if inputs is None else np.ascontiguousarray(inputs), blocks
        )
        return matrices

    points, end = orbit_of(state)
    jacobians = at_start = jacobians_at(points)
    met = bool(np.array_equal(end, state))
    with np.errstate(all="ignore"):
        product = _product(jacobians)
        for _ in range(_NEWTON_STEPS):
            if np.abs(end - points[0]).max() <= _AT_REST * size:
                break
            try:
                first = points[0] + np.linalg.solve(identity - product, end - points[0])
            except np.linalg.LinAlgError:
                return None
            if not np.abs(first - state).max() <= _NEAR * size:
                return None
            points, end = orbit_of(first)
            jacobians = jacobians_at(points)
            product = _product(jacobians)
        if not (np.isfinite(product).all() and np.isfinite(points).all()):
            return None
        if not np.abs(end - points[0]).max() <= _CLOSED * size:
            return None
        if _is_at_kink(jacobians_at, points, jacobians, size):
            return None
        spectra = []
        first_row = 0
        for length in layer_sizes:
            rows = slice(first_row, first_row + length)
            first_row += length
            blocks = jacobians[:, rows, rows]
            found = _spectrum(blocks, terms)
            if found is None:
                return None
            change = _product(at_start[:, rows, rows]) - _product(blocks)
            # Beside an unstable cycle an orbit stays only where it has met it exactly.
            if not (met or _contracts(_product(blocks), float(np.linalg.norm(change)))):
                return None
            spectra.append(found)
    stable = all(exponents[0] < 0.0 for exponents, _ in spectra)
    return _Cycle(points, drive, _SAME * size if stable else 0.0, spectra)


def _is_at_kink(
    jacobians_at: Callable[[FloatArray], FloatArray],
    points: FloatArray,
    jacobians: FloatArray,
    size: float,
) -> bool:
    """Tell whether the map has another derivative within rounding errors of a cycle.

    A unit of the cycle that is on and off at once has no derivative, and orbits that come to the
    cycle see that of the side that they come from. A step along some coordinate crosses the kink.
    """
    step = _KINK * size
    scale = _JUMP * (1.0 + np.abs(jacobians).max())
    for coordinate in np.eye(points.shape[1]):
        for direction in (step, -step):
            change = jacobians_at(points + direction * coordinate) - jacobians
            if not np.abs(change).max() <= scale:
                return True
    return False


def _contracts(product: FloatArray, change: float) -> bool:
    """Tell whether matrices that differ from this one by so much still make vectors shorter.

    In the norm of its eigenvectors it does by its largest multiplier, and the others by their
    condition times the change more (F. L. Bauer, C. T. Fike, Numer. Math. 2 (1960) 137-141).
    """
    values, vectors = np.linalg.eig(product)
    gap = 1.0 - float(np.abs(values).max())
    if change == 0.0:
        return gap > _NEUTRAL
    return bool(float(np.linalg.cond(vectors)) * change <= _SAFE * gap)


def _product(jacobians: FloatArray) -> FloatArray:
    product: FloatArray = jacobians[0]
    for matrix in jacobians[1:]:
        product = matrix @ product
    return product


def _spectrum(jacobians: FloatArray, terms: float) -> tuple[FloatArray, FloatArray] | None:
    """Return exponents of a cycle, descending, and first-order bounds of their errors.

    A simple eigenvalue moves by its condition times the change of the matrix (G. H. Golub, C. F.
    Van Loan, Matrix Computations, 4th ed., sec. 7.2.2); near a defective one the condition is so
    large that the exponent of the record is taken. Entries of a Jacobian have rounding errors of
    the size of `terms` that may cancel in them.
    """
    period, n, _ = jacobians.shape
    product = _product(jacobians)
    try:
        values, vectors = np.linalg.eig(product)
        left = np.linalg.inv(vectors)
        # Where the cycle is known to rounding only, so are its Jacobians.
        position = np.linalg.norm(np.linalg.inv(np.eye(n) - product))
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(vectors, axis=0) * np.linalg.norm(left, axis=1)
    norms = np.linalg.norm(jacobians, axis=(1, 2))
    others = [float(np.prod(np.delete(norms, k))) for k in range(period)]
    size = float(np.linalg.norm(_product(np.abs(jacobians)))) + terms * sum(others)
    moduli = np.abs(values)
    change = _EPSILON * (n + period) * size * (1.0 + position) * condition
    relative = np.divide(change, moduli, out=np.full(n, np.inf), where=moduli > 0.0)
    exponents = np.log(np.where(moduli > 0.0, moduli, 1.0)) / period
    exponents[moduli == 0.0] = -np.inf
    bounds = relative / period + 4.0 * _EPSILON * np.maximum(1.0, np.abs(exponents))
    order = np.argsort(-exponents, kind="stable")
    return exponents[order], bounds[order]


def unbounded(
    sizes: FloatArray, largest_growth: FloatArray, steps: IntArray, natural_size: float
) -> BoolArray:
    """Tell which orbits run away.

    Parameters
    ----------
    sizes : (B, W) array
        Largest entry of the state in every window.
    largest_growth : (B, W) array
        Of the directions, in every window.
    steps : (W,) array
        Steps of the windows.
    natural_size : float
        Size of states beyond which the offsets of the map do not matter. Infinite for maps whose
        states are bounded.
    """
    n_windows = sizes.shape[1]
    runs: BoolArray = np.zeros(len(sizes), dtype=np.bool_)
    if n_windows < _FEWEST_WINDOWS or not np.isfinite(natural_size):
        return runs
    half, quarter = n_windows // 2, n_windows // 4
    records = np.maximum.accumulate(sizes, axis=1)
    # Of what stays in bounds no record is broken in every window, unless it comes to rest: then the
    # steps get shorter.
    always = (np.diff(records[:, half - 1 :], axis=1) > 0.0).all(axis=1)
    end, middle, between = records[:, -1], records[:, half - 1], records[:, -1 - quarter]
    before = records[:, -1 - 2 * quarter]
    steady = always & (end >= _GROWTH * middle) & (end - between >= _SLOWING * (between - before))
    rate = largest_growth[:, half:].sum(axis=1) / steps[half:].sum()
    steady &= rate >= -_ZERO
    parts = [part.max(axis=1) for part in np.array_split(sizes, 4, axis=1)]
    leaps = np.all([b > _LEAP * a for a, b in pairwise(parts)], axis=0)
    runs |= (steady & (end > _FAR * natural_size)) | (leaps & (end > _LEAP**3 * natural_size))
    grown: BoolArray = runs & (sizes.max(axis=1) > 0.0)
    return grown
