"""Checks of the arguments of `rnndyn.lyapunov_spectrum`: which sequences, steps and frame."""

import math
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.checks import check_integer
from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.models import DifferentiableMap, Model, RecurrentNetwork

DEFAULT_N_STEPS = 10_000
_LARGEST_N_STEPS = 2**40
_LARGEST_N_SEQUENCES = 2**24
_LARGEST_QR_INTERVAL = 1_000_000
#: A longer one would keep a run with a time limit from ever coming to its record.
_LONGEST_DEFAULT_TRANSIENT = 100_000
#: Steps of a recorded window at most, so that a time limit meets a record after a moment.
_LONGEST_WINDOW = 1000
#: Numbers of a record at most: 256 MiB.
_MOST_NUMBERS = 2**25
_DTYPES = ("float64", "float32")

#: What has a tangent map.
AnyModel = Model | DifferentiableMap


class Sequences(NamedTuple):
    """What drives the sequences and where they start.

    Attributes
    ----------
    states : (B, N) array
    inputs : (B, T, K) array or None
    kind : {"none", "constant", "sequence", "batch"}
        How the inputs were given.
    """

    states: FloatArray
    inputs: FloatArray | None
    kind: str

    @property
    def length(self) -> int | None:
        """Length T of the input sequences; None where any number of steps can be taken."""
        driven = self.kind in ("sequence", "batch") and self.inputs is not None
        return int(self.inputs.shape[1]) if driven and self.inputs is not None else None


class Steps(NamedTuple):
    """How many steps of each kind a run takes."""

    n_settle: int
    n_warmup: int
    n_steps: int

    @property
    def transient(self) -> int:
        """Steps before the record begins."""
        return self.n_settle + self.n_warmup


def check_dtype(dtype: Any) -> str:
    """Return ``"float64"`` or ``"float32"``."""
    try:
        name = np.dtype(dtype).name if dtype is not None else "None"
    except TypeError:
        name = f"{dtype!r:.60}"
    if name not in _DTYPES:
        raise ValueError(f"dtype must be 'float64' or 'float32', got {dtype!r:.60}")
    return name


def check_sequences(
    model: AnyModel, inputs: Any, z0: Any, n_sequences: Any, frame: TangentFrame | None, seed: int
) -> Sequences:
    """Return inputs and first states of every sequence, after agreeing on how many there are."""
    drive, kind = _check_inputs(model, inputs)
    n_states = model.n_states
    start = None if z0 is None else finite_numbers("z0", z0)
    if start is not None and (start.ndim not in (1, 2) or start.shape[-1] != n_states):
        raise ValueError(
            f"z0 must have shape (N,) or (B, N) with N = {n_states} states, got {start.shape}"
            f"{model._layout_hint(start.shape) if isinstance(model, RecurrentNetwork) else ''}"
        )
    if n_sequences is not None:
        n_sequences = check_integer("n_sequences", n_sequences, 1, _LARGEST_N_SEQUENCES)
    counts: dict[str, int] = {}
    if kind == "batch":
        counts["inputs"] = drive.shape[0]
    if start is not None and start.ndim == 2:
        counts["z0"] = start.shape[0]
    if frame is not None:
        counts["frame"] = frame.n_sequences
    if n_sequences is not None:
        counts["n_sequences"] = n_sequences
    if len(set(counts.values())) > 1:
        given = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ValueError(f"all arguments must agree on the number of sequences, but {given}")
    n = next(iter(counts.values()), 1)
    if n == 0:
        raise ValueError(f"{next(iter(counts))} must hold at least one sequence, got none")
    if start is None:
        # Networks that are driven start at 0, as in torch. Without input 0 is often an unstable
        # fixed point, whose exponents are not those of the dynamics.
        free = kind == "none"
        start = np.random.default_rng(seed).standard_normal((n, n_states)) if free else np.zeros(())
    states = np.array(np.broadcast_to(start, (n, n_states)), dtype=np.float64, order="C")
    if model.n_inputs == 0:
        return Sequences(states, None, kind)
    shape = (n, *drive.shape[-2:])
    return Sequences(states, np.ascontiguousarray(np.broadcast_to(drive, shape)), kind)


def _check_inputs(model: AnyModel, inputs: Any) -> tuple[FloatArray, str]:
    """Return inputs as (T, K) or (B, T, K), and how they were given."""
    n_inputs = model.n_inputs
    if inputs is None:
        return np.atleast_2d(model._default_input), "none"
    if n_inputs == 0:
        raise ValueError(f"this {type(model).__name__} has no external input: leave out inputs")
    drive = finite_numbers("inputs", inputs)
    if drive.ndim not in (1, 2, 3) or drive.shape[-1] != n_inputs:
        raise ValueError(
            "inputs must have shape (K,) for a constant input, (T, K) for one sequence or "
            f"(B, T, K) for a batch, with K = {n_inputs}, got {drive.shape}"
        )
    if drive.ndim == 1:
        return drive[np.newaxis], "constant"
    if drive.shape[-2] == 0:
        raise ValueError(
            f"inputs must hold at least one step, got sequences of length 0: shape {drive.shape}"
        )
    return drive, "sequence" if drive.ndim == 2 else "batch"


def check_steps(n_steps: Any, transient: Any, length: int | None, *, has_frame: bool) -> Steps:
    """Return how many steps of each kind there are.

    Parameters
    ----------
    length : int or None
        Length of the input sequences, if there are any.
    has_frame : bool
        Whether the run starts from a given frame, which needs no transient.
    """
    if n_steps is not None:
        n_steps = check_integer("n_steps", n_steps, 1, _LARGEST_N_STEPS)
    if transient is not None:
        transient = check_integer("transient", transient, 0, _LARGEST_N_STEPS)
    elif has_frame:
        transient = 0
    elif length is not None:
        transient = length // 10
    else:
        transient = min(max((n_steps or DEFAULT_N_STEPS) // 10, 100), _LONGEST_DEFAULT_TRANSIENT)
    if length is None:
        n_steps = n_steps or DEFAULT_N_STEPS
    elif n_steps is None:
        n_steps = length - transient
        if n_steps < 1:
            raise ValueError(
                f"transient must be below the length {length} of the input sequences, got "
                f"{transient}; no step would be left"
            )
    elif transient + n_steps > length:
        raise ValueError(
            f"transient + n_steps must be at most the length {length} of the input sequences, got "
            f"{transient} + {n_steps}; give longer inputs, n_steps={max(length - transient, 1)} or "
            "transient=0"
        )
    # A free orbit first has to find its attractor; a driven one is where it is from the start,
    # and a given frame must not lose its orbit.
    n_settle = 0 if length is not None or has_frame else transient // 2
    return Steps(n_settle, transient - n_settle, n_steps)


def window_length(n_steps: int, n_numbers: int, covariant: int) -> int:
    """Return the steps of a window that the core records.

    At most 100 windows, each of 16 steps at least if 20 of these fit. Long runs have more windows,
    so that one that is stopped early has an estimate, but no more than fit into memory; those with
    covariant vectors have as many as the vectors need, one window for each.

    Parameters
    ----------
    n_numbers : int
        Numbers recorded for each window: exponents of all sequences.
    covariant : int
        Number of covariant samples.

    Raises
    ------
    ValueError
        If there are more samples than steps for them.
    """
    window = max(math.ceil(n_steps / 100), min(16, math.ceil(n_steps / 20)))
    window = max(min(window, _LONGEST_WINDOW), math.ceil(n_steps * n_numbers / _MOST_NUMBERS))
    if covariant:
        usable = n_samples_at_most(n_steps, 1)
        if covariant > usable:
            raise ValueError(
                f"covariant must be at most {usable} for n_steps={n_steps}, got {covariant}: the "
                "last fifth of a run only prepares the vectors; take more steps"
            )
        while n_samples_at_most(n_steps, window) < covariant:
            window -= 1
    return window


def n_samples_at_most(n_steps: int, window: int) -> int:
    """Return for how many windows there can be covariant vectors: all but the last fifth."""
    return max(1, math.floor(math.ceil(n_steps / window) * 0.8))


def check_n_exponents(
    n_exponents: Any, n_states: int, frame: TangentFrame | None, layer_sizes: list[int]
) -> int:
    """Return the number of exponents wanted; by default all, or those that a frame was made for."""
    if n_exponents is not None:
        return check_integer("n_exponents", n_exponents, 1, n_states)
    if frame is None or frame.n_vectors == max(layer_sizes):
        return n_states
    return frame.n_vectors


def check_qr_interval(qr_interval: Any) -> int:
    """Return the steps between orthonormalizations; 0 leaves them to the core."""
    if isinstance(qr_interval, str):
        if qr_interval != "auto":
            raise ValueError(f"qr_interval must be 'auto' or an integer, got {qr_interval!r}")
        return 0
    return check_integer("qr_interval", qr_interval, 1, _LARGEST_QR_INTERVAL)


def check_frame(frame: Any) -> TangentFrame | None:
    """Return the frame, or say what is none."""
    if frame is not None and not isinstance(frame, TangentFrame):
        raise TypeError(
            "frame must be the frame of an earlier spectrum, such as spectrum.frame, got "
            f"{type(frame).__name__}"
        )
    return frame


def check_frame_fits(
    frame: TangentFrame, layer_sizes: list[int], n_exponents: int, *, joint: bool
) -> None:
    """Complain about a frame of another model, or for another number of exponents."""
    if frame.joint != joint:
        raise ValueError(
            f"frame was computed with joint={frame.joint}, so it cannot go on with joint={joint}"
        )
    sizes = [block.shape[1] for block in frame.blocks]
    if sizes != layer_sizes:
        raise ValueError(
            f"frame must be of a model of the same size: this one has layers of {layer_sizes} "
            f"states, the frame was made for {sizes}"
        )
    wanted = [min(n_exponents, size) for size in sizes]
    given = [block.shape[2] for block in frame.blocks]
    if given != wanted:
        raise ValueError(
            f"frame has {given} vectors, but n_exponents={n_exponents} needs {wanted}; give the "
            "n_exponents that the frame was made for, or none"
        )
