"""A single cycle: an orbit that closes after ``order`` steps, with everything known about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import (
    BoolArray,
    ComplexArray,
    FloatArray,
    finite_numbers,
    frozen,
    itinerary_text,
)
from rnndyn._common.checks import check_integer
from rnndyn._common.compare import ByFields
from rnndyn._common.words import finite_or_none, format_modulus
from rnndyn.cycles._origin import Origin
from rnndyn.results.table import html_text, table_of

Stability = Literal["stable", "saddle", "unstable", "nonhyperbolic", "undecided"]

#: An eigenvalue of the product is the multiplier if they agree to this, relative to it.
_SAME_EIGENVALUE = 1e-5
#: And one of a multiplier that is zero to this, relative to the entries of the product.
_ZERO = 1e-9

#: The compiled core counts the kinds of stability in this order.
STABILITY_NAMES: tuple[Stability, ...] = (
    "stable",
    "saddle",
    "unstable",
    "nonhyperbolic",
    "undecided",
)


@dataclass(frozen=True, eq=False, repr=False)
class Cycle(ByFields):
    """A fixed point (order 1) or a cycle of higher order.

    Attributes
    ----------
    order : int
        Minimal period k.
    points : ndarray of float64, shape (k, M)
        The orbit; ``points[t + 1]`` is the image of ``points[t]`` and the last point maps onto the
        first. The first point is the one whose itinerary, read from there, comes first in the
        dictionary order of its bits; of a tanh, GRU or LSTM network the one whose coordinates come
        first.
    itinerary : ndarray of bool, shape (k, H)
        Region of every point: entry ``[t, i]`` is True where the pre-activation of unit i is
        positive at ``points[t]``. Tanh, GRU and LSTM networks have no regions: shape (k, 0).
    multipliers : ndarray of complex128, shape (M,)
        Eigenvalues of the Jacobian of k steps, by decreasing modulus. Where a modulus exceeds the
        range of floating-point numbers the entry is infinite; `log_moduli` still holds its size.
    spectral_radius : float
        Modulus of the largest multiplier (infinite where it overflows).
    stability : {"stable", "saddle", "unstable", "nonhyperbolic", "undecided"}
        ``stable``: all multipliers inside the unit circle; ``unstable``: all outside; ``saddle``:
        some on each side; ``nonhyperbolic``: one cannot be told from the unit circle within the
        error of the computation, or the cycle lies on a border, where two linear maps meet and
        neither one's multipliers decide; ``undecided``: the error bars of the multipliers are too
        wide to tell.
    residual : float
        max over t of ``|F(points[t]) - points[t + 1]|`` in the maximum norm.
    margin : float
        Smallest absolute pre-activation over the cycle, so the distance, in pre-activation, to the
        nearest border collision. Units that cannot change the map do not count. Infinite where the
        network has no borders, as tanh, GRU and LSTM networks.
    on_border : bool
        Whether a pre-activation is zero within the error bound.
    certified : bool
        Whether interval arithmetic has verified that exactly one cycle exists within `error_bound`
        of the points (Krawczyk test).
    error_bound : float
        Bound on the error of every coordinate of every point; rigorous where `certified`. Of one
        that `is_degenerate`, the distance within which it cannot be told from others.
    log_moduli : ndarray of float64, shape (M,)
        Natural logarithms of the moduli of the multipliers; ``-inf`` for a multiplier that is zero.
    hits : int
        Number of restarts of the search that ended in this cycle; 1 where the itineraries of its
        order were listed, 0 where it comes from `rnndyn.solve_cycle`.
    virtual : bool
        True for a candidate whose points do not lie in the regions of its itinerary. Only
        `rnndyn.solve_cycle` returns such candidates; a virtual cycle is no orbit of the map.

    See Also
    --------
    rnndyn.find_cycles : Search for cycles.
    rnndyn.solve_cycle : Solve for the cycle of one itinerary.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> cycle = rd.find_cycles(tent, max_order=2)[2]
    >>> cycle
    Cycle(order=2, stability='unstable', spectral_radius=4, margin=0.2, certified=True)
    >>> cycle.points
    array([[-0.2],
           [ 0.6]])
    """

    order: int
    points: FloatArray
    itinerary: BoolArray
    multipliers: ComplexArray
    spectral_radius: float
    stability: Stability
    residual: float
    margin: float
    on_border: bool
    certified: bool
    error_bound: float
    log_moduli: FloatArray
    hits: int = 0
    virtual: bool = False
    _origin: Origin | None = field(default=None, repr=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        for name, convert in _CONVERTERS.items():
            object.__setattr__(self, name, convert(getattr(self, name)))
        if self.stability not in STABILITY_NAMES:
            raise ValueError(
                f"stability must be one of {', '.join(STABILITY_NAMES)}, got {self.stability!r}"
            )

    @property
    def has_regions(self) -> bool:
        """Whether its network has linear regions, so that itinerary and margin say something."""
        return self._origin is None or not self._origin.is_smooth

    @property
    def jacobian(self) -> FloatArray:
        """Derivative of all `order` steps with respect to the first point, shape (M, M).

        Its eigenvalues are the multipliers. Entries that exceed the range of floating-point numbers
        are infinite or NaN.
        """
        return self._known_origin("jacobian").jacobian(self.points, self.itinerary)

    @property
    def input_jacobian(self) -> FloatArray:
        """Derivative of all `order` steps with respect to the constant input, shape (M, K).

        The first point stays where it is, and the input is the same at all steps.
        """
        return self._known_origin("input_jacobian").input_jacobian(self.points, self.itinerary)

    def eigenvectors(self, n: int | None = None) -> ComplexArray:
        """Return the eigenvectors of the Jacobian of all `order` steps, at the first point.

        Parameters
        ----------
        n : int, optional
            How many, those of the largest multipliers. Default: all.

        Returns
        -------
        ndarray of complex128, shape (M, n)
            In the columns, in the order of `multipliers`, of length 1; the largest entry of each is
            real and positive.

        Raises
        ------
        ValueError
            If the product of the Jacobians does not hold so many: of a long cycle the small
            multipliers, and with them their directions, are lost in the rounding of the large ones.

        Examples
        --------
        >>> import rnndyn as rd
        >>> lozi = rd.examples.lozi_map(1.7, 0.5)
        >>> saddle = rd.find_fixed_points(lozi)[0]
        >>> v = saddle.eigenvectors(1)[:, 0]
        >>> bool(abs(saddle.jacobian @ v - saddle.multipliers[0] * v).max() < 1e-12)
        True
        """
        count = len(self.multipliers)
        n = count if n is None else check_integer("n", n, 1, count)
        jacobian = self.jacobian
        if not np.isfinite(jacobian).all():
            raise ValueError(
                "the Jacobian of all steps exceeds the range of floating-point numbers, so it has "
                "no eigenvectors that could be computed"
            )
        values, vectors = np.linalg.eig(jacobian)
        size = float(np.abs(jacobian).max(initial=0.0))
        chosen: list[int] = []
        for number, multiplier in enumerate(self.multipliers[:n]):
            left = [index for index in range(count) if index not in chosen]
            best = min(left, key=lambda index: abs(values[index] - multiplier))
            # A defective pair is known to the root of the rounding only.
            allowed = _SAME_EIGENVALUE * abs(multiplier) if multiplier else _ZERO * size
            if not abs(values[best] - multiplier) <= allowed:
                known = f"ask for eigenvectors({number})" if number else "it has none"
                raise ValueError(
                    f"of the {count} multipliers the product of {self.order} Jacobians holds only "
                    f"the first {number}, the others are lost in its rounding: {known}"
                )
            chosen.append(best)
        found = vectors[:, chosen].astype(np.complex128)
        largest = np.take_along_axis(found, np.abs(found).argmax(axis=0)[np.newaxis], axis=0)
        return found * (np.abs(largest) / largest)

    @property
    def n_unstable(self) -> int:
        """Number of unstable directions: multipliers outside the unit circle."""
        return int(np.count_nonzero(self.log_moduli > 0.0))

    @property
    def time_constants(self) -> FloatArray:
        """Steps in which a perturbation shrinks by the factor e, for each multiplier, shape (M,).

        ``-order / ln |multiplier|``: negative where it grows by that factor in so many steps,
        infinite on the unit circle, 0 for a multiplier that is zero.
        """
        with np.errstate(divide="ignore"):
            return np.where(np.isneginf(self.log_moduli), 0.0, -self.order / self.log_moduli)

    def read_out(self, weights: ArrayLike, bias: ArrayLike | None = None) -> FloatArray:
        """Return what a linear readout makes of the points.

        Parameters
        ----------
        weights : (n, M) array_like
            Weights of the readout, such as those of a ``torch.nn.Linear``.
        bias : (n,) array_like, optional
            Its bias. Default: none.

        Returns
        -------
        ndarray of float64, shape (k, n)

        Examples
        --------
        >>> import rnndyn as rd
        >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
        >>> rd.find_cycles(tent, max_order=2)[2].read_out([[10.0]], [1.0]).round(9)
        array([[-1.],
               [ 7.]])
        """
        matrix = finite_numbers("weights", weights)
        n_states = self.points.shape[1]
        if matrix.ndim != 2 or matrix.shape[1] != n_states:
            raise ValueError(
                f"weights must have shape (n, M) with M = {n_states}, got {matrix.shape}"
            )
        offset = 0.0 if bias is None else finite_numbers("bias", bias, (len(matrix),))
        return np.asarray(self.points @ matrix.T + offset)

    def _known_origin(self, name: str) -> Origin:
        if self._origin is None:
            raise ValueError(
                f"{name} needs the network, which this cycle does not know: take it from the "
                "CycleSet that a search returned"
            )
        return self._origin

    @property
    def log_spectral_radius(self) -> float:
        """Natural logarithm of the spectral radius, finite also where the radius overflows."""
        return float(self.log_moduli.max())

    def to_dict(self) -> dict[str, Any]:
        """Return the cycle as plain numbers, lists and strings, ready for JSON.

        Complex numbers become ``[real, imaginary]``. JSON knows no infinity: a multiplier or
        spectral radius that overflows, and the logarithm of a zero multiplier, become ``None``.
        What only cycles with regions have is left out of others.
        """
        of_regions = {
            "margin": finite_or_none(self.margin),
            "on_border": self.on_border,
            "virtual": self.virtual,
            "itinerary": itinerary_text(self.itinerary),
        }
        return {
            "order": self.order,
            "stability": self.stability,
            "spectral_radius": finite_or_none(self.spectral_radius),
            "residual": self.residual,
            "error_bound": finite_or_none(self.error_bound),
            "certified": self.certified,
            "hits": self.hits,
            **(of_regions if self.has_regions else {}),
            "points": self.points.tolist(),
            "multipliers": complex_to_lists(self.multipliers),
            "log_moduli": [finite_or_none(value) for value in self.log_moduli],
        }

    @property
    def is_degenerate(self) -> bool:
        """Whether a tanh, GRU or LSTM network stands still here, within rounding errors.

        One such cycle, which is not certified, is listed in place of all that may be within its
        `error_bound`: none, one, or several, as where fixed points are born. A multiplier is 1
        there, within rounding errors, so that neither existence nor stability can be decided.
        """
        return not self.has_regions and not self.certified and bool(np.isfinite(self.error_bound))

    def _repr_html_(self) -> str:
        return html_text(table_of(self))

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.order, self.itinerary.tobytes(), self.points.tobytes()))

    def __repr__(self) -> str:
        radius = format_modulus(self.spectral_radius, self.log_spectral_radius)
        parts = [
            f"order={self.order}",
            f"stability={self.stability!r}",
            f"spectral_radius={radius}",
            *([f"margin={self.margin:.4g}"] if self.has_regions else []),
            f"certified={self.certified}",
        ]
        if self.on_border:
            parts.append("on_border=True")
        if self.virtual:
            parts.append("virtual=True")
        return f"Cycle({', '.join(parts)})"


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "order": int,
    "points": lambda values: frozen(values, np.float64),
    "itinerary": lambda values: frozen(values, np.bool_),
    "multipliers": lambda values: frozen(values, np.complex128),
    "spectral_radius": float,
    "residual": float,
    "margin": float,
    "on_border": bool,
    "certified": bool,
    "error_bound": float,
    "log_moduli": lambda values: frozen(values, np.float64),
    "hits": int,
    "virtual": bool,
}


def cycle_from_record(
    record: dict[str, Any], *, virtual: bool = False, origin: Origin | None = None
) -> Cycle:
    """Build a cycle from a record of the compiled core, which counts stability as a number."""
    names = {field.name for field in dataclasses.fields(Cycle)} - {
        "stability",
        "virtual",
        "_origin",
    }
    values = {name: record[name] for name in names if name in record}
    stability = STABILITY_NAMES[int(record["stability"])]
    return Cycle(**values, stability=stability, virtual=virtual, _origin=origin)


def complex_to_lists(values: ComplexArray) -> list[list[float] | None]:
    """Return complex numbers as ``[real, imaginary]``, None where they are infinite."""
    return [
        [float(value.real), float(value.imag)] if np.isfinite(value) else None for value in values
    ]


def conjugate_pairs(multipliers: ComplexArray) -> Iterator[tuple[int, bool]]:
    """Yield the positions of the multipliers, of a complex pair one, and whether it is a pair."""
    position = 0
    while position < len(multipliers):
        value = multipliers[position]
        following = multipliers[position + 1 : position + 2]
        paired = bool(
            np.isfinite(value) and value.imag != 0.0 and (following == value.conjugate()).any()
        )
        yield position, paired
        position += 2 if paired else 1
