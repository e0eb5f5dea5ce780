"""Existence and stability of cycles over two parameters, with exact boundaries."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import numpy as np

from rnndyn._common.checks import check_orders
from rnndyn._common.options import check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.plane._plane import plane_over
from rnndyn.bifurcation.plane._work import PlaneWork
from rnndyn.bifurcation.plane.curve import BoundaryCurve
from rnndyn.bifurcation.plane.gap import PlaneGap
from rnndyn.bifurcation.plane.result import StabilityDiagram
from rnndyn.bifurcation.plane.run import StabilityRun
from rnndyn.io._as_model import NetworkLike, as_piecewise_linear
from rnndyn.models._canonical_map_of import canonical_map_of
from rnndyn.models._parameter_axis import Axis, checked_axis
from rnndyn.scale_out import Executor

METHODS = ("auto", "exhaustive", "search")


def stability_diagram(
    model: NetworkLike,
    x: Axis,
    y: Axis,
    *,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    method: str = "auto",
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
) -> StabilityDiagram:
    """Find the cycles of a network over a grid of two parameters, and the curves between them.

    Cycles are followed exactly along every row and every column of the grid, and their boundaries
    are traced from crossing to crossing, so that nothing depends on how fine the grid is but the
    smallest region that can be seen: one that lies between the lines is missed.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network.
    x, y : (str, array_like)
        Names and ascending values of two parameters, such as ``("A[0,0]", numpy.linspace(0, 1))``;
        see ``model.scalar_names()``. The canonical form of the network must be linear in each.
    max_order : int, optional
        Cycles of the orders 1, 2, ..., `max_order`. Give this or `orders`.
    orders : iterable of int, optional
        Cycles of these orders.
    method : {"auto", "exhaustive", "search"}
        ``exhaustive`` follows every itinerary of the orders along every line. ``search`` searches
        every point of the grid and follows what it finds, and everything that meets it. ``auto``
        follows every itinerary of the low orders where that is cheap, and searches for the others:
        every point where a search is quick and proves that nothing is missing (networks of up to
        two states and four units, or with few itineraries), else a lattice of about 16 by 16
        points. ``run`` of the result tells what was done.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds; with an executor between chunks. The result then holds
        the cycles along the lines that were followed, and no curves.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the searches.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to compute; each worker uses one thread. Default: threads of this process.
    store : path-like, optional
        Folder that finished parts are written to. A run that
        was stopped, in whatever way, goes on from there when it is called again.

    Returns
    -------
    StabilityDiagram
        Counts per order on the grid, boundary curves, and in ``gaps`` whatever does not fit: rows,
        columns and searches tell independently which cycles a point of the grid has. After Ctrl-C
        or when the time limit is reached, what is done; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.plot.stability_diagram : Draw it.
    rnndyn.scan : Lyapunov exponents or functions of your own on a grid.

    Notes
    -----
    Within a cell of the grid the curves are found by cutting the cell where they bend, end or
    meet, with the same exact events along the cuts. Where curves end at a point in which two
    bifurcations coincide, their last point is within 1/128 of a cell of it.

    Examples
    --------
    The skew tent map has a stable fixed point where its right slope is above -1:

    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    >>> diagram = rd.stability_diagram(
    ...     tent, ("W[0,0]", [-2.0, -1.2, -0.4]), ("h[0]", [0.5, 1.0, 1.5]), max_order=1
    ... )
    >>> diagram.n_stable[0]
    array([[0, 1, 1],
           [0, 1, 1],
           [0, 1, 1]])
    >>> [(curve.kind, curve.points[:, 0].round(12).tolist()) for curve in diagram.curves]
    [('degenerate_flip', [-1.5, -1.5, -1.5, -1.5, -1.5])]
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    network = as_piecewise_linear(model)
    x_axis, y_axis = checked_axis(x, "x", network), checked_axis(y, "y", network)
    plane = plane_over(network, x_axis, y_axis)
    order_list = check_orders(max_order, orders)
    common = check_options(n_threads, time_limit, progress, seed)
    start = time.perf_counter()
    common.meter.init("stability_diagram")

    def map_of(point: int) -> CanonicalMap:
        row, column = divmod(point, len(plane.u))
        place = {x_axis[0]: float(x_axis[1][column]), y_axis[0]: float(y_axis[1][row])}
        return canonical_map_of(network.with_parameters(place))

    try:
        work = PlaneWork(plane, map_of, order_list, method, common, executor, store)
        work.run()
    finally:
        common.meter.close()
    run = StabilityRun(
        orders=tuple(order_list),
        listed_orders=tuple(work.listed_orders),
        n_points=work.reached.size,
        n_searched=int(work.searched.sum()),
        n_searched_completely=int(work.proved.sum()),
        n_lines=plane.n_lines,
        n_lines_done=work.n_lines_done,
        seed=common.seed,
        stopped_by=work.stopped_by,
        n_threads=common.n_threads,
        seconds=time.perf_counter() - start,
    )
    x_values, y_values = x_axis[1], y_axis[1]
    return StabilityDiagram(
        model=network,
        x=x_axis,
        y=y_axis,
        itineraries=tuple(work.numbers.itineraries),
        node_columns=work.nodes._asdict(),
        reached=work.reached,
        curves=tuple(
            BoundaryCurve(
                **label,
                points=np.column_stack(
                    [
                        x_values[0] + points[:, 0] * (x_values[-1] - x_values[0]),
                        y_values[0] + points[:, 1] * (y_values[-1] - y_values[0]),
                    ]
                ),
                residuals=points[:, 2],
            )
            for label, points in work.curves
        ),
        gaps=tuple(
            PlaneGap(
                float(x_values[0] + u * (x_values[-1] - x_values[0])),
                float(y_values[0] + v * (y_values[-1] - y_values[0])),
                reason,
                bits,
            )
            for u, v, reason, bits in work.gaps
        ),
        run=run,
    )
