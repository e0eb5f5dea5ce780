"""Any map of the canonical form."""

from __future__ import annotations

from numpy.typing import ArrayLike

from rnndyn.models._base import PiecewiseLinearModel
from rnndyn.models._canonical import CanonicalForm, as_matrix
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class PiecewiseLinearMap(PiecewiseLinearModel):
    """The canonical map, for every continuous piecewise-linear map that is not a network here.

    ``F(z) = A z + W1 relu(W2 z + h2) + h1``

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear part. A vector is the diagonal of a diagonal matrix.
    W1 : (M, H) array_like
        Weights from the hidden units to the states. H may be 0: an affine map.
    W2 : (H, M) array_like
        Normals of the borders.
    h1 : (M,) array_like
        Constant part; a constant input belongs here.
    h2 : (H,) array_like
        Offsets of the borders.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number.

    Notes
    -----
    An absolute value is ``|x| = 2 relu(x) - x``, and a kink of slope change d at the border
    w z + c = 0 is one hidden unit with row w of W2, entry c of h2 and column d of W1.

    Examples
    --------
    >>> import rnndyn as rd
    >>> skew_tent = rd.PiecewiseLinearMap(A=[[1.5]], W1=[[-3.5]], W2=[[1.0]], h1=[1.0], h2=[0.0])
    >>> skew_tent
    PiecewiseLinearMap(n_states=1, n_units=1)
    >>> skew_tent.step([[-0.5], [0.5]])
    array([[0.25],
           [0.  ]])
    """

    A = Parameter(("M",), ("M", "M"))
    W1 = Parameter(("M", "H"))
    W2 = Parameter(("H", "M"))
    h1 = Parameter(("M",))
    h2 = Parameter(("H",))

    def __init__(
        self, A: ArrayLike, W1: ArrayLike, W2: ArrayLike, h1: ArrayLike, h2: ArrayLike
    ) -> None:
        super().__init__(A=A, W1=W1, W2=W2, h1=h1, h2=h2)

    def _canonical_form(self) -> CanonicalForm:
        return CanonicalForm(A=as_matrix(self.A), W1=self.W1, W2=self.W2, h1=self.h1, h2=self.h2)
