"""What a report is about, before it becomes text and figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.reporting._attractors import Attractor
from rnndyn.reporting._readout import Readout

#: A cycle and its number in the set.
Numbered = tuple[int, Cycle]


@dataclass(frozen=True)
class Content:
    """Everything that a page shows.

    Attributes
    ----------
    title : str
        Title of the page.
    model : model
        The network.
    metadata : mapping
        What its file says about it.
    cycles : CycleSet or None
        Its cycles; None where they cannot be searched.
    shown : tuple of (int, Cycle)
        The cycles that the page lists and draws, with their numbers in the set.
    no_cycles : str
        Why there are no cycles.
    spectrum : LyapunovSpectrum or None
        Its Lyapunov exponents; None where there are none.
    no_spectrum : str
        Why there are no exponents.
    orbits : tuple of ndarray of float64, shapes (T, N)
        Orbits to draw.
    driven : bool
        Whether input sequences drive the orbits and the exponents.
    attractors : tuple of Attractor
        Where the orbits settle, each with its largest exponent.
    data : tuple of ndarray of float64, shapes (T, n)
        Sequences of the user's: outputs where there is a readout, else states.
    readout : Readout or None
        What makes outputs of states.
    by_input : CyclesByInput or None
        The cycles under several constant inputs, of which `cycles` are those under one.
    """

    title: str
    model: Any
    metadata: Mapping[str, Any]
    cycles: CycleSet | None
    shown: tuple[Numbered, ...]
    no_cycles: str
    spectrum: LyapunovSpectrum | None
    no_spectrum: str
    orbits: tuple[FloatArray, ...]
    driven: bool
    attractors: tuple[Attractor, ...] = ()
    data: tuple[FloatArray, ...] = ()
    readout: Readout | None = None
    by_input: CyclesByInput | None = None


def choose_cycles(cycles: CycleSet | None, limit: int) -> tuple[Numbered, ...]:
    """Return up to `limit` cycles in the order of the set; if not all, the stable ones first."""
    if cycles is None:
        return ()
    stable = np.concatenate([np.empty(0, bool), *(block.stability == 0 for block in cycles.blocks)])
    first = [*np.flatnonzero(stable), *np.flatnonzero(~stable)][:limit]
    return tuple((int(number), cycles[int(number)]) for number in sorted(first))
