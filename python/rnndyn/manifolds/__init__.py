"""Invariant manifolds of cycles, and the boundaries of basins that they are."""

from rnndyn.manifolds import _export, _table  # noqa: F401, to be registered
from rnndyn.manifolds.boundary import basin_boundary
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.manifolds.gate import Gate
from rnndyn.manifolds.homoclinic import homoclinic_points
from rnndyn.manifolds.horseshoe import prove_chaos
from rnndyn.manifolds.invariant import manifold
from rnndyn.manifolds.inverses import Invertibility, invertibility
from rnndyn.manifolds.pieces import Pieces
from rnndyn.manifolds.progress import ManifoldProgress
from rnndyn.manifolds.result import BasinBoundary, ClosestPoint, Manifold
from rnndyn.manifolds.run import ManifoldRun
from rnndyn.manifolds.tree import TreeState

__all__ = [
    "BasinBoundary",
    "ChaosCertificate",
    "ClosestPoint",
    "Gate",
    "HomoclinicPoints",
    "Invertibility",
    "Manifold",
    "ManifoldProgress",
    "ManifoldRun",
    "Pieces",
    "TreeState",
    "basin_boundary",
    "homoclinic_points",
    "invertibility",
    "manifold",
    "prove_chaos",
]
