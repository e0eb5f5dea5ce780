"""All cycles of an order in a box by mixed-integer linear programming, with HiGHS.

The best of the formulations that were compared (see `MilpEnumeration`). It is what somebody would
do who has a solver and no program of this kind, made as good as we could without changing the
solver.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Of the solver, for rows and for integers. Its defaults (1e-7 and 1e-6) let relu leak by the
#: tolerance times the bound of a pre-activation, which costs wrong candidates.
FEASIBILITY_TOLERANCE = 1e-9
#: A candidate counts as a cycle when the point solved for its bits has the signs of its bits up to
#: this times the size of the point.
SIGN_TOLERANCE = 1e-9
#: Bounds from linear programs are moved outwards by this times their size: the solver's tolerance,
#: with room for its amplification.
BOUND_SAFETY = 1e-6
#: Rounds of bounds by linear programs, fewer where a round gains little.
BOUND_ROUNDS = 3


@dataclass
class Enumeration:
    """What was found, and what it cost."""

    cycles: list[FloatArray] = field(default_factory=list)
    n_wrong: int = 0  # patterns that the solver took for solutions within its tolerance
    n_shorter: int = 0  # cycles of a shorter order, which solve the same equations
    n_models: int = 0  # mixed-integer programs
    n_nodes: int = 0  # of all branch-and-bound trees
    n_bound_programs: int = 0  # linear programs for bounds
    n_fixed: int = 0  # bits that the bounds decide
    n_bits: int = 0
    seconds_bounds: float = 0.0
    seconds: float = 0.0
    complete: bool = False


class MilpEnumeration:
    """Cycles z_{t+1} = A z_t + W1 relu(W2 z_t + h2) + h1, z_k = z_0, with all |z_t| <= radius.

    Every pre-activation is split into p = u - v, u, v >= 0, with a binary b: u <= U b and
    v <= V (1 - b). Where W2 = I and h2 = 0, z = u - v is substituted, which leaves M equations for
    every step. The bounds U and V are those of linear programs: each pre-activation is maximised
    and minimised over the relaxation of the whole cyclic system, with the bounds found so far, in
    `bound_rounds` rounds; bits decided by them are fixed. Of the k rotations of a cycle the row
    z_{0,c} >= z_{t,c} keeps one. There is no objective, so a model is done with its first solution;
    the solution's bits are excluded by one row, and the model is solved again, until it is
    infeasible. Shorter cycles are excluded the same way when they turn up, and not counted.

    Compared with this, in single runs on a busy machine, whose times scatter by up to a factor of
    two: keeping z and v as variables instead of substituting z (mostly slower, up to twice the
    time); bounds from the box alone; HiGHS's own heuristics switched on, which look for solutions
    where there is mostly none; tolerances of 1e-7. Which bounds are better depends on the network:
    those of linear programs mostly with several steps, those of the box alone for some fixed-point
    problems (uniform_m30: 0.3 to 0.9 s against 2.0 to 2.5 s). So the benchmark runs both
    (``bound_rounds`` = 3 and 0) and counts the faster one.

    Parameters
    ----------
    A, W1, W2, h1, h2 : arrays
        The canonical map.
    order : int
    radius : float
    bound_rounds : int
        Rounds of bounds by linear programs; 0 takes those of interval arithmetic over the box.
    """

    def __init__(
        self,
        A: FloatArray,
        W1: FloatArray,
        W2: FloatArray,
        h1: FloatArray,
        h2: FloatArray,
        order: int,
        radius: float,
        bound_rounds: int = BOUND_ROUNDS,
    ) -> None:
        relevant = (W1 != 0.0).any(axis=0)
        self.A, self.h1 = A, h1
        self.W1, self.W2, self.h2 = W1[:, relevant], W2[relevant], h2[relevant]
        self.order, self.radius, self.bound_rounds = order, radius, bound_rounds
        self.n_states, self.n_units = self.W1.shape
        n_states = self.n_states
        # The states whose pre-activation they are; the others stay variables.
        self.split = (
            (np.count_nonzero(self.W2, axis=1) == 1)
            & (self.W2.sum(axis=1) == 1.0)
            & (self.h2 == 0.0)
        )
        self.unit_of_state = np.full(n_states, -1)
        for unit in np.flatnonzero(self.split):
            state = int(np.argmax(self.W2[unit]))
            if self.unit_of_state[state] < 0:
                self.unit_of_state[state] = unit
            else:
                self.split[unit] = False
        self.own_states = np.flatnonzero(self.unit_of_state < 0)
        self._lay_out()
        size = radius * np.abs(self.W2).sum(axis=1)
        # Upper bounds of u and v at every step, from the box.
        self.upper = np.tile(np.maximum(size + self.h2, 0.0), (order, 1))
        self.lower = np.tile(np.maximum(size - self.h2, 0.0), (order, 1))

    # ---- The linear program ---------------------------------------------------------------------

    def _lay_out(self) -> None:
        """Columns of a step: u, v, the states that are no split, then b; rows as dense blocks."""
        n_units, n_own = self.n_units, len(self.own_states)
        self.width = 3 * n_units + n_own
        self.u, self.v = np.arange(n_units), n_units + np.arange(n_units)
        self.z = 2 * n_units + np.arange(n_own)
        self.b = 2 * n_units + n_own + np.arange(n_units)
        # The state as a linear function of the columns of its step.
        self.state = np.zeros((self.n_states, self.width))
        for state, unit in enumerate(self.unit_of_state):
            if unit >= 0:
                self.state[state, self.u[unit]] = 1.0
                self.state[state, self.v[unit]] = -1.0
        self.state[self.own_states, self.z] = 1.0

    def _rows(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """All rows without those of the binaries: matrix, lower, upper."""
        order, width, n_states = self.order, self.width, self.n_states
        image = self.A @ self.state
        image[:, self.u] += self.W1
        matrices, lower, upper = [], [], []
        for t in range(order):
            block = np.zeros((n_states, order * width))
            block[:, t * width : (t + 1) * width] -= image
            following = (t + 1) % order
            block[:, following * width : (following + 1) * width] += self.state
            matrices.append(block)
            lower.append(self.h1)
            upper.append(self.h1)
            units = np.flatnonzero(~self.split)
            block = np.zeros((len(units), order * width))
            own = -self.W2[units] @ self.state
            own[np.arange(len(units)), self.u[units]] += 1.0
            own[np.arange(len(units)), self.v[units]] -= 1.0
            block[:, t * width : (t + 1) * width] = own
            matrices.append(block)
            lower.append(self.h2[units])
            upper.append(self.h2[units])
            if t > 0:
                row = np.zeros((1, order * width))
                row[0, :width] = self.state[self.ordered_state]
                row[0, t * width : (t + 1) * width] -= self.state[self.ordered_state]
                matrices.append(row)
                lower.append(np.zeros(1))
                upper.append(np.full(1, np.inf))
        return np.vstack(matrices), np.concatenate(lower), np.concatenate(upper)

    @property
    def ordered_state(self) -> int:
        """The state that most depends on the units tells rotations apart best."""
        return int(np.argmax(np.abs(self.W1).sum(axis=1)))

    def _columns(self) -> tuple[FloatArray, FloatArray]:
        lower = np.zeros((self.order, self.width))
        upper = np.ones((self.order, self.width))
        upper[:, self.u] = self.upper
        upper[:, self.v] = self.lower
        lower[:, self.z] = -self.radius
        upper[:, self.z] = self.radius
        lower[:, self.b] = self.lower == 0.0
        upper[:, self.b] = self.upper > 0.0
        lower[:, self.b] = np.minimum(lower[:, self.b], upper[:, self.b])
        return lower.ravel(), upper.ravel()

    def _binary_rows(self) -> tuple[FloatArray, FloatArray]:
        """Rows u - U b <= 0 and v + V b <= V for the bits that are open: matrix, upper."""
        rows, bounds = [], []
        for t in range(self.order):
            for unit in range(self.n_units):
                on, off = self.upper[t, unit], self.lower[t, unit]
                if on == 0.0 or off == 0.0:
                    continue
                for column, factor, bound in ((self.u, -on, 0.0), (self.v, off, off)):
                    row = np.zeros(self.order * self.width)
                    row[t * self.width + column[unit]] = 1.0
                    row[t * self.width + self.b[unit]] = factor
                    rows.append(row)
                    bounds.append(bound)
        if not rows:
            return np.zeros((0, self.order * self.width)), np.zeros(0)
        return np.vstack(rows), np.array(bounds)

    def _solver(self, integer: bool) -> Any:
        import highspy

        matrix, row_lower, row_upper = self._rows()
        binary, binary_upper = self._binary_rows()
        matrix = np.vstack([matrix, binary])
        lower, upper = self._columns()
        program = highspy.HighsLp()
        program.num_col_ = matrix.shape[1]
        program.num_row_ = matrix.shape[0]
        program.col_cost_ = np.zeros(matrix.shape[1])
        program.col_lower_, program.col_upper_ = lower, upper
        program.row_lower_ = np.concatenate([row_lower, np.full(len(binary), -np.inf)])
        program.row_upper_ = np.concatenate([row_upper, binary_upper])
        row, column = np.nonzero(matrix)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.searchsorted(row, np.arange(matrix.shape[0] + 1))
        program.a_matrix_.index_ = column
        program.a_matrix_.value_ = matrix[row, column]
        if integer:
            kinds = [highspy.HighsVarType.kContinuous] * matrix.shape[1]
            for t in range(self.order):
                for unit in self.b:
                    kinds[t * self.width + unit] = highspy.HighsVarType.kInteger
            program.integrality_ = kinds
        solver = highspy.Highs()
        for name, value in self.options().items():
            if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise RuntimeError(f"HiGHS does not take the option {name} = {value!r}")
        if solver.passModel(program) == highspy.HighsStatus.kError:
            raise RuntimeError("HiGHS does not take the model")
        return solver

    def options(self) -> dict[str, Any]:
        """One thread, presolve, and tolerances that do not let relu leak."""
        return {
            "output_flag": False,
            "threads": 1,
            "parallel": "off",
            "presolve": "on",
            "mip_heuristic_effort": 0.0,
            "primal_feasibility_tolerance": FEASIBILITY_TOLERANCE,
            "dual_feasibility_tolerance": FEASIBILITY_TOLERANCE,
            "mip_feasibility_tolerance": FEASIBILITY_TOLERANCE,
        }

    # ---- Bounds ---------------------------------------------------------------------------------

    def _tighten(self, result: Enumeration, deadline: float) -> bool:
        """Bounds of u and v from linear programs; False where the relaxation is infeasible."""
        import highspy

        for _ in range(self.bound_rounds):
            solver = self._solver(integer=False)
            before = self.upper.sum() + self.lower.sum()
            for t in range(self.order):
                for unit in range(self.n_units):
                    for sign, bound in ((1.0, self.upper), (-1.0, self.lower)):
                        if bound[t, unit] == 0.0 or time.perf_counter() > deadline:
                            continue
                        columns = np.array([self.u[unit], self.v[unit]]) + t * self.width
                        columns = columns.astype(np.int32)
                        # The minimum of -p or p.
                        solver.changeColsCost(2, columns, np.array([-sign, sign]))
                        solver.run()
                        result.n_bound_programs += 1
                        status = solver.getModelStatus()
                        value = -solver.getObjectiveValue()
                        solver.changeColsCost(2, columns, np.zeros(2))
                        if status == highspy.HighsModelStatus.kInfeasible:
                            return False
                        if status != highspy.HighsModelStatus.kOptimal:
                            continue
                        value += BOUND_SAFETY * (1.0 + abs(value))
                        bound[t, unit] = min(bound[t, unit], max(value, 0.0))
                        index = int(columns[0] if sign > 0 else columns[1])
                        solver.changeColBounds(index, 0.0, bound[t, unit])
            if self.upper.sum() + self.lower.sum() > 0.9 * before:
                break
        return True

    # ---- Enumeration ----------------------------------------------------------------------------

    def run(self, time_limit: float = math.inf) -> Enumeration:
        """Enumerate. Everything is timed: the bounds, the models, the polishing."""
        import highspy

        result = Enumeration(n_bits=self.order * self.n_units)
        start = time.perf_counter()
        deadline = start + time_limit
        feasible = self._tighten(result, deadline)
        result.n_fixed = int(np.sum((self.upper == 0.0) | (self.lower == 0.0)))
        result.seconds_bounds = time.perf_counter() - start
        solver = self._solver(integer=True) if feasible else None
        while solver is not None and time.perf_counter() < deadline:
            if math.isfinite(deadline):
                left = max(deadline - time.perf_counter(), 1e-3)  # the limit is one of each run
                solver.setOptionValue("time_limit", left)
            solver.run()
            result.n_models += 1
            result.n_nodes += max(int(solver.getInfo().mip_node_count), 0)
            status = solver.getModelStatus()
            # All columns are bounded, so nothing is unbounded.
            if status in (
                highspy.HighsModelStatus.kInfeasible,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            ):
                break
            if status != highspy.HighsModelStatus.kOptimal:
                result.seconds = time.perf_counter() - start
                return result
            values = np.array(solver.getSolution().col_value).reshape(self.order, self.width)
            bits = values[:, self.b] > 0.5
            self._record(bits, result)
            columns = np.arange(self.order)[:, None] * self.width + self.b
            # At least one bit differs.
            solver.addRow(
                1.0 - float(bits.sum()),
                np.inf,
                bits.size,
                columns.ravel().astype(np.int32),
                np.where(bits, -1.0, 1.0).ravel(),
            )
        result.complete = time.perf_counter() < deadline
        result.seconds = time.perf_counter() - start
        return result

    def _record(self, bits: BoolArray, result: Enumeration) -> None:
        order = self.order
        for period in range(1, order):
            if order % period == 0 and (bits == np.roll(bits, period, axis=0)).all():
                result.n_shorter += 1
                return
        points = self.solve(bits)
        if points is None:
            result.n_wrong += 1
            return
        # A cycle on a border has several patterns, and one whose largest states tie has several
        # rotations.
        size = 1.0 + np.abs(points).max()
        for known in result.cycles:
            for shift in range(order):
                if np.abs(np.roll(known, shift, axis=0) - points).max() < SIGN_TOLERANCE * size:
                    return
        result.cycles.append(points)

    def solve(self, bits: BoolArray) -> FloatArray | None:
        """The points (order, n_states) of the cycle with these bits, None where there is none."""
        order, n_states = self.order, self.n_states
        matrix = np.zeros((order, n_states, order, n_states))
        right = np.empty((order, n_states))
        for t in range(order):
            slope = self.W1 * bits[t]
            matrix[t, :, t] -= self.A + slope @ self.W2
            matrix[t, :, (t + 1) % order] += np.eye(n_states)
            right[t] = slope @ self.h2 + self.h1
        size = order * n_states
        try:
            points = np.linalg.solve(matrix.reshape(size, size), right.ravel())
        except np.linalg.LinAlgError:
            return None
        points = points.reshape(order, n_states)
        scale = SIGN_TOLERANCE * (1.0 + np.abs(points).max())
        p = points @ self.W2.T + self.h2
        fits = (np.where(bits, p, -p) >= -scale).all()
        inside = np.abs(points).max() <= self.radius
        return points if fits and inside else None
