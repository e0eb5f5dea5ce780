"""Stable and unstable manifolds of a cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.checks import check_positive
from rnndyn._common.progress import ProgressMeter
from rnndyn.cycles.cycle import Cycle
from rnndyn.manifolds._arguments import Limits, check_limits, model_of, n_expanding
from rnndyn.manifolds._resume import check_resume
from rnndyn.manifolds.pieces import Pieces, pieces_from, record_of
from rnndyn.manifolds.progress import ManifoldProgress
from rnndyn.manifolds.result import Manifold
from rnndyn.manifolds.tree import TreeState
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._units import in_units, unit_of

#: Why the core refuses a cycle that Python let pass.
_REFUSALS = {
    "no_gap": (
        "cycle must be hyperbolic, but its multipliers on the two sides of the unit circle are too "
        "close to each other for the subspaces between which they decide"
    ),
    "on_border": (
        "cycle must lie off the borders of the linear regions, but a point of it is closer to one "
        "than its error"
    ),
    "too_many_regions": (
        "cycle must be of a network with at most 16,384 linear regions, as they are tried one "
        "by one, but this one may have more"
    ),
    "not_its_tree": (
        "resume must hold the pieces as they were computed, but they are no tree of this cycle: "
        "compute it anew, without resume"
    ),
}


def manifold(
    cycle: Cycle,
    kind: Literal["stable", "unstable"] = "stable",
    *,
    depth: int = 20,
    box: float | tuple[ArrayLike, ArrayLike] | None = None,
    max_pieces: int = 10_000,
    max_length: float | None = None,
    resume: Manifold | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> Manifold:
    """Compute the stable or the unstable manifold of a cycle, as pieces of affine sets.

    Parameters
    ----------
    cycle : Cycle
        A hyperbolic cycle of a piecewise linear network, off the borders of its regions. It may be
        stable: its stable manifold is its basin.
    kind : {"stable", "unstable"}
        States whose orbits converge to the cycle, or states that have an orbit into the past that
        does.
    depth : int
        Steps away from the local sets around the points of the cycle.
    box : float or (lower, upper), optional
        The box that orbits stay in on their way: a number R for ``|z_i| <= R``, or two bounds, each
        a number or an array of shape (M,). Default: all of R^M, which a cube stands for whose half
        side is 10^6 times the largest number of the offsets of the map and of the points of the
        cycle.
    max_pieces : int
        Stop at this number of pieces. The local sets are kept in any case.
    max_length : float, optional
        Of manifolds of dimension 1: the arc length at which their branches end, two at each point
        of the cycle, counted from there. Each is one curve, so it ends where it leaves the box,
        too, and, of a map that is not one to one, where it turns back. A branch may be longer
        where other branches of the cycle come out of its pieces.
    resume : Manifold, optional
        Go on with one that was stopped, or that reached its depth or number of pieces: what that
        call returned, for the same cycle, kind, box and `max_length`, and with a `depth` and
        `max_pieces` no smaller than then. The pieces are those of a run that was not stopped, bit
        for bit.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return the pieces found.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the states that ``Manifold.sample`` draws. The pieces do not depend on it.

    Returns
    -------
    Manifold
        After Ctrl-C or when the time limit is reached, what was found; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the cycle is not hyperbolic or lies on a border; the
        message says which.

    See Also
    --------
    rnndyn.basin_boundary : The stable manifolds that separate basins.
    rnndyn.plot.manifold : Draw it.

    Notes
    -----
    Near the cycle the stable manifold is the part of an affine set in which orbits keep to the
    regions of the cycle for ever, a polytope given by finitely many inequalities [1]_. The preimage
    of ``{E z = e, G z <= g}`` in the region with ``F(z) = J z + c`` is ``{E J z = e - E c,
    G J z <= g - G c}`` and the region's own inequalities, so no inverse of J is needed, and a map
    that is not one to one gives several. All words of regions are tried, one linear program each.
    A word without a piece is proved to have none within the box, by Farkas' lemma with all rounding
    errors of the rows, which are carried along; the start of all of it, the affine set, is known up
    to rounding.

    Unstable manifolds are images of their local sets, cut along the borders.

    References
    ----------
    .. [1] E. G. Gilbert, K. T. Tan, "Linear systems with state and control constraints: the theory
       and application of maximal output admissible sets", IEEE Trans. Automat. Control 36 (1991).

    Examples
    --------
    The map ``(x, y) -> (x / 2 + relu(x + 1) - relu(x - 1) - 1, y / 2)`` has a saddle at 0, and its
    stable manifold is the line x = 0:

    >>> import rnndyn as rd
    >>> model = rd.PiecewiseLinearMap(
    ...     A=[[0.5, 0.0], [0.0, 0.5]], W1=[[1.0, -1.0], [0.0, 0.0]],
    ...     W2=[[1.0, 0.0], [1.0, 0.0]], h1=[-1.0, 0.0], h2=[1.0, -1.0],
    ... )
    >>> saddle = rd.find_cycles(model, max_order=1).saddles[0]
    >>> line = rd.manifold(saddle)
    >>> line.complete, len(line.pieces), round(line.distance([3.0, 1.0]), 9)
    (True, 1, 3.0)
    """
    model = model_of(cycle)
    if kind not in ("stable", "unstable"):
        raise ValueError(f"kind must be 'stable' or 'unstable', got {kind!r}")
    expanding = n_expanding(cycle)
    if kind == "unstable" and expanding == 0:
        raise ValueError("cycle must have an unstable manifold, but all its directions contract")
    limits = check_limits(
        model, cycle.points, box, depth, max_pieces, n_threads, time_limit, progress, seed
    )
    if max_length is not None:
        max_length = check_positive("max_length", max_length, "units of the states")
        dimension = expanding if kind == "unstable" else model.n_states - expanding
        if dimension != 1:
            raise ValueError(
                "max_length is for manifolds of dimension 1, but this one has dimension "
                f"{dimension}: give depth, max_pieces or box instead"
            )
    begun = None
    if resume is not None:
        earlier, trees = check_resume(resume, Manifold, "rnndyn.manifold(...)", model, limits)
        if earlier.kind != kind:
            raise ValueError(f"resume must be of the same kind, {kind!r}; it is {earlier.kind!r}")
        if earlier.cycle != cycle:
            raise ValueError("resume must be of the same cycle; give its own, resume.cycle")
        if earlier.max_length != max_length:
            raise ValueError(
                f"resume must be of the same max_length, {max_length}; its was {earlier.max_length}"
            )
        begun = earlier.pieces, trees[0]
    meter = limits.options.meter

    meter.init("manifold")
    try:
        pieces, outcome = grown(
            model,
            cycle,
            kind,
            limits,
            lambda d, n: meter.step(ManifoldProgress(n, min(d, limits.depth), limits.depth)),
            begun,
            max_length,
        )
    finally:
        meter.close()
    tree = TreeState.from_dict(outcome)
    run = limits.run_of(
        {name: outcome[name] for name in ("n_empty", "n_undecided", "end", "stopped_by")}
    )
    return Manifold(model, cycle, kind, pieces, run, (tree,), max_length)


def grown(
    model: PiecewiseLinearModel,
    cycle: Cycle,
    kind: Literal["stable", "unstable"],
    limits: Limits,
    observer: Callable[[int, int], object],
    begun: tuple[Pieces, TreeState] | None = None,
    max_length: float | None = None,
) -> tuple[Pieces, dict[str, Any]]:
    """Return the pieces of a manifold, the state of its tree, and what stopped it.

    `begun` is what an earlier call returned.
    """
    expanding = n_expanding(cycle)
    # Without pieces it is begun anew.
    unit = unit_of(model.canonical, cycle.points)
    resume = None
    if begun and len(begun[0]):
        resume = {**record_of(begun[0].scaled(1.0 / unit)), **begun[1]._asdict()}
    record = _core.manifold(
        in_units(model.canonical, unit),
        cycle.itinerary,
        cycle.points / unit,
        cycle.error_bound / unit,
        kind == "stable",
        n_directions=expanding,
        depth=limits.depth,
        max_pieces=limits.max_pieces,
        lower=limits.box.lower / unit,
        upper=limits.box.upper / unit,
        n_threads=limits.options.n_threads,
        time_limit=limits.options.deadline.seconds_left(at_least=0.0),
        observer=observer,
        resume=resume,
        max_length=None if max_length is None else max_length / unit,
    )
    if record["refusal"]:
        raise ValueError(_REFUSALS[record["refusal"]])
    pieces = pieces_from(record).scaled(unit)
    if not len(pieces):
        # The number of equations is that of the manifold all the same.
        r = expanding if kind == "stable" else model.n_states - expanding
        empty = np.empty((0, r, model.n_states))
        none = np.empty((0, r))
        pieces = Pieces(
            **{**pieces._state(), "equations": empty, "values": none, "value_errors": none}
        )
    names = (*TreeState._fields, "stopped_by")
    return pieces, {name: record[name] for name in names}
