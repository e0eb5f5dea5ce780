"""Proofs of chaos: words that stretch a parallelepiped across itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, frozen
from rnndyn.manifolds._file import CHAOS_ARRAYS, CHAOS_FORMAT
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.base import SavedResult
from rnndyn.verify import Verdict, fingerprint, verify_chaos


@dataclass(frozen=True, eq=False, repr=False)
class ChaosCertificate(SavedResult):
    """A proof that a piecewise linear network is chaotic, which `verify` checks exactly.

    Let N be the parallelepiped of the states ``center + s expanding + t contracting`` with
    ``|s| <= half_expanding`` and ``|t| <= half_contracting``. In it there are two or more disjoint
    strips ``|s - places[i]| <= half_widths[i]``. All states of strip i follow the word i of
    regions, where the map is affine, and are then stretched across N: in the contracting directions
    the image is inside N, and in the expanding ones it covers N. So for every sequence of the
    words, endless in both directions, there is an orbit that follows it: the network has orbits as
    irregular as the throws of a coin, and its topological entropy is at least `entropy`.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    center : ndarray of float64, shape (M,)
        The middle of N.
    expanding, contracting : ndarray of float64, shape (r, M) and (M - r, M)
        Directions of the sides of N.
    half_expanding, half_contracting : ndarray of float64, shape (r,) and (M - r,)
        Half the lengths of its sides.
    words : tuple of ndarray of bool, shape (length, H)
        Regions that the states of each strip follow; two or more.
    places, half_widths : ndarray of float64, shape (number of words, r)
        Where the strips are.

    See Also
    --------
    rnndyn.prove_chaos : Make one from the cycles of a network.
    rnndyn.homoclinic_points : Find the orbits that such a proof is made from.
    """

    FORMAT = CHAOS_FORMAT

    model: PiecewiseLinearModel
    center: FloatArray
    expanding: FloatArray
    contracting: FloatArray
    half_expanding: FloatArray
    half_contracting: FloatArray
    words: tuple[BoolArray, ...]
    places: FloatArray
    half_widths: FloatArray

    def __post_init__(self) -> None:
        for name in CHAOS_ARRAYS:
            values = frozen(getattr(self, name), np.float64)
            if not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite")
            object.__setattr__(self, name, values)
        words = tuple(frozen(word, np.bool_) for word in self.words)
        object.__setattr__(self, "words", words)
        if len(words) < 2:
            raise ValueError(f"words must be two or more, got {len(words)}")
        r, m = self.expanding.shape
        shapes = {
            "center": (m,),
            "contracting": (m - r, m),
            "half_expanding": (r,),
            "half_contracting": (m - r,),
            "places": (len(words), r),
            "half_widths": (len(words), r),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}")
        if m != self.model.n_states or any(
            word.ndim != 2 or word.shape[1] != self.model.n_units for word in self.words
        ):
            raise ValueError("a certificate must have the states and units of its model")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the numbers of the network."""
        canonical = self.model.canonical
        names = ("A", "W1", "W2", "h1", "h2")
        return fingerprint(*(getattr(canonical, name).tolist() for name in names))

    @property
    def entropy(self) -> float:
        """Lower bound of the topological entropy: h with the sum of exp(-h length) over words 1.

        Orbits of different sequences of words are at some time in different strips, which are a
        fixed distance apart, and the number of sequences of n regions grows as exp(h n).
        """
        return entropy_of([len(word) for word in self.words])

    def verify(self, model: PiecewiseLinearModel | None = None) -> Verdict:
        """Check the proof in exact rational arithmetic, by code that shares nothing with its maker.

        Parameters
        ----------
        model : PiecewiseLinearModel, optional
            The network that it must be about. Default: its own.
        """
        return verify_chaos(self, self.model if model is None else model)

    def summary(self) -> list[str]:
        """Return what is proved, in sentences."""
        shortest, longest = (choice(map(len, self.words)) for choice in (min, max))
        lengths = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        noun = "region" if longest == 1 else "regions"
        # Rounded down, so that the number that is printed is a bound as well.
        digits = 10.0 ** (3 - np.floor(np.log10(self.entropy)))
        bound = np.floor(self.entropy * digits) / digits
        return [
            f"Chaotic: all sequences of {len(self.words)} words of {lengths} {noun} are followed "
            f"by orbits, topological entropy at least {bound:.4g}"
        ]


#: Relative error of a sum of fewer than a thousand exponentials, and more than that.
_ROUNDING = 1e-12


def entropy_of(lengths: Sequence[int]) -> float:
    """Return the entropy of all sequences of words of these lengths, or a little less."""
    numbers = np.array(lengths, dtype=np.float64)
    # The sum falls with h; log(number of words) over the shortest length is too large.
    lower, upper = 0.0, float(np.log(len(numbers)) / numbers.min())
    for _ in range(60):
        middle = 0.5 * (lower + upper)
        if float(np.exp(-middle * numbers).sum()) > 1.0 + _ROUNDING:
            lower = middle
        else:
            upper = middle
    return lower
