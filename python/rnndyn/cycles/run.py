"""What a search did, and how sure its answer is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any, Literal, get_args

from rnndyn._common.table import Shown
from rnndyn._common.words import counted, orders_text, percent
from rnndyn.results.run import Run

SearchMethod = Literal["auto", "complete", "exhaustive", "search", "scyfi"]
METHODS = get_args(SearchMethod)

#: Confidence of the bound that `summary` and the properties ``coverage_lower`` state.
_CONFIDENCE = 0.9
#: Of the gamma distribution whose quantile is the bound: the neutral prior of a Poisson mean.
_NEUTRAL_SHAPE = 1 / 3
#: Numbers that records of earlier versions do not have, and what they are without.
_LATER = {
    "n_undecided": 0,
    "n_boxes": 0,
    "index_sum": None,
    "index_expected": None,
    "index_unknown": None,
}
#: An estimate that exceeds its bound by more than this rests on too few hits to be worth a number.
_LOOSE = 0.05
#: From this shape on the Wilson-Hilferty formula is exact to four digits.
_LARGE_SHAPE = 20.0


@dataclass(frozen=True)
class OrderStatistics(Shown):
    """What the search did at one order.

    Attributes
    ----------
    order : int
        The order k.
    method : {"complete", "exhaustive", "search", "scyfi", "auto"}
        How this order was searched; ``auto`` if the search was stopped before it came to decide.
    n_restarts : int
        Random restarts made.
    n_solves : int
        Linear systems solved, so itineraries tried.
    n_hits : int
        Restarts that ended in a cycle. Those that follow a curve through the regions may come by
        several, and count for each.
    n_singletons : int
        Cycles that would not be known without the one random restart that ended in them.
    coverage : float or None
        Estimated probability that one more successful restart ends in a cycle already known
        (Good-Turing: one minus the share of singletons among the hits). None where there is
        nothing to estimate it from.
    finished : bool
        Whether the search of this order ran to its end.
    n_itineraries : int
        Number of itineraries of this order that were listed (0 unless ``exhaustive``).
    seconds : float
        Time spent on this order.
    n_solves_at_last_new : int
        Linear systems solved until the last new cycle was found.
    seconds_at_last_new : float
        Time until then.
    n_undecided : int
        Of the listed itineraries, those of which it is not known whether they have a cycle; in a
        proof about a tanh, GRU or LSTM network, boxes of states of which it is not known; in a
        search of one, ends of restarts beyond the 16 that are listed without a proof, and those
        that cannot be told from a cycle of a shorter period.
    n_boxes : int
        Boxes of states that such a proof looked at.
    index_sum : int or None
        The sum of ``sign det(I - J)`` over all points found that come back after `order` steps,
        those of shorter periods included, J their Jacobian of these steps. None for
        piecewise-linear networks where `index_expected` is.
    index_expected : int or None
        What it is if nothing is missing, by Lefschetz's theorem: 1. Another sum proves that
        something is missing; the right one does not prove that nothing is. None where that is not
        known: a cycle found is not certified, or an order that divides this one was not searched;
        in piecewise-linear networks also where no box is found that is mapped into itself, or a
        cycle lies on a border or in a continuum.
    index_unknown : str or None
        Of piecewise-linear networks: why `index_expected` is None; None where it is known, and
        where no box is found that the network maps into itself.
    """

    order: int
    method: SearchMethod
    n_restarts: int
    n_solves: int
    n_hits: int
    n_singletons: int
    coverage: float | None
    finished: bool
    n_itineraries: int
    seconds: float
    n_solves_at_last_new: int
    seconds_at_last_new: float
    n_undecided: int = 0
    n_boxes: int = 0
    index_sum: int | None = None
    index_expected: int | None = None
    index_unknown: str | None = None
    rigorous: bool = True

    @property
    def listed(self) -> bool:
        """Whether every itinerary of this order was decided, so that nothing can be missing."""
        return self._ran_through and self.n_undecided == 0

    @property
    def _ran_through(self) -> bool:
        return self.method == "exhaustive" and self.finished

    @property
    def proved(self) -> bool:
        """Whether a complete search came to its end, decided everything, and was rigorous."""
        ended = self.method == "complete" and self.finished
        return ended and self.rigorous and self.n_undecided == 0

    @property
    def n_missing(self) -> int:
        """At least this many cycles are missing, by the index sum; 0 where it says nothing.

        Degenerate ones, with a multiplier 1, may count for more than one of them.
        """
        if self.index_sum is None or self.index_expected is None:
            return 0
        # All points of a cycle have the same index, 1 or -1.
        return -(-abs(self.index_sum - self.index_expected) // self.order)

    @property
    def complete(self) -> bool:
        """Whether no cycle of this order is missing: all itineraries listed, or a proof."""
        return self.listed or self.proved

    @property
    def coverage_lower(self) -> float | None:
        """Lower bound of the coverage with 90 % confidence: `coverage_lower_bound`."""
        if self.coverage is None:
            return None
        return coverage_lower_bound(self.n_hits, self.n_singletons, _CONFIDENCE)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "OrderStatistics":
        """Build the statistics of an order from a record of the compiled core or of a file."""
        values = dict(record)
        if "complete" in values:
            # So the core and files of version 1 call it.
            values["finished"] = values.pop("complete")
        return cls(**values)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SearchStatistics(Run):
    """What a search did: one record per order, totals, and the options that made it.

    Attributes
    ----------
    orders : tuple of OrderStatistics
        One record per requested order, in ascending order.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why the search ended.
    seconds : float
        Wall time of the whole search.
    n_threads : int
        Threads used. The result does not depend on it.
    seed : int
        Seed of the random numbers.
    version : str
        Version of rnndyn that searched.
    options : mapping
        The other options of the call.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> search = rd.find_cycles(tent, max_order=3).search
    >>> search.stopped_by, search.finished, search.complete
    ('finished', True, True)
    >>> [(record.order, record.method) for record in search.orders]
    [(1, 'exhaustive'), (2, 'exhaustive'), (3, 'exhaustive')]
    """

    orders: tuple[OrderStatistics, ...]
    seed: int
    options: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        """Whether every requested order was searched to its end.

        True does not mean that every cycle was found: see `complete` and `coverage`.
        """
        return super().finished and all(record.finished for record in self.orders)

    @property
    def complete(self) -> bool:
        """Whether no cycle is missing: of every order all itineraries were listed, or a proof.

        A search that leaves out rounding errors proves nothing: `OrderStatistics.rigorous`.
        """
        return super().finished and all(record.complete for record in self.orders)

    @property
    def listed_orders(self) -> tuple[int, ...]:
        """Orders at which every itinerary was solved, so that nothing can be missing."""
        return tuple(record.order for record in self.orders if record.listed)

    @property
    def coverage(self) -> float | None:
        """Smallest coverage estimate over the orders that were searched at random.

        None where there is no estimate: every order was listed, or no restart ended in a cycle.
        """
        estimates = [
            record.coverage
            for record in self.orders
            if not record.complete and record.coverage is not None
        ]
        return min(estimates, default=None)

    @property
    def coverage_lower(self) -> float | None:
        """Smallest lower bound of the coverage, 90 % confidence, over the same orders."""
        bounds = [
            bound
            for record in self.orders
            if not record.complete and (bound := record.coverage_lower) is not None
        ]
        return min(bounds, default=None)

    @property
    def n_restarts(self) -> int:
        """Random restarts made, over all orders."""
        return sum(record.n_restarts for record in self.orders)

    @property
    def n_solves(self) -> int:
        """Linear systems solved, over all orders."""
        return sum(record.n_solves for record in self.orders)

    def warnings(self) -> list[str]:
        """Return those sentences of `summary` that tell of something missing or unfinished."""
        standing = [
            _undecided_line(record)
            for record in self.orders
            if record.method == "search" and record.n_undecided
        ]
        unfinished = [] if self.finished else [self._incomplete_line()]
        return [*unfinished, *standing, *self._missing_lines()]

    def summary(self) -> list[str]:
        """Return sentences, one a line, that say how sure the answer is."""
        lines = []
        if not self.finished:
            lines.append(self._incomplete_line())
        listed = [record for record in self.orders if record.listed]
        if listed:
            count = sum(record.n_itineraries for record in listed)
            lines.append(
                f"{_orders_text(listed)}: all {count:,} itineraries listed, nothing is missing"
            )
        boxed = [record for record in self.orders if record.n_boxes]
        if proved := [record for record in boxed if record.proved]:
            count = sum(record.n_boxes for record in proved)
            lines.append(f"{_orders_text(proved)}: proved with {count:,} boxes, nothing is missing")
        for record in self.orders:
            if (record._ran_through and not record.listed) or (
                record in boxed and record.finished and not record.proved
            ):
                lines.append(_undecided_line(record))
        searched = [
            record
            for record in self.orders
            if not record._ran_through and record.method != "complete" and record.n_solves
        ]
        with_hits = [record for record in searched if record.coverage is not None]
        if with_hits:
            lowest = min(with_hits, key=_coverage_key)
            where = f", lowest at order {lowest.order}" if len(with_hits) > 1 else ""
            lines.append(
                f"{_orders_text(with_hits)}: searched with {_effort_text(with_hits)}, "
                f"{_coverage_text(lowest)}{where}"
            )
        without = [record for record in searched if record.coverage is None]
        if without:
            lines.append(f"{_orders_text(without)}: no cycle met in {_effort_text(without)}")
        lines += [_undecided_line(record) for record in searched if record.n_undecided]
        return [*lines, *self._index_lines()]

    def _index_lines(self) -> list[str]:
        known = self._with_known_index()
        lines = []
        if right := [record for record in known if not record.n_missing]:
            lines.append(
                f"{_orders_text(right)}: the index sum is 1, as it must be where nothing is missing"
            )
        return [*lines, *self._missing_lines()]

    def _with_known_index(self) -> list[OrderStatistics]:
        return [r for r in self.orders if not r.complete and r.index_expected is not None]

    def _missing_lines(self) -> list[str]:
        lines = []
        for record in self._with_known_index():
            if n := record.n_missing:
                noun = "fixed point" if record.order == 1 else "cycle"
                is_ = "is" if n == 1 else "are"
                lines.append(
                    f"{_orders_text([record])}: the index sum is {record.index_sum}, not "
                    f"{record.index_expected}, so at least {counted(n, noun)} {is_} missing"
                )
        return lines

    def __repr__(self) -> str:
        title = f"SearchStatistics: {self.how_text()}, seed {self.seed}, rnndyn {self.version}"
        return "\n  ".join([title, *self.summary()])

    def _incomplete_line(self) -> str:
        unfinished = [record for record in self.orders if not record.finished]
        where = f"; not finished: {_orders_text(unfinished, capital=False)}" if unfinished else ""
        return self.incomplete_text(f"{self.seconds:.2f} s{where}")

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as plain numbers, lists and strings, ready for JSON."""
        return {
            "stopped_by": self.stopped_by,
            "finished": self.finished,
            "complete": self.complete,
            "coverage": self.coverage,
            "seconds": self.seconds,
            "n_restarts": self.n_restarts,
            "n_solves": self.n_solves,
            "n_threads": self.n_threads,
            "seed": self.seed,
            "version": self.version,
            "options": dict(self.options),
            "orders": [_record(order, self._without_word) for order in self.orders],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SearchStatistics":
        """Rebuild statistics from what `to_dict` returned."""
        given = {field.name: values[field.name] for field in fields(cls)}
        asked = bool(given["options"].get("rigorous", True))
        given["orders"] = [
            OrderStatistics.from_record({"rigorous": asked, **record}) for record in given["orders"]
        ]
        return cls(**given)

    @property
    def _without_word(self) -> dict[str, Any]:
        """Return what the record of an order leaves out, as records of earlier versions do."""
        return {**_LATER, "rigorous": bool(self.options.get("rigorous", True))}


def random_coverage(orders: Iterable[OrderStatistics]) -> dict[int, float]:
    """Return the estimated coverage of those orders that were searched at random."""
    return {
        record.order: record.coverage
        for record in orders
        if record.coverage is not None and not record.listed
    }


def coverage_lower_bound(n_hits: int, n_singletons: int, confidence: float = 0.9) -> float | None:
    """Lower confidence bound of the coverage of a random search.

    Parameters
    ----------
    n_hits : int
        Restarts that began at random and ended in a cycle.
    n_singletons : int
        Cycles that would not be known without the one random restart that ended in them.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    float or None
        L such that the next such restart ends in a known cycle with at least probability L. None
        without hits, which say nothing.

    Notes
    -----
    Good and Turing [1]_ estimate the probability of a new cycle as ``n_singletons / n_hits``. The
    singletons are rare and nearly independent events, so their number has close to a Poisson
    distribution, whose mean is `n_hits` times that probability. The upper bound of that mean is the
    quantile of a gamma distribution with shape ``n_singletons + 1/3``, the neutral prior [2]_:

        L = 1 - gamma_quantile(confidence, n_singletons + 1/3) / n_hits

    Assumed is that the restarts are independent with fixed probabilities. They nearly are: the
    shares of the sources follow their success, and the search stops when it finds nothing new.
    Left out of the variance are the cycles met twice (Esty [3]_). The documentation ("How sure is
    a search") says how often the bound with 90 % confidence held in spite of that.

    References
    ----------
    .. [1] I. J. Good, "The population frequencies of species and the estimation of population
       parameters", Biometrika 40 (1953) 237-264.
    .. [2] J. Kerman, "Neutral noninformative and informative conjugate beta and gamma prior
       distributions", Electronic Journal of Statistics 5 (2011) 1450-1470.
    .. [3] W. W. Esty, "A normal limit law for a nonparametric estimator of the coverage of a random
       sample", Annals of Statistics 11 (1983) 905-912.

    Examples
    --------
    >>> from rnndyn.cycles.run import coverage_lower_bound
    >>> round(coverage_lower_bound(100, 0), 4), round(coverage_lower_bound(100, 5), 4)
    (0.9903, 0.9158)
    """
    if n_hits < 0 or not 0 <= n_singletons <= n_hits:
        raise ValueError(
            f"0 <= n_singletons <= n_hits is required, got {n_singletons} singletons among "
            f"{n_hits} hits"
        )
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    if n_hits == 0:
        return None
    return max(0.0, 1.0 - _gamma_quantile(confidence, n_singletons + _NEUTRAL_SHAPE) / n_hits)


def _gamma_quantile(probability: float, shape: float) -> float:
    """Return the quantile of the gamma distribution with scale 1."""
    if shape >= _LARGE_SHAPE:
        z = NormalDist().inv_cdf(probability)
        return max(0.0, shape * (1.0 - 1.0 / (9.0 * shape) + z / (3.0 * math.sqrt(shape))) ** 3)
    low, high = 0.0, 1.0
    while _gamma_cdf(high, shape) < probability:
        low, high = high, 2.0 * high
    while (middle := 0.5 * (low + high)) not in (low, high):
        if _gamma_cdf(middle, shape) < probability:
            low = middle
        else:
            high = middle
    return high


def _gamma_cdf(x: float, shape: float) -> float:
    """Return the regularised incomplete gamma function by its power series."""
    if x == 0.0:
        return 0.0
    term = math.exp(shape * math.log(x) - x - math.lgamma(shape + 1.0))
    total, n = 0.0, shape
    while total + term != total:
        total += term
        n += 1.0
        term *= x / n
    return total


def _record(statistics: OrderStatistics, without_word: Mapping[str, Any]) -> dict[str, Any]:
    values = {field.name: getattr(statistics, field.name) for field in fields(OrderStatistics)}
    # Left out where there are none: so it was before the numbers existed.
    return {
        name: value
        for name, value in values.items()
        if name not in without_word or value != without_word[name]
    }


def _undecided_line(record: OrderStatistics) -> str:
    n = record.n_undecided
    if record.n_boxes:
        boxes = "1 box" if n == 1 else f"{n:,} boxes"
        return (
            f"{_orders_text([record])}: {boxes} of {record.n_boxes:,} could not be decided, so a "
            "cycle may be missing there"
        )
    if not record.n_itineraries:
        ends = "1 more restart ended" if n == 1 else f"{n:,} more restarts ended"
        return (
            f"{_orders_text([record])}: {ends} where the network stands still within rounding "
            "errors, which may or may not be cycles; they are not listed"
        )
    subject = "1 is undecided" if n == 1 else f"{n:,} are undecided"
    return (
        f"{_orders_text([record])}: of {record.n_itineraries:,} itineraries listed {subject}, "
        "so a cycle may be missing there"
    )


def _coverage_key(record: OrderStatistics) -> tuple[float, float]:
    return record.coverage_lower or 0.0, record.coverage or 0.0


def _coverage_text(record: OrderStatistics) -> str:
    bound, coverage = _coverage_key(record)
    confidence = f"with {percent(_CONFIDENCE)} confidence"
    if coverage - bound > _LOOSE:
        hits = "1 hit is" if record.n_hits == 1 else f"{record.n_hits:,} hits are"
        return f"coverage at least {percent(bound)} {confidence}; {hits} too few to estimate it"
    return f"estimated coverage {percent(coverage)} (at least {percent(bound)} {confidence})"


def _effort_text(records: Sequence[OrderStatistics]) -> str:
    restarts = sum(record.n_restarts for record in records)
    solves = sum(record.n_solves for record in records)
    return f"{restarts:,} restarts ({solves:,} solves)"


def _orders_text(records: Sequence[OrderStatistics], *, capital: bool = True) -> str:
    """Return ``Orders 1 to 3 and 5`` for these records."""
    text = orders_text(record.order for record in records)
    return text[0].upper() + text[1:] if capital else text
