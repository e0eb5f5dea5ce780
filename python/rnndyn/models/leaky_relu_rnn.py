"""The Elman network with leaky or parametric rectifiers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm, with_negative_slope
from rnndyn.models._declarations import Parameter
from rnndyn.models._families import register_family


@register_family
class LeakyReLURNN(ModelWithInput):
    """Recurrent neural network with leaky or parametric rectifiers.

    ``F(z) = phi(W_hh z + b)``, or ``phi(W_hh z + C s + b)`` with a constant external input;
    phi(p) = p where p is positive and `slope` times p elsewhere.

    Parameters
    ----------
    W_hh : (M, M) array_like
        Recurrent weights.
    b : (M,) array_like
        Bias.
    slope : float or (M,) array_like
        Slope of phi for negative p: one number for all units (leaky ReLU) or one for each unit
        (PReLU). Any real number; 0 gives a ReLURNN, 1 a linear unit, -1 the absolute value.
    C : (M, K) array_like, optional
        Weights of the external input (W_ih elsewhere); together with `s`.
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
    Canonical form, with a = `slope`: A = diag(a) W_hh, W1 = diag(1 - a), W2 = W_hh,
    h1 = diag(a) (b + C s), h2 = b + C s.

    References
    ----------
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML 2013 (leaky ReLU). K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into
    rectifiers", ICCV 2015 (PReLU).

    Examples
    --------
    >>> import rnndyn as rd
    >>> model = rd.LeakyReLURNN(W_hh=[[0.0, -1.0], [1.0, 0.0]], b=[0.5, 0.0], slope=[0.5, 0.0])
    >>> model
    LeakyReLURNN(n_states=2, n_units=2)
    >>> model.step([-2.0, 1.0])
    array([-0.25,  0.  ])
    """

    W_hh = Parameter(("M", "M"))
    b = Parameter(("M",))
    slope = Parameter((), ("M",))

    def __init__(
        self,
        W_hh: ArrayLike,
        b: ArrayLike,
        slope: ArrayLike,
        *,
        C: ArrayLike | None = None,
        s: ArrayLike | None = None,
    ) -> None:
        super().__init__(W_hh=W_hh, b=b, slope=slope, C=C, s=s)

    def _canonical_form(self) -> CanonicalForm:
        n_states = self.b.size
        rectified = CanonicalForm(
            A=np.zeros((n_states, n_states)),
            W1=np.eye(n_states),
            W2=self.W_hh,
            h1=np.zeros(n_states),
            h2=self._with_input(self.b),
        )
        return with_negative_slope(rectified, self.slope)

    def _input_weights(self, C: FloatArray) -> tuple[FloatArray | None, FloatArray | None]:
        slopes = np.broadcast_to(self.slope, self.b.shape)
        return slopes[:, None] * C, C
