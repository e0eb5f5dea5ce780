"""Orbits as sequences of regions, and which regions orbits can come to from which."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, finite_numbers, plain_array
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count
from rnndyn._common.options import Options, check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.io._as_model import NetworkLike, as_model, as_piecewise_linear
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._layers_apart import orbits_of_map, refuse_stacked, states_of_map
from rnndyn.models._stepping import to_states
from rnndyn.regions.progress import RegionGraphProgress
from rnndyn.regions.result import IMPOSSIBLE, PROVED, SEEN, UNDECIDED, RegionGraph
from rnndyn.regions.run import RegionGraphRun

#: Steps of an orbit from a state, if not said otherwise.
_STEPS = 1000


def region_graph(
    model: NetworkLike,
    orbit: ArrayLike | None = None,
    *,
    box: float | tuple[ArrayLike, ArrayLike] | None = None,
    start: float | tuple[ArrayLike, ArrayLike] | ArrayLike | None = None,
    n_steps: int | None = None,
    max_regions: int = 10_000,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> RegionGraph:
    """Turn linear regions into symbols, and tell which transitions there are between them.

    Of an orbit: the regions that it visits, and the transitions that were seen. Of a box: all
    regions and transitions that are possible for orbits that stay in the box, and a proof that
    there are no others. Of both: how often the orbit takes each of the possible transitions.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network; a ReLU RNN, also of torch, is the piecewise-linear map that it is. States of an
        orbit of a stacked one get its layers one step apart, and are fewer by the layers but one;
        a box holds the orbits of both; a box `start` is for maps only.
    orbit : (..., T, M) array_like, optional
        Orbits, such as ``model.orbit(z0, n_steps)``, or states of data one after another.
    box : float or (lower, upper), optional
        The box that orbits stay in: a number R for ``|z_i| <= R``, or two bounds, each a number or
        an array of shape (M,).
    start : float, (lower, upper), or (..., M) array, optional
        Where orbits begin. A number or a pair, as `box`: only what can be reached from there within
        `box`. An array, tensor or frame: states, whose orbits are taken as `orbit`. Default: all of
        `box`.
    n_steps : int, optional
        Steps of the orbits from states `start`. Default: 1,000.
    max_regions : int
        Stop at this number of regions of the box.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what was found.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Kept with the result, as everywhere; nothing is drawn at random.

    Returns
    -------
    RegionGraph
        Regions, symbols, transitions with their counts, strongly connected components, and the
        entropy of the paths. After Ctrl-C or when the time limit is reached, what was found;
        ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or states of the orbit are outside the box; the message
        names it.

    See Also
    --------
    rnndyn.plot.region_graph : Draw it.

    Notes
    -----
    On a border, where a pre-activation is 0, the unit of an orbit counts as off. Proofs are about
    closed regions, so that a state on a border is in all regions that meet there.

    A transition from region i to region j is possible if the polytope of the states in region i and
    in the box whose image is in region j and in the box is not empty. This polytope is found by
    dividing that of region i by one unit after the other. A linear program either shows a state
    that fulfils all inequalities, rounding errors included, and the transition is proved; or its
    multipliers prove that there is none, with the rounding errors of all rows (Farkas' lemma [1]_),
    and the transition is not in the graph; else it is kept as undecided, such as where closed
    regions meet in a face.

    Every orbit that stays in the box is a path of a complete graph, so the logarithm of the largest
    eigenvalue of its matrix bounds the entropy of the words from above. It bounds the topological
    entropy of the network on every compact invariant set in the box as well: by Bowen's theorem
    [2]_ that exceeds the entropy of the words by no more than the entropy within sets of states
    that share a word for ever. Such a set is convex, the network is affine on it at all times, and
    its images stay in the box, so states in it move apart by a bounded factor only, and its entropy
    is 0. A transition that was seen, but is in no graph of a box, bounds nothing: see
    `RegionGraph.entropy`.

    Components are those of Tarjan's algorithm [3]_; the largest eigenvalue is bounded from both
    sides by the quotients of Collatz and Wielandt [4]_, of which the upper one is taken.

    References
    ----------
    .. [1] A. Schrijver, "Theory of Linear and Integer Programming", Wiley, 1986, sec. 7.3.
    .. [2] R. Bowen, "Entropy for group endomorphisms and homogeneous spaces", Trans. Amer. Math.
       Soc. 153 (1971) 401-414, theorem 17.
    .. [3] R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972)
       146-160.
    .. [4] R. A. Horn, C. R. Johnson, "Matrix Analysis", Cambridge University Press, 2013, ch. 8.

    Examples
    --------
    The tent map with a cycle of order 2 only visits each side in turn:

    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> rd.region_graph(tent, tent.orbit([-0.2], 10))
    2 regions and 2 transitions of PLRNN (1 state, 1 unit)
      #  region  visits  followers  component
      0  0            6          1          0
      1  1            5          1          0
    1 strongly connected component, 2 recurrent regions; paths grow by 0 nats per step
    Seen, not all that is possible: no bound for the network itself

    From two states of its own:

    >>> import numpy as np
    >>> rd.region_graph(tent, start=np.array([[-0.2], [1 / 3]]), n_steps=50).visits.tolist()
    [26, 76]

    Of all its orbits in [-1, 1] any sequence of sides is possible, so that its entropy, which is
    ln 2, is at most that:

    >>> graph = rd.region_graph(tent, box=1.0)
    >>> graph.bounds_entropy, round(graph.entropy, 6)
    (True, 0.693147)
    """
    source = as_model(model)
    network = as_piecewise_linear(source)
    states = _states_in(start)
    if states is None and n_steps is not None:
        raise ValueError("n_steps is for start as an array of states; leave it out")
    if states is not None:
        if orbit is not None:
            raise ValueError("start must not come with an orbit, which begins where it begins")
        steps = check_count("n_steps", _STEPS if n_steps is None else n_steps)
        given: FloatArray | None = _orbits_from(source, network, states, steps)
        start = None
    else:
        given = None if orbit is None else _check_orbit(orbit, network.n_states)
        given = None if given is None else orbits_of_map(source, given)
    if start is not None:
        refuse_stacked(source, "start", "is a box of first states")
    ends = None if box is None else box_ends(box, network.n_states)
    begin = None if start is None else _start_box(start, network.n_states)
    max_regions = check_count("max_regions", max_regions)
    common = check_options(n_threads, time_limit, progress, seed)
    _check_together(given, ends, begin)

    began = time.perf_counter()
    common.meter.init("region_graph")
    found = _nothing(network)
    try:
        if ends is not None:
            found = _of_box(network, ends, begin, max_regions, common)
    except KeyboardInterrupt:
        # In Python's own part of the work; the core says it itself.
        found = found._replace(end="stopped", stopped_by="interrupt")
    finally:
        common.meter.close()
    run = RegionGraphRun(
        max_regions=max_regions,
        n_expanded=int(found.expanded.sum()),
        n_empty=found.n_empty,
        end=found.end,
        seed=common.seed,
        stopped_by=found.stopped_by,
        n_threads=common.n_threads,
        seconds=time.perf_counter() - began,
    )
    lower, upper = (None, None) if ends is None else ends
    start_lower, start_upper = (None, None) if begin is None else begin
    return RegionGraph(
        model=network,
        **_counted(network, found, given),
        lower=lower,
        upper=upper,
        start_lower=start_lower,
        start_upper=start_upper,
        run=run,
    )


def _states_in(start: Any) -> Any:
    """Return the states of `start`, or None if it is a box; a list or tuple is one."""
    plain = plain_array("start", start)
    if isinstance(plain, np.ndarray) and plain.ndim:
        return plain
    if isinstance(plain, list | tuple) and len(plain) != 2:
        raise ValueError(
            f"start must be a number R, (lower, upper), or an array of states, got "
            f"{len(plain)} entries: for states write start=numpy.array(states)"
        )
    return None


def _start_box(start: Any, n_states: int) -> tuple[FloatArray, FloatArray]:
    try:
        return box_ends(start, n_states, name="start")
    except ValueError as error:
        raise ValueError(f"{error}; for states write start=numpy.array(states)") from None


def _orbits_from(
    source: Any, network: PiecewiseLinearModel, states: Any, n_steps: int
) -> FloatArray:
    """Return orbits (B, T, M) of the map that begin at states (..., N) of the network."""
    if isinstance(source, RecurrentNetwork):
        first = source._states("start", states)
    else:
        first = to_states("start", states, network.n_states, "M")
    if not first.size:
        raise ValueError(f"start must hold at least one state, got shape {first.shape}")
    return network.orbit(states_of_map(source, first, None), n_steps)


def _check_orbit(orbit: ArrayLike, n_states: int) -> FloatArray:
    states = finite_numbers("orbit", orbit)
    if states.ndim < 2 or states.shape[-1] != n_states or states.shape[-2] < 2:
        raise ValueError(
            f"orbit must have shape (..., T, M) with T at least 2 and M = {n_states}, got "
            f"{states.shape}"
        )
    if states.size == 0:
        raise ValueError(f"orbit must hold at least one orbit, got shape {states.shape}")
    return states


def _check_together(
    orbit: FloatArray | None,
    box: tuple[FloatArray, FloatArray] | None,
    start: tuple[FloatArray, FloatArray] | None,
) -> None:
    if box is None:
        if orbit is None:
            raise ValueError(
                "orbit, box or start must be given: states that were visited, such as "
                "model.orbit(z0, 1000), the box that orbits stay in, such as box=3.0, or states "
                "where orbits begin, such as start=numpy.zeros(M)"
            )
        if start is not None:
            raise ValueError(
                "start must come with a box that orbits stay in, box=R, or be an array of states"
            )
        return
    lower, upper = box
    if start is not None:
        if orbit is not None:
            raise ValueError("start must not come with an orbit, which begins where it begins")
        if (start[0] < lower).any() or (start[1] > upper).any():
            raise ValueError("start must lie in box: orbits begin there and stay in it")
    if orbit is not None:
        outside = ((orbit < lower) | (orbit > upper)).any(axis=-1)
        if outside.any():
            size = float(np.abs(orbit).max())
            raise ValueError(
                f"orbit must stay in box, but {int(outside.sum()):,} of {outside.size:,} states "
                f"are outside: give a larger box, such as box={size:.3g}"
            )


class _Found(NamedTuple):
    """What is known of a box."""

    regions: BoolArray
    states: FloatArray
    initial: BoolArray
    expanded: BoolArray
    sources: IntArray
    targets: IntArray
    proved: BoolArray
    n_empty: int
    end: Any
    stopped_by: Any


def _nothing(model: PiecewiseLinearModel) -> _Found:
    no, none = np.zeros(0, np.bool_), np.zeros(0, np.int64)
    regions, states = np.zeros((0, model.n_units), np.bool_), np.zeros((0, model.n_states))
    return _Found(regions, states, no, no, none, none, no, 0, "exhausted", "finished")


def _of_box(
    model: PiecewiseLinearModel,
    box: tuple[FloatArray, FloatArray],
    start: tuple[FloatArray, FloatArray] | None,
    max_regions: int,
    options: Options,
) -> _Found:
    record = _core.region_graph(
        model.canonical,
        *box,
        start=start,
        max_regions=max_regions,
        n_threads=options.n_threads,
        time_limit=options.deadline.seconds_left(at_least=0.0),
        observer=lambda done, known: options.meter.step(RegionGraphProgress(done, known)),
    )
    return _Found(**{name: record[name] for name in _Found._fields})


def _counted(
    model: PiecewiseLinearModel, found: _Found, orbit: FloatArray | None
) -> dict[str, Any]:
    """Return the graph of what is possible with the regions and transitions of orbits."""
    regions, means = found.regions, found.states
    symbols: IntArray = np.zeros(0, np.int64)
    visits = np.zeros(len(regions), np.int64)
    if orbit is not None:
        states = orbit.reshape(-1, model.n_states)
        regions, flat = _symbols_of(found.regions, _bits_of(model, states))
        symbols = flat.reshape(orbit.shape[:-1])
        n = len(regions)
        visits = np.bincount(flat, minlength=n)
        sums = [np.bincount(flat, column, minlength=n) for column in states.T]
        own = np.concatenate([found.states, np.zeros((n - len(found.states), model.n_states))])
        seen = visits > 0
        means = np.where(
            seen[:, np.newaxis], np.stack(sums, axis=1) / np.maximum(visits, 1)[:, np.newaxis], own
        )
    n = len(regions)
    n_more = n - len(found.regions)
    steps = symbols[..., :-1].ravel() * n + symbols[..., 1:].ravel()
    possible = found.sources * n + found.targets
    pairs = np.union1d(possible, steps)
    counts = np.zeros(len(pairs), np.int64)
    np.add.at(counts, np.searchsorted(pairs, steps), 1)
    # Where nothing was asked about a region, that a transition was seen is all.
    expanded = np.append(found.expanded, np.zeros(n_more, np.bool_))
    status = np.where(expanded[pairs // n], IMPOSSIBLE, SEEN) if n else pairs
    status[np.searchsorted(pairs, possible)] = np.where(found.proved, PROVED, UNDECIDED)
    return {
        "regions": regions,
        "states": means,
        "symbols": symbols,
        "visits": visits,
        "initial": np.append(found.initial, np.zeros(n_more, np.bool_)),
        "sources": pairs // max(n, 1),
        "targets": pairs % max(n, 1),
        "counts": counts,
        "status": status,
    }


def _bits_of(model: PiecewiseLinearModel, states: FloatArray) -> BoolArray:
    """Return the regions of states; a unit that nothing reads borders on no other region."""
    read = (model.canonical.W1 != 0.0).any(axis=0)
    return np.asarray(model.region(states) & read)


def _symbols_of(known: BoolArray, visited: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return all regions, those that are known first, and the symbols of the visited ones."""
    bits = np.concatenate([known, visited])
    # Rows as single values, so that equal regions are equal bytes; without units all are.
    rows = [row.tobytes() for row in np.packbits(bits, axis=1)]
    symbol_of: dict[bytes, int] = {}
    flat = np.array([symbol_of.setdefault(row, len(symbol_of)) for row in rows], dtype=np.int64)
    _, first = np.unique(flat, return_index=True)
    return bits[first], flat[len(known) :]
