"""Orbits that go from one saddle to another, or from one back to itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.checks import check_integer
from rnndyn.cycles.cycle import Cycle
from rnndyn.manifolds._file import CONNECTION_ARRAYS, CONNECTIONS_FORMAT
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.manifolds.horseshoe import around_and_away, proof_from
from rnndyn.manifolds.run import ManifoldRun
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.base import TabularResult

#: Homoclinic orbits that proofs are made from together, shortest first.
_AT_ONCE = 8


@dataclass(frozen=True, eq=False, repr=False)
class HomoclinicPoints(TabularResult):
    """Points where the unstable manifold of a cycle crosses the stable one of this or another.

    Of each connecting orbit there is one point, the last one that the local unstable set of its
    source holds.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    cycles : tuple of Cycle
        The saddles.
    points : ndarray of float64, shape (n, M)
        The points.
    sources, targets : ndarray of int64, shape (n,)
        The saddles that the orbits come from and go to; a homoclinic point has the same twice.
    source_phases, target_phases : ndarray of int64, shape (n,)
        The points of these cycles whose local sets the orbits leave and enter.
    lengths : ndarray of int64, shape (n,)
        Steps from the point to the local stable set of the target.
    transversality : ndarray of float64, shape (n,)
        Modulus of the determinant of the equations of both manifolds, rows of length 1: 1 where
        they cross at right angles, 0 where they touch.
    margins : ndarray of float64, shape (n,)
        How far the point is from the ends of both pieces.
    words : ndarray of bool, shape (sum of lengths, H)
        The regions of all orbits from their points on, one after the other.
    run : ManifoldRun
        How it was made.

    See Also
    --------
    rnndyn.homoclinic_points : Compute them.
    """

    FORMAT = CONNECTIONS_FORMAT
    TABLES: ClassVar = ("points",)

    model: PiecewiseLinearModel
    cycles: tuple[Cycle, ...]
    points: FloatArray
    sources: IntArray
    targets: IntArray
    source_phases: IntArray
    target_phases: IntArray
    lengths: IntArray
    transversality: FloatArray
    margins: FloatArray
    words: BoolArray
    run: ManifoldRun = field(compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cycles", tuple(self.cycles))
        for name, dtype in CONNECTION_ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        n = len(self.points)
        if self.points.shape != (n, self.model.n_states):
            raise ValueError(f"points must have {self.model.n_states} columns")
        for name in CONNECTION_ARRAYS.keys() - {"points", "words"}:
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} must have shape ({n},)")
        if (self.lengths < 0).any() or self.words.shape != (
            self.lengths.sum(),
            self.model.n_units,
        ):
            raise ValueError("words must have a row for every step")
        for name in ("sources", "targets"):
            numbers = getattr(self, name)
            if not ((numbers >= 0) & (numbers < len(self.cycles))).all():
                raise ValueError(f"{name} must be numbers of cycles")

    def __len__(self) -> int:
        return len(self.points)

    @property
    def complete(self) -> bool:
        """Whether no connecting orbit in the box is missing, of any length."""
        return self.run.complete

    @property
    def homoclinic(self) -> BoolArray:
        """Which points lie on orbits that come back to the cycle they left, shape (n,)."""
        return np.asarray(self.sources == self.targets)

    @property
    def connections(self) -> IntArray:
        """Number of connecting orbits found from each saddle (row) to each (column)."""
        counts = np.zeros((len(self.cycles), len(self.cycles)), dtype=np.int64)
        np.add.at(counts, (self.sources, self.targets), 1)
        return counts

    def word(self, number: int) -> BoolArray:
        """Return the regions of an orbit, from its point to the local stable set."""
        ends = np.cumsum(self.lengths)
        return self.words[ends[number] - self.lengths[number] : ends[number]]

    def chaos(self, max_length: int = 200) -> ChaosCertificate | None:
        """Make a proof of chaos from transverse homoclinic points.

        Close to an orbit that comes back to its cycle there are cycles that go around the latter
        several times and then with the orbit. Their words and that of the cycle are tried as
        `rnndyn.prove_chaos` tries those of cycles.

        Parameters
        ----------
        max_length : int
            Largest number of regions of a word of the proof.

        Returns
        -------
        ChaosCertificate or None
            None if there is no homoclinic point from which a proof could be made. That is no proof
            that there is no chaos.
        """
        longest = check_integer("max_length", max_length, 2, 10_000)
        numbers = np.flatnonzero(self.homoclinic)
        numbers = numbers[np.argsort(self.lengths[numbers], kind="stable")]
        places = dict.fromkeys((int(self.sources[n]), int(self.source_phases[n])) for n in numbers)
        for source, phase in places:
            cycle = self.cycles[source]
            orbits = [
                np.concatenate([self.word(n), _rest_of(cycle, int(self.target_phases[n]), phase)])
                for n in numbers.tolist()
                if (self.sources[n], self.source_phases[n]) == (source, phase)
            ]
            around = np.roll(cycle.itinerary, -phase, axis=0)
            for begin in range(0, len(orbits), _AT_ONCE):
                words = around_and_away(
                    self.model.canonical,
                    around,
                    cycle.points[phase],
                    orbits[begin : begin + _AT_ONCE],
                    longest,
                )
                made = proof_from(self.model, words)
                if made is not None:
                    return made
        return None


def _rest_of(cycle: Cycle, begin: int, end: int) -> BoolArray:
    """Return the regions of a cycle from one of its points to another, none if it is the same."""
    return np.roll(cycle.itinerary, -begin, axis=0)[: (end - begin) % cycle.order]
