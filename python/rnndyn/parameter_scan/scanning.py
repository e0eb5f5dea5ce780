"""Lyapunov exponents or your own functions on a grid of one or two parameters."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_count, check_integer
from rnndyn._common.options import check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn._common.stopping import NEVER, StopReason
from rnndyn.io._as_model import NetworkLike, as_model
from rnndyn.io._record import header_of, record_of
from rnndyn.models import Model
from rnndyn.models._parameter_axis import Axis, checked_axis
from rnndyn.parameter_scan._measures import (
    MAX_LYAPUNOV,
    NOT_REACHED,
    LyapunovOptions,
    Measure,
    Points,
    check_measures,
    identity_of,
    measure_points,
)
from rnndyn.parameter_scan.progress import ScanProgress
from rnndyn.parameter_scan.result import Scan
from rnndyn.parameter_scan.run import ScanRun
from rnndyn.scale_out import (
    ChunkStoppedError,
    Executor,
    Record,
    cut_into_chunks,
    fingerprint_of,
    run_chunks,
)

#: Enough for a steady progress bar.
_N_CHUNKS = 128


def scan(
    model: NetworkLike,
    x: Axis,
    y: Axis | None = None,
    *,
    measures: Measure | Mapping[str, Measure] = MAX_LYAPUNOV,
    n_steps: int = 10_000,
    transient: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Scan:
    """Measure something at every point of a grid of one or two parameters.

    Parameters
    ----------
    model : model
        Any model of rnndyn with named parameters, or a recurrent network of torch.
    x : (str, array_like)
        Name and ascending values of a parameter, such as ``("A[0,0]", numpy.linspace(0, 1))``; see
        ``model.scalar_names()``.
    y : (str, array_like), optional
        The same of another parameter, for a grid of two.
    measures : "max_lyapunov" or mapping of str to "max_lyapunov" or callable
        What to measure, by name. ``max_lyapunov`` is the largest Lyapunov exponent, in nats per
        step, with its standard error in ``max_lyapunov_error``; where the orbit grows without
        bound there is none, and the status is ``diverged``. A function gets the model at the
        point and returns a number, or numbers by name, which become ``NAME_KEY``. Where it raises
        a ValueError or ArithmeticError, or returns NaN, the point has no value and the status of
        the measure says why; other errors end the scan.
    n_steps : int
        Steps to average an exponent over.
    transient : int, optional
        Steps before that. Default: as for `rnndyn.lyapunov_spectrum`.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds: in the middle of an exponent, which then is not kept,
        after a function of yours, and with an executor between chunks.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the first state of the orbits, the same at all points.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to measure. Functions for an executor of processes must be defined at the top level
        of a module. Default: threads of this process.
    store : path-like, optional
        Folder that finished chunks of points are written to as they come; another call with the
        same arguments takes them from there. A function
        counts as the same as long as its own code is; of what it calls nothing is known.

    Returns
    -------
    Scan
        After Ctrl-C or when the time limit is reached, what is done; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it. Also where the store is that of
        another computation.
    concurrent.futures.BrokenExecutor
        If the executor lost its processes; finished chunks are in the store.

    See Also
    --------
    rnndyn.plot.scan : Draw it.
    rnndyn.stability_diagram : Cycles and the exact curves between them.

    Examples
    --------
    The largest exponent of the tent map with slopes s and -s is ln s:

    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[1.5]], W=[[-3.0]], h=[1.0])
    >>> measures = {
    ...     "exponent": "max_lyapunov",
    ...     "slope": lambda model: model.get_parameter("A[0,0]"),
    ... }
    >>> result = rd.scan(tent, ("h[0]", [0.5, 1.0, 2.0]), measures=measures, n_steps=100)
    >>> result["exponent"].round(12).tolist()
    [0.405465108108, 0.405465108108, 0.405465108108]
    >>> result.variables
    ('exponent', 'exponent_error', 'slope')
    """
    known = as_model(model)
    if not isinstance(known, Model):
        raise TypeError(
            "model must be a model of rnndyn with named parameters, such as rnndyn.PLRNN(A, W, h), "
            f"got {type(known).__name__}: call lyapunov_spectrum for every value"
        )
    model = known
    axes = [checked_axis(x, "x", model)] + ([] if y is None else [checked_axis(y, "y", model)])
    names = tuple(name for name, _ in axes)
    if len(set(names)) < len(names):
        raise ValueError(f"x and y must be different parameters, got {names[0]!r} for both")
    functions = check_measures(measures)
    common = check_options(n_threads, time_limit, progress, seed)
    options = LyapunovOptions(
        check_count("n_steps", n_steps),
        None if transient is None else check_integer("transient", transient, 0, 2**62),
        common.seed,
    )
    start = time.perf_counter()

    # Rows of constant y, one below the other.
    grid = np.stack(np.meshgrid(*(values for _, values in axes[::-1]), indexing="ij"), axis=-1)
    points = grid.reshape(-1, len(axes))[:, ::-1]
    chunks = [
        Points(names, points[part.start : part.stop])
        for part in cut_into_chunks(range(len(points)), _N_CHUNKS)
    ]
    finished: dict[int, Record] = {}

    def done(index: int, record: Record) -> None:
        finished[index] = record
        n_done = sum(len(chunks[number].values) for number in finished)
        common.meter.step(ScanProgress(n_done, len(points)))

    stopped_by: StopReason = "finished"
    common.meter.init("scan")
    try:
        results = run_chunks(
            partial(
                measure_points,
                model=model,
                measures=functions,
                options=options,
                # The clock of this process means nothing elsewhere.
                deadline=common.deadline if executor is None else NEVER,
            ),
            chunks,
            executor=executor,
            store=store,
            stage="scan",
            fingerprint="" if store is None else _fingerprint(model, axes, functions, options),
            n_threads=common.n_threads,
            stop=common.deadline,
            done=done,
        )
        if None in results:
            stopped_by = "time_limit"
    except ChunkStoppedError:
        stopped_by = "time_limit"
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    finally:
        common.meter.close()
    run = ScanRun(
        measures=tuple(functions),
        n_points=len(points),
        n_points_done=sum(len(chunks[number].values) for number in finished),
        stopped_by=stopped_by,
        n_steps=options.n_steps,
        transient=options.transient,
        seed=options.seed,
        n_threads=common.n_threads,
        seconds=time.perf_counter() - start,
    )
    table = _joined(tuple(functions), [len(chunk.values) for chunk in chunks], finished)
    return Scan(model, axes[0], axes[1] if len(axes) > 1 else None, run=run, **table)


def _fingerprint(
    model: Model,
    axes: list[tuple[str, FloatArray]],
    measures: Mapping[str, Measure],
    options: LyapunovOptions,
) -> str:
    record = record_of(model, None)
    return fingerprint_of(
        record.family,
        dict(record.parameters),
        # Numbers, words and flags by name.
        str(sorted(header_of(record)["options"].items())),
        axes,
        [[name, identity_of(name, measure)] for name, measure in measures.items()],
        list(options),
    )


def _joined(
    measures: tuple[str, ...], sizes: list[int], finished: Mapping[int, Record]
) -> dict[str, Any]:
    """Put the chunks together; what they did not reach has the status "not reached"."""
    owner: dict[str, int] = {}
    for number in sorted(finished):
        record = finished[number]
        for name, measure in zip(record["variables"].tolist(), record["measure"], strict=True):
            owner.setdefault(name, int(measure))
    for number, name in enumerate(measures):
        if number not in owner.values():
            # It failed everywhere, and still is what was asked for.
            owner[name] = number
    n_points = sum(sizes)
    variables = sorted(owner, key=lambda name: owner[name])
    values = {name: np.zeros(n_points) for name in variables}
    known = {name: np.zeros(n_points, dtype=np.bool_) for name in variables}
    status = {name: np.full(n_points, NOT_REACHED, dtype=object) for name in measures}
    begin = 0
    for number, size in enumerate(sizes):
        part = slice(begin, begin + size)
        begin += size
        if number not in finished:
            continue
        record = finished[number]
        for row, name in enumerate(record["variables"].tolist()):
            values[name][part] = record["values"][row]
            known[name][part] = record["known"][row]
        for row, name in enumerate(measures):
            status[name][part] = record["status"][row]
    return {"values": values, "known": known, "status": status}
