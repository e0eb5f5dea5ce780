"""Slow, plain makers of search trees, so that the checker is tested without the search.

They follow the file format in ``docs/reference/certificate.md`` and use floating-point linear
programs of SciPy. A branch whose infeasibility is not clear is split further, so rounding costs
nodes and never correctness.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

import rnndyn as rd
from reference.filtering import relevant_units
from rnndyn.certificate.result import Certificate
from rnndyn.certificate.undecided import UndecidedItineraries, UndecidedItinerary

INFEASIBLE, DECIDED, ROTATION = -1, -2, -3
#: What a linear program must find to count as infeasible.
_CLEAR = 1e-6

Array = NDArray[np.float64]
Box = tuple[Array, Array]
Bits = NDArray[np.bool_]


class TooLargeError(Exception):
    """The tree has more nodes than allowed."""


@dataclass
class TreeRecord:
    """The arrays of a tree, and the itineraries that are to be solved."""

    max_nodes: int
    nodes: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=lambda: [0])
    row: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    leaves: list[Bits] = field(default_factory=list)

    def add(self, entry: int) -> None:
        if len(self.nodes) == self.max_nodes:
            raise TooLargeError
        self.nodes.append(entry)

    def add_infeasible(self, multipliers: dict[int, float]) -> None:
        self.add(INFEASIBLE)
        self.row += multipliers.keys()
        self.value += multipliers.values()
        self.first.append(len(self.row))

    def part(self, method: str, orders: list[int], **changes: Any) -> dict[str, Any]:
        """A complete part, as the compiled core would hand it over."""
        values: dict[str, Any] = {
            "method": method,
            "orders": orders,
            "unbounded": False,
            "at_infinity": False,
            "radius": 0.0,
            "reason": "",
            "complete": True,
            "rigorous": True,
            "n_nodes": len(self.nodes),
            "n_pruned": self.nodes.count(INFEASIBLE),
            "n_uncertified": 0,
            "n_leaves": len(self.leaves),
            "share": 1.0,
            "seconds": 0.0,
            "open": [],
            "nodes": np.array(self.nodes, dtype=np.int32),
            "first": np.array(self.first, dtype=np.int64),
            "row": np.array(self.row, dtype=np.int32),
            "value": np.array(self.value, dtype=np.float64),
        }
        return {**values, **changes}


def dictionary_tree(
    map_: Any,
    order: int,
    box: Box | None = None,
    radius: float | None = None,
    at_infinity: bool = False,
    by_faces: bool = False,
    outer: float = 0.0,
    max_nodes: int = 400,
) -> TreeRecord:
    """Branch and bound over the bits of one order, most violated first."""
    cube = by_faces and at_infinity
    if by_faces and not at_infinity:
        box = (np.full(len(map_.h1), -radius), np.full(len(map_.h1), radius))
    m, h, k = len(map_.h1), len(map_.h2), order
    relevant = relevant_units(map_)
    u0, v0, tau = k * m, k * (m + h), k * (m + 2 * h)
    n = tau + 1
    rows = np.zeros((k * (m + h), n))
    right = np.zeros(k * (m + h))
    for t in range(k):
        for j in range(m):
            row = rows[t * m + j]
            row[(t + 1) % k * m + j] += 1.0
            row[t * m : (t + 1) * m] -= map_.A[j]
            row[u0 + t * h : u0 + (t + 1) * h] -= map_.W1[j]
            right[t * m + j] = map_.h1[j]
        for i in range(h):
            row = rows[k * m + t * h + i]
            row[u0 + t * h + i], row[v0 + t * h + i] = 1.0, -1.0
            row[t * m : (t + 1) * m] -= map_.W2[i]
            right[k * m + t * h + i] = map_.h2[i]
    upper_u, upper_v, free = _bounds(map_, box, radius, at_infinity, relevant, cube, outer)
    bounds = [free[j] for _ in range(k) for j in range(m)]
    bounds += [(0.0, upper_u[i]) for _ in range(k) for i in range(h)]
    bounds += [(0.0, upper_v[i]) for _ in range(k) for i in range(h)]
    largest_tau = 1.0 / radius if at_infinity and radius else 0.0
    bounds.append((1.0 / outer if cube and outer else 0.0, largest_tau))
    kept = [*range(k * m)]
    kept += [
        k * m + t * h + i
        for t in range(k)
        for i in range(h)
        if box is not None or cube or i in relevant
    ]
    names = list(kept)
    if at_infinity:
        rows[:, tau], right = -right, 0.0 * right
    if at_infinity and not cube:
        norm = np.zeros(n)
        for t in range(k):
            for i in relevant:
                norm[u0 + t * h + i] = norm[v0 + t * h + i] = 1.0
        rows, right = np.vstack([rows, norm]), np.append(right, 1.0)
        kept.append(len(rows) - 1)
        names.append(k * (m + h) + k)
    rows, right = rows[kept], right[kept]
    steps = [] if cube else [*range(1, k)]
    ordering = np.zeros((len(steps), n))
    for t in steps:
        ordering[t - 1, 0], ordering[t - 1, t * m] = 1.0, -1.0
    names += [k * (m + h) + t for t in steps]

    record = TreeRecord(max_nodes)
    bits = [t * h + i for t in range(k) for i in relevant]
    for face in range(2 * m) if cube else [-1]:
        if face >= 0:
            sign = 1.0 if face % 2 == 0 else -1.0
            bounds[:m] = [free[j] for j in range(m)]
            bounds[face // 2] = (sign, sign)
        stack: list[dict[int, bool]] = [{}]
        while stack:
            decisions = stack.pop()
            own = list(bounds)
            for bit, on in decisions.items():
                own[(v0 if on else u0) + bit] = (0.0, 0.0)
            result = _elastic(rows, right, ordering, own)
            if result.fun > _CLEAR:
                values = [*result.eqlin.marginals, *(-result.ineqlin.marginals)]
                # The multiplier of an inequality may come out negative by rounding.
                n_equal = len(rows)
                values[n_equal:] = [max(0.0, value) for value in values[n_equal:]]
                pairs = zip(names, values, strict=True)
                record.add_infeasible({name: float(value) for name, value in pairs if value})
                continue
            undecided = [bit for bit in bits if bit not in decisions]
            if not undecided:
                record.add(DECIDED)
                word = np.zeros(k * h, dtype=bool)
                word[[bit for bit, on in decisions.items() if on]] = True
                record.leaves.append(word.reshape(k, h))
                continue
            x = result.x
            chosen = max(undecided, key=lambda b, x=x: min(x[u0 + b], x[v0 + b]))
            record.add(chosen)
            stack += [{**decisions, chosen: True}, {**decisions, chosen: False}]
    return record


def _bounds(
    map_: Any,
    box: Box | None,
    radius: float | None,
    at_infinity: bool,
    relevant: list[int],
    cube: bool,
    outer: float,
) -> tuple[Any, Any, Any]:
    if box is not None or cube:
        m = len(map_.h1)
        lower, upper = box if box is not None else (np.full(m, -1.0), np.full(m, 1.0))
        biases = map_.h2, map_.h2
        if cube and radius:
            biases = map_.h2 / radius, (map_.h2 / outer if outer else 0.0 * map_.h2)
        ends = map_.W2 * lower, map_.W2 * upper
        upper_u = np.maximum(0.0, np.maximum(*biases) + np.maximum(*ends).sum(axis=1))
        upper_v = np.maximum(0.0, -np.minimum(*biases) - np.minimum(*ends).sum(axis=1))
        return upper_u, upper_v, list(zip(lower, upper, strict=True))
    largest = 1.0 if at_infinity else radius
    upper_u = [largest if i in relevant else None for i in range(len(map_.h2))]
    for i in range(len(map_.h2)):
        if not map_.W2[i].any() and map_.h2[i] <= 0.0:
            upper_u[i] = 0.0
    upper_v = [largest if i in relevant else None for i in range(len(map_.h2))]
    return upper_u, upper_v, [(None, None)] * len(map_.h1)


def _elastic(rows: Array, right: Array, ordering: Array, bounds: list[Any]) -> Any:
    """Smallest violation of rows x = right and ordering x >= 0."""
    n_rows, n_ordering, n = len(rows), len(ordering), rows.shape[1]
    cost = np.concatenate([np.zeros(n), np.ones(2 * n_rows + n_ordering)])
    eye = np.eye(n_rows)
    equal = np.hstack([rows, eye, -eye, np.zeros((n_rows, n_ordering))])
    unequal = np.hstack([-ordering, np.zeros((n_ordering, 2 * n_rows)), -np.eye(n_ordering)])
    result = linprog(
        cost,
        A_eq=equal,
        b_eq=right,
        A_ub=unequal,
        b_ub=np.zeros(n_ordering),
        bounds=[*bounds, *[(0.0, None)] * (2 * n_rows + n_ordering)],
        method="highs",
    )
    assert result.status == 0, result.message
    return result


def word_tree(
    map_: Any,
    orders: list[int],
    box: Box | None = None,
    radius: float | None = None,
    at_infinity: bool = False,
    pivot: int = 0,
    max_nodes: int = 2000,
) -> TreeRecord:
    """Branch and bound over itineraries, step by step, for all orders."""
    record = TreeRecord(max_nodes)
    m = len(map_.h1)
    if box is None:
        largest = 1.0 if at_infinity else float(radius or 0.0)
        box = (np.full(m, -largest), np.full(m, largest))
    largest_tau = 1.0 / radius if at_infinity and radius else 1.0
    faces: list[Any] = [None]
    if at_infinity:
        faces = [(state, sign) for state in range(m) for sign in (1.0, -1.0)]
    for face in faces:
        tau = (0.0 if at_infinity else 1.0, largest_tau)
        _Words(map_, orders, box, face, tau, pivot, record).explore()
    return record


@dataclass
class _Words:
    map: Any
    orders: list[int]
    box: Box
    face: tuple[int, float] | None
    tau: tuple[float, float]
    pivot: int
    record: TreeRecord

    def explore(self) -> None:
        relevant = relevant_units(self.map)
        longest = max(self.orders) if self.face is None else max(*self.orders, self.pivot + 1)
        stack: list[dict[int, bool]] = [{}]
        while stack:
            decisions = stack.pop()
            multipliers = self.contradiction(decisions, len(relevant))
            n_steps, partial = divmod(len(decisions), len(relevant))
            if not partial and n_steps:
                word = self.word(decisions, n_steps)
                codes = [tuple(reversed(region)) for region in word.tolist()]
                suffixes = [codes[s:] < codes[: n_steps - s] for s in range(1, n_steps)]
                if any(suffixes) and self.face is None:
                    self.record.add(ROTATION)
                    continue
                if multipliers is None:
                    self.record.leaves += self.leaves(word)
                if multipliers is None and n_steps == longest:
                    self.record.add(DECIDED)
                    continue
            if multipliers is not None:
                self.record.add_infeasible(multipliers)
                continue
            bit = n_steps * len(self.map.h2) + relevant[partial]
            self.record.add(bit)
            stack += [{**decisions, bit: True}, {**decisions, bit: False}]

    def leaves(self, word: Bits) -> list[Bits]:
        n = len(word)
        shortest = 1 if self.face is None else self.pivot + 1
        if n != shortest:
            return [word] if n in self.orders and n > shortest else []
        orders = [order for order in self.orders if order <= n]
        return [word[:k] for k in orders if np.array_equal(word[k:], word[:-k])]

    def word(self, decisions: dict[int, bool], n_steps: int) -> Bits:
        h = len(self.map.h2)
        bits = [decisions.get(b, False) for b in range(n_steps * h)]
        return np.array(bits, dtype=bool).reshape(n_steps, h)

    def contradiction(self, decisions: dict[int, bool], n_relevant: int) -> dict[int, float] | None:
        map_ = self.map
        m, h = len(map_.h1), len(map_.h2)
        lower, upper = self.box
        n_steps = len(decisions) // n_relevant
        word = self.word(decisions, n_steps)
        # z_t as a linear function of (z_0, tau), and the constants of the inequalities.
        state = np.hstack([np.eye(m), np.zeros((m, 1))])
        names, forms, constants = [], [], []
        width = h + 2 * m + (self.face is not None)
        for t in range(n_steps + 1):
            if self.face is not None and t == self.pivot:
                coordinate, sign = self.face
                names.append(t * width + h + 2 * m)
                forms.append(sign * state[coordinate])
                constants.append(-1.0)
            for i in range(h):
                if (on := decisions.get(t * h + i)) is not None:
                    form = map_.W2[i] @ state
                    form[m] += map_.h2[i]
                    names.append(t * width + i)
                    forms.append(form if on else -form)
                    constants.append(0.0)
            for j in range(m):
                names += [t * width + h + j, t * width + h + m + j]
                forms += [-state[j], state[j]]
                constants += [upper[j], -lower[j]]
            if t < n_steps:
                d = word[t].astype(float)
                state = (map_.A + map_.W1 * d @ map_.W2) @ state
                state[:, m] += map_.W1 * d @ map_.h2 + map_.h1
        scale = np.maximum(1.0, np.abs(np.array(forms)).max(axis=1))
        matrix = np.array(forms) / scale[:, None]
        result = linprog(
            [*np.zeros(m + 1), 1.0],
            A_ub=np.hstack([-matrix, -np.ones((len(matrix), 1))]),
            b_ub=np.array(constants) / scale,
            bounds=[*zip(*self.box, strict=True), self.tau, (0.0, None)],
            method="highs",
        )
        assert result.status == 0, result.message
        if result.fun <= _CLEAR:
            return None
        values = np.maximum(0.0, -result.ineqlin.marginals) / scale
        found = {name: float(value) for name, value in zip(names, values, strict=True) if value}
        # A row of value 0 says that the maximum is over the states at time 0.
        return {h: 0.0, **found}


def proof_record(
    model: Any,
    orders: list[int],
    method: str,
    box: Box | None = None,
    radius: float = 1000.0,
    pivot: int = 0,
    max_nodes: int = 400,
) -> tuple[dict[str, Any], list[Bits]]:
    """The record of a finished proof, and the itineraries of all its leaves.

    The method "faces" is the dictionary method by the faces of a cube.
    """
    map_ = model.canonical
    parts, leaves = [], []
    words = method == "polygons"
    for group in [orders] if words else [[order] for order in orders]:
        make: Any = word_tree if words else dictionary_tree
        if method == "faces":
            outer = 0.0 if box is None else float(np.abs(box).max())
            cut = {"radius": 0.25, "by_faces": True}
            sides = [
                ({**cut, "at_infinity": False}, {}),
                ({**cut, "at_infinity": True, "outer": outer}, {}),
            ]
        elif box is not None:
            sides = [({}, {"box": box})]
        else:
            beyond = {"pivot": pivot} if words else {}
            sides = [
                ({"radius": radius, "at_infinity": False}, {}),
                ({"radius": radius, "at_infinity": True, **beyond}, {}),
            ]
        for side, more in sides:
            subject = group if words else group[0]
            record = make(map_, subject, max_nodes=max_nodes, **side, **more)
            name = "polygons" if words else "dictionary"
            parts.append(record.part(name, group, unbounded=box is None, **side))
            leaves += record.leaves
    values = {
        "status": "proved",
        "box": box,
        "orders": orders,
        "proved_orders": orders,
        "parts": parts,
        "undecided": [],
    }
    return values, leaves


def undecided_of(model: Any, leaves: list[Bits]) -> list[dict[str, Any]]:
    """What floating-point arithmetic cannot decide among the itineraries of leaves."""
    undecided: dict[tuple[int, bytes], UndecidedItinerary] = {}
    for word in leaves:
        candidate = rd.solve_cycle(model, word)
        if isinstance(candidate, rd.ContinuumOfFixedPoints):
            reason = "singular"
        elif candidate is not None and not candidate.virtual and not candidate.certified:
            reason = "border"
        else:
            continue
        undecided[len(word), word.tobytes()] = UndecidedItinerary(len(word), word, reason)
    blocks = UndecidedItineraries.of(undecided.values()).blocks
    return [{"order": b.order, "itinerary": b.itinerary, "reason": b.reason} for b in blocks]


def make_certificate(
    model: Any,
    orders: list[int],
    method: str,
    box: Box | None = None,
    radius: float = 1000.0,
    pivot: int = 0,
    max_nodes: int = 400,
) -> Certificate:
    """A certificate of all cycles of these orders."""
    record, leaves = proof_record(model, orders, method, box, radius, pivot, max_nodes)
    record["undecided"] = undecided_of(model, leaves)
    cycles = rd.find_cycles(model, orders=orders, method="exhaustive", box=box, n_threads=1)
    return Certificate.from_record(record, model, cycles.blocks, cycles.continua)
