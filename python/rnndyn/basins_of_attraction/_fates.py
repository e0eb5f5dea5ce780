"""Where orbits go: to one of some attractors, off to infinity, or nowhere yet."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import FloatArray
from rnndyn._common.options import Options
from rnndyn._common.stopping import StopReason
from rnndyn.basins_of_attraction._neighbourhoods import Neighbourhoods, neighbourhoods_of
from rnndyn.cycles.cycle import Cycle
from rnndyn.models import PiecewiseLinearModel

#: Numbers of attractors, or one of the three labels of those that are none.
Labels = np.ndarray[Any, np.dtype[np.int32]]


class Fates:
    """Follows orbits to stable cycles.

    Attributes
    ----------
    attractors : list of Cycle
        Those that orbits can be said to converge to, in the order in which they were added.
    unclaimed : list of Cycle
        Those without verified neighbourhoods.
    stopped_by : {"finished", "time_limit", "interrupt"}
        How the last call of `of` ended.
    """

    def __init__(
        self, model: PiecewiseLinearModel, stable: Sequence[Cycle], max_steps: int, radius: float
    ) -> None:
        self._model, self._max_steps, self._radius = model, max_steps, radius
        self.attractors: list[Cycle] = []
        self.unclaimed: list[Cycle] = []
        self.stopped_by: StopReason = "finished"
        self._places: list[Neighbourhoods] = []
        self._known: set[bytes] = set()
        for cycle in stable:
            self.add(cycle)

    def add(self, cycle: Cycle) -> bool:
        """Add a stable cycle; tell whether it is a new attractor."""
        name = cycle.itinerary.tobytes() + bytes(str(cycle.order), "ascii")
        if name in self._known:
            return False
        self._known.add(name)
        places = neighbourhoods_of(self._model.canonical, cycle)
        if places is None:
            self.unclaimed.append(cycle)
            return False
        self.attractors.append(cycle)
        self._places.append(places)
        return True

    def places(self, first: int = 0) -> dict[str, Any]:
        """Return the neighbourhoods of the attractors from a number on, as the core takes them."""
        m, places = self._model.n_states, self._places[first:]
        numbers = np.repeat(
            np.arange(first, len(self.attractors)), [len(place.centers) for place in places]
        )
        return {
            "centers": np.concatenate([np.empty((0, m)), *(p.centers for p in places)]),
            "factors": np.concatenate([np.empty((0, m, m)), *(p.factors for p in places)]),
            "half_widths": np.concatenate([np.empty((0, m)), *(p.half_widths for p in places)]),
            "attractors": numbers.astype(np.int32),
        }

    def of(
        self,
        states: FloatArray,
        options: Options,
        observer: Callable[[int], object] | None = None,
        first: int = 0,
    ) -> Labels:
        """Return the labels of states: numbers of attractors from `first` on, or -1 to -3."""
        record = _core.basins_of_states(
            self._model.canonical,
            np.ascontiguousarray(states),
            **self.places(first),
            max_steps=self._max_steps,
            escape_radius=self._radius,
            n_threads=options.n_threads,
            time_limit=options.deadline.seconds_left(at_least=0.0),
            observer=observer,
        )
        self.stopped_by = record["stopped_by"]
        labels: Labels = record["labels"]
        return labels
