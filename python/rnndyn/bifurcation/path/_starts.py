"""Where the branches start: listed itineraries, or the cycles at the models of the path."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray
from rnndyn._core import CanonicalMap

#: Following every itinerary is the default up to this work (see `listing_work`): a second or two.
MAX_WORK = 5_000_000
#: Searches of a model with no more itineraries than this list them or prove that none is missing.
#: Either takes no longer than listing them: some milliseconds.
_FEW = 4096
#: Units of networks of one or two states that are searched with a proof for any order.
_FEW_UNITS = 4
#: Listing them is the faster of the two up to these numbers, for fixed points alone and for other
#: orders. Measured with 1 to 12 states, 2 to 12 units and orders up to 4, the two met between 50
#: and 200, and between 100 (where the map contracts) and 1,500.
_LISTED_FASTER = 100, 500
#: More itineraries than this do not fit into memory with their polynomials.
_MOST_LISTED = 2**22


class Found(NamedTuple):
    """What a search found at one model.

    Attributes
    ----------
    itineraries : list of (k, H) arrays
    on_border : list of bool
        Whether the cycle lies on a border, so that it may end or change there.
    continua : list of (k, H) arrays
    complete : bool
        Whether nothing can be missing.
    stopped_by : str
    """

    itineraries: list[BoolArray]
    on_border: list[bool]
    continua: list[BoolArray]
    complete: bool
    stopped_by: str


class UnitUse(NamedTuple):
    """Which units of a map have weights out, and which are ever on; both shape (H,)."""

    out: BoolArray
    on: BoolArray

    @classmethod
    def of(cls, map_: CanonicalMap) -> "UnitUse":
        """Look at one map."""
        on = (map_.W2 != 0.0).any(axis=1) | (map_.h2 > 0.0)
        return cls((map_.W1 != 0.0).any(axis=0), on)

    def __or__(self, other: "UnitUse") -> "UnitUse":
        """Return what holds somewhere between two maps."""
        return UnitUse(self.out | other.out, self.on | other.on)

    @property
    def relevant(self) -> BoolArray:
        """The units that act on the state."""
        return self.out & self.on


def key_of(itinerary: BoolArray, mask: BoolArray | None = None) -> bytes:
    """Return the bits, of the units of a mask if given, in their first rotation, as bytes."""
    bits = itinerary if mask is None else itinerary & mask
    if len(bits) == 1:
        return bits.tobytes()
    rows = [row.tobytes() for row in bits]
    return min(b"".join(rows[t:] + rows[:t]) for t in range(len(rows)))


def n_itineraries(n_relevant: int, orders: Sequence[int]) -> int:
    """Return a bound, about tight, on the itineraries of the orders up to rotation."""
    return sum(2 ** (n_relevant * k) // k + 1 if n_relevant * k < 4096 else 2**4096 for k in orders)


def listing_work(n_states: int, n_relevant: int, orders: Sequence[int]) -> int:
    """Return a measure of the work of following every itinerary over one straight piece.

    One unit took 0.3 to 1.4 microseconds for 2 to 30 states, 2 to 12 units and orders up to 5.
    """
    size = (n_states + n_relevant) ** 2
    return sum(n_itineraries(n_relevant, [order]) * order * size for order in orders)


def listed(mask: BoolArray, orders: Sequence[int]) -> list[BoolArray]:
    """Return one itinerary of every class under rotation whose minimal period is an order.

    Raises
    ------
    ValueError
        If there are too many to follow.
    """
    n_relevant = int(mask.sum())
    count = n_itineraries(n_relevant, orders)
    if count > _MOST_LISTED:
        raise ValueError(
            f"method='exhaustive' would follow about 2**{count.bit_length() - 1} itineraries; "
            "lower the orders or use method='search'"
        )
    codes = np.arange(2**n_relevant)
    regions = np.zeros((len(codes), len(mask)), dtype=np.bool_)
    regions[:, mask] = (codes[:, np.newaxis] >> np.arange(n_relevant)) & 1
    return [itinerary for order in orders for itinerary in regions[_necklaces(len(regions), order)]]


def _necklaces(n_letters: int, order: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the words that come strictly before all their rotations, shape (n, order)."""
    # Duval's algorithm (Theoretical Computer Science 60 (1988) 255) yields these Lyndon words up
    # to a length one by one; here the words of one length are few enough to compare them all.
    codes = np.arange(n_letters**order)
    powers = n_letters ** np.arange(order)[::-1]
    smallest = np.ones(len(codes), dtype=np.bool_)
    for shift in range(1, order):
        # A word rotated by `shift` letters, as a number.
        high, low = np.divmod(codes, powers[shift - 1])
        smallest &= codes < low * n_letters**shift + high
    chosen = codes[smallest]
    return np.asarray(chosen[:, np.newaxis] // powers % n_letters, dtype=np.int64)


def is_quickly_proved(n_states: int, n_relevant: int, orders: Sequence[int]) -> bool:
    """Tell whether a proof that no cycle is missing takes milliseconds, or what its cycles ask for.

    With one or two states all orders share one tree of polygons; with few units it grows as the
    number of cycles does.
    """
    small = n_states <= 2 and n_relevant <= _FEW_UNITS
    return small or n_itineraries(n_relevant, orders) <= _FEW


def search(
    map_: CanonicalMap,
    orders: Sequence[int],
    seed: int,
    n_threads: int,
    time_limit: float | None,
    observer: Callable[..., None],
) -> Found:
    """Search for the cycles of one model; the observer is called with the state now and then."""
    # The units that act on the state are looked for only where all of them would be too many.
    n_units = map_.n_units
    if n_itineraries(n_units, orders) > _FEW:
        n_units = int(UnitUse.of(map_).relevant.sum())
    count = n_itineraries(n_units, orders)
    quick = is_quickly_proved(map_.n_states, n_units, orders)
    fixed_points_only = max(orders) == 1
    few = _LISTED_FASTER[0 if fixed_points_only else 1]
    raw = _core.find_cycles(
        map_,
        orders,
        "exhaustive" if count <= few else "complete" if quick else "auto",
        seed,
        n_threads=n_threads,
        time_limit=time_limit,
        observer=observer,
        rigorous=False,
        # One tree for fixed points is the fastest; more orders may be settled at once.
        proof_method="dictionary" if fixed_points_only and count <= _FEW else "auto",
    )
    itineraries: list[BoolArray] = []
    on_border: list[bool] = []
    for block in raw["blocks"]:
        itineraries += list(block["itinerary"])
        on_border += block["on_border"].tolist()
    return Found(
        itineraries,
        on_border,
        [record["itinerary"] for record in raw["continua"]],
        all(
            entry["complete"] and entry["method"] in ("exhaustive", "complete")
            for entry in raw["statistics"]
        ),
        raw["stopped_by"],
    )
