"""Lyapunov exponents: checks the arguments and hands them to the compiled core."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, IntArray, frozen
from rnndyn._common.checks import check_flag, check_integer
from rnndyn._common.options import check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.io._as_model import NetworkLike, as_model
from rnndyn.lyapunov._arguments import (
    check_dtype,
    check_frame,
    check_frame_fits,
    check_n_exponents,
    check_qr_interval,
    check_sequences,
    check_steps,
    window_length,
)
from rnndyn.lyapunov._orbit import OrbitReport, nothing_known, report
from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.lyapunov.progress import LyapunovProgress
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.run import LyapunovRun
from rnndyn.lyapunov.units import TimeUnit, check_units

#: Long records are merged to this many windows or a few more.
_FEWEST_WINDOWS = 100


class DivergenceError(ValueError):
    """Orbits left the range of floating-point numbers, so that they have no exponents.

    Attributes
    ----------
    steps : ndarray of int64, shape (B,)
        For each sequence the first step, counted from the start, whose state or tangent vectors
        are not finite; -1 for sequences that stayed finite.

    Examples
    --------
    >>> import rnndyn as rd
    >>> growing = rd.PLRNN(A=[[2.0]], W=[[0.0]], h=[1.0])
    >>> try:
    ...     rd.lyapunov_spectrum(growing, z0=[1.0])
    ... except rd.DivergenceError as error:
    ...     print(error.steps)
    [1023]
    """

    def __init__(self, message: str, steps: ArrayLike) -> None:
        super().__init__(message)
        self.steps: IntArray = frozen(steps, np.int64)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.steps)


def lyapunov_spectrum(
    model: NetworkLike,
    inputs: ArrayLike | None = None,
    z0: ArrayLike | None = None,
    *,
    n_steps: int | None = None,
    n_exponents: int | None = None,
    transient: int | None = None,
    qr_interval: int | str = "auto",
    n_sequences: int | None = None,
    joint: bool = False,
    frame: TangentFrame | None = None,
    covariant: int = 0,
    dtype: DTypeLike = "float64",
    per: TimeUnit | None = None,
    dt: float | None = None,
    base: float | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> LyapunovSpectrum:
    """Compute the Lyapunov exponents of a model along its orbits.

    Parameters
    ----------
    model : model
        Any model of rnndyn: piecewise linear, `RNN`, `GRU`, `LSTM`, or a `DifferentiableMap`; or a
        recurrent network of torch, or its ``state_dict()``.
    inputs : array_like, optional
        External input: (K,) the same at every step, (T, K) one sequence, or (B, T, K) a batch, in
        this order whatever ``batch_first`` of a module of torch says.
        Default: the constant input of the model, or 0.
    z0 : array_like, optional
        First states, (N,) or (B, N); of several layers one after another, of an LSTM layer first
        h, then c. Default: 0 where `inputs` are given, else standard normal numbers.
    n_steps : int, optional
        Steps to average over. Default: all of the input sequences after the transient, else 10,000.
    n_exponents : int, optional
        Number m of exponents, the largest. Default: all N.
    transient : int, optional
        Steps before the average begins. The tangent vectors are carried along all of them with
        input sequences or a `frame`, else along their second half, after the orbit has settled.
        Default: a tenth of the input sequences; else a tenth of `n_steps`, at least 100 and at most
        100,000; 0 with a `frame`.
    qr_interval : int or "auto"
        Steps between orthonormalizations. ``auto`` adapts them to the growth that is seen.
    n_sequences : int, optional
        Number B of sequences. Default: as many as `inputs`, `z0` or `frame` have, else 1.
    joint : bool
        Whether to treat the states of all layers as one. Without, the exponents are computed
        layer by layer (see Notes), which is the same and cheaper.
    frame : TangentFrame, optional
        Tangent vectors to start from: ``spectrum.frame`` of an earlier call for a model of the same
        size and the same B and m. Default: random ones.
    covariant : int
        Also compute covariant Lyapunov vectors, at this many steps evenly spread over the first
        four fifths of the run. Needs ``joint=True`` if there is more than one layer. A run that was
        stopped early has none.
    dtype : {"float64", "float32"}
        Precision of the computation; results are always float64.
    per : {"step", "second"}, optional
        Unit of time. Default: seconds where `dt` is given.
    dt : float, optional
        Seconds that a step takes.
    base : float, optional
        Base of the logarithm, such as 2. Default: e.
    n_threads : int, optional
        Number of threads. Default: the environment variable ``OMP_NUM_THREADS``, else the number
        of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return the estimate so far.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the random numbers, 0 to 2**64 - 1.

    Returns
    -------
    LyapunovSpectrum
        Exponents, errors and everything that follows from them. After Ctrl-C or when the time
        limit is reached: the estimate until then, with its error; ``stopped_by`` tells. If the time
        was over in the transient, it is the growth in the first step, with an unknown error. Orbits
        that have settled on a cycle have its exact exponents; ``unbounded`` tells which run away.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    DivergenceError
        If an orbit leaves the range of floating-point numbers; a ValueError that names sequence
        and step.

    Notes
    -----
    Tangent vectors Q are carried along the orbit and orthonormalized, ``Q_{t+1} R_t = J_t Q_t``;
    the exponents are the means of ln diag R_t [1]_. The tangent map is applied to Q without
    forming J_t. A layer is driven by the layer below and does not act back, so J_t is block lower
    triangular and the spectrum is the union of the spectra of the layers' own blocks.

    An orbit of a free run that has come to a stable cycle of up to 256 steps stays there:
    its exponents are then taken from the multipliers of the cycle, ``ln |mu| / period``, instead of
    the mean of the record, wherever rounding leaves these more digits.

    The growth is recorded in windows, by default of ``max(ceil(n_steps / 100),
    min(16, ceil(n_steps / 20)))`` steps; the standard errors are those of batch means of these. A
    run that was stopped has shorter windows, and so has one with many covariant samples.

    References
    ----------
    .. [1] G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, "Lyapunov characteristic exponents
       for smooth dynamical systems and for Hamiltonian systems", Meccanica 15 (1980) 9-30.
    .. [2] R. Vogt, M. Puelma Touzel, E. Shlizerman, G. Lajoie, "On Lyapunov exponents for RNNs",
       Front. Appl. Math. Stat. 8 (2022) 818799.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> rd.lyapunov_spectrum(tent, z0=[0.1], n_steps=40, transient=0)
    1 Lyapunov exponent of PLRNN (1 state), nats per step
      #        exponent  standard error  converged
      0  0.693147180560         3.6e-15  yes
    Sum of positive exponents 0.693147180560 ± 3.6e-15, Kaplan-Yorke dimension 1 ± 0
    40 steps after a transient of 0
    """
    network = as_model(model)
    common = check_options(n_threads, time_limit, progress, seed)
    joint = check_flag("joint", joint)
    precision = check_dtype(dtype)
    units = check_units(per, dt, base)
    frame = check_frame(frame)
    sequences = check_sequences(network, inputs, z0, n_sequences, frame, common.seed)
    steps = check_steps(n_steps, transient, sequences.length, has_frame=frame is not None)
    system = network._system()
    layer_sizes = [network.n_states] if joint else list(system.layer_sizes)
    n_exponents = check_n_exponents(n_exponents, network.n_states, frame, layer_sizes)
    if frame is not None:
        check_frame_fits(frame, layer_sizes, n_exponents, joint=joint)
    interval = check_qr_interval(qr_interval)
    covariant = check_integer("covariant", covariant, 0, steps.n_steps)
    if covariant and len(layer_sizes) > 1:
        raise ValueError(
            f"covariant vectors of a model with {len(layer_sizes)} layers are vectors of the whole "
            "state: give joint=True"
        )
    n_vectors = [min(n_exponents, size) for size in layer_sizes]
    window = window_length(steps.n_steps, len(sequences.states) * sum(n_vectors), covariant)

    computed = partial(
        _core.lyapunov_spectrum,
        system,
        sequences.states,
        frames=None if frame is None else list(frame.blocks),
        n_exponents=max(n_vectors),
        qr_interval=interval,
        joint=joint,
        single_precision=precision == "float32",
        seed=common.seed,
        n_threads=common.n_threads,
    )
    start = time.perf_counter()
    common.meter.init("lyapunov_spectrum")
    try:
        record = computed(
            inputs=sequences.inputs,
            n_settle=steps.n_settle,
            n_warmup=steps.n_warmup,
            n_steps=steps.n_steps,
            window=window,
            n_covariant=covariant,
            time_limit=common.time_limit,
            observer=_observer(common.meter),
        )
    finally:
        common.meter.close()
    _check_diverged(record)
    if len(record["window_steps"]) == 0:
        if record["stopped_by"] == "interrupt":
            raise KeyboardInterrupt
        # Stopped in the transient: the first step alone, whose error is unknown.
        driven = None if sequences.inputs is None else sequences.inputs[:, :1]
        record = computed(inputs=driven, n_steps=1) | {"stopped_by": record["stopped_by"]}
        _check_diverged(record)
        steps = steps._replace(n_settle=0, n_warmup=0)
    orbits = report(system, record, sequences.inputs, layer_sizes)
    seconds = time.perf_counter() - start
    run = LyapunovRun(
        model={
            "family": type(network).__name__,
            "n_states": network.n_states,
            "n_inputs": network.n_inputs,
        },
        stopped_by=record["stopped_by"],
        seconds=seconds,
        n_threads=common.n_threads,
        seed=common.seed,
        n_orthonormalizations=int(record["n_orthonormalizations"]),
        n_householder=int(record["n_householder"]),
        options={
            "inputs": sequences.kind,
            "n_steps": steps.n_steps,
            "n_exponents": n_exponents,
            "transient": steps.transient,
            "qr_interval": interval or "auto",
            "joint": joint,
            "warm_start": frame is not None,
            "covariant": covariant,
            "dtype": precision,
            "time_limit": common.time_limit,
        },
    )
    spectrum = spectrum_from_record(record, run, n_exponents, joint=joint, orbits=orbits)
    return spectrum.in_units(units.per, dt=units.dt, base=units.base)


def spectrum_from_record(
    record: dict[str, Any],
    run: LyapunovRun,
    n_exponents: int,
    *,
    joint: bool,
    orbits: OrbitReport | None = None,
) -> LyapunovSpectrum:
    """Sort a record of the core, sequence by sequence, and keep the largest exponents."""
    if orbits is None:
        orbits = nothing_known(*np.shape(record["log_growth"])[::2])
    growth, window_steps = _coarsened(record["log_growth"], record["window_steps"])
    means = growth.sum(axis=1) / window_steps.sum()
    values = np.where(orbits.errors > 0.0, orbits.exponents, means)
    order = np.argsort(-values, axis=1, kind="stable")[:, :n_exponents]
    vectors = steps = None
    if record["covariant"] is not None:
        steps = record["covariant"]["steps"]
        vectors = _columns(record["covariant"]["vectors"], order[:, np.newaxis, np.newaxis])
    return LyapunovSpectrum(
        log_growth=_columns(growth, order[:, np.newaxis]),
        window_steps=window_steps,
        layer=np.asarray(record["layer"])[order],
        frame=TangentFrame(record["frames"], joint),
        states=record["states"],
        qr_interval=record["qr_interval"],
        run=run,
        orbit=orbits.codes,
        cycle_exponents=_columns(orbits.exponents, order),
        cycle_error=_columns(orbits.errors, order),
        covariant_steps=steps,
        covariant_vectors=vectors,
    )


def _coarsened(growth: FloatArray, window_steps: IntArray) -> tuple[FloatArray, IntArray]:
    """Merge windows where there are more than errors and plots need: at most 199 remain."""
    factor = max(len(window_steps) // _FEWEST_WINDOWS, 1)
    starts = np.arange(0, len(window_steps), factor)
    return np.add.reduceat(growth, starts, axis=1), np.add.reduceat(window_steps, starts)


def _columns(values: FloatArray, order: IntArray) -> FloatArray:
    return np.take_along_axis(values, order, axis=-1)


def _observer(meter: ProgressMeter) -> Callable[..., None]:
    def observe(*state: Any) -> None:
        meter.step(LyapunovProgress(*state))

    return observe


def _check_diverged(record: dict[str, Any]) -> None:
    """Raise the error of a run whose orbits left the range of numbers."""
    diverged = np.asarray(record["diverged_at"])
    lost = np.flatnonzero(diverged >= 0)
    if len(lost):
        first = int(lost[np.argmin(diverged[lost])])
        others = f" ({len(lost)} of {len(diverged)} sequences diverge)" if len(lost) > 1 else ""
        raise DivergenceError(
            f"sequence {first} left the range of floating-point numbers at step {diverged[first]}"
            f"{others}: the orbit has no exponents; start elsewhere with z0=..., or check the "
            "parameters of the model",
            diverged,
        )
