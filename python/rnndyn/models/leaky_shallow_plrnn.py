"""The shallow PLRNN with leaky or parametric rectifiers."""

from __future__ import annotations

from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix, with_negative_slope
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class LeakyShallowPLRNN(ModelWithInput):
    """Shallow piecewise-linear recurrent neural network with leaky or parametric rectifiers.

    ``F(z) = A z + W1 phi(W2 z + h2) + h1``, plus a constant external input ``C s`` where one is
    given; phi(p) = p where p is positive and `slope` times p elsewhere.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W1 : (M, H) array_like
        Weights from the hidden layer to the states.
    W2 : (H, M) array_like
        Weights from the states to the hidden layer.
    h1 : (M,) array_like
        Bias of the states.
    h2 : (H,) array_like
        Bias of the hidden layer.
    slope : float or (H,) array_like
        Slope of phi for negative p: one number for all units (leaky ReLU) or one for each unit
        (PReLU). Any real number; 0 gives a ShallowPLRNN, 1 a linear unit, -1 the absolute value.
    C : (M, K) array_like, optional
        Weights of the external input; together with `s`.
    s : (K,) array_like, optional
        The constant external input.

    Raises
    ------
    ValueError
        If a shape does not fit or a value is not finite; the message names the argument.
    TypeError
        If a value is not a real number.

    Notes
    -----
    Canonical form, with a = `slope`: A + W1 diag(a) W2 for A, h1 + W1 diag(a) h2 + C s for h1 and
    W1 diag(1 - a) for W1.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML 2013 (leaky ReLU). K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into
    rectifiers", ICCV 2015 (PReLU).

    Examples
    --------
    >>> import rnndyn as rd
    >>> absolute_value = rd.LeakyShallowPLRNN(
    ...     A=[0.0], W1=[[-2.0]], W2=[[1.0]], h1=[1.0], h2=[0.0], slope=-1.0
    ... )
    >>> absolute_value.step([[0.25], [-0.25]])
    array([[0.5],
           [0.5]])
    """

    A = Parameter(("M",), ("M", "M"))
    W1 = Parameter(("M", "H"))
    W2 = Parameter(("H", "M"))
    h1 = Parameter(("M",))
    h2 = Parameter(("H",))
    slope = Parameter((), ("H",))

    def __init__(
        self,
        A: ArrayLike,
        W1: ArrayLike,
        W2: ArrayLike,
        h1: ArrayLike,
        h2: ArrayLike,
        slope: ArrayLike,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(A=A, W1=W1, W2=W2, h1=h1, h2=h2, slope=slope, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        rectified = CanonicalForm(
            A=as_matrix(self.A),
            W1=self.W1,
            W2=self.W2,
            h1=self._with_input(self.h1),
            h2=self.h2,
        )
        return with_negative_slope(rectified, self.slope)
