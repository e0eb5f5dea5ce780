"""The PLRNN with leaky or parametric rectifiers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, as_matrix, with_negative_slope
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class LeakyPLRNN(ModelWithInput):
    """Piecewise-linear recurrent neural network with leaky or parametric rectifiers.

    ``F(z) = A z + W phi(z) + h``, plus a constant external input ``C s`` where one is given;
    phi(p) = p where p is positive and `slope` times p elsewhere.

    Parameters
    ----------
    A : (M,) or (M, M) array_like
        Linear self-connections. A vector is the diagonal of a diagonal matrix.
    W : (M, M) array_like
        Weights.
    h : (M,) array_like
        Bias.
    slope : float or (M,) array_like
        Slope of phi for negative p: one number for all units (leaky ReLU) or one for each unit
        (PReLU). Any real number; 0 gives a PLRNN, 1 a linear unit, -1 the absolute value.
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
    "Leaky" is about the rectifier, not about leaky integration: a leaky integrator is the diagonal
    of A. Canonical form, with a = `slope`: that of the PLRNN with A + W diag(a) for A and
    W diag(1 - a) for W1.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML 2013 (leaky ReLU). K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into
    rectifiers", ICCV 2015 (PReLU).

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.LeakyPLRNN(A=[0.5, 0.5], W=[[0.0, 1.0], [1.0, 0.0]], h=[0.0, 0.0], slope=0.25)
    >>> model
    LeakyPLRNN(n_states=2, n_units=2)
    >>> model.step([2.0, -4.0])
    array([0., 0.])
    >>> model.with_parameters({"slope": 0.5}).step([2.0, -4.0])
    array([-1.,  0.])
    """

    A = Parameter(("M",), ("M", "M"))
    W = Parameter(("M", "M"))
    h = Parameter(("M",))
    slope = Parameter((), ("M",))

    def __init__(
        self,
        A: ArrayLike,
        W: ArrayLike,
        h: ArrayLike,
        slope: ArrayLike,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(A=A, W=W, h=h, slope=slope, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        n_states = self.h.size
        rectified = CanonicalForm(
            A=as_matrix(self.A),
            W1=self.W,
            W2=np.eye(n_states),
            h1=self._with_input(self.h),
            h2=np.zeros(n_states),
        )
        return with_negative_slope(rectified, self.slope)
