"""Units of exponents: logarithm to which base, per step or per second."""

import math
from typing import Any, Literal, NamedTuple

from rnndyn._common.checks import check_positive

TimeUnit = Literal["step", "second"]

_NAMED_BASES = {math.e: "nats", 2.0: "bits", 10.0: "decades"}


class Units(NamedTuple):
    """Units of exponents.

    Attributes
    ----------
    per : {"step", "second"}
    dt : float or None
        Seconds a step takes; needed for ``per="second"``.
    base : float
        Base of the logarithm.
    """

    per: TimeUnit = "step"
    dt: float | None = None
    base: float = math.e

    @property
    def scale(self) -> float:
        """What natural logarithms per step are multiplied by."""
        per_time = 1.0 / self.dt if self.per == "second" and self.dt is not None else 1.0
        return per_time if self.base == math.e else per_time / math.log(self.base)

    @property
    def text(self) -> str:
        """The units in words: ``"nats per step"``."""
        name = _NAMED_BASES.get(self.base, f"logarithm to base {self.base:g}")
        return f"{name} per {self.per}"


def check_units(per: Any, dt: Any, base: Any) -> Units:
    """Return units from arguments; `per` is ``"second"`` by default where `dt` is given."""
    if dt is not None:
        dt = check_positive("dt", dt, "seconds")
    if base is None:
        base = math.e
    else:
        base = check_positive("base", base, "no unit")
        if base == 1.0:
            raise ValueError("base must not be 1, to which there is no logarithm; try base=2")
    if per is None:
        per = "step" if dt is None else "second"
    if per not in ("step", "second"):
        raise ValueError(f"per must be 'step' or 'second', got {per!r}")
    if per == "second" and dt is None:
        raise ValueError("per='second' needs dt, the seconds a step takes, such as dt=0.01")
    return Units(per, dt, base)
