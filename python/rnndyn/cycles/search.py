"""Search for fixed points and cycles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, TypedDict, Unpack, overload

from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.checks import check_itinerary
from rnndyn._common.progress import ProgressMeter
from rnndyn.cycles._choice import search
from rnndyn.cycles._origin import Origin
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.continuum import ContinuumOfFixedPoints, continuum_from_record
from rnndyn.cycles.cycle import Cycle, cycle_from_record
from rnndyn.cycles.result import CycleSet
from rnndyn.io._as_model import NetworkLike, as_piecewise_linear
from rnndyn.models._canonical_map_of import canonical_map_of

OneInput: TypeAlias = Sequence[float]
SeveralInputs: TypeAlias = Sequence[Sequence[float]]


class _FixedPointOptions(TypedDict, total=False):
    """The options of a search for fixed points; what they mean says `find_cycles`."""

    drive: ArrayLike | None
    method: str
    max_restarts: int | None
    max_iterations: int | None
    box: float | tuple[ArrayLike, ArrayLike] | None
    rigorous: bool
    keep_tree: bool
    resume: CycleSet | None
    n_threads: int | None
    time_limit: float | None
    progress: bool | ProgressMeter | None
    seed: int


class _SearchOptions(_FixedPointOptions, total=False):
    states: ArrayLike | None


class _CycleOptions(_SearchOptions, total=False):
    periodic: bool


# Whether an array holds one input or several is in its shape, of which types do not know: lists say
# which it is, of an array either may come back.
@overload
def find_cycles(
    model: NetworkLike,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    *,
    inputs: OneInput | None = None,
    **options: Unpack[_CycleOptions],
) -> CycleSet: ...
@overload
def find_cycles(
    model: NetworkLike,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    *,
    inputs: SeveralInputs,
    **options: Unpack[_SearchOptions],
) -> CyclesByInput: ...
@overload
def find_cycles(
    model: NetworkLike,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    *,
    inputs: ArrayLike | None,
    **options: Unpack[_CycleOptions],
) -> CycleSet | CyclesByInput: ...
def find_cycles(
    model: NetworkLike,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    *,
    inputs: ArrayLike | None = None,
    periodic: bool = False,
    states: ArrayLike | None = None,
    drive: ArrayLike | None = None,
    method: str = "auto",
    max_restarts: int | None = None,
    max_iterations: int | None = None,
    box: float | tuple[ArrayLike, ArrayLike] | None = None,
    rigorous: bool = True,
    keep_tree: bool = False,
    resume: CycleSet | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> CycleSet | CyclesByInput:
    """Find the fixed points and cycles of a network.

    Parameters
    ----------
    model : model, torch.nn.Module, or mapping of str to array
        The network, such as ``rnndyn.PLRNN(A, W, h)``, a ``torch.nn.GRU``, or its ``state_dict()``
        (see `rnndyn.from_torch`). A ReLU `RNN` is searched as the piecewise-linear map that it is,
        a stacked one with its layers one step apart; see `RNN.as_piecewise_linear`.
    max_order : int, optional
        Search the orders 1, 2, ..., `max_order` in turn. Give this or `orders`.
    orders : iterable of int, optional
        Search these orders only.
    inputs : (K,), (C, K) or (T, K) array_like, optional
        Constant external input, or C of them, of which each is searched, in a tanh, GRU or LSTM
        network beginning also at what is found under the others. With `periodic` the input of every
        step of one period of T steps. Default: that of the model, else 0.
    periodic : bool
        Search a ReLU network under an input that repeats: see `PeriodicallyDriven`. The order of a
        cycle, in steps, is then a multiple of the period, and its first point is that on which the
        first input acts.
    states : (..., N) array_like, optional
        States from which the search begins as well, besides its own starts: best those that the
        network visits on its task, or data. In a piecewise-linear network, where the ends of long
        orbits are starts in any case, all are tried first, in their order, each by the itinerary
        of the orbit from there. In a tanh, GRU or LSTM network restarts draw from them. In an LSTM
        h and c side by side, see ``model.join_states``.
    drive : (B, T, K) or (T, K) array_like, optional
        Input sequences: the states that the network visits under them, from the state 0 on, are
        taken as `states`. Of more than 65,536 only every n-th.
    method : {"auto", "complete", "exhaustive", "search", "scyfi"}
        ``complete`` proves that no cycle is missing, however long that takes; ``certificate`` of
        the result says what was proved. ``exhaustive`` solves for every itinerary of an order;
        their number is about ``2**(H * k) / k``. ``search`` starts from random itineraries and
        follows the true map from each virtual candidate (see Notes). ``scyfi`` is the published
        algorithm alone, for comparison. ``auto`` lists or proves, order by order, where that is
        cheap, and searches elsewhere. In tanh, GRU and LSTM networks ``auto`` searches, and proves
        that nothing is missing where at most six unknowns, units or coordinates of all points,
        allow that in milliseconds; ``complete`` takes long beyond a few: give `time_limit`.
    max_restarts : int, optional
        Stop an order after this many restarts in a row without a new cycle (N_out of the
        published algorithm). Default: chosen from the order and the size of the network. It does
        not end an order of which every restart finds another cycle, such as order 200 of a chaotic
        map; give `time_limit`, or press Ctrl-C, to get what was found until then.
    max_iterations : int, optional
        End a restart after this many candidates (N_in of the published algorithm). Default: chosen
        from the order.
    box : float or (lower, upper), optional
        Keep only cycles with all points in a region of interest: ``R`` for ``|z_i| <= R``, or
        bounds, each a number or an array of shape (M,). Default: everywhere. A small box makes a
        complete search much faster.
    rigorous : bool
        Whether a proof must account for all rounding errors. Without, a complete search saves
        little time, and what it leaves out makes its ``certificate`` say ``searched``, not
        ``proved``. A method that never leaves out any, such as contraction, proves in any case.
    keep_tree : bool
        Keep the search trees with their multipliers in ``certificate``, for
        `rnndyn.Certificate.verify` and ``rnndyn verify``. Takes memory in proportion to the nodes.
    resume : CycleSet, optional
        Go on with a complete search that was interrupted: what that search returned, for the same
        model, orders and box.
    n_threads : int, optional
        Number of threads. Default: the environment variable ``OMP_NUM_THREADS``, else the number
        of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what was found until then.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the random numbers, 0 to 2**64 - 1. The same seed gives the same cycles for any
        number of threads.

    Returns
    -------
    CycleSet or CyclesByInput
        The cycles, the continua of fixed points, in ``search`` what was done and how sure the
        answer is, and in ``certificate`` what is proved. After Ctrl-C or when the time limit is
        reached: what was found until then, with ``finished`` False. Under several inputs (C, K) a
        `CyclesByInput`, a sequence of such sets.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    A cycle is determined by its itinerary, the sequence of linear regions that it visits: the only
    candidate is the solution of a linear system, and it is a real cycle if it visits those regions,
    else it is virtual. The search solves for the candidate of an itinerary; while it is virtual it
    takes as the next itinerary the one that the true map visits from the candidate [1]_. A restart
    ends when an itinerary comes back. Where a search is random, ``search.coverage`` estimates how
    much of what it can reach was reached (Good-Turing [2]_). Where a box is found that the network
    maps into itself, ``index_sum`` of the result tells more, as below.

    In a tanh, GRU or LSTM network the search is Newton's method [4]_ for all points of a cycle at
    once, from states given, random ones, and mixtures of the cycles known. Krawczyk's test in
    interval arithmetic then proves that a cycle exists, and bounds its error. Such a network maps a
    box into itself, so that by Lefschetz's theorem [5]_ the signs of ``det(I - J)`` over all fixed
    points, J their Jacobians, sum up to 1 if none is degenerate: ``index_sum`` of the result
    compares. Proofs divide the box (branch and prune with interval Newton [3]_).

    References
    ----------
    .. [1] L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss jumps in RNN
       training", NeurIPS 2023.
    .. [2] I. J. Good, "The population frequencies of species and the estimation of population
       parameters", Biometrika 40 (1953) 237-264.
    .. [3] A. Neumaier, "Interval Methods for Systems of Equations", Cambridge University Press,
       1990, ch. 5.
    .. [4] P. Deuflhard, "Newton Methods for Nonlinear Problems", Springer, 2011.
    .. [5] A. Granas, J. Dugundji, "Fixed Point Theory", Springer, 2003.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> cycles = rd.find_cycles(tent, max_order=5)
    >>> [len(cycles.of_order(k)) for k in (1, 2, 3, 4, 5)]
    [2, 1, 2, 3, 6]
    >>> rd.find_cycles(tent, max_order=5, method="complete").certificate.status
    'proved'

    A GRU that keeps one bit:

    >>> gru = rd.GRU(None, [[0.0], [0.0], [3.0]])
    >>> rd.find_cycles(gru, max_order=3, method="complete")
    3 cycles of GRU (1 state, 1 unit): 2 stable, 1 unstable
      #  order  stability  spectral radius  hits  certified
      0      1  stable            0.697157   111  yes
      1      1  unstable              1.25   108  yes
      2      1  stable            0.697157   101  yes
    Orders 1 to 3: proved with 21 boxes, nothing is missing

    A unit under an input that repeats after two steps:

    >>> unit = rd.PLRNN(A=[0.5], W=[[-3.0]], h=[0.5], C=[[1.0]], s=[0.0])
    >>> driven = rd.find_cycles(unit, max_order=4, inputs=[[1.0], [-1.0]], periodic=True)
    >>> driven
    2 cycles of PeriodicallyDriven (1 state, 1 unit): 1 stable, 1 unstable
      #  order  stability  spectral radius  margin    hits  certified
      0      2  unstable              1.25   0.556  listed  yes
      1      4  stable              0.3125   0.238  listed  yes
    Period of the input: 2 steps
    Proved: orders 2 and 4 have no other cycles anywhere in R^1.
    Orders 2 and 4: all 20 itineraries listed, nothing is missing
    """
    return search(
        model,
        max_order,
        orders,
        inputs=inputs,
        periodic=periodic,
        states=states,
        drive=drive,
        method=method,
        seed=seed,
        max_restarts=max_restarts,
        max_iterations=max_iterations,
        box=box,
        n_threads=n_threads,
        time_limit=time_limit,
        progress=progress,
        rigorous=rigorous,
        keep_tree=keep_tree,
        resume=resume,
    )


@overload
def find_fixed_points(
    model: NetworkLike,
    inputs: OneInput | None = None,
    states: ArrayLike | None = None,
    **options: Unpack[_FixedPointOptions],
) -> CycleSet: ...
@overload
def find_fixed_points(
    model: NetworkLike,
    inputs: SeveralInputs,
    states: ArrayLike | None = None,
    **options: Unpack[_FixedPointOptions],
) -> CyclesByInput: ...
@overload
def find_fixed_points(
    model: NetworkLike,
    inputs: ArrayLike | None,
    states: ArrayLike | None = None,
    **options: Unpack[_FixedPointOptions],
) -> CycleSet | CyclesByInput: ...
def find_fixed_points(
    model: NetworkLike,
    inputs: ArrayLike | None = None,
    states: ArrayLike | None = None,
    *,
    drive: ArrayLike | None = None,
    method: str = "auto",
    max_restarts: int | None = None,
    max_iterations: int | None = None,
    box: float | tuple[ArrayLike, ArrayLike] | None = None,
    rigorous: bool = True,
    keep_tree: bool = False,
    resume: CycleSet | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> CycleSet | CyclesByInput:
    """Find the fixed points of a network: `find_cycles` with ``orders=[1]``.

    All parameters are those of `find_cycles`.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> [float(point.points[0, 0]) for point in rd.find_fixed_points(tent)]
    [-1.0, 0.3333333333333333]

    A tanh unit that keeps one bit:

    >>> bit = rd.find_fixed_points(rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]]), inputs=[0.0])
    >>> bit.index_sum, [(point.stability, point.certified) for point in bit]
    (1, [('stable', True), ('unstable', True), ('stable', True)])

    Under several inputs:

    >>> network = rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]])
    >>> [len(points) for points in rd.find_fixed_points(network, inputs=[[0.0], [0.3], [0.8]])]
    [3, 3, 1]
    """
    return search(
        model,
        None,
        [1],
        inputs=inputs,
        states=states,
        drive=drive,
        method=method,
        seed=seed,
        max_restarts=max_restarts,
        max_iterations=max_iterations,
        box=box,
        n_threads=n_threads,
        time_limit=time_limit,
        progress=progress,
        rigorous=rigorous,
        keep_tree=keep_tree,
        resume=resume,
    )


def solve_cycle(model: NetworkLike, itinerary: ArrayLike) -> Cycle | ContinuumOfFixedPoints | None:
    """Solve for the cycle of one itinerary, real or virtual.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network.
    itinerary : array_like of bool, shape (k, H) or (H,)
        Region of every point: True where the pre-activation of a unit is positive. Shape (H,) is a
        fixed point.

    Returns
    -------
    Cycle or ContinuumOfFixedPoints or None
        The only cycle that can have this itinerary; its ``virtual`` is True where it does not. A
        continuum where ``I - J`` is singular and its equation has solutions in the regions of
        the itinerary. None where it is singular and has no such solution.

    Raises
    ------
    TypeError, ValueError
        If the itinerary has the wrong shape or holds anything but bits.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> rd.solve_cycle(tent, [[False], [True]])
    Cycle(order=2, stability='unstable', spectral_radius=4, margin=0.2, certified=True)
    """
    linear = as_piecewise_linear(model)
    canonical = canonical_map_of(linear)
    raw = _core.solve_cycle(canonical, check_itinerary(itinerary, linear.n_units))
    kind = raw["kind"]
    if kind == "none":
        return None
    if kind == "continuum":
        return continuum_from_record(raw, canonical)
    return cycle_from_record(raw, virtual=kind == "virtual", origin=Origin(linear, None))
