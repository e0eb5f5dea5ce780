"""Proofs of chaos: two words that stretch a parallelepiped across itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    ``|s| <= half_expanding`` and ``|t| <= half_contracting``. In it there are two disjoint strips
    ``|s - places[i]| <= half_widths[i]``. All states of strip i follow the word i of regions, where
    the map is affine, and are then stretched across N: in the contracting directions the image is
    inside N, and in the expanding ones it covers N. So for every sequence of the two words, endless
    in both directions, there is an orbit that follows it: the network has orbits as irregular as
    the throws of a coin, and its topological entropy is at least `entropy`.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    center : ndarray of float64, shape (M,)
        A point of the cycle, or close to it.
    expanding, contracting : ndarray of float64, shape (r, M) and (M - r, M)
        Directions of the sides of N.
    half_expanding, half_contracting : ndarray of float64, shape (r,) and (M - r,)
        Half the lengths of its sides.
    words : tuple of two ndarray of bool, shape (n, H)
        Regions that the states of each strip follow.
    places, half_widths : ndarray of float64, shape (2, r)
        Where the strips are.

    See Also
    --------
    rnndyn.homoclinic_points : Find the orbits that such a proof is made from.
    """

    FORMAT = CHAOS_FORMAT

    model: PiecewiseLinearModel
    center: FloatArray
    expanding: FloatArray
    contracting: FloatArray
    half_expanding: FloatArray
    half_contracting: FloatArray
    words: tuple[BoolArray, BoolArray]
    places: FloatArray
    half_widths: FloatArray

    def __post_init__(self) -> None:
        for name in CHAOS_ARRAYS:
            values = frozen(getattr(self, name), np.float64)
            if not np.isfinite(values).all():
                raise ValueError(f"{name} must be finite")
            object.__setattr__(self, name, values)
        first, second = (frozen(word, np.bool_) for word in self.words)
        object.__setattr__(self, "words", (first, second))
        r, m = self.expanding.shape
        shapes = {
            "center": (m,),
            "contracting": (m - r, m),
            "half_expanding": (r,),
            "half_contracting": (m - r,),
            "places": (2, r),
            "half_widths": (2, r),
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
        """Lower bound of the topological entropy: log 2 over the length of the longer word."""
        return float(np.log(2.0) / max(map(len, self.words)))

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
        lengths = " and ".join(str(len(word)) for word in self.words)
        return [
            f"Chaotic: all sequences of two words of {lengths} regions are followed by orbits, "
            f"topological entropy at least {self.entropy:.4g}"
        ]


class Turn:
    """The affine map of a word of regions."""

    def __init__(self, canonical: Any, word: BoolArray) -> None:
        m = canonical.n_states
        self.word = word
        self.jacobian, self.offset = np.eye(m), np.zeros(m)
        self._steps = [(canonical.jacobian(region), canonical.offset(region)) for region in word]
        for jacobian, offset in self._steps:
            self.jacobian = jacobian @ self.jacobian
            self.offset = jacobian @ self.offset + offset


def chaos_from(
    model: PiecewiseLinearModel,
    point: FloatArray,
    cycle_word: BoolArray,
    excursion: BoolArray,
    closing: BoolArray,
    on_cycle: FloatArray,
    longest: int,
) -> ChaosCertificate | None:
    """Make a proof of chaos from a homoclinic point, if one of words up to a length passes.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network.
    point : (M,) array
        A state on the local unstable set of a point of a cycle.
    cycle_word : (k, H) array
        The regions of the cycle from that point on.
    excursion : (d, H) array
        The regions of the orbit from the state to the local stable set.
    closing : (c, H) array
        The regions of the cycle from there to its point.
    on_cycle : (M,) array
        The point of the cycle.
    longest : int
        Largest length of a word.
    """
    canonical = model.canonical
    turn = Turn(canonical, cycle_word)
    expanding, contracting = _directions(turn.jacobian)
    basis = np.concatenate([expanding, contracting])
    r, inverse = len(expanding), np.linalg.inv(basis.T)
    inner = inverse @ turn.jacobian @ basis.T
    back = np.linalg.inv(inner[:r, :r])
    start = (inverse @ (point - on_cycle))[:r]
    for rounds in range(1, longest):
        start = back @ start
        word = np.concatenate([*([cycle_word] * rounds), excursion, closing])
        word = np.concatenate([word, *([cycle_word] * rounds)])
        if len(word) > longest:
            return None
        made = _tried(model, Turn(canonical, word), turn, on_cycle, basis, inverse, start, rounds)
        if made is not None and made.verify():
            return made
    return None


def _directions(jacobian: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return bases of the expanding and of the contracting subspace, as rows of length 1."""
    values, vectors = np.linalg.eig(jacobian)
    parts = []
    for chosen in (np.abs(values) > 1.0, np.abs(values) <= 1.0):
        rows = []
        for value, vector in zip(values[chosen], vectors.T[chosen], strict=True):
            if value.imag > 0.0:
                rows += [vector.real, vector.imag]
            elif value.imag == 0.0:
                rows.append(vector.real)
        array = np.array(rows).reshape(-1, len(jacobian))
        parts.append(array / np.linalg.norm(array, axis=1, keepdims=True))
    return parts[0], parts[1]


def _tried(
    model: PiecewiseLinearModel,
    away: Turn,
    turn: Turn,
    on_cycle: FloatArray,
    basis: FloatArray,
    inverse: FloatArray,
    start: FloatArray,
    rounds: int,
) -> ChaosCertificate | None:
    """Choose the sides of the parallelepiped and the strips, with a little room everywhere."""
    r = len(start)
    # The excursion begins at `start`, and its image is back near the cycle: on its stable side, but
    # for the rounding of `start`, which so many steps have stretched.
    first = on_cycle + start @ basis[:r]
    landed = inverse @ (away.jacobian @ first + away.offset - on_cycle)
    start = start - np.linalg.solve((inverse @ away.jacobian @ basis.T)[:r, :r], landed[:r])
    first = on_cycle + start @ basis[:r]
    landed = inverse @ (away.jacobian @ first + away.offset - on_cycle)
    outer = np.full(r, 2.0 * float(np.abs(start).max()))
    height = np.full(len(basis) - r, 2.0 * float(np.abs(landed[r:]).max(initial=0.0)))
    height = np.maximum(height, 1e-3 * outer.max())
    stays = Turn(model.canonical, np.concatenate([turn.word] * rounds))
    strips = []
    for one, place in ((stays, np.zeros(r)), (away, start)):
        stretched = inverse @ one.jacobian @ basis.T
        at = on_cycle + place @ basis[:r]
        moved = (inverse @ (one.jacobian @ at + one.offset - on_cycle))[:r]
        needed = outer + np.abs(moved) + np.abs(stretched[:r, r:]) @ height
        onto = np.abs(np.linalg.inv(stretched[:r, :r]))
        strips.append((place, 1.05 * (onto @ needed)))
    words = (stays.word, away.word)
    places = np.array([strip[0] for strip in strips])
    halves = np.array([strip[1] for strip in strips])
    if not np.isfinite(halves).all() or not (halves > 0.0).all():
        return None
    return ChaosCertificate(
        model, on_cycle, basis[:r], basis[r:], outer, height, words, places, halves
    )
