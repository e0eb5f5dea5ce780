"""The result of a continuation: branches of cycles joined by events."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any, ClassVar

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers, frozen
from rnndyn.bifurcation.path._columns import (
    ATTACHED_TYPES,
    BRANCH_TYPES,
    EVENT_TYPES,
    KIND_NAMES,
    OUTCOME_NAMES,
    Columns,
    frozen_columns,
    nothing_attached,
)
from rnndyn.bifurcation.path._file import FORMAT
from rnndyn.bifurcation.path._path import Path, between
from rnndyn.bifurcation.path.branch import Branch, Branches
from rnndyn.bifurcation.path.curve import Curve
from rnndyn.bifurcation.path.events import BifurcationEvent, BifurcationEvents
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.bifurcation.path.run import ContinuationRun
from rnndyn.cycles._smooth import cycles_near, smooth_map
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.search import solve_cycle
from rnndyn.results.base import TabularResult


@dataclass(frozen=True, eq=False, repr=False)
class BranchSet(TabularResult):
    """All branches of cycles along a path of parameters, and the events that join them.

    The models of the path are at s = 0, 1, 2, ...; between two of them the canonical parameters
    change along a straight line; of tanh, GRU and LSTM networks it is their weights.

    Attributes
    ----------
    branches : sequence of Branch
        One for every itinerary and every largest interval on which its cycle is real; of a smooth
        network one for every curve of cycles from fold to fold.
    events : sequence of BifurcationEvent
        Sorted by s.
    gaps : tuple of Gap
        Everything that the branches and events do not explain. Empty where all is well.
    run : ContinuationRun
        How it was made, and how sure it is that nothing is missing.
    path : Path
        The models and the axis.
    models : tuple of PiecewiseLinearModel or RecurrentNetwork
        The models of the path.
    axis : str
        What the path is drawn over: ``"s"``, a named parameter, or ``"epoch"``.
    axis_values : ndarray of float64, shape (n_models,)
        The values of the axis at the models.
    itineraries : tuple of ndarray of bool, shape (k, H)
        Itineraries of the branches. Smooth networks have no regions: shape (k, 0), one for every
        branch.
    branch_columns, event_columns : dict of str to ndarray
        Branches and events as columns; itineraries, partners and events are numbers, -1 for none.
    attached_columns : dict of str to ndarray
        ``event`` and ``itinerary`` of all cycles of larger order that begin or end in the border
        points of events, sorted by event.
    curves : tuple of Curve
        Of smooth networks the curve of every branch, in their order; else empty.
    inputs : ndarray of float64, shape (K,), or None
        Constant input of smooth networks; None is the input 0.

    See Also
    --------
    rnndyn.continue_cycles : Compute it.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[0.5]], W=[[-2.5]], h=[1.0])
    >>> result = rd.continue_cycles(tent, tent.with_parameters(h=[-1.0]), max_order=1)
    >>> result.events[0].kind, result.events[0].outcome, result.events[0].s
    ('border_collision', 'persistence', 0.5)
    >>> [(branch.order, branch.s_begin, branch.s_end) for branch in result.branches]
    [(1, 0.0, 0.5), (1, 0.5, 1.0)]
    >>> result.gaps
    ()
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("branches", "events", "gaps")

    path: Path
    itineraries: tuple[BoolArray, ...]
    branch_columns: Columns
    event_columns: Columns
    gaps: tuple[Gap, ...]
    run: ContinuationRun = field(compare=False)
    attached_columns: Columns = field(default_factory=nothing_attached)
    curves: tuple[Curve, ...] = ()
    inputs: FloatArray | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        path = self.path
        set_field(self, "path", Path(path.models, path.axis, frozen(path.values, np.float64)))
        set_field(self, "itineraries", tuple(frozen(bits, np.bool_) for bits in self.itineraries))
        for name, types, what in (
            ("branch_columns", BRANCH_TYPES, "branches"),
            ("event_columns", EVENT_TYPES, "events"),
            ("attached_columns", ATTACHED_TYPES, "attached itineraries"),
        ):
            set_field(self, name, frozen_columns(getattr(self, name), types, what))
        set_field(self, "gaps", tuple(self.gaps))
        set_field(self, "curves", tuple(self.curves))
        self._check()

    def _check(self) -> None:
        if self.path.values.shape != (len(self.path.models),) or len(self.path.models) < 2:
            raise ValueError("a path needs at least two models, and one value of its axis for each")
        n_units = 0 if self.is_smooth else self.path.models[0].n_units
        self._check_curves()
        for bits in self.itineraries:
            if bits.ndim != 2 or len(bits) == 0 or bits.shape[1] != n_units:
                raise ValueError(f"an itinerary must have shape (k, {n_units}), got {bits.shape}")
        limits = {
            "itinerary": (0, len(self.itineraries)),
            "partner": (-1, len(self.itineraries)),
            "doubled": (-1, len(self.itineraries)),
            "begin_event": (-1, len(self.event_columns["s"])),
            "end_event": (-1, len(self.event_columns["s"])),
            "event": (0, len(self.event_columns["s"])),
            "kind": (0, len(KIND_NAMES)),
            "outcome": (0, len(OUTCOME_NAMES)),
        }
        if (np.diff(self.attached_columns["event"]) < 0).any():
            raise ValueError("the attached itineraries must be sorted by their event")
        for columns in (self.branch_columns, self.event_columns, self.attached_columns):
            for name in limits.keys() & columns.keys():
                low, high = limits[name]
                if not ((columns[name] >= low) & (columns[name] < high)).all():
                    raise ValueError(f"column {name!r} must hold numbers {low} to {high - 1}")

    def _check_curves(self) -> None:
        if self.inputs is not None:
            if not self.is_smooth:
                raise ValueError("only tanh, GRU and LSTM networks have inputs")
            checked = finite_numbers("inputs", self.inputs, (self.models[0].n_inputs,))
            object.__setattr__(self, "inputs", frozen(checked, np.float64))
        if len(self.curves) != (len(self.itineraries) if self.is_smooth else 0):
            raise ValueError("every branch of a smooth network has one curve, others have none")
        n_states = self.models[0].n_states
        for bits, curve in zip(self.itineraries, self.curves, strict=True) if self.curves else ():
            if curve.points.shape[1:] != (len(bits), n_states):
                raise ValueError(f"a curve must have points of shape (n, {len(bits)}, {n_states})")

    @property
    def is_smooth(self) -> bool:
        """Whether the models are tanh, GRU or LSTM networks, whose branches are curves."""
        return self.path.is_smooth

    @property
    def models(self) -> tuple[Any, ...]:
        """The models of the path."""
        return self.path.models

    @property
    def axis(self) -> str:
        """What the path is drawn over: ``"s"``, a named parameter, or ``"epoch"``."""
        return self.path.axis

    @property
    def axis_values(self) -> FloatArray:
        """The values of the axis at the models."""
        return self.path.values

    @cached_property
    def branches(self) -> Branches:
        """The branches."""
        return Branches(len(self.branch_columns["s_begin"]), lambda index: Branch(self, index))

    @cached_property
    def events(self) -> BifurcationEvents:
        """The events, sorted by s."""
        return BifurcationEvents(self.event_columns, self._event)

    def value_at(self, s: Any) -> Any:
        """Return the value of the axis at places s of the path, a number or an array."""
        value = np.interp(s, np.arange(len(self.models)), self.path.values)
        return float(value) if np.ndim(s) == 0 else value

    def s_at(self, value: float) -> float:
        """Return the place on the path where the axis has a value.

        Raises
        ------
        ValueError
            If the path does not reach it.
        """
        values = self.path.values
        sign = 1.0 if values[-1] > values[0] else -1.0
        if not min(values[0], values[-1]) <= value <= max(values[0], values[-1]):
            raise ValueError(
                f"the path leads over {self.axis} = {values[0]:g} to {values[-1]:g}, got {value!r}"
            )
        return float(np.interp(sign * value, sign * values, np.arange(len(values))))

    def model_at(self, s: float) -> Any:
        """Return the model at a place of the path.

        Parameters
        ----------
        s : float
            From 0 to the number of pieces.

        Returns
        -------
        PiecewiseLinearModel or RecurrentNetwork
            A model of the path itself where s is a whole number, else a `PiecewiseLinearMap`, or a
            network with the weights there.

        Raises
        ------
        ValueError
            If s is not on the path.
        """
        piece, share = self._locate(np.array([s], dtype=np.float64))
        j, share_of_piece = int(piece[0]), float(share[0])
        if share_of_piece in (0.0, 1.0):
            return self.models[j + int(share_of_piece)]
        return between(self.models[j], self.models[j + 1], share_of_piece)

    def at(self, s: float) -> tuple[Cycle, ...]:
        """Return the cycles that are real at a place of the path.

        Parameters
        ----------
        s : float
            From 0 to the number of pieces.

        Returns
        -------
        tuple of Cycle
            In the order of the branches. Where two branches meet at exactly this place, both; a
            cycle that is at infinity there is left out.
        """
        self._locate(np.array([s], dtype=np.float64))
        columns = self.branch_columns
        is_here = (columns["s_begin"] <= s) & (s <= columns["s_end"])
        for end in ("begin", "end"):
            is_here &= ~((columns[f"s_{end}"] == s) & self._at_infinity(columns[f"{end}_event"]))
        here = np.flatnonzero(is_here)
        return tuple(self.solve_number(index, s) for index in columns["itinerary"][here].tolist())

    def _at_infinity(self, events: np.ndarray[Any, Any]) -> BoolArray:
        """Tell which of the numbers of events, -1 for none, are those of cycles at infinity."""
        code = KIND_NAMES.index("degenerate_transcritical")
        kinds = np.append(self.event_columns["kind"], -1)
        return np.asarray(kinds[events] == code, dtype=np.bool_)

    def solve(self, itinerary: BoolArray, s: float) -> Cycle:
        """Return the cycle of an itinerary at a place of the path, real or virtual.

        Raises
        ------
        ValueError
            If it has no isolated solution there.
        """
        self._needs_regions("solve")
        cycle = solve_cycle(self.model_at(s), itinerary)
        if not isinstance(cycle, Cycle):
            raise ValueError(
                f"the itinerary has no isolated cycle at s = {s:.17g}: a multiplier is 1"
            )
        return cycle

    def evaluate(self, itinerary: BoolArray, s: FloatArray) -> dict[str, np.ndarray[Any, Any]]:
        """Return the cycle of an itinerary, real or virtual, at many places.

        Parameters
        ----------
        itinerary : ndarray of bool, shape (k, H)
            The itinerary.
        s : ndarray of float64, shape (n,)
            Places on the path.

        Returns
        -------
        dict of str to ndarray
            ``points`` (n, k, M), ``spectral_radius`` (n,) and ``n_unstable`` (n,).
        """
        self._needs_regions("evaluate")
        pieces, shares = self._locate(np.asarray(s, dtype=np.float64))
        n_states = self.models[0].n_states
        result: dict[str, np.ndarray[Any, Any]] = {
            "points": np.empty((len(pieces), len(itinerary), n_states)),
            "spectral_radius": np.empty(len(pieces)),
            "n_unstable": np.empty(len(pieces), dtype=np.int64),
        }
        for j in np.unique(pieces).tolist():
            here = pieces == j
            raw = _core.cycle_on_path(
                self.models[j].canonical, self.models[j + 1].canonical, itinerary, shares[here]
            )
            for name, array in result.items():
                array[here] = raw[name]
        return result

    def _needs_regions(self, name: str) -> None:
        if self.is_smooth:
            raise ValueError(
                f"{name}() takes an itinerary, and cycles of a {self.models[0].family} have none: "
                "ask a branch, as in branch_set.branches[0].cycle(s)"
            )

    def solve_number(self, number: int, s: float) -> Cycle:
        """Return the cycle of the itinerary, or the curve, of a number at a place of the path."""
        if not self.is_smooth:
            return self.solve(self.itineraries[number], s)
        piece, share = self._locate(np.array([s], dtype=np.float64))
        points = self._on_curve(number, piece, share)[0]
        return cycles_near(self.model_at(s), self.inputs, [points])[0]

    def evaluate_number(self, number: int, s: FloatArray) -> dict[str, np.ndarray[Any, Any]]:
        """Return what `evaluate` returns for the itinerary, or the curve, of a number."""
        if not self.is_smooth:
            return self.evaluate(self.itineraries[number], s)
        pieces, shares = self._locate(np.asarray(s, dtype=np.float64))
        points = self._on_curve(number, pieces, shares)
        radii, counts = np.empty(len(points)), np.empty(len(points), dtype=np.int64)
        for i, (piece, share) in enumerate(zip(pieces.tolist(), shares.tolist(), strict=True)):
            jacobians = self._smooth_path(piece).jacobians(points[i], share)
            moduli = np.abs(np.linalg.eigvals(reduce(lambda p, j: j @ p, jacobians)))
            radii[i], counts[i] = moduli.max(), (moduli > 1.0).sum()
        return {"points": points, "spectral_radius": radii, "n_unstable": counts}

    def _on_curve(
        self, number: int, pieces: np.ndarray[Any, Any], shares: FloatArray
    ) -> FloatArray:
        """Return the points of a curve at places of the path within it."""
        curve = self.curves[number]
        s = pieces + shares
        tubes = np.clip(np.searchsorted(curve.s, s, side="right") - 1, 0, len(curve.sigma_end) - 1)
        result = np.empty((len(s), *curve.points.shape[1:]))
        of_tube = curve.pieces
        for tube in np.unique(tubes).tolist():
            here = tubes == tube
            piece = int(of_tube[tube])
            result[here] = self._smooth_path(piece).points_of_tube(
                curve.centres[tube],
                curve.directions[tube],
                curve.sigma_begin[tube],
                curve.sigma_end[tube],
                curve.order,
                (s[here] - piece).tolist(),
            )
        return result

    def _smooth_path(self, piece: int) -> _core.SmoothPath:
        known = self._smooth_paths
        if piece not in known:
            maps = [smooth_map(model, self.inputs) for model in self.models[piece : piece + 2]]
            known[piece] = _core.SmoothPath(*maps)
        return known[piece]

    @cached_property
    def _smooth_paths(self) -> dict[int, _core.SmoothPath]:
        return {}

    def _locate(self, s: FloatArray) -> tuple[np.ndarray[Any, Any], FloatArray]:
        """Return the straight pieces of places, and the shares of them."""
        n_pieces = len(self.models) - 1
        if not np.all((s >= 0.0) & (s <= n_pieces)):
            raise ValueError(f"s must be from 0 to {n_pieces}, the length of the path, got {s}")
        pieces = np.minimum(np.floor(s).astype(np.int64), n_pieces - 1)
        return pieces, s - pieces

    def _event_points(self, number: int, s: float) -> FloatArray:
        if self.is_smooth:
            # At a fold its end, though the bracket may hold it on either side of s.
            s = float(np.clip(s, self.curves[number].s[0], self.curves[number].s[-1]))
        return np.asarray(self.evaluate_number(number, np.array([s]))["points"][0])

    def _event(self, index: int) -> BifurcationEvent:
        row = {name: column[index].item() for name, column in self.event_columns.items()}
        bits = {
            name: None if row[name] < 0 else self.itineraries[row[name]]
            for name in ("partner", "doubled")
        }
        numbers = {
            name: None if row[name] < 0 else row[name]
            for name in ("time_index", "unit", "n_unstable_before", "n_unstable_after")
        }
        itinerary = self.itineraries[row["itinerary"]]
        attached = slice(*np.searchsorted(self.attached_columns["event"], [index, index + 1]))
        points = None
        if KIND_NAMES[row["kind"]] != "degenerate_transcritical":
            points = self._event_points(row["itinerary"], row["s"])
        return BifurcationEvent(
            kind=KIND_NAMES[row["kind"]],
            s=row["s"],
            value=self.value_at(row["s"]),
            axis=self.axis,
            bracket=(row["s_lower"], row["s_upper"]),
            residual=row["residual"],
            status="converged" if row["converged"] else "guess",
            itinerary=itinerary,
            outcome=OUTCOME_NAMES[row["outcome"]],
            points=points,
            attached=tuple(
                self.itineraries[i] for i in self.attached_columns["itinerary"][attached].tolist()
            ),
            **bits,
            **numbers,
        )
