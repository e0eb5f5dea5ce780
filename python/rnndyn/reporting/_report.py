"""Collects what a page about a network shows, and writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.checks import check_integer, check_path
from rnndyn._common.optional import import_optional
from rnndyn._common.progress import ProgressMeter
from rnndyn.cycles.by_input import CyclesByInput, only_set
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import SearchMethod
from rnndyn.cycles.search import find_cycles
from rnndyn.io._as_model import NetworkLike, as_model
from rnndyn.io._files import complete_file
from rnndyn.lyapunov._arguments import AnyModel, check_sequences
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.spectrum import DivergenceError, lyapunov_spectrum
from rnndyn.models import DifferentiableMap, PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._canonical_map_of import piecewise_linear, smooth_network
from rnndyn.models._layers_apart import orbits_of_map, refuse_stacked
from rnndyn.reporting._attractors import Attractor, attractors_of
from rnndyn.reporting._by_input import chosen
from rnndyn.reporting._content import Content, choose_cycles
from rnndyn.reporting._page import page
from rnndyn.reporting._readout import check_data, check_readout
from rnndyn.reporting._state_space import N_STEPS, orbits_of

#: Orders 1 to this are searched where nothing else is asked for.
DEFAULT_MAX_ORDER = 5
DEFAULT_MAX_CYCLES = 1000
_LARGEST = 10**6


def report(
    model: NetworkLike,
    path: str | os.PathLike[str],
    *,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    method: SearchMethod = "auto",
    inputs: ArrayLike | None = None,
    data: ArrayLike | None = None,
    readout: Any = None,
    cycles: CycleSet | CyclesByInput | None = None,
    spectrum: LyapunovSpectrum | None = None,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    n_steps: int | None = None,
    n_exponents: int | None = None,
    n_orbits: int = 12,
    max_cycles: int = DEFAULT_MAX_CYCLES,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> Path:
    """Write one HTML page about a network, to be opened in any browser, without a network.

    It shows the parameters, fixed points and cycles (a table to sort), state space (to turn with
    the mouse), multipliers, Lyapunov exponents, how sure it is that no cycle is missing, how
    everything was computed, and what to cite. A page takes about 2 MB, nearly all of it plotly.js.

    Parameters
    ----------
    model : model
        Any model of rnndyn. Cycles are searched unless it is a `DifferentiableMap` or has several
        layers of ReLU units.
    path : str or path-like
        The page; its name must end in ``.html`` or ``.htm``. It appears when it is complete.
    max_order, orders, method
        As for `rnndyn.find_cycles`. Default: orders 1 to 5.
    inputs : array_like, optional
        External input as for `rnndyn.lyapunov_spectrum`: (K,), (T, K) or (B, T, K). Under a
        constant input (K,) cycles are searched, too; sequences drive the exponents and the orbits,
        and the cycles are those of the model's own constant input.
    data : array_like, optional
        Data to draw over the orbits, (T, n) or (B, T, n): states, or outputs if there is a
        `readout`.
    readout : (n, N) array_like, (weights, bias) or linear layer of torch, optional
        What turns states into outputs, which get a figure of their own. The weights may also be
        those for the last layer of an `RNN`, `GRU` or `LSTM`, (n, hidden size).
    cycles : CycleSet or CyclesByInput, optional
        Cycles of this model that were searched before. Of those under several inputs the page is
        about the one that `inputs` names, by default the first, with a table of all.
    spectrum : LyapunovSpectrum, optional
        Exponents of this model that were computed before.
    title : str, optional
        Title of the page. Default: the family.
    metadata : mapping, optional
        What else to say about the model, by name, such as what `rnndyn.load_metadata` returns.
    n_steps, n_exponents : int, optional
        As for `rnndyn.lyapunov_spectrum`.
    n_orbits : int
        Number of orbits to draw, from 0.
    max_cycles : int
        List and draw at most this many cycles, stable ones first; the page says how many are left
        out.
    n_threads : int, optional
        Number of threads. Default: all processors this process may use.
    time_limit : float, optional
        Seconds for the search, and as many for the exponents.
    progress : bool or ProgressMeter, optional
        As for `rnndyn.find_cycles`.
    seed : int
        Seed of the search, the exponents and the orbits.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    ValueError
        If an argument is out of range, results given are of another model, or the folder does not
        exist.
    MissingPackageError
        If plotly is not installed (``pip install "rnndyn[report]"``).

    Notes
    -----
    Each attractor that is known, a stable cycle or what else the orbits settle on, has its largest
    exponent. The whole spectrum is that of the attractor that the orbit from a random state settles
    on. Where that orbit diverges, one that stays near the cycles is taken, and if there is none,
    the page says so.

    Examples
    --------
    >>> import os, tempfile
    >>> import rnndyn as rd
    >>> lozi = rd.examples.lozi_map(1.7, 0.5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = rd.report(lozi, os.path.join(folder, "lozi.html"), max_order=4, n_steps=1000)
    ...     path.name, path.stat().st_size < 3_000_000
    ('lozi.html', True)
    """
    model = as_model(model)
    path = check_page(check_path("path", path))
    # Now, not after a long search.
    import_optional("plotly", "a report")
    by_input = None
    if isinstance(cycles, CyclesByInput):
        by_input, cycles, inputs = chosen(cycles, inputs)
    n_orbits = check_integer("n_orbits", n_orbits, 0, 1000)
    max_cycles = check_integer("max_cycles", max_cycles, 1, _LARGEST)
    drive = None if inputs is None else finite_numbers("inputs", inputs)
    if drive is not None:
        check_sequences(model, drive, None, None, None, seed)
    output = check_readout(readout, model)
    sequences = check_data(data, model, output)
    if output is None:
        sequences = tuple(orbits_of_map(model, sequence) for sequence in sequences)
    elif not output.reads_one_layer(model):
        refuse_stacked(model, "readout", "reads several layers at the same step")
    driven = drive is not None and drive.ndim > 1
    constant = None if driven else drive
    searched, no_cycles = _searched(model, constant)
    if cycles is None:
        if searched is not None:
            if max_order is None and orders is None:
                max_order = DEFAULT_MAX_ORDER
            cycles = only_set(
                find_cycles(
                    searched,
                    max_order,
                    orders,
                    inputs=constant if smooth_network(searched) is not None else None,
                    method=method,
                    seed=seed,
                    n_threads=n_threads,
                    time_limit=time_limit,
                    progress=progress,
                )
            )
    elif max_order is not None or orders is not None:
        raise ValueError("give either cycles or the orders to search, not both")
    elif not isinstance(cycles, CycleSet):
        raise TypeError(f"cycles must be a CycleSet, got {type(cycles).__name__}")
    elif cycles.model != searched:
        raise ValueError("cycles must be those of the model, but their model is another one")
    elif cycles.is_smooth and not same_input(cycles, constant):
        raise ValueError("cycles must be those under the constant input of the report")
    # Those of a stacked ReLU network are its layers one step apart, as its cycles are.
    drawn = searched if isinstance(searched, PiecewiseLinearModel) else model
    orbits = orbits_of(drawn, cycles, drive, n_orbits, seed)
    no_spectrum = ""
    if spectrum is None:
        try:
            spectrum = _spectrum(
                model,
                inputs,
                orbits,
                n_steps=n_steps,
                n_exponents=n_exponents,
                seed=seed,
                n_threads=n_threads,
                time_limit=time_limit,
                progress=progress,
            )
        except DivergenceError as error:
            no_spectrum = f"There are no Lyapunov exponents: {error}"
    elif not isinstance(spectrum, LyapunovSpectrum):
        raise TypeError(f"spectrum must be a LyapunovSpectrum, got {type(spectrum).__name__}")
    elif spectrum.n_states != model.n_states:
        raise ValueError(
            f"spectrum must be that of the model with {model.n_states} states, but it is of "
            f"{spectrum.n_states}"
        )
    attractors: tuple[Attractor, ...] = ()
    if not driven:
        free = drawn if cycles is None else cycles.free_model
        attractors = attractors_of(
            free,
            cycles,
            orbits,
            constant if cycles is None else None,
            n_threads=n_threads,
            time_limit=time_limit,
            progress=progress,
        )
    text = page(
        Content(
            title=title or str(getattr(model, "family", type(model).__name__)),
            model=model,
            metadata=dict(metadata or {}),
            cycles=cycles,
            shown=choose_cycles(cycles, max_cycles),
            no_cycles=no_cycles,
            spectrum=spectrum,
            no_spectrum=no_spectrum,
            orbits=orbits,
            driven=driven,
            attractors=attractors,
            data=sequences,
            readout=output,
            by_input=by_input,
        )
    )
    with complete_file(path) as stream:
        stream.write(text.encode())
    return path


def check_page(path: Path) -> Path:
    """Complain about a name or folder that cannot be now, not after a long search."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"cannot write {path}: the name of a report must end in .html or .htm")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    return path


def same_input(cycles: CycleSet, constant_input: FloatArray | None) -> bool:
    """Tell whether cycles are those under a constant input; None is the input 0."""
    zero = np.zeros(cycles.model.n_inputs)
    own = zero if cycles.inputs is None else cycles.inputs
    return np.array_equal(own, zero if constant_input is None else constant_input)


def _searched(
    model: AnyModel, constant_input: FloatArray | None
) -> tuple[PiecewiseLinearModel | RecurrentNetwork | None, str]:
    """Return the model whose cycles can be searched, or None and why there is none."""
    if isinstance(model, DifferentiableMap):
        return None, (
            "Cycles are searched of piecewise linear, tanh, GRU and LSTM networks only; this is "
            f"{model!r}."
        )
    if (network := smooth_network(model)) is not None:
        return network, ""
    return piecewise_linear(model, constant_input), ""


def _spectrum(
    model: AnyModel, inputs: ArrayLike | None, orbits: tuple[FloatArray, ...], **options: Any
) -> LyapunovSpectrum:
    """Return the exponents from a random state or, if it diverges, from an orbit that stays."""
    try:
        return lyapunov_spectrum(model, inputs, **options)
    except DivergenceError:
        staying = [orbit for orbit in orbits if len(orbit) >= N_STEPS]
        if inputs is not None or not staying:
            raise
        # The one that stays nearest to 0 has most room.
        start = min(staying, key=lambda orbit: float(np.abs(orbit).max()))[-1]
        return lyapunov_spectrum(model, None, start, **options)
