"""Lists of itineraries of several orders as two arrays."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from rnndyn._common.arrays import BoolArray, IntArray


def pack_itineraries(itineraries: Sequence[BoolArray], n_units: int) -> tuple[BoolArray, IntArray]:
    """Put itineraries one below the other.

    Parameters
    ----------
    itineraries : list of (k, n_units) bool arrays
        The order k may differ from one to the next.
    n_units : int
        Number of units, which an empty list does not tell.

    Returns
    -------
    bits : (sum of all k, n_units) bool array
    orders : (n,) int64 array
        The order k of every itinerary.
    """
    orders = np.array([len(bits) for bits in itineraries], dtype=np.int64)
    empty = np.empty((0, n_units), dtype=np.bool_)
    return np.concatenate([empty, *itineraries], dtype=np.bool_), orders


def unpack_itineraries(bits: BoolArray, orders: IntArray) -> list[BoolArray]:
    """Undo `pack_itineraries`; the itineraries are views of `bits`.

    Raises
    ------
    ValueError
        If the orders do not add up to the number of rows.
    """
    ends = list(accumulate(orders.tolist(), initial=0))
    if ends[-1] != len(bits):
        raise ValueError(f"the orders of the itineraries do not add up to {len(bits)} rows")
    return [bits[begin:end] for begin, end in pairwise(ends)]
