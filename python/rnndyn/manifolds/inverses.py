"""Whether a piecewise linear map can be run backwards."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray, frozen
from rnndyn._common.checks import check_threads
from rnndyn._common.compare import ByFields
from rnndyn._common.table import Table, html_text, plain_text
from rnndyn._common.words import model_text
from rnndyn.io._as_model import NetworkLike, as_piecewise_linear
from rnndyn.manifolds._preimages import AffineMaps, pair_across, pair_in_a_flat_region
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._units import in_units, unit_of

_MOST_REGIONS = 2**14
#: Images of random states that are tried as states without a preimage, or with exactly one.
_N_TRIED = 40


@dataclass(frozen=True, eq=False, repr=False)
class Invertibility(ByFields):
    """Whether the map of a network is one to one, and whether it reaches every state.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    regions : ndarray of bool, shape (n, H)
        All linear regions with a volume.
    signs : ndarray of int8, shape (n,)
        Sign of the determinant of the Jacobian in each, exact.
    injective : bool
        Whether no two states have the same image.
    surjective : bool or None
        Whether every state is an image; None where that is not decided.
    degree : int or None
        Number of preimages of almost every state, those with a negative determinant counted
        negatively; None where a determinant is zero.
    same_image : ndarray of float64, shape (2, M), or None
        Where the map is not injective, two states with the same image. The second one is rational
        and was rounded.
    missed : ndarray of float64, shape (M,), or None
        Where the map is known not to be surjective, a state that is no image.
    """

    model: PiecewiseLinearModel
    regions: BoolArray
    signs: np.ndarray
    injective: bool
    surjective: bool | None
    degree: int | None
    same_image: FloatArray | None = None
    missed: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", frozen(self.regions, np.bool_))
        object.__setattr__(self, "signs", frozen(self.signs, np.int8))
        for name in ("same_image", "missed"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), np.float64))

    @property
    def invertible(self) -> bool | None:
        """Whether every state has exactly one preimage; None where that is not decided."""
        return False if not self.injective else self.surjective

    def __repr__(self) -> str:
        return plain_text(self._table())

    def _repr_html_(self) -> str:
        return html_text(self._table())

    def _table(self) -> Table:
        answers = {True: "yes", False: "no", None: "not decided"}
        rows = [
            (f"regions with det J {sign} 0", f"{int((self.signs == value).sum()):,}")
            for sign, value in ((">", 1), ("=", 0), ("<", -1))
        ]
        rows += [
            ("one to one", answers[self.injective]),
            ("reaches every state", answers[self.surjective]),
            ("invertible", answers[self.invertible]),
        ]
        return Table(f"Invertibility of {model_text(self.model)}", ("", ""), rows)


def invertibility(
    model: NetworkLike, *, n_threads: int | None = None, time_limit: float | None = None
) -> Invertibility:
    """Tell whether the map of a piecewise linear network is invertible.

    Parameters
    ----------
    model : PiecewiseLinearModel, torch.nn.Module, or another network
        A piecewise linear network with at most 16,384 linear regions.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Give up after about this many seconds with a TimeoutError: half of the regions say nothing.

    Returns
    -------
    Invertibility

    Raises
    ------
    TypeError, ValueError
        If the network is not piecewise linear or has too many regions.
    TimeoutError
        If the time limit was reached.

    Notes
    -----
    A continuous piecewise linear map whose determinants have one sign in all regions is onto, and
    all states that are no image of a border have the same number of preimages; it is one to one
    exactly if that number is 1 [1]_. Where signs differ or a determinant is zero, it is not one to
    one: two states with the same image are found beside a border between two such regions, or along
    the kernel. Where no determinant is zero, the sum of the signs over the preimages of a state is
    the degree of the map, and one other than 0 makes it onto.

    The signs are exact, and so is everything said of preimages: the pair, the state without one and
    the count are checked in rational arithmetic. That a region is not overlooked rests on linear
    programs in floating-point numbers: one that holds no ball of relative size 1e-11 is.

    References
    ----------
    .. [1] S. Scholtes, "Introduction to Piecewise Differentiable Equations", Springer (2012).

    Examples
    --------
    A tent map is folded at 0, where two states have each image, and none is above 1:

    >>> import rnndyn as rd
    >>> found = rd.invertibility(rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0]))
    >>> found.injective, found.surjective, found.signs.tolist()
    (False, False, [1, -1])
    """
    network = as_piecewise_linear(model)
    canonical = network.canonical
    unit = unit_of(canonical)
    own = in_units(canonical, unit)
    record = _core.region_determinants(
        own,
        limit=_MOST_REGIONS,
        n_threads=check_threads(n_threads),
        time_limit=time_limit,
    )
    if record["stopped_by"] == "interrupt":
        raise KeyboardInterrupt
    if record["stopped_by"] == "time_limit":
        raise TimeoutError(
            f"the signs of all regions took longer than time_limit={time_limit!r} seconds"
        )
    if record["too_many_regions"]:
        raise ValueError(
            f"model must have at most {_MOST_REGIONS:,} linear regions, as they are tried one by "
            "one, but this one may have more"
        )
    regions, signs, interiors = record["regions"], record["signs"], record["interiors"]
    if (np.abs(signs) > 1).any():
        raise ArithmeticError("a determinant is too large for the effort of its exact sign")
    maps = AffineMaps(own, regions, signs)
    return _judged(network, maps, interiors, unit)


def _judged(
    model: PiecewiseLinearModel, maps: AffineMaps, interiors: FloatArray, unit: float
) -> Invertibility:
    """Return what is known of a map in units of its own."""
    signs = maps.signs
    random = np.random.default_rng(0)
    pair: Any = None
    coherent = bool(signs[0] != 0 and (signs == signs[0]).all())
    if (signs == 0).any():
        flat = int(np.flatnonzero(signs == 0)[0])
        pair = pair_in_a_flat_region(maps, flat, interiors[flat])
    elif not coherent:
        pair = pair_across(maps, interiors, random)
    degree, missed, several = _counted(maps, interiors, random)
    if pair is None:
        pair = several
    injective = coherent and degree is not None and abs(degree) == 1
    surjective: bool | None = None
    if missed is not None:
        surjective = False
    elif degree is not None and degree != 0:
        surjective = True
    if not injective and pair is None:
        raise ArithmeticError("no two states with the same image were found, but there are such")
    return Invertibility(
        model,
        maps.regions,
        signs,
        injective,
        surjective,
        degree,
        None if injective else unit * pair,
        None if missed is None else unit * missed,
    )


def _counted(
    maps: AffineMaps, interiors: FloatArray, random: np.random.Generator
) -> tuple[int | None, FloatArray | None, FloatArray | None]:
    """Return the degree, a state without a preimage, and two with the same image, if found."""
    proper = bool((maps.signs != 0).all())
    degree: int | None = None
    missed: FloatArray | None = None
    several: FloatArray | None = None
    size = 1.0 + float(np.abs(interiors).max(initial=0.0))
    for attempt in range(_N_TRIED):
        if missed is not None or degree:
            break
        scale = size * 10.0 ** (attempt % 4)
        target = scale * random.standard_normal(maps.n_states)
        found = maps.preimages([Fraction(float(value)) for value in target])
        if found is None:  # on the image of a border
            continue
        if proper:
            degree = sum(int(maps.signs[region]) for region, _ in found)
        if not found and missed is None:
            missed = target
        if len(found) > 1 and several is None:
            several = np.array([[float(x) for x in point] for _, point in found[:2]])
    return degree, missed, several
