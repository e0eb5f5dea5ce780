"""Horseshoes: words of regions whose affine maps stretch a parallelepiped across itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray
from rnndyn._common.checks import check_integer
from rnndyn.cycles.result import CycleSet
from rnndyn.manifolds._arguments import checked_cycles, is_hyperbolic, n_expanding
from rnndyn.manifolds.chaos import ChaosCertificate, entropy_of
from rnndyn.models import PiecewiseLinearModel

#: How much larger everything is than rounding would need; the check in fractions decides.
_SLACK = 1.01
#: Least height of a parallelepiped, in units of its length: a map may flatten it altogether.
_FLATTEST = 1e-4
#: Fixed points closer than this, in units of the largest, are one.
_SAME = 1e-9
#: Turns around a cycle before and after a homoclinic orbit, in words of orbits close to it.
_MOST_ROUNDS = 12
#: Condition of directions from which on a frame is not used.
_MOST_DEPENDENT = 1e8
#: Conditions of a word that are looked at before all others.
_TIGHTEST = 6
#: Words are repeated until they stretch by these factors: less separates no strips, and from the
#: last one on repeating gains nothing.
_STRETCHES = (1.2, 1.5, 2.0, 3.0, 4.0)
#: Rounds of the sizes of parallelepipeds, which converge like a power of the contraction.
_ROUNDS = 60
#: Pairs of words whose parallelepipeds are computed at once.
_CHUNK = 2_000
#: Sizes of parallelepipeds, in units of the smallest, at which more words are looked for.
_SCALES = (1.0, 1.15, 1.4, 2.0)
#: Parallelepipeds that are made, of which the proof with the largest entropy is taken: within these
#: numbers as many as there are, times the words, strips of about this number.
_ENOUGH = (24, 200)
_WORK = 100_000


class Frame(NamedTuple):
    """Where coordinates are counted from, and the expanding and the contracting directions."""

    origin: FloatArray
    expanding: FloatArray
    contracting: FloatArray
    basis: FloatArray
    inverse: FloatArray

    @classmethod
    def of(cls, origin: FloatArray, jacobian: FloatArray) -> Frame | None:
        """Return that of a fixed point of an affine map; None where directions depend."""
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
        basis = np.concatenate(parts)
        if not np.linalg.cond(basis) < _MOST_DEPENDENT:
            return None
        return cls(origin, parts[0], parts[1], basis, np.linalg.inv(basis))

    def coordinates(self, states: FloatArray) -> FloatArray:
        """Return the coordinates of states."""
        found: FloatArray = (states - self.origin) @ self.inverse
        return found

    def inner(self, jacobians: FloatArray) -> FloatArray:
        """Return linear maps in these coordinates."""
        found: FloatArray = self.inverse.T @ jacobians @ self.basis.T
        return found


class Word(NamedTuple):
    """A word of regions, and the fixed point of its affine map, if it has one that is a saddle."""

    regions: BoolArray
    point: FloatArray
    jacobian: FloatArray
    frame: Frame

    @classmethod
    def of(cls, canonical: Any, regions: BoolArray, point: FloatArray | None = None) -> Word | None:
        """Multiply the Jacobians along a word, and solve for the fixed point where none is given.

        Returns None where there are no expanding directions, or more than numbers can hold.
        """
        m = canonical.n_states
        jacobian, offset = np.eye(m), np.zeros(m)
        with np.errstate(all="ignore"):
            for region in regions:
                step = canonical.jacobian(region)
                jacobian = step @ jacobian
                offset = step @ offset + canonical.offset(region)
        if not (np.isfinite(jacobian).all() and np.isfinite(offset).all()):
            return None
        try:
            fixed = np.asarray(
                np.linalg.solve(np.eye(m) - jacobian, offset) if point is None else point
            )
            frame = Frame.of(fixed, jacobian)
        except np.linalg.LinAlgError:
            return None
        if frame is None or not len(frame.expanding):
            return None
        return cls(regions, fixed, jacobian, frame)

    @property
    def stretch(self) -> FloatArray:
        """The affine map's linear part in the expanding directions."""
        r = len(self.frame.expanding)
        return self.frame.inner(self.jacobian)[:r, :r]


class _Strips(NamedTuple):
    """Where words stretch a parallelepiped across itself, and how high its images reach."""

    places: FloatArray
    halves: FloatArray
    heights: FloatArray


class _Pieces:
    """Affine maps of words in the coordinates of frames, with any leading axes."""

    def __init__(self, fixed: FloatArray, inner: FloatArray, r: int) -> None:
        self._fixed, self._r = fixed, r
        self._stretch = inner[..., :r, :r]
        self._shear = inner[..., :r, r:]
        self._lift = inner[..., r:, :r]
        self._shrink = inner[..., r:, r:]
        singular = ~(np.abs(np.linalg.det(self._stretch)) > 0.0)
        safe = np.where(singular[..., np.newaxis, np.newaxis], np.eye(r), self._stretch)
        self._back = np.linalg.inv(safe)
        self._back[singular] = np.inf

    def strips(self, center: FloatArray, length: FloatArray, height: FloatArray) -> _Strips:
        """Return the strips of parallelepipeds, mapped onto all of their lengths."""
        r, fixed = self._r, self._fixed
        away = center - fixed
        sideways = _times(self._shear, away[..., r:])
        moved = _times(self._back, away[..., :r] - sideways)
        halves = _times(np.abs(self._back), length + _times(np.abs(self._shear), height))
        middle = _times(self._lift, moved) + _times(self._shrink, away[..., r:]) - away[..., r:]
        heights = (
            np.abs(middle)
            + _times(np.abs(self._lift), halves)
            + _times(np.abs(self._shrink), height)
        )
        return _Strips(fixed[..., :r] + moved, halves, heights)


def _times(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    product: FloatArray = np.einsum("...ij,...j->...i", matrices, vectors)
    return product


def _rooms(canonical: Any, word: BoolArray, state: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rows and rooms: a state z + d follows the word if ``rows @ d < rooms``."""
    used = np.any(canonical.W1 != 0.0, axis=0)
    weights = canonical.W2[used]
    jacobian = np.eye(len(state))
    rows, rooms = [], []
    for region in word:
        sign = np.where(region[used], 1.0, -1.0)
        rows.append(-sign[:, np.newaxis] * (weights @ jacobian))
        rooms.append(sign * canonical.preactivation(state)[used])
        inner = canonical.jacobian(region)
        state = inner @ state + canonical.offset(region)
        jacobian = inner @ jacobian
    return np.concatenate(rows), np.concatenate(rooms)


class _Pairs(NamedTuple):
    """Parallelepipeds that pairs of words stretch across themselves, in coordinates of frames."""

    numbers: IntArray
    centers: FloatArray
    lengths: FloatArray
    heights: FloatArray


def _smallest(fixed: FloatArray, inner: FloatArray, r: int) -> _Pairs:
    """Return the smallest parallelepiped of each pair of words that has one.

    Its middle is that of the two fixed points. What its sides must be grows with what they are, so
    that the least solution is what iterating from nothing converges to.

    Parameters
    ----------
    fixed : (n, 2, M) array
        The fixed points of both words.
    inner : (n, 2, M, M) array
        Their linear maps.
    r : int
        Number of expanding directions.
    """
    maps = _Pieces(fixed, inner, r)
    centers = 0.5 * fixed.sum(axis=1)
    n, m = centers.shape
    middle = centers[:, np.newaxis]
    lengths, heights = np.zeros((n, r)), np.zeros((n, m - r))
    limit = 1e3 * (np.abs(fixed[:, 1] - fixed[:, 0]).max(axis=1, keepdims=True) + 1e-300)
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS):
            strips = maps.strips(middle, lengths[:, np.newaxis], heights[:, np.newaxis])
            reach = np.abs(strips.places - middle[..., :r]) + strips.halves
            longer = _SLACK * reach.max(axis=1)
            higher = _SLACK * strips.heights.max(axis=1)
            higher = np.maximum(higher, _FLATTEST * longer.max(axis=1, keepdims=True))
            settled = (longer <= 1.001 * lengths).all(axis=1)
            settled &= (higher <= 1.001 * heights).all(axis=1)
            # Those that run away, or are not numbers, stop at the limit and are left out.
            lengths = np.where(longer < limit, longer, limit)
            heights = np.where(higher < limit, higher, limit)
        good = settled & (lengths < limit).all(axis=1) & (heights < limit).all(axis=1)
        halves = strips.halves.sum(axis=1)
        good &= (np.abs(strips.places[:, 0] - strips.places[:, 1]) > _SLACK * halves).any(axis=1)
    (numbers,) = np.nonzero(good)
    return _Pairs(numbers, centers[numbers], _SLACK * lengths[numbers], _SLACK * heights[numbers])


class _Search:
    """Proofs of chaos from words with the same number of expanding directions."""

    def __init__(self, model: PiecewiseLinearModel, words: Sequence[Word], r: int) -> None:
        self._model, self._words, self._r = model, words, r
        m = model.n_states
        self._points = np.array([word.point for word in words]).reshape(-1, m)
        self._jacobians = np.array([word.jacobian for word in words]).reshape(-1, m, m)
        self._lengths = np.array([word.regions.shape[0] for word in words], dtype=np.int64)
        self._conditions: dict[int, tuple[FloatArray, FloatArray]] = {}

    def made(self) -> Iterator[ChaosCertificate]:
        """Make proofs from pairs of words, those with the most entropy first."""
        pairs = self._close_pairs()
        for begin in range(0, len(pairs), _CHUNK):
            chunk = pairs[begin : begin + _CHUNK]
            frames = [self._words[first].frame for first in chunk[:, 0].tolist()]
            fixed = [
                f.coordinates(self._points[pair]) for f, pair in zip(frames, chunk, strict=True)
            ]
            inner = [f.inner(self._jacobians[pair]) for f, pair in zip(frames, chunk, strict=True)]
            found = _smallest(np.array(fixed), np.array(inner), self._r)
            for number, *sizes in zip(*found, strict=True):
                proof = self._widest(frames[number], *sizes)
                if proof is not None:
                    yield proof

    def _close_pairs(self) -> IntArray:
        """Return the pairs that can share a parallelepiped, most entropy first, shape (n, 2).

        The strip of a word reaches to the contracting coordinates of the other fixed point, and
        its image to the expanding ones; with these a state must follow the word.
        """
        n = len(self._words)
        near = np.zeros((n, n), dtype=np.bool_)
        for number in range(n):
            near[number, self._reached_by(number)] = True
        first, second = np.nonzero(near & near.T)
        longest = int(self._lengths.max(initial=0)) + 1
        keys = self._lengths[first] * longest + self._lengths[second]
        kinds, inverse = np.unique(keys, return_inverse=True)
        entropies = np.array([entropy_of(divmod(kind, longest)) for kind in kinds.tolist()])
        order = np.argsort(-entropies[inverse], kind="stable")
        return np.stack([first[order], second[order]], axis=1)

    def _reached_by(self, number: int) -> IntArray:
        """Return the words whose fixed points the strip of one can reach, and its image."""
        word, r = self._words[number], self._r
        frame = word.frame
        rows, rooms = _rooms(self._model.canonical, word.regions, word.point)
        if not (rooms > 0.0).all():
            # The fixed point is in the strip if there is one.
            return np.empty(0, dtype=np.int64)
        offsets = frame.coordinates(self._points)
        # Powers of a word have its fixed point.
        apart = np.abs(offsets).max(axis=1) > _SAME * np.abs(self._points).max()
        (left,) = np.nonzero(apart)
        back = np.linalg.inv(word.stretch)
        for directions, coordinates in (
            (frame.expanding.T @ back, offsets[:, :r]),
            (frame.contracting.T, offsets[:, r:]),
        ):
            slopes = rows @ directions
            # Those with the least room first, because most words fail there.
            order = np.argsort(rooms / (np.abs(slopes).sum(axis=1) + 1e-300))
            for part in (order[:_TIGHTEST], order[_TIGHTEST:]):
                inside = coordinates[left] @ slopes[part].T < rooms[part]
                left = left[inside.all(axis=1)]
        return left

    def _widest(
        self, frame: Frame, center: FloatArray, length: FloatArray, height: FloatArray
    ) -> ChaosCertificate | None:
        """Return the proof with the most entropy of a parallelepiped and larger ones, if any."""
        maps = _Pieces(frame.coordinates(self._points), frame.inner(self._jacobians), self._r)
        best: ChaosCertificate | None = None
        for scale in _SCALES:
            proof = self._proof(frame, maps, center, scale * length, scale * height)
            if proof is None:
                break
            if best is None or proof.entropy > best.entropy:
                best = proof
        return best

    def _proof(
        self,
        frame: Frame,
        maps: _Pieces,
        center: FloatArray,
        length: FloatArray,
        height: FloatArray,
    ) -> ChaosCertificate | None:
        """Take all disjoint strips of a parallelepiped, shortest words first; two or more."""
        r = self._r
        with np.errstate(all="ignore"):
            strips = maps.strips(center, length, height)
            halves = _SLACK**0.5 * strips.halves
            good = (np.abs(strips.places - center[:r]) + halves < length).all(axis=1)
            good &= (_SLACK**0.5 * strips.heights < height).all(axis=1)
        (numbers,) = np.nonzero(good)
        taken: list[int] = []
        for number in numbers[np.argsort(self._lengths[numbers], kind="stable")].tolist():
            gaps = np.abs(strips.places[number] - strips.places[taken])
            apart = (gaps > halves[number] + halves[taken]).any(axis=1).all()
            state = np.concatenate([strips.places[number], center[r:]])
            if apart and self._stays(frame, number, state, halves[number], height):
                taken.append(number)
        if len(taken) < 2:
            return None
        return ChaosCertificate(
            self._model,
            frame.origin + center @ frame.basis,
            frame.expanding,
            frame.contracting,
            length,
            height,
            tuple(self._words[number].regions for number in taken),
            strips.places[taken] - center[:r],
            halves[taken],
        )

    def _stays(
        self, frame: Frame, number: int, state: FloatArray, half: FloatArray, height: FloatArray
    ) -> bool:
        """Tell whether all of a strip follows its word."""
        word = self._words[number]
        if number not in self._conditions:
            conditions = _rooms(self._model.canonical, word.regions, word.point)
            self._conditions[number] = conditions
        rows, rooms = self._conditions[number]
        spread = np.abs(rows @ frame.expanding.T) @ half
        spread += np.abs(rows @ frame.contracting.T) @ height
        away = frame.origin + state @ frame.basis - word.point
        return bool((rows @ away + spread < rooms).all())


def proof_from(model: PiecewiseLinearModel, words: Sequence[Word]) -> ChaosCertificate | None:
    """Return the proof of chaos with the most entropy among the first that words give, checked.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network.
    words : sequence of Word
        Words whose fixed points are close to each other in two or more cases.
    """
    made: list[ChaosCertificate] = []
    for r in sorted({len(word.frame.expanding) for word in words}):
        group = [word for word in words if len(word.frame.expanding) == r]
        enough = min(max(_WORK // len(group), _ENOUGH[0]), _ENOUGH[1])
        made += islice(_Search(model, group, r).made(), enough)
    made.sort(key=lambda proof: proof.entropy, reverse=True)
    return next((proof for proof in made if proof.verify()), None)


def powers(canonical: Any, regions: BoolArray, point: FloatArray, longest: int) -> list[Word]:
    """Return the word of a cycle, repeated as often as it takes to stretch by some factors."""
    once = Word.of(canonical, regions, point)
    if once is None:
        return []
    least = float(np.log(np.abs(np.linalg.eigvals(once.stretch)).min()))
    rounds = {max(1, math.ceil(math.log(factor) / least)) for factor in _STRETCHES if least > 0.0}
    words = [
        once if n == 1 else Word.of(canonical, np.concatenate([regions] * n), point)
        for n in sorted(rounds)
        if n * len(regions) <= longest
    ]
    return [word for word in words if word is not None]


def around_and_away(
    canonical: Any,
    around: BoolArray,
    point: FloatArray,
    orbits: Sequence[BoolArray],
    longest: int,
) -> list[Word]:
    """Return the words of a cycle, and of cycles that stay close to its homoclinic orbits.

    Parameters
    ----------
    around, point : (k, H) and (M,) arrays
        The regions of the cycle from one of its points on, and that point.
    orbits : sequence of (d, H) array
        The regions of orbits that begin in the local unstable set of the point, up to where they
        are in its local stable set.
    longest : int
        Largest length of a word.
    """
    words = powers(canonical, around, point, longest)
    for orbit in orbits:
        # The orbit that the word is taken from is met the better, the longer it stays at the cycle.
        for rounds in range(_MOST_ROUNDS):
            for before, after in ((rounds, rounds), (rounds + 1, rounds)):
                parts = [*([around] * before), orbit, *([around] * after)]
                regions = np.concatenate(parts)
                if 0 < len(regions) <= longest:
                    word = Word.of(canonical, regions)
                    if word is not None:
                        words.append(word)
    return words


def prove_chaos(cycles: CycleSet, *, max_length: int = 200) -> ChaosCertificate | None:
    """Prove that a piecewise linear network is chaotic, from cycles that it has.

    Parameters
    ----------
    cycles : CycleSet
        Cycles of the network. Its hyperbolic ones off the borders with expanding directions are
        used; the more there are, and of more orders, the better.
    max_length : int
        Largest number of regions of a word of the proof.

    Returns
    -------
    ChaosCertificate or None
        None if no proof was found. That is no proof that there is no chaos.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.homoclinic_points : Orbits that connect saddles; they give proofs from few cycles.

    Notes
    -----
    Two cycles that come close to each other follow their own regions from there, and come back. If
    a parallelepiped around the two points is stretched across itself by the affine maps of both
    words of regions, all sequences of the two words are followed by orbits: covering relations
    [1]_. The smallest such parallelepiped of each pair is computed, and words of other cycles that
    stretch it as well are added. Among the first parallelepipeds found, pairs with the shortest
    words first, the one with the largest bound of the entropy is taken, and checked in exact
    arithmetic.

    A word is repeated where it stretches too little to separate its strip from others. Networks
    that take small steps along a flow expand and contract hardly in its direction, so that there
    is often no proof for them, while there is for maps and sections of flows.

    References
    ----------
    .. [1] P. Zgliczynski, M. Gidea, "Covering relations for multidimensional dynamical systems",
       J. Differential Equations 202 (2004).

    Examples
    --------
    >>> import rnndyn as rd
    >>> cycles = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), max_order=8)
    >>> proof = rd.prove_chaos(cycles)
    >>> proof.verify().confirmed
    True
    >>> proof.entropy > 0.2
    True
    """
    model, _ = checked_cycles(cycles)
    longest = check_integer("max_length", max_length, 1, 10_000)
    words = []
    for cycle in cycles:
        if is_hyperbolic(cycle) and n_expanding(cycle) > 0:
            for phase in range(cycle.order):
                regions = np.roll(cycle.itinerary, -phase, axis=0)
                words += powers(model.canonical, regions, cycle.points[phase], longest)
    return proof_from(model, words)
