"""Multipliers of cycles that are known exactly, by their polynomial."""

from adversarial.checks import _characteristic_polynomial as characteristic_polynomial
from adversarial.checks import _roots_inside as roots_inside
from reference.enumeration import IsolatedCycle
from reference.exact_map import ExactMap
from reference.rational import Matrix, multiply

__all__ = ["characteristic_polynomial", "return_matrix", "roots_inside"]


def return_matrix(map_: ExactMap, cycle: IsolatedCycle) -> Matrix:
    """The product of the Jacobians around a cycle, from its first point on."""
    product: Matrix | None = None
    for region in cycle.itinerary:
        jacobian, _ = map_.affine_piece(region)
        product = jacobian if product is None else multiply(jacobian, product)
    assert product is not None
    return product
