"""What the computation of manifolds and boundaries returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.checks import check_count, check_integer, check_positive
from rnndyn.cycles.cycle import Cycle
from rnndyn.manifolds._arguments import check_states
from rnndyn.manifolds._file import BOUNDARY_FORMAT, FORMAT
from rnndyn.manifolds.crossing import way_through
from rnndyn.manifolds.gate import Gate
from rnndyn.manifolds.pieces import Pieces
from rnndyn.manifolds.run import ManifoldRun
from rnndyn.manifolds.tree import TreeState
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._units import unit_of
from rnndyn.results.base import TabularResult


class ClosestPoint(NamedTuple):
    """The points of a manifold or boundary that are closest to some states.

    Attributes
    ----------
    points : ndarray of float64, shape (M,) or (n, M)
        The closest points; NaN where there is none.
    distances : float or ndarray of float64, shape (n,)
        Euclidean distances; infinite where there is none.
    pieces : int or ndarray of int64, shape (n,)
        The pieces that the points lie on; -1 where there is none.
    """

    points: FloatArray
    distances: Any
    pieces: Any


class _OfPieces(TabularResult):
    """What can be asked of states and pieces."""

    TABLES: ClassVar = ("pieces",)

    model: PiecewiseLinearModel
    pieces: Pieces
    run: ManifoldRun

    def _in_units(self) -> tuple[Pieces, float]:
        """Return the pieces in units in which the numbers of the network are about 1."""
        unit = unit_of(self.model.canonical, *(cycle.points for cycle in self._cycles()))
        return self.pieces.scaled(1.0 / unit), unit

    def _cycles(self) -> list[Cycle]:
        """Return the cycles whose manifolds the pieces are."""
        raise NotImplementedError

    @property
    def complete(self) -> bool:
        """Whether no piece is missing: no longer word of regions has one within the box."""
        return self.run.complete

    @property
    def dimension(self) -> int:
        """Dimension of the pieces."""
        return self.pieces.dimension

    def closest_point(self, states: ArrayLike) -> ClosestPoint:
        """Return the closest points of the pieces, with distances.

        Parameters
        ----------
        states : array_like of shape (M,) or (n, M)
            One state of `model` or several. Those of a stacked ReLU `RNN` become states of the map
            that it is analysed as by `RNN.layers_apart`.

        Returns
        -------
        ClosestPoint

        Raises
        ------
        TypeError, ValueError
            If the states are not finite numbers of this shape.

        Notes
        -----
        A quadratic program for each piece that could be nearest, by the dual active-set method;
        its solution is checked against the conditions of Karush, Kuhn and Tucker.
        """
        pieces, unit = self._in_units()
        array, single = check_states("states", states, self.model.n_states, unit)
        found = pieces.nearest(array / unit)
        points = unit * np.array([one.point for one in found]).reshape(array.shape)
        distances = unit * np.array([one.distance for one in found], dtype=np.float64)
        numbers = np.array([one.piece for one in found], dtype=np.int64)
        if single:
            return ClosestPoint(points[0], float(distances[0]), int(numbers[0]))
        return ClosestPoint(points, distances, numbers)

    def distance(self, states: ArrayLike) -> Any:
        """Return the Euclidean distance to the nearest piece; infinite where there is no piece.

        Parameters
        ----------
        states : array_like of shape (M,) or (n, M)
            One state of `model` or several. Those of a stacked ReLU `RNN` become states of the map
            that it is analysed as by `RNN.layers_apart`.

        Returns
        -------
        float or ndarray of float64, shape (n,)
        """
        return self.closest_point(states).distances

    def contains(self, states: ArrayLike, tolerance: float | None = None) -> Any:
        """Tell whether states lie on a piece.

        Parameters
        ----------
        states : array_like of shape (M,) or (n, M)
            One state of `model` or several. Those of a stacked ReLU `RNN` become states of the map
            that it is analysed as by `RNN.layers_apart`.
        tolerance : float, optional
            By how much a state may miss an equation or inequality, each in units of distance.
            Default: 1e-9, or as much in units of the states where these are very small or large.

        Returns
        -------
        bool or ndarray of bool, shape (n,)
        """
        pieces, unit = self._in_units()
        array, single = check_states("states", states, self.model.n_states, unit)
        missed = 1e-9
        if tolerance is not None:
            missed = check_positive("tolerance", tolerance, "units of the states") / unit
        inside = pieces.contain(array / unit, missed)
        return bool(inside[0]) if single else inside

    def sample(self, n: int, seed: int | None = None) -> FloatArray:
        """Return random states on the pieces, shape (n, M).

        Parameters
        ----------
        n : int
            How many. Every piece is equally likely, whatever its size.
        seed : int, optional
            Seed of the draw. Default: that of the run.

        Raises
        ------
        ValueError
            If there are no pieces.
        """
        if not len(self.pieces):
            raise ValueError("there are no pieces to draw states from")
        number = self.run.seed if seed is None else check_integer("seed", seed, 0, 2**64 - 1)
        return self.pieces.sample(check_count("n", n), np.random.default_rng(number))[0]


@dataclass(frozen=True, eq=False, repr=False)
class Manifold(_OfPieces):
    """The stable or unstable manifold of a cycle.

    Two results are equal if they are the same pieces of the same cycle; how long it took and on how
    many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    cycle : Cycle
        The cycle.
    kind : {"stable", "unstable"}
        Which of its manifolds.
    pieces : Pieces
        Polytopes in affine sets, by the number of steps to the cycle. Together they are the
        manifold, up to `depth` steps and within the box.
    run : ManifoldRun
        How it was made.
    trees : tuple of TreeState, or None
        How far its tree of words has grown, one entry; None if it comes from a file of format
        version 1.
    max_length : float or None
        The arc length at which branches end that was asked for.

    See Also
    --------
    rnndyn.manifold : Compute it.
    rnndyn.plot.manifold : Draw it.
    """

    FORMAT = FORMAT

    model: PiecewiseLinearModel
    cycle: Cycle
    kind: Literal["stable", "unstable"]
    pieces: Pieces
    run: ManifoldRun = field(compare=False)
    trees: tuple[TreeState, ...] | None = field(default=None, compare=False)
    max_length: float | None = field(default=None, compare=False)

    def _cycles(self) -> list[Cycle]:
        return [self.cycle]

    def __post_init__(self) -> None:
        if self.kind not in ("stable", "unstable"):
            raise ValueError(f"kind must be 'stable' or 'unstable', got {self.kind!r}")
        _check_sizes(self.model, self.pieces)
        if self.trees is not None and len(self.trees) != 1:
            raise ValueError(f"trees must have one entry, got {len(self.trees)}")
        if self.max_length is not None:
            check_positive("max_length", self.max_length, "units of the states")


@dataclass(frozen=True, eq=False, repr=False)
class BasinBoundary(_OfPieces):
    """The boundaries between basins of attraction, as stable manifolds of their gates.

    Two results are equal if they are the same pieces between the same attractors; how long it took
    and on how many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    attractors : tuple of Cycle
        The stable cycles, by the numbers that the sides of the gates name.
    gates : tuple of Gate
        All cycles with one expanding direction, and where the orbits go that leave them.
    pieces : Pieces
        Those of the stable manifolds of the gates that separate something.
    gate_numbers : ndarray of int64, shape (n,)
        To which gate each piece belongs.
    run : ManifoldRun
        How it was made.
    trees : tuple of TreeState, or None
        How far the trees of words have grown, one for each gate that separates something, up to
        where the run ended; None if it comes from a file of format version 1.

    See Also
    --------
    rnndyn.basin_boundary : Compute it.
    rnndyn.plot.basin_boundary : Draw it.
    """

    FORMAT = BOUNDARY_FORMAT

    model: PiecewiseLinearModel
    attractors: tuple[Cycle, ...]
    gates: tuple[Gate, ...]
    pieces: Pieces
    gate_numbers: IntArray
    run: ManifoldRun = field(compare=False)
    trees: tuple[TreeState, ...] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attractors", tuple(self.attractors))
        object.__setattr__(self, "gates", tuple(self.gates))
        object.__setattr__(self, "gate_numbers", frozen(self.gate_numbers, np.int64))
        _check_sizes(self.model, self.pieces)
        if self.gate_numbers.shape != (len(self.pieces),):
            raise ValueError(f"gate_numbers must have shape ({len(self.pieces)},)")
        if not ((self.gate_numbers >= 0) & (self.gate_numbers < len(self.gates))).all():
            raise ValueError("gate_numbers must be numbers of gates")
        if self.trees is not None and len(self.trees) > self.separating.sum():
            raise ValueError("trees must have at most one entry for each gate that separates")

    def _cycles(self) -> list[Cycle]:
        return [gate.cycle for gate in self.gates]

    @property
    def separating(self) -> BoolArray:
        """Which gates separate basins, shape (number of gates,)."""
        return np.array([gate.separates for gate in self.gates], dtype=np.bool_)

    @property
    def complete(self) -> bool:
        """Whether no piece of the known gates is missing.

        No longer word has one, all gates are in the box, and of each it is known whether it
        separates basins.
        """
        return self.run.complete and not self.gates_outside and not self.gates_undecided

    @property
    def gates_undecided(self) -> tuple[int, ...]:
        """Gates of which it is not known whether they separate basins; they have no pieces."""
        return tuple(number for number, gate in enumerate(self.gates) if gate.undecided)

    @property
    def gates_outside(self) -> tuple[int, ...]:
        """Gates between basins that lie outside the box, so that they have no pieces."""
        lower, upper = np.array(self.run.lower), np.array(self.run.upper)
        return tuple(
            number
            for number, gate in enumerate(self.gates)
            if gate.separates
            and not ((gate.cycle.points >= lower) & (gate.cycle.points <= upper)).all()
        )

    def smallest_perturbation(self, states: ArrayLike, beyond: float | None = None) -> FloatArray:
        """Return the shortest step from states onto the boundary or through it.

        No shorter one changes the fate of the state where the boundary is complete. NaN where there
        is no boundary.

        Parameters
        ----------
        states : array_like of shape (M,) or (n, M)
            One state of `model` or several. Those of a stacked ReLU `RNN` become states of the map
            that it is analysed as by `RNN.layers_apart`.
        beyond : float, optional
            Go through the boundary, to the other side, with steps that are longer by a factor of at
            most ``1 + beyond``, such as 1e-6. Straight on, the way to a corner of the boundary may
            pass by it, so these steps can differ in direction. Default: steps onto the boundary.

        Returns
        -------
        ndarray of float64, shape (M,) or (n, M)

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.PiecewiseLinearMap(
        ...     A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
        ... )
        >>> boundary = rd.basin_boundary(rd.find_cycles(model, max_order=1))
        >>> boundary.smallest_perturbation([1.5]), boundary.smallest_perturbation([1.5], beyond=0.1)
        (array([-1.5]), array([-1.65]))
        """
        pieces, unit = self._in_units()
        array, single = check_states("states", states, self.model.n_states, unit)
        array = array / unit
        found = pieces.nearest(array)
        if beyond is None:
            steps = np.array([one.point for one in found]).reshape(array.shape) - array
        else:
            longer = check_positive("beyond", beyond, "units of the distance")
            ways = [
                way_through(pieces, state, one, longer)
                for state, one in zip(array, found, strict=True)
            ]
            steps = np.array(ways).reshape(array.shape)
        return np.asarray(unit * (steps[0] if single else steps))


def _check_sizes(model: PiecewiseLinearModel, pieces: Pieces) -> None:
    sizes = pieces.n_states, pieces.regions.shape[1]
    if sizes != (model.n_states, model.n_units):
        raise ValueError(
            f"pieces must be of {model.n_states} states and {model.n_units} units, got {sizes}"
        )
