"""How often the coverage statements of a random search hold, on systems whose cycles are all known.

The truth: where all itineraries of an order can be listed, Newton's method in symbol space is a
table, itinerary to next itinerary, and the cycle in which a restart ends follows from where it
begins. The chance that a source leads to a cycle is the share of its starts that end there.
"""

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rnndyn as rd
from bench.machine import print_machine
from bench.systems import lozi
from bench.table import format_seconds, print_table
from reference.networks import FAMILIES, SeededEntries, Size
from rnndyn.cycles.run import coverage_lower_bound

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: H k of the networks: 2^MAX_BITS itineraries are listed.
MAX_BITS = 17
#: Starts drawn of every source.
N_STARTS = 2**14
#: Searches of every network with every cut-off, with different seeds.
N_SEEDS = 3
#: Where searches are cut off: restarts in a row without a new cycle ...
RULES = (1, 20, 100, None)
#: ... and time limits, as fractions of what the whole search takes.
FRACTIONS = (0.03, 0.1, 0.3)
#: Of a unit's value, to stay on the side of a border that the itinerary says.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Case:
    family: str
    model: Any
    order: int


@dataclass(frozen=True)
class Outcome:
    """One search, and what was missing after it."""

    family: str
    cut: str
    n_cycles: int
    n_hits: int
    n_singletons: int
    missing: float  # probability that the next hit is a new cycle
    expected: bool = False  # whether other seeds miss something at this cut-off

    @property
    def estimate(self) -> float:
        return self.n_singletons / self.n_hits

    @property
    def bound(self) -> float:
        lower = coverage_lower_bound(self.n_hits, self.n_singletons)
        return 1.0 if lower is None else 1.0 - lower


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=300, help="systems")
    parser.add_argument("--first", type=int, default=0, help="number of the first draw of systems")


def run(arguments: argparse.Namespace) -> None:
    print_machine()
    count = 40 if arguments.quick else arguments.count
    start = time.perf_counter()
    outcomes: list[Outcome] = []
    number = 0
    for case in _cases(arguments.first):
        basins = _Basins(case, seed=number)
        if basins.n_cycles < 2 or not basins.chances.any():
            continue
        outcomes += _outcomes(case, basins)
        number += 1
        if number == count:
            break
    print(f"{number} systems, {len(outcomes)} searches, "
          f"{format_seconds(time.perf_counter() - start)}")  # fmt: skip
    everything = [outcome.missing == 0.0 for outcome in outcomes]
    print(f"{np.mean(everything):.1%} of the searches had found every cycle they can reach")
    print_table(
        "How often 'coverage is at least ...' was true, in searches at cut-offs where something\n"
        "is likely to be missing (it is in half or more of the searches with other seeds).\n"
        "'Good-Turing' takes the estimate itself for a bound, '90 %' is coverage_lower. The last\n"
        "three columns are means: the estimate, the lower bound and the truth.",
        ["searches", "number", "Good-Turing", "90 %", "estimate", "bound", "truth"],
        list(_rows(outcomes)),
    )


def _rows(outcomes: list[Outcome]) -> Iterator[list[object]]:
    hard = [outcome for outcome in outcomes if outcome.expected]
    yield _row("all", hard)
    for first, name in ((True, "stopped by the rule"), (False, "cut off by time")):
        yield _row(name, [o for o in hard if o.cut.startswith("rule") == first])
    for attribute, unit, lows in (
        ("n_hits", "hits", (1, 10, 30, 100)),
        ("n_cycles", "cycles", (2, 8, 30)),
        ("n_singletons", "singletons", (0, 1, 4, 20)),
    ):
        for i, low in enumerate(lows):
            high = lows[i + 1] if i + 1 < len(lows) else math.inf
            name = f"{low} to {high - 1} {unit}" if high < math.inf else f"{low} {unit} or more"
            name = f"no {unit}" if high == 1 else name
            yield _row(name, [o for o in hard if low <= getattr(o, attribute) < high])
    for family in sorted({outcome.family for outcome in hard}):
        yield _row(family, [o for o in hard if o.family == family])
    yield _row("at any cut-off", outcomes)


def _row(name: str, outcomes: list[Outcome]) -> list[object]:
    if not outcomes:
        return [name, 0, "-", "-", "-", "-", "-"]
    missing, estimate, bound = np.array([(o.missing, o.estimate, o.bound) for o in outcomes]).T
    means = (f"{np.mean(1.0 - values):.3f}" for values in (estimate, bound, missing))
    holds = (f"{np.mean(missing <= values + 1e-12):.1%}" for values in (estimate, bound))
    return [name, len(outcomes), *holds, *means]


# The searches --------------------------------------------------------------------------------


def _outcomes(case: Case, basins: "_Basins") -> list[Outcome]:
    outcomes = []
    for rule in RULES:
        outcomes += _at_cut_off(case, basins, f"rule {rule}", max_restarts=rule)
    whole = _search(case, seed=0).search.seconds
    for fraction in FRACTIONS:
        limit = max(1e-6, fraction * whole)
        outcomes += _at_cut_off(case, basins, f"time {fraction}", time_limit=limit)
    return outcomes


def _at_cut_off(case: Case, basins: "_Basins", cut: str, **options: Any) -> list[Outcome]:
    found = [_search(case, seed, **options) for seed in range(N_SEEDS)]
    missing = [basins.missing(cycles) for cycles in found]
    outcomes = []
    for i, cycles in enumerate(found):
        (record,) = cycles.search.orders
        if record.n_hits == 0:
            continue
        others = missing[:i] + missing[i + 1 :]
        outcomes.append(
            Outcome(
                case.family, cut, basins.n_cycles, record.n_hits, record.n_singletons,
                missing[i], expected=float(np.mean([value > 0.0 for value in others])) >= 0.5,
            )
        )  # fmt: skip
    return outcomes


def _search(case: Case, seed: int, **options: Any) -> Any:
    return rd.find_cycles(
        case.model, orders=[case.order], method="search", seed=seed, n_threads=1, progress=False,
        **options,
    )  # fmt: skip


# The systems ---------------------------------------------------------------------------------


def _cases(first: int) -> Iterator[Case]:
    number = first
    while True:
        for case, least in _draw(number):
            cycles = rd.find_cycles(
                case.model, orders=[case.order], method="exhaustive", n_threads=1, progress=False,
                time_limit=2.0,
            )  # fmt: skip
            if cycles.finished and len(cycles) >= least:
                yield case
        number += 1


def _draw(number: int) -> Iterator[tuple[Case, int]]:
    """Networks of all families, and some that have many cycles; how many are asked for."""
    rng = np.random.default_rng([11, number])

    def case(family: str, model: Any, low: int, high: int) -> Case:
        high = max(1, min(high, MAX_BITS // _n_relevant(model)))
        return Case(family, model, int(rng.integers(min(low, high), high + 1)))

    for family, build in FAMILIES.items():
        size = Size(n_states=int(rng.integers(1, 5)), n_units=int(rng.integers(1, 7)))
        yield case(family, build(SeededEntries(rng, tied=False), size), 1, 8), 2
    for _ in range(8):
        m = int(rng.integers(2, 4))
        W = rng.choice([1.5, 2.5, 4.0]) * rng.normal(size=(m, m))
        model = rd.PLRNN(rng.uniform(-0.9, 0.9, m), W, rng.normal(size=m))
        yield case("expanding PLRNN", model, 3, 10), 4
    for _ in range(4):
        m, n = int(rng.integers(1, 3)), int(rng.integers(2, 6))
        W1 = rng.choice([1.0, 2.0, 3.0]) * rng.normal(size=(m, n))
        model = rd.ShallowPLRNN(
            rng.uniform(-0.5, 0.5, m), W1, rng.normal(size=(n, m)), rng.normal(size=m),
            rng.normal(size=n),
        )  # fmt: skip
        yield case("expanding ShallowPLRNN", model, 3, 8), 4
    match number % 4:
        case 0:
            yield case("Lozi", lozi(rng.uniform(1.4, 1.8), rng.uniform(0.1, 0.5)), 6, 17), 4
        case 1:
            yield case("tent", _tent(*np.repeat(rng.uniform(1.3, 2.0), 2)), 6, 16), 4
        case _:
            up = rng.uniform(1.2, 6.0)
            down = up / (up - 1.0) * rng.uniform(0.8, 1.0)
            yield case("skew tent", _tent(up, down), 6, 16), 4


def _tent(up: float, down: float) -> Any:
    return rd.PLRNN(A=[[up]], W=[[-up - down]], h=[1.0])


def _relevant(canonical: Any) -> NDArray[np.bool_]:
    """Units that can change the map; the networks here have no unit without input."""
    relevant: NDArray[np.bool_] = np.any(np.asarray(canonical.W1) != 0.0, axis=0)
    return relevant


def _n_relevant(model: Any) -> int:
    return max(1, int(_relevant(model.canonical).sum()))


# The truth -----------------------------------------------------------------------------------


class _Basins:
    """Which cycle every itinerary of one order leads to, and how often each source leads there.

    Itineraries are numbers: bit H t + i is the bit of unit i at time t.
    """

    def __init__(self, case: Case, seed: int) -> None:
        canonical = case.model.canonical
        self._relevant = _relevant(canonical)
        self._k, self._n_units = case.order, int(self._relevant.sum())
        self._A, self._h1 = np.asarray(canonical.A), np.asarray(canonical.h1)
        self._W1 = np.asarray(canonical.W1)[:, self._relevant]
        self._W2 = np.asarray(canonical.W2)[self._relevant]
        self._h2 = np.asarray(canonical.h2)[self._relevant]
        self._rng = np.random.default_rng([12, seed])
        self._units = np.arange(self._n_units)
        with np.errstate(all="ignore"):
            following = self._following()
            self._cycle_of_code = self._cycles(following)
            self.n_cycles = int(self._cycle_of_code.max(initial=-1)) + 1
            ends = self._ends(following)
            self.chances = np.zeros(self.n_cycles)
            if self.n_cycles == 0:
                return
            for starts in self._starts():
                reached = ends[starts]
                self.chances += np.bincount(reached[reached >= 0], minlength=self.n_cycles)
        self.chances /= max(1.0, self.chances.sum())

    def missing(self, found: Any) -> float:
        """Probability that the next hit is none of these cycles, for equal shares of sources.

        The search adapts the shares; a simulation of it showed that this changes how often the
        statements hold by less than one percent.
        """
        unknown = np.ones(self.n_cycles, dtype=bool)
        for block in found.blocks:
            bits = np.asarray(block.itinerary)[:, :, self._relevant].astype(np.int64)
            weights = 1 << np.arange(self._k * self._n_units).reshape(self._k, -1)
            cycles = self._cycle_of_code[(bits * weights).sum(axis=(1, 2))]
            unknown[cycles[cycles >= 0]] = False
        return float(self.chances[unknown].sum())

    def _words(self, codes: Codes) -> list[Codes]:
        mask = (1 << self._n_units) - 1
        return [(codes >> (self._n_units * t)) & mask for t in range(self._k)]

    def _following(self) -> Codes:
        """The itinerary that the true map visits from the candidate of each; -1: singular."""
        bits = (np.arange(1 << self._n_units)[:, None] >> self._units) & 1
        J = self._A + np.einsum("ih,rh,hj->rij", self._W1, bits, self._W2)
        c = self._h1 + (bits * self._h2) @ self._W1.T
        chunks = []
        total = 1 << (self._n_units * self._k)
        for first in range(0, total, 2**14):
            words = self._words(np.arange(first, min(total, first + 2**14)))
            product, shift = J[words[0]], c[words[0]]
            for word in words[1:]:
                shift = np.einsum("nij,nj->ni", J[word], shift) + c[word]
                product = J[word] @ product
            matrix = np.eye(len(self._h1)) - product
            bad = ~np.isfinite(matrix).all(axis=(1, 2)) | ~np.isfinite(shift).all(axis=1)
            matrix[bad] = np.eye(len(self._h1))
            bad |= np.abs(np.linalg.det(matrix)) < 1e-12
            matrix[bad] = np.eye(len(self._h1))
            states = np.linalg.solve(matrix, shift[..., None])[..., 0]
            chunks.append(np.where(bad, -1, self._read(states, words)[0]))
        return np.concatenate(chunks)

    def _read(self, states: Array, words: list[Codes] | None = None) -> tuple[Codes, Array]:
        """The itineraries from these states, and the states k steps on."""
        codes = np.zeros(len(states), dtype=np.int64)
        for t in range(self._k):
            p = states @ self._W2.T + self._h2
            on = p > 0.0
            if words is not None:
                tiny = np.abs(p) <= ROUNDING * (1.0 + np.abs(states).max(axis=1, keepdims=True))
                on = np.where(tiny, (words[t][:, None] >> self._units) & 1, on)
            codes |= self._region(on) << (self._n_units * t)
            states = self._step(states)
        return codes, states

    def _region(self, on: NDArray[Any]) -> Codes:
        codes: Codes = (on.astype(np.int64) << self._units).sum(axis=1)
        return codes

    def _step(self, states: Array) -> Array:
        p = np.maximum(states @ self._W2.T + self._h2, 0.0)
        result: Array = states @ self._A.T + p @ self._W1.T + self._h1
        return result

    def _cycles(self, following: Codes) -> Codes:
        """The number of the cycle that an itinerary settles on, or -1."""
        codes = np.arange(len(following))
        n_bits = self._n_units * self._k
        lowest, minimal = codes.copy(), np.ones(len(codes), dtype=bool)
        for t in range(1, self._k):
            shift = self._n_units * t
            rotated = (codes >> shift) | ((codes << (n_bits - shift)) & (len(codes) - 1))
            lowest = np.minimum(lowest, rotated)
            minimal &= rotated != codes
        real = (following == codes) & minimal
        cycles = np.full(len(codes), -1)
        cycles[real] = np.unique(lowest[real], return_inverse=True)[1]
        return cycles

    def _ends(self, following: Codes) -> Codes:
        """The number of the cycle that a restart from this itinerary ends in, or -1."""
        nowhere = len(following)
        end = np.append(np.where(following < 0, nowhere, following), nowhere)
        for _ in range(6):  # 64 steps
            end = end[end]
        cycles: Codes = np.append(self._cycle_of_code, -1)[end[:-1]]
        return cycles

    def _starts(self) -> Iterator[Codes]:
        """Starts of each source of the search."""
        n_codes = len(self._cycle_of_code)
        yield self._rng.integers(0, n_codes, N_STARTS)
        centre, reach = self._range()
        codes = np.zeros(N_STARTS, dtype=np.int64)
        for t in range(self._k):
            states = self._states(centre, reach)
            codes |= self._region(states @ self._W2.T + self._h2 > 0.0) << (self._n_units * t)
        yield codes
        for longest in (0, 200):
            states = self._states(centre, reach)
            transient = self._rng.integers(1, longest + 1, N_STARTS) if longest else np.zeros(1)
            for t in range(longest):
                states = np.where((transient > t)[:, None], self._step(states), states)
            codes, last = self._read(states)
            lost = ~(np.abs(last).max(axis=1) < 1e100)
            codes[lost] = self._rng.integers(0, n_codes, int(lost.sum()))
            yield codes

    def _states(self, centre: Array, reach: Array) -> Array:
        size = 2.0 ** (self._rng.integers(0, 4, N_STARTS) - 1)
        cube = 2.0 * self._rng.random((N_STARTS, len(centre))) - 1.0
        states: Array = centre + size[:, None] * reach * cube
        return states

    def _range(self) -> tuple[Array, Array]:
        """Centre and half width of the range of a few bounded orbits and of unit states."""
        m = len(self._h1)
        states = np.array([1.0, 10.0] * 4)[:, None] * self._rng.normal(size=(8, m))
        orbits = [states]
        for _ in range(60):
            orbits.append(self._step(orbits[-1]))
        bounded = np.abs(orbits[-1]).max(axis=1) < 1e6
        units = np.array([np.ones(m), -np.ones(m)])
        late = np.concatenate([units, *np.array(orbits[31:])[:, bounded]])
        low, high = late.min(axis=0), late.max(axis=0)
        return 0.5 * (low + high), 0.5 * (high - low)
