"""The check of a whole certificate."""

import dataclasses
import math
from fractions import Fraction

from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import canonical_map_of, piecewise_linear
from rnndyn.verify._boxes import check_box_tree, check_homogeneous_trees
from rnndyn.verify._cells import check_cells
from rnndyn.verify._claims import Claims, Part
from rnndyn.verify._contraction import check_contraction
from rnndyn.verify._dictionary import Domain, check_dictionary_trees
from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._listing import Listing, check_listing
from rnndyn.verify._orbits import Box, exact_box
from rnndyn.verify._p_matrix import check_p_matrix
from rnndyn.verify._prefix import check_word_trees
from rnndyn.verify._tree import Tree
from rnndyn.verify._units import check_unit_trees
from rnndyn.verify._verdict import Counts, RefusedError, Verdict

#: Orders covered on one side of a radius: (order, method, how size is measured, radius).
_Halves = set[tuple[int, str, tuple[bool, bool], float]]


def verify(certificate: Claims, model: PiecewiseLinearModel) -> Verdict:
    """Check a certificate in exact arithmetic.

    Parameters
    ----------
    certificate : Certificate
        What to check; it must hold its trees (``keep_tree=True``).
    model : PiecewiseLinearModel
        The network that it is about.

    Returns
    -------
    Verdict
        Confirmed, or refused with the first check that failed.

    Notes
    -----
    The arithmetic is that of Python's integers, so there are no rounding errors and no tolerances.
    Nothing of the search is used or trusted.
    """
    counts = Counts()
    try:
        _check(certificate, model, counts)
    except RefusedError as refusal:
        return Verdict(False, (str(refusal),), (), **dataclasses.asdict(counts))
    return Verdict(True, (), tuple(certificate.proved_orders), **dataclasses.asdict(counts))


def _check(certificate: Claims, model: PiecewiseLinearModel, counts: Counts) -> None:
    map_ = exact_map_of(piecewise_linear(model))
    if certificate.fingerprint != map_.fingerprint:
        raise RefusedError(
            "it belongs to another network: the fingerprint of the given one is "
            f"{map_.fingerprint[:16]}..., the certificate says {certificate.fingerprint[:16]}..."
        )
    if (certificate.n_states, certificate.n_units) != (map_.n_states, map_.n_units):
        raise RefusedError("it says another number of states or units than the network has")
    proved = set(certificate.proved_orders)
    if not proved:
        raise RefusedError(
            "it claims no proof: there is no order of which it says that it is proved"
        )
    if min(proved) < 1 or not proved <= set(certificate.orders):
        raise RefusedError("its proved orders are not among the orders that were asked for")
    if certificate.status == "proved" and proved != set(certificate.orders):
        missing = sorted(set(certificate.orders) - proved)
        raise RefusedError(f"it says that all is proved, but order {missing[0]} is not")
    box = exact_box(certificate.box)
    listing = check_listing(certificate, map_, box, counts)

    # What the parts cover: orders in the box, and orders up to and beyond a radius.
    everywhere: set[int] = set()
    near: _Halves = set()
    far: _Halves = set()
    for number, part in enumerate(certificate.parts):
        if not part.complete or not proved & set(part.orders):
            continue
        try:
            _check_part(certificate, part, proved, box, map_, listing, counts)
        except RefusedError as refusal:
            raise RefusedError(f"part {number} ({part.title}): {refusal}") from None
        if part.method in ("dictionary", "polygons") and map_.relevant and _is_half(part):
            side = far if part.at_infinity else near
            size = (part.by_faces, part.by_units)
            side.update((k, part.method, size, part.radius) for k in part.orders)
        else:
            everywhere.update(part.orders)
    everywhere.update(order for order, *_ in near & far)
    if map_.is_homogeneous:
        # Every multiple of a cycle is one: those beyond a radius stand for all that have a size.
        # Without any size all units are off.
        for order in sorted(proved & {order for order, *_ in far} - everywhere):
            listing.settle_repeated((0,), order)
            everywhere.add(order)
    if missing := sorted(proved - everywhere):
        order = missing[0]
        raise RefusedError(
            f"order {order} is said to be proved, but {_what_is_missing(order, near, far)}"
        )


def _what_is_missing(order: int, near: _Halves, far: _Halves) -> str:
    has_near = any(order == covered for covered, *_ in near)
    has_far = any(order == covered for covered, *_ in far)
    if has_near and has_far:
        return "its two parts, up to a radius and beyond it, do not have the same radius"
    if has_near or has_far:
        return f"there is no complete part {'beyond' if has_near else 'up to'} the radius"
    return "no complete part is about it"


def exact_map_of(model: PiecewiseLinearModel) -> ExactMap:
    """Return the map of a network in exact arithmetic."""
    canonical = canonical_map_of(model)
    return ExactMap(*(getattr(canonical, name).tolist() for name in ("A", "W1", "W2", "h1", "h2")))


def _check_part(
    certificate: Claims,
    part: Part,
    proved: set[int],
    box: Box | None,
    map_: ExactMap,
    listing: Listing,
    counts: Counts,
) -> None:
    if not map_.relevant:
        # The map is affine: the only itinerary of every order is the one with all bits 0.
        for order in proved & set(part.orders):
            listing.settle_repeated((0,), order)
        return
    if part.method == "contraction":
        check_contraction(part.data, map_, listing)
        return
    if part.method == "p_matrix":
        if len(part.orders) != 1:
            raise RefusedError("a proof by a P-matrix is for one order only")
        check_p_matrix(part.data, part.orders[0], map_, listing)
        return
    domain = _domain(part, box, map_.n_states)
    counts.n_trees += 1
    if part.method == "cells":
        if domain.box is None or _is_half(part):
            raise RefusedError("cells are about a box, and not about R^M")
        check_cells(part, proved, domain.box, map_, listing, counts)
    elif part.method == "homogeneous_boxes":
        if list(part.orders) != [1] or not part.unbounded or part.at_infinity or part.by_faces:
            raise RefusedError("trees of homogeneous boxes are about all fixed points in R^M")
        check_homogeneous_trees(Tree.of(part), domain.radius, map_, listing, counts)
    elif part.method == "boxes":
        if domain.box is None or _is_half(part):
            raise RefusedError("trees of boxes are about a box, and not about R^M")
        assert certificate.box is not None
        lower, upper = (bound.tolist() for bound in certificate.box)
        orders = sorted(set(part.orders))
        tree = Tree.of(part)
        check_box_tree(tree, orders, proved, domain.box, (lower, upper), map_, listing, counts)
    elif part.method == "polygons":
        check_word_trees(Tree.of(part), set(part.orders), proved, domain, map_, listing, counts)
    elif len(part.orders) != 1:
        raise RefusedError("a tree of this method is for one order only")
    elif part.by_units:
        if domain.box is not None or part.by_faces:
            raise RefusedError("sizes by units are about R^M only")
        order = part.orders[0]
        tree = Tree.of(part)
        check_unit_trees(tree, order, domain.radius, part.at_infinity, map_, listing, counts)
    else:
        check_dictionary_trees(Tree.of(part), part.orders[0], domain, map_, listing, counts)


def _is_half(part: Part) -> bool:
    """Whether the part is about one side of a radius."""
    return part.unbounded or part.by_faces


def _domain(part: Part, box: Box | None, n_states: int) -> Domain:
    if part.by_units and part.method != "dictionary":
        raise RefusedError("only dictionaries go by units")
    if part.by_faces and part.method != "dictionary":
        raise RefusedError("only dictionaries go by the faces of a cube")
    if not part.unbounded and box is None:
        raise RefusedError("it is about a box, but there is none")
    if not _is_half(part):
        if part.at_infinity:
            raise RefusedError("it is about a box and not about what is beyond a radius")
        return Domain(box, Fraction(1), False)
    if part.pivot < 0:
        raise RefusedError(f"its pivot must be a time from 0, got {part.pivot}")
    if not (math.isfinite(part.radius) and part.radius > 0.0):
        raise RefusedError(f"its radius must be a positive number, got {part.radius!r}")
    radius = Fraction(part.radius)
    if not part.by_faces:
        return Domain(None, radius, part.at_infinity, pivot=part.pivot)
    if not part.at_infinity:
        n, one = radius.as_integer_ratio()
        return Domain(([-n] * n_states, [n] * n_states, one), radius, False, True)
    if not (math.isfinite(part.outer) and part.outer >= 0.0):
        raise RefusedError(f"its outer radius must be a number from 0, got {part.outer!r}")
    outer = Fraction(part.outer)
    if outer:
        # The cube must hold the whole region.
        if box is None:
            raise RefusedError("it ends at an outer radius, but the region does not")
        lower, upper, scale = box
        if max(map(abs, (*lower, *upper))) > outer * scale:
            raise RefusedError("its outer radius does not hold the whole box")
        if outer < radius:
            raise RefusedError("its outer radius is below the radius")
    return Domain(None, radius, True, True, outer)
