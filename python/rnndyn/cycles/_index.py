"""Why the index sum of a piecewise-linear network is not known, in words."""

from collections.abc import Mapping
from typing import Any

from rnndyn._common.words import counted
from rnndyn.cycles.run import OrderStatistics


def statistics_of(record: Mapping[str, Any]) -> OrderStatistics:
    """Build the statistics of an order from a record of the core, its reason as a sentence."""
    values = dict(record)
    reason, order, n = values.pop("index_unknown")
    values["index_unknown"] = _sentence(reason, order, n)
    values["index_expected"] = None if values["index_sum"] is None else 1
    return OrderStatistics.from_record(values)


def _sentence(reason: str, order: int, n: int) -> str | None:
    cycles = f"{counted(n, 'cycle')} of order {order}"
    return {
        "": None,
        "no_box": None,
        "restricted": "the search was restricted to a box",
        "order_not_searched": f"order {order} was not searched, whose cycles count as well",
        "continuum": "a continuum of fixed points or cycles is degenerate",
        "on_border": f"{cycles} on a border {'has' if n == 1 else 'have'} no index",
        "not_certified": f"{cycles} could not be certified",
        "too_long": f"the cycles of order {order} are too many or too long for their signs",
        "sign_is_open": "rounding errors leave the sign of an index open",
    }[reason]
