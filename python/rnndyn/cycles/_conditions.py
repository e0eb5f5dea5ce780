"""The search under several constant inputs: each begins at the cycles found under the others."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.options import Options
from rnndyn._common.progress import Progress, ProgressMeter
from rnndyn._common.stopping import Deadline
from rnndyn.cycles._sets_by_input import OneSet
from rnndyn.cycles.progress import SearchProgress
from rnndyn.cycles.result import CycleSet

#: Points of so many inputs, the nearest ones, are tried first under another.
_N_NEIGHBOURS = 4


class Search(Protocol):
    """A search under one input: tries points (k, N) first, and no more than these where `quick`."""

    def __call__(
        self, inputs: FloatArray, points: list[FloatArray], options: Options, /, *, quick: bool
    ) -> CycleSet:
        """Return what is found."""


def search_rows(
    inputs: FloatArray,
    search: Callable[[int, FloatArray, dict[int, OneSet], Options], OneSet],
    as_interrupted: Callable[[OneSet], OneSet],
    options: Options,
    title: str,
    *,
    after: Callable[[list[int], FloatArray, dict[int, OneSet], Options], None] | None = None,
) -> tuple[OneSet, ...]:
    """Search under every input (C, K), equal ones once, with one meter for all.

    Parameters
    ----------
    inputs : ndarray of float64, shape (C, K)
        The inputs.
    search : callable
        Takes the number of a row, all different rows, what was found under others by the number of
        the row, and the options; returns what it finds.
    as_interrupted : callable
        Returns a result as one that an interrupt ended: after Ctrl-C the others are begun only.
    options : Options
        The options of all searches.
    title : str
        What the meter shows.
    after : callable, optional
        What is done in the end with all that was found; it takes the rows in their order first.
    """
    rows, places = np.unique(inputs, axis=0, return_inverse=True)
    order = list(dict.fromkeys(places.reshape(-1).tolist()))
    meter = SharedMeter(options.meter, len(order), title)
    options = options._replace(meter=meter)
    found: dict[int, OneSet] = {}
    meter.begin()
    try:
        for row in order:
            interrupted = any(one.stopped_by == "interrupt" for one in found.values())
            how = options._replace(deadline=Deadline(0.0)) if interrupted else options
            one = search(row, rows, found, how)
            found[row] = as_interrupted(one) if interrupted else one
            meter.next()
        if after is not None:
            after(order, rows, found, options)
    finally:
        meter.end()
    return tuple(found[place] for place in places.reshape(-1).tolist())


def search_each(
    inputs: FloatArray, search: Search, options: Options, *, exchange: bool
) -> tuple[CycleSet, ...]:
    """Search the cycles under every input (C, K); equal ones once.

    A first round goes through the inputs and begins in each at what was found under those before.
    Further ones, where sets `exchange` their points, try what the others have found since, as long
    as anything is new.
    """
    tried: dict[int, dict[int, int]] = {}

    def first(row: int, rows: FloatArray, found: dict[int, CycleSet], how: Options) -> CycleSet:
        near = _neighbours(rows, row, found)
        tried[row] = {other: len(found[other]) for other in near}
        return search(rows[row], _points([found[other] for other in near]), how, quick=False)

    def further(
        order: list[int], rows: FloatArray, found: dict[int, CycleSet], how: Options
    ) -> None:
        while exchange and all(cycles.finished for cycles in found.values()):
            news = [_goes_on(row, rows, found, tried, search, how) for row in order]
            if True not in news:
                break

    def as_interrupted(cycles: CycleSet) -> CycleSet:
        return replace(cycles, search=replace(cycles.search, stopped_by="interrupt"))

    return search_rows(inputs, first, as_interrupted, options, "find_cycles", after=further)


def _goes_on(
    row: int,
    rows: FloatArray,
    found: dict[int, CycleSet],
    tried: dict[int, dict[int, int]],
    search: Search,
    options: Options,
) -> bool:
    """Begin at what the nearest others have found since then; tell whether that is news."""
    near = _neighbours(rows, row, found)
    known = {other: len(found[other]) for other in near}
    if found[row].complete or tried[row] == known:
        return False
    tried[row] = known
    points = _points([found[row], *(found[other] for other in near)])
    if len(search(rows[row], points, options, quick=True)) <= len(found[row]):
        return False
    found[row] = search(rows[row], points, options, quick=False)
    return True


def _neighbours(rows: FloatArray, row: int, found: dict[int, CycleSet]) -> list[int]:
    others = [other for other in found if other != row]
    distances = np.linalg.norm(rows[others] - rows[row], axis=1)
    return [others[i] for i in np.argsort(distances, kind="stable")[:_N_NEIGHBOURS]]


def _points(sets: list[CycleSet]) -> list[FloatArray]:
    return [points for cycles in sets for block in cycles.blocks for points in block.points]


class SharedMeter:
    """A meter that shows several searches as one."""

    def __init__(self, meter: ProgressMeter, n_searches: int, title: str) -> None:
        self._meter = meter
        self._title = title
        self._n_searches = n_searches
        self._n_done = 0

    def begin(self) -> None:
        self._meter.init(self._title)

    def next(self) -> None:
        self._n_done += 1

    def end(self) -> None:
        self._meter.close()

    def init(self, title: str) -> None:
        """Do nothing: the whole has begun."""

    def step(self, progress: Progress) -> None:
        if isinstance(progress, SearchProgress):
            done = min(1.0, (self._n_done + progress.fraction) / self._n_searches)
            progress = progress._replace(fraction=done)
        self._meter.step(progress)

    def close(self) -> None:
        """Do nothing: the whole goes on."""
