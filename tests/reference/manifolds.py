"""Stable manifolds by pulling equations back, with one linear program of HiGHS for each word."""

import itertools
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog


class Piece(NamedTuple):
    """The states { E z = e, G z <= g } that follow a word and then the cycle from a phase on."""

    word: tuple[tuple[bool, ...], ...]
    phase: int
    E: np.ndarray
    e: np.ndarray
    G: np.ndarray
    g: np.ndarray


def stable_manifold(model, cycle, depth, half, thinnest=1e-9):
    """Return the pieces up to a depth within |z_i| <= half, and the words next to being empty.

    Words whose largest inscribed ball has a radius between `-thinnest` and `thinnest` are listed
    apart: nothing is said of them.
    """
    regions = list(itertools.product((False, True), repeat=model.n_units))
    level = local_sets(model, cycle, half)
    around = [tuple(bool(bit) for bit in region) for region in cycle.itinerary]
    pieces, doubtful = list(level), []
    for step in range(depth):
        following = []
        for piece in level:
            for region in regions:
                if step == 0 and region == around[(piece.phase - 1) % cycle.order]:
                    continue
                child = pulled_back(model, piece, region, half)
                radius = inscribed(child)
                if radius > thinnest:
                    following.append(child)
                elif radius > -thinnest:
                    doubtful.append((child.word, child.phase))
        pieces += following
        level = following
    return pieces, doubtful


def local_sets(model, cycle, half):
    """Return the local sets around the points of a cycle: conditions until none is new."""
    k, m = cycle.points.shape
    jacobians = [model.canonical.jacobian(region) for region in cycle.itinerary]
    sets = []
    for t in range(k):
        product = np.eye(m)
        for jacobian in jacobians[t:] + jacobians[:t]:
            product = jacobian @ product
        values, vectors = np.linalg.eig(product.T)
        chosen = vectors[:, np.abs(values) > 1.0]
        r = chosen.shape[1]
        E = np.linalg.svd(np.hstack([chosen.real, chosen.imag]))[0][:, :r].T
        word = tuple(bool(bit) for bit in cycle.itinerary[t])
        G, g = conditions(model, word, half)
        sets.append(Piece((), t, E, E @ cycle.points[t], G, g))
    for _ in range(200):
        changed = False
        for t in reversed(range(k)):
            word = tuple(bool(bit) for bit in cycle.itinerary[t])
            more = pulled_back(model, sets[(t + 1) % k], word, half)
            new = [i for i in range(len(more.g)) if reaches(sets[t], more.G[i]) > more.g[i] + 1e-9]
            changed = changed or bool(new)
            own = sets[t]
            sets[t] = own._replace(
                G=np.vstack([own.G, more.G[new]]), g=np.concatenate([own.g, more.g[new]])
            )
        if not changed:
            return sets
    raise AssertionError("the local sets do not settle")


def conditions(model, region, half):
    """Return rows and right sides of a closed region within the cube."""
    canonical = model.canonical
    sign = np.where(region, 1.0, -1.0)
    cube = np.vstack([np.eye(model.n_states), -np.eye(model.n_states)])
    G = np.vstack([-sign[:, None] * canonical.W2, cube])
    return G, np.concatenate([sign * canonical.h2, np.full(len(cube), half)])


def pulled_back(model, piece, region, half):
    J = model.canonical.jacobian(np.array(region))
    c = model.canonical.offset(np.array(region))
    G, g = conditions(model, region, half)
    return Piece(
        (region, *piece.word),
        piece.phase,
        piece.E @ J,
        piece.e - piece.E @ c,
        np.vstack([piece.G @ J, G]),
        np.concatenate([piece.g - piece.G @ c, g]),
    )


def inscribed(piece):
    """Return the radius of the largest ball inside the inequalities, around a point of E z = e."""
    lengths = np.linalg.norm(piece.G, axis=1)
    rows, bounds, lengths = (part[lengths > 1e-13] for part in (piece.G, piece.g, lengths))
    m = rows.shape[1]
    found = linprog(
        np.append(np.zeros(m), -1.0),
        A_ub=np.column_stack([rows / lengths[:, None], np.ones(len(rows))]),
        b_ub=bounds / lengths,
        A_eq=np.column_stack([piece.E, np.zeros(len(piece.E))]),
        b_eq=piece.e,
        bounds=[(None, None)] * m + [(None, 1.0)],
        method="highs",
    )
    # Equations that contradict each other have no ball at all.
    return found.x[-1] if found.status == 0 else -np.inf


def reaches(piece, row):
    """Return how far a set reaches in the direction of a row."""
    found = linprog(
        -row,
        A_ub=piece.G,
        b_ub=piece.g,
        A_eq=piece.E,
        b_eq=piece.e,
        bounds=[(None, None)] * len(row),
        method="highs",
    )
    return -found.fun
